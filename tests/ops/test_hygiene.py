"""Goal: a secret is found wherever it lies and however it is written, and nothing else is.

Method: each is planted in each form in each kind of place; a search that finds nothing because it
looks wrongly would pass every demo.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair

from pixr.adapters.postgres import Database
from pixr.local.home import Home, held_home
from pixr.ops.hygiene import capture, search
from pixr.ops.hygiene.needles import Secret, forms
from pixr.ops.hygiene.search import Place, Searcher

KEY = bytes(Keypair())
SEED = Secret(name="wallet of alice", raw=KEY[:32], public=KEY[32:])
TOTP = Secret(name="TOTP secret of alice", raw=secrets.token_bytes(20))
TOKEN = Secret(
    name="token of alice", raw=base64.urlsafe_b64encode(secrets.token_bytes(64)), is_text=True
)
CODE = Secret(name="recovery code of alice", raw=b"ABCD-EFGH-2345-WXYZ", is_text=True)
ALL = [SEED, TOTP, TOKEN, CODE]

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "hex": lambda raw: raw.hex().encode(),
    "HEX": lambda raw: raw.hex().upper().encode(),
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base64 behind one byte": lambda raw: base64.b64encode(b"x" + raw),
    "base64 behind two bytes": lambda raw: base64.b64encode(b"xy" + raw),
    "base64 of the key pair": lambda raw: base64.b64encode(raw + KEY[32:]),
    "base32": base64.b32encode,
    "base32 behind a byte": lambda raw: base64.b32encode(b"x" + raw),
    "first half in base32": lambda raw: base64.b32encode(raw[:16]),
    "as Python prints it": lambda raw: repr(raw).encode(),
    "as text in JSON": lambda raw: json.dumps(raw.decode("latin-1")).encode(),
    "as a list": lambda raw: json.dumps(list(raw)).encode(),
    "as a short list": lambda raw: json.dumps(list(raw), separators=(",", ":")).encode(),
    "first half": lambda raw: raw[: len(raw) // 2],
    "last half in hex": lambda raw: raw[-16:].hex().encode(),
}


def names(searcher: Searcher, content: bytes | Path, homes: tuple[str, ...] = ()) -> set[str]:
    place = Place(name="here", content=content, homes=homes)
    return {leak.secret for leak in searcher.look([place])}


@pytest.mark.parametrize("way", WAYS)
def test_a_key_is_found_however_it_is_written(way: str) -> None:
    text = b'{"level": "INFO", "key": "' + WAYS[way](SEED.raw) + b'"}'
    assert names(Searcher(ALL), text) == {SEED.name}


def test_quotes_elsewhere_in_what_python_prints_hide_nothing() -> None:
    secret = Secret(name="s", raw=b"it's sixteen, no")
    for text in (secret.raw, b'"' + secret.raw, secret.raw + b'"'):
        for printed in (repr(text), repr(bytearray(text))):
            assert names(Searcher([secret]), b"x = " + printed.encode()) == {"s"}, printed


def test_a_wallet_as_wallets_export_it_is_found() -> None:
    exported = str(Keypair.from_bytes(KEY)).encode()
    assert names(Searcher(ALL), exported) == {SEED.name}


@pytest.mark.parametrize("secret", [TOKEN, CODE], ids=lambda secret: secret.name)
@pytest.mark.parametrize("way", ["raw", "hex", "base64", "base64 behind one byte"])
def test_a_text_is_found_however_it_is_written(secret: Secret, way: str) -> None:
    assert names(Searcher(ALL), b"--" + WAYS[way](secret.raw) + b"--") == {secret.name}


def test_a_totp_secret_is_found_as_an_app_is_told_it() -> None:
    uri = b"otpauth://totp/Pixr:alice?secret=" + base64.b32encode(TOTP.raw) + b"&issuer=Pixr"
    assert names(Searcher(ALL), uri) == {TOTP.name}


def test_what_everybody_may_see_is_no_leak() -> None:
    public = Keypair.from_bytes(KEY).pubkey()
    text = f"{public} {bytes(public).hex()} {base64.b64encode(bytes(public)).decode()}".encode()
    assert names(Searcher(ALL), text) == set()


@given(st.binary(min_size=20, max_size=80), st.binary(max_size=10), st.binary(max_size=10))
def test_whatever_stands_around_it_a_secret_is_found_in_base64(
    raw: bytes, before: bytes, behind: bytes
) -> None:
    searcher = Searcher([Secret(name="s", raw=raw)])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert names(searcher, encode(before + raw + behind)) == {"s"}


def test_a_secret_across_two_pieces_of_a_large_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CHUNK_BYTES", 1_000)
    for start in (980, 999, 1_990, 2_500):
        file = tmp_path / f"{start}.log"
        file.write_bytes(b"." * start + SEED.raw.hex().encode() + b"." * 100)
        assert names(Searcher(ALL), file) == {SEED.name}, start


def test_a_file_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    assert names(Searcher(ALL), tmp_path / "gone") == set()


def test_a_secret_is_allowed_at_home_and_nowhere_else() -> None:
    searcher = Searcher(ALL)
    assert names(searcher, SEED.raw, homes=("wallet of",)) == set()
    assert searcher.at_home == {SEED.name}
    assert names(searcher, SEED.raw, homes=("master seed",)) == {SEED.name}


def test_no_form_is_so_short_that_it_is_met_by_chance() -> None:
    assert all(len(pattern) >= 16 for secret in ALL for _, pattern in forms(secret))


def test_every_table_is_read(db: Database) -> None:
    db.execute("CREATE TABLE planted (a bytea, b text, c jsonb)")
    db.execute(
        "INSERT INTO planted VALUES (%s, %s, %s)",
        (SEED.raw, TOKEN.raw.decode(), json.dumps({"code": CODE.raw.decode()})),
    )
    found = {leak.secret for leak in Searcher(ALL).look(capture.database(db))}
    assert found == {SEED.name, TOKEN.name, CODE.name}


@pytest.mark.parametrize("kind", ["string", "hash", "list", "set", "zset", "stream", "name"])
def test_every_kind_of_key_in_valkey_is_read(redis_url: str, kind: str) -> None:
    secret = SEED.raw
    with redis.Redis.from_url(redis_url) as client:
        match kind:
            case "string":
                client.set("k", secret)
            case "hash":
                client.hset("k", "field", secret)
            case "list":
                client.rpush("k", secret)
            case "set":
                client.sadd("k", secret)
            case "zset":
                client.zadd("k", {secret: 1})
            case "stream":
                client.xadd("k", {"event": secret})
            case _:
                client.set(secret, "v")
    assert {leak.secret for leak in Searcher(ALL).look(capture.valkey(redis_url))} == {SEED.name}


def test_every_file_of_a_machine_is_read_but_for_its_keys(tmp_path: Path) -> None:
    with held_home(tmp_path / "machine") as home:
        plant(home, "logs/api.log")
        plant(home, "postgres/base/5/1234")
        plant(home, "aws/state/lambda.json")
        plant(home, "secrets/master-seed")
        plant(home, "aws/state/secretsmanager.json")
        leaks = Searcher([*ALL, Secret(name="master seed", raw=b"m" * 64)]).look(
            capture.folder_of(home)
        )
    assert {leak.place for leak in leaks} == {
        "logs/api.log",
        "postgres/base/5/1234",
        "aws/state/lambda.json",
        # Home of the master seed; not of a wallet.
        "aws/state/secretsmanager.json",
    }


def plant(home: Home, name: str) -> None:
    path = home.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"m" * 64 + SEED.raw)
