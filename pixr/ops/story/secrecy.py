"""Whatever was written down on the way is searched for every key, seed, code and token."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import chain

from cryptography.hazmat.primitives.asymmetric import rsa

from pixr.adapters.keys import MasterSeed
from pixr.adapters.postgres import Database, connect, drills
from pixr.domain.wallets import ESCROW_LABEL, derive_keypair, wallet_label
from pixr.local import aws
from pixr.ops.hygiene import capture
from pixr.ops.hygiene.needles import Secret
from pixr.ops.hygiene.search import Place, Searcher
from pixr.ops.story.client import StoryFailed
from pixr.ops.story.stage import Stage

PRIVATE_HALF = 32
MEGABYTE = 10**6
SHOWN_ONCE = ("/2fa/enroll", "/2fa/confirm", "/2fa/recovery-codes")
AT_HOME_IN_THEM = ("TOTP secret", "recovery code")
LEAKS_TOLD = 10


def search(stage: Stage) -> None:
    """Search logs, answers, database, Valkey, the emulator and every file of the machine."""
    stage.screen.act("No key, seed, code or token lies anywhere but at home")
    machine = stage.machine
    emulator = aws.Aws(endpoint=machine.description.aws_endpoint, pid=machine.servers["AWS"].pid)
    with (
        stage.screen.waiting("searching all that was written down"),
        connect(machine.description.database_url) as db,
    ):
        capture.save_emulator(emulator, machine.home)
        secrets = [*_secrets(stage, db), *stage.secrets]
        searcher = Searcher(secrets)
        leaks = searcher.look(
            chain(
                capture.folder_of(machine.home),
                capture.database(db),
                capture.valkey(machine.description.redis_url),
                _answers(stage),
            )
        )
    if not {"master seed", "treasury"} <= searcher.at_home:
        raise StoryFailed("the search did not even find the keys that Secrets Manager keeps")
    if leaks:
        told = "; ".join(map(str, leaks[:LEAKS_TOLD]))
        raise StoryFailed(f"{len(leaks)} times a secret lies where it must not: {told}")
    stage.screen.fact(
        f"{len(secrets)} secrets, none in {searcher.bytes_read / MEGABYTE:,.0f} MB of logs,"
        " answers, files and dumps, whole or in part, in any form"
    )


def _secrets(stage: Stage, db: Database) -> Iterator[Secret]:
    home = stage.machine.home
    master_seed = base64.b64decode(home.master_seed())
    treasury = bytes(home.treasury())
    yield Secret(name="master seed", raw=master_seed)
    yield _private_key("treasury", treasury)
    yield Secret(name="key of receipts", raw=MasterSeed(master_seed).receipt_key())
    yield _private_key("escrow", bytes(derive_keypair(master_seed, ESCROW_LABEL)))
    for row in drills.wallets(db):
        keypair = derive_keypair(master_seed, wallet_label(row["user_id"]))
        yield _private_key(f"wallet of {row['user_id']}", bytes(keypair))
    yield from _numbers(stage.machine.issuer.key)
    for person in stage.people:
        signature = person.token.rpartition(".")[2]
        yield Secret(name=f"token of {person.name}", raw=signature.encode(), is_text=True)


def _private_key(name: str, pair: bytes) -> Secret:
    return Secret(name=name, raw=pair[:PRIVATE_HALF], public=pair[PRIVATE_HALF:])


def _numbers(key: rsa.RSAPrivateKey) -> Iterator[Secret]:
    """The parts of the issuer's key that nobody may know."""
    private = key.private_numbers()
    for name, number in (("d", private.d), ("p", private.p), ("q", private.q)):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        yield Secret(name=f"issuer's key, {name}", raw=raw)


def _answers(stage: Stage) -> Iterator[Place]:
    """What people were told, and what this screen has shown."""
    for person in stage.people:
        for path, text in person.heard:
            homes = AT_HOME_IN_THEM if path.endswith(SHOWN_ONCE) else ()
            yield Place(name=f"an answer of {path} to {person.name}", content=text, homes=homes)
    shown = stage.screen.console.export_text(clear=False)
    yield Place(name="what the demo has printed", content=shown.encode())
