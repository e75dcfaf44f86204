"""Who hands out tokens on one machine: an OpenID Connect issuer.

It serves what API Gateway's JWT authorizer reads (the discovery document and the public keys) and
nothing else: tokens are made on the command line, from the key that only this user can read.
RS256, because the authorizer takes only RSA.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import json
import os
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pixr.local.errors import LocalError
from pixr.local.serving import serving

AUDIENCE = "pixr"
ALGORITHM = "RS256"
KEY_BITS = 2048
DISCOVERY_PATH = "/.well-known/openid-configuration"
KEYS_PATH = "/.well-known/jwks.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """The name and key that tokens are made with."""

    url: str
    key: rsa.RSAPrivateKey

    def mint(self, sub: str, scope: str, ttl_s: int = 3600, *, now_s: int | None = None) -> str:
        """Make an access token.

        Args:
            sub: The user.
            scope: Scopes with spaces between them; may be empty.
            ttl_s: Seconds it holds; a negative number makes one that is over.
            now_s: Seconds since 1970 at which it begins; the clock's when None.
        """
        begins_s = int(time.time()) if now_s is None else now_s
        claims = {
            "iss": self.url,
            "sub": sub,
            "aud": AUDIENCE,
            "iat": begins_s,
            "nbf": begins_s,
            "exp": begins_s + ttl_s,
            "jti": secrets.token_hex(16),
            "scope": scope,
        }
        return jwt.encode(
            claims,
            self.key,
            algorithm=ALGORITHM,
            headers={"kid": key_id(self.key), "typ": "at+jwt"},
        )


def public_jwk(key: rsa.RSAPrivateKey) -> dict[str, str]:
    """The public half as a JSON Web Key."""
    numbers = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": ALGORITHM,
        "kid": key_id(key),
        "n": _base64url_number(numbers.n),
        "e": _base64url_number(numbers.e),
    }


@functools.cache
def key_id(key: rsa.RSAPrivateKey) -> str:
    """The key's thumbprint (RFC 7638)."""
    numbers = key.public_key().public_numbers()
    members = {"e": _base64url_number(numbers.e), "kty": "RSA", "n": _base64url_number(numbers.n)}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return _base64url(hashlib.sha256(canonical).digest())


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _base64url_number(number: int) -> str:
    return _base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def load_or_make_key(path: Path) -> rsa.RSAPrivateKey:
    """The key in the file; made, readable by us only, when there is none.

    Raises:
        LocalError: The file holds something else.
    """
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_secret(path, pem)
        return key
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise LocalError(f"{path} is not a private key.", mend="Start with --fresh.") from error
    if not isinstance(loaded, rsa.RSAPrivateKey):
        raise LocalError(f"{path} is not an RSA key.", mend="Start with --fresh.")
    return loaded


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only we can read, at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)


def issuer_app(key: rsa.RSAPrivateKey) -> Starlette:
    """The two documents, at the address under which they are asked for."""

    def discovery(request: Request) -> Response:
        issuer = f"{request.url.scheme}://{request.url.netloc}"
        return JSONResponse(
            {
                "issuer": issuer,
                "jwks_uri": f"{issuer}{KEYS_PATH}",
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
            }
        )

    def keys(_request: Request) -> Response:
        return JSONResponse({"keys": [public_jwk(key)]})

    return Starlette(routes=[Route(DISCOVERY_PATH, discovery), Route(KEYS_PATH, keys)])


@contextlib.contextmanager
def running_issuer(key_file: Path, port: int | None = None) -> Iterator[Issuer]:
    """The issuer, serving; its key is made at first.

    Raises:
        LocalError: The port is taken or the key file is not a key.
    """
    key = load_or_make_key(key_file)
    with serving(issuer_app(key), name="the token issuer", port=port) as chosen:
        yield Issuer(url=f"http://127.0.0.1:{chosen}", key=key)
