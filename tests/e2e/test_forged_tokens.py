"""Tokens that were made by somebody else, for somebody else, or for another time: none opens.

Method: each against a route that reads and one that moves money; nothing is written.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from solders.keypair import Keypair

from pixr.local.issuer import AUDIENCE, key_id, public_jwk
from tests.e2e.conftest import ALL_SCOPES, World
from tests.e2e.test_bad_input import problem

Claims = dict[str, Any]
Forge = Callable[[World], str]
MINE = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def claims_of(world: World, **changed: Any) -> Claims:
    now_s = int(time.time())
    claims: Claims = {
        "iss": world.machine.issuer.url,
        "sub": "forger",
        "aud": AUDIENCE,
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + 600,
        "scope": ALL_SCOPES,
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def header_of(world: World, **changed: Any) -> dict[str, Any]:
    return {"alg": "RS256", "typ": "at+jwt", "kid": key_id(world.machine.issuer.key), **changed}


def signed(world: World, *, key: Any = None, header: Any = None, **changed: Any) -> str:
    return jwt.encode(
        claims_of(world, **changed),
        key or world.machine.issuer.key,
        algorithm="RS256",
        headers={"kid": key_id(world.machine.issuer.key), **(header or {})},
    )


def unsigned(world: World, alg: str) -> str:
    return f"{encoded(header_of(world, alg=alg))}.{encoded(claims_of(world))}."


def confused(world: World, secret: bytes) -> str:
    """HS256, with what everybody knows as the secret."""
    text = f"{encoded(header_of(world, alg='HS256'))}.{encoded(claims_of(world))}"
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(text.encode())
    return f"{text}.{base64.urlsafe_b64encode(mac.finalize()).rstrip(b'=').decode()}"


def pem(world: World) -> bytes:
    return world.machine.issuer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


FORGED: dict[str, Forge] = {
    "alg none": lambda world: unsigned(world, "none"),
    "alg None": lambda world: unsigned(world, "None"),
    "alg empty": lambda world: unsigned(world, ""),
    "HS256 with the public key as PEM": lambda world: confused(world, pem(world)),
    "HS256 with the public key as JWK": lambda world: confused(
        world, json.dumps(public_jwk(world.machine.issuer.key)).encode()
    ),
    "HS256 with an empty secret": lambda world: confused(world, b""),
    "another key under our kid": lambda world: signed(world, key=MINE),
    "another key under its own kid": lambda world: signed(
        world, key=MINE, header={"kid": key_id(MINE)}
    ),
    "another key that it brings along": lambda world: signed(
        world, key=MINE, header={"jwk": public_jwk(MINE), "kid": key_id(MINE)}
    ),
    "another key that it says where to find": lambda world: signed(
        world, key=MINE, header={"jku": "http://127.0.0.1:1/keys", "kid": key_id(MINE)}
    ),
    "a kid that is a path": lambda world: signed(world, key=MINE, header={"kid": "../../dev/null"}),
    "a kid that is nobody's": lambda world: signed(world, header={"kid": "nobody"}),
    "another audience": lambda world: signed(world, aud="another"),
    "no audience": lambda world: signed(world, aud=None),
    "another issuer": lambda world: signed(world, iss="https://issuer.example"),
    "expired": lambda world: signed(world, exp=int(time.time()) - 120),
    "not yet": lambda world: signed(world, nbf=int(time.time()) + 3_600),
    "made in the future": lambda world: signed(world, iat=int(time.time()) + 3_600, nbf=None),
    "its signature cut off": lambda world: signed(world).rpartition(".")[0] + ".",
    "a bit of its signature": lambda world: signed(world)[:-40],
    "its claims changed": lambda world: ".".join(
        [
            (parts := signed(world).split("."))[0],
            encoded(claims_of(world, sub="alice")),
            parts[2],
        ]
    ),
    "twice": lambda world: f"{signed(world)},{signed(world)}",
    "no subject": lambda world: signed(world, sub=None),
    "an empty subject": lambda world: signed(world, sub=""),
    "a subject of 129 characters": lambda world: signed(world, sub="a" * 129),
    "a control character": lambda world: signed(world, sub="alice\n"),
    "a zero byte": lambda world: signed(world, sub="ali\x00ce"),
}


def untouched(world: World) -> bool:
    row = world.db.execute(
        "SELECT (SELECT count(*) FROM user_wallets WHERE user_id LIKE '%forger%'"
        " OR length(user_id) > 120 OR user_id LIKE 'ali_ce%')"
        " + (SELECT count(*) FROM payouts WHERE user_id LIKE '%forger%')"
        " + (SELECT count(*) FROM audit_log WHERE actor LIKE '%forger%') AS n"
    ).fetchone()
    assert row is not None
    return bool(row["n"] == 0)


def refusals(world: World, headers: dict[str, str]) -> list[httpx.Response]:
    body = {"amount": "0.01", "destination": str(Keypair().pubkey())}
    return [
        world.http.get("/wallet", headers=headers),
        world.http.post("/withdraw", json=body, headers=headers | {"idempotency-key": "forged"}),
    ]


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_token_opens_nothing(world: World, how: str) -> None:
    token = FORGED[how](world)
    for answer in refusals(world, {"authorization": f"Bearer {token}"}):
        assert problem(answer, 401)["code"] == "unauthenticated"
    assert untouched(world)


def test_the_same_token_unforged_does(world: World) -> None:
    token = signed(world, sub="honest")
    headers = {"authorization": f"Bearer {token}"}
    assert world.http.get("/wallet", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic YWxpY2U6cGFzc3dvcmQ="},
        {"authorization": ""},
        {"x-forwarded-user": "alice"},
        {"x-amzn-oidc-identity": "alice"},
    ],
    ids=str,
)
def test_what_is_no_bearer_token_opens_nothing(world: World, headers: dict[str, str]) -> None:
    for answer in refusals(world, headers):
        problem(answer, 401)


def test_a_token_in_the_address_opens_nothing(world: World) -> None:
    problem(world.http.get(f"/wallet?access_token={signed(world)}"), 401)


@pytest.mark.parametrize(
    "scope", ["", "wallet", "wallet:read:all", "WALLET:READ", "wallet:read,wallet:withdraw", None]
)
def test_a_scope_is_a_whole_word(world: World, scope: str | None) -> None:
    headers = {"authorization": f"Bearer {signed(world, scope=scope)}"}
    for answer in refusals(world, headers):
        assert problem(answer, 403)["code"] == "forbidden"
    assert untouched(world)


def test_an_old_token_moves_nothing(world: World) -> None:
    token = signed(world, sub="old", iat=int(time.time()) - 90_000, nbf=None)
    reads, moves = refusals(world, {"authorization": f"Bearer {token}"})
    assert reads.status_code == 200
    assert problem(moves, 401)["code"] == "token-too-old"


@pytest.mark.parametrize("sub", ["../bob", "..%2fbob", "bob/../alice", "a;b", "' OR 1=1 --"])
def test_a_user_id_that_looks_like_a_trick_is_a_user_of_its_own(world: World, sub: str) -> None:
    headers = {"authorization": f"Bearer {signed(world, sub=sub)}"}
    mine = world.http.get("/wallet", headers=headers)
    assert mine.status_code == 200
    assert mine.json()["user_id"] == sub
    others = {world.get("/wallet", sub=name).json()["address"] for name in ("bob", "alice")}
    assert mine.json()["address"] not in others


def test_a_header_of_six_megabytes_is_refused(world: World) -> None:
    headers = world.token("alice") | {"x-long": "x" * (6 * 1024 * 1024)}
    try:
        answer = world.http.get("/wallet", headers=headers)
    except httpx.TransportError:
        # Hung up on, before all of it was sent: as good.
        return
    assert answer.status_code in (400, 413, 431)


def test_a_body_of_six_megabytes_is_refused(world: World) -> None:
    headers = world.token("alice") | {"idempotency-key": "six"}
    body = '{"amount": "' + "1" * (6 * 1024 * 1024) + '"}'
    answer = world.http.post("/withdraw", content=body, headers=headers)
    assert problem(answer, 413)["code"] == "too-large"
