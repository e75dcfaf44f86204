"""The secrets of one machine: what is looked for wherever it has written something down."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import rsa

from pixr.adapters.keys import MasterSeed
from pixr.adapters.postgres import Database, drills
from pixr.domain.wallets import ESCROW_LABEL, derive_keypair, wallet_label
from pixr.local.machine import Machine
from pixr.ops.hygiene.needles import Secret

PRIVATE_HALF = 32


def secrets_of(machine: Machine, db: Database) -> Iterator[Secret]:
    """Yield its seeds and keys, and the key of every user who has a wallet by now."""
    master_seed = base64.b64decode(machine.home.master_seed())
    yield Secret(name="master seed", raw=master_seed)
    yield _private_key("treasury", bytes(machine.home.treasury()))
    yield Secret(name="key of receipts", raw=MasterSeed(master_seed).receipt_key())
    yield _private_key("escrow", bytes(derive_keypair(master_seed, ESCROW_LABEL)))
    for row in drills.wallets(db):
        keypair = derive_keypair(master_seed, wallet_label(row["user_id"]))
        yield _private_key(f"wallet of {row['user_id']}", bytes(keypair))
    yield from _numbers(machine.issuer.key)


def token_of(name: str, token: str) -> Secret:
    """What makes a token one: its signature; its claims are nobody's secret."""
    return Secret(name=f"token of {name}", raw=token.rpartition(".")[2].encode(), is_text=True)


def _private_key(name: str, pair: bytes) -> Secret:
    return Secret(name=name, raw=pair[:PRIVATE_HALF], public=pair[PRIVATE_HALF:])


def _numbers(key: rsa.RSAPrivateKey) -> Iterator[Secret]:
    """The parts of the issuer's key that nobody may know."""
    private = key.private_numbers()
    for name, number in (("d", private.d), ("p", private.p), ("q", private.q)):
        raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
        yield Secret(name=f"issuer's key, {name}", raw=raw)
