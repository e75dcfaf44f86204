"""Tokens of the local issuer, checked as API Gateway checks them."""

from __future__ import annotations

import stat
from pathlib import Path

import httpx
import jwt
import pytest

from pixr.local.errors import LocalError
from pixr.local.issuer import AUDIENCE, DISCOVERY_PATH, Issuer, load_or_make_key, running_issuer


def verify(issuer_url: str, token: str) -> dict[str, object]:
    """Discovery, key set, signature, audience, issuer, expiry: what the authorizer does."""
    discovery = httpx.get(issuer_url + DISCOVERY_PATH).json()
    assert discovery["issuer"] == issuer_url
    key = jwt.PyJWKClient(discovery["jwks_uri"]).get_signing_key_from_jwt(token)
    claims: dict[str, object] = jwt.decode(
        token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=issuer_url
    )
    return claims


def test_a_token_holds_against_the_keys_that_are_served(tmp_path: Path) -> None:
    with running_issuer(tmp_path / "secrets" / "key.pem") as issuer:
        claims = verify(issuer.url, issuer.mint("alice", "wallet:read wallet:withdraw", 60))
        assert claims["sub"] == "alice"
        assert claims["scope"] == "wallet:read wallet:withdraw"
        with pytest.raises(jwt.ExpiredSignatureError):
            verify(issuer.url, issuer.mint("alice", "", -1))


def test_the_key_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key.pem"
    with running_issuer(path) as issuer:
        token = issuer.mint("alice", "")
        port = int(issuer.url.rpartition(":")[2])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with running_issuer(path, port) as again:
        assert verify(again.url, token)["sub"] == "alice"


def test_a_token_of_another_key_does_not_hold(tmp_path: Path) -> None:
    with running_issuer(tmp_path / "key.pem") as issuer:
        forger = Issuer(url=issuer.url, key=load_or_make_key(tmp_path / "other.pem"))
        with pytest.raises(jwt.PyJWKClientError):
            verify(issuer.url, forger.mint("alice", "wallet:read"))


def test_a_file_that_is_no_key_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("not a key")
    with pytest.raises(LocalError, match=r"key\.pem is not a private key.*--fresh"):
        load_or_make_key(tmp_path / "key.pem")
