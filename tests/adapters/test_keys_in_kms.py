"""Goal: what KMS refuses is an outage that names the key, and no byte of a key is ever told.

The emulator checks no permission and tells no lie, so a door that answers as told plays both.
"""

import base64
import copy
import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from solders.keypair import Keypair

from pixr.adapters.keys import KeysUnreachable, KmsSeed, KmsSigner, load_master_seed, load_treasury
from pixr.domain.wallets import wallet_label
from tests.kms import import_master_seed, import_treasury, new_master_seed_key
from tests.vectors import MASTER_SEED

NOWHERE = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"
TREASURY = Keypair.from_seed(bytes(32))
PUBLIC_DER = (
    Ed25519PrivateKey.from_private_bytes(bytes(32))
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)


def new_key(spec: Any, usage: Any) -> str:
    made = boto3.client("kms").create_key(KeySpec=spec, KeyUsage=usage)
    return made["KeyMetadata"]["Arn"]


@contextmanager
def kms_that_says(
    monkeypatch: pytest.MonkeyPatch, status: int, answers: dict[str, dict[str, str]]
) -> Iterator[None]:
    """KMS as it is told to be: an answer for each operation."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            body = json.dumps(answers[operation]).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", f"http://127.0.0.1:{server.server_port}")
        try:
            yield
        finally:
            server.shutdown()


def text(value: bytes) -> str:
    return base64.b64encode(value).decode()


def test_a_key_that_is_not_there_is_named_with_the_code(cloud: str) -> None:
    with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: NotFoundException$"):
        load_master_seed(NOWHERE).wallet("alice")
    with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: NotFoundException$"):
        load_treasury(NOWHERE)


def test_a_key_without_its_material_derives_nothing(cloud: str) -> None:
    arn = new_master_seed_key()
    with pytest.raises(KeysUnreachable, match=f"^{arn}: KMSInvalidStateException$"):
        load_master_seed(arn).wallet("alice")


def test_a_key_that_was_disabled_neither_derives_nor_signs(cloud: str) -> None:
    arns = [import_master_seed(MASTER_SEED), import_treasury(TREASURY)]
    seed, treasury = load_master_seed(arns[0]), load_treasury(arns[1])
    for arn in arns:
        boto3.client("kms").disable_key(KeyId=arn)
    with pytest.raises(KeysUnreachable, match=f"^{arns[0]}: DisabledException$"):
        seed.wallet("alice")
    with pytest.raises(KeysUnreachable, match=f"^{arns[1]}: DisabledException$"):
        treasury.sign(b"message")
    for arn in arns:
        boto3.client("kms").enable_key(KeyId=arn)
    assert seed.wallet("alice").address
    assert treasury.sign(b"message") == TREASURY.sign_message(b"message")


def test_a_key_of_another_kind_is_refused(cloud: str) -> None:
    for spec in ("HMAC_256", "HMAC_384"):
        arn = new_key(spec, "GENERATE_VERIFY_MAC")
        with pytest.raises(KeysUnreachable, match=f"^{arn}: InvalidKeyUsageException$"):
            load_master_seed(arn).wallet("alice")
    arn = new_key("ECC_NIST_P256", "SIGN_VERIFY")
    with pytest.raises(KeysUnreachable, match=f"^{arn}: its key spec is ECC_NIST_P256, not ECC_N"):
        load_treasury(arn)
    arn = new_key("HMAC_512", "GENERATE_VERIFY_MAC")
    with pytest.raises(KeysUnreachable, match=f"^{arn}: InvalidKeyUsageException$"):
        load_treasury(arn)


def test_kms_that_is_away_is_an_outage(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:1")
    with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: EndpointConnectionError$"):
        load_master_seed(NOWHERE).wallet("alice")
    with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: EndpointConnectionError$"):
        load_treasury(NOWHERE)


def test_whoever_may_not_use_a_key_is_told_so(cloud: str, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = {"__type": "AccessDeniedException", "message": "not authorized: kms:GenerateMac"}
    with kms_that_says(monkeypatch, 400, {"GenerateMac": denied, "GetPublicKey": denied}):
        with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: AccessDeniedException$"):
            load_master_seed(NOWHERE).wallet("alice")
        with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: AccessDeniedException$"):
            load_treasury(NOWHERE)


@pytest.mark.parametrize(
    "signature",
    [
        bytes(64),
        bytes(TREASURY.sign_message(b"another message")),
        bytes(Keypair.from_seed(b"x" * 32).sign_message(b"message")),
        bytes(TREASURY.sign_message(b"message"))[:63],
    ],
    ids=["zeros", "of another message", "of another key", "cut"],
)
def test_a_signature_that_does_not_verify_is_not_used(
    cloud: str, monkeypatch: pytest.MonkeyPatch, signature: bytes
) -> None:
    answers = {
        "GetPublicKey": {"KeySpec": "ECC_NIST_EDWARDS25519", "PublicKey": text(PUBLIC_DER)},
        "Sign": {"Signature": text(signature)},
    }
    with kms_that_says(monkeypatch, 200, answers):
        treasury = load_treasury(NOWHERE)
        assert treasury.address == str(TREASURY.pubkey())
        with pytest.raises(KeysUnreachable, match=f"^{NOWHERE}: its signature does not verify$"):
            treasury.sign(b"message")


@pytest.mark.parametrize(
    "der",
    [PUBLIC_DER[:-1], PUBLIC_DER + b"\0", b"\x31" + PUBLIC_DER[1:]],
    ids=["short", "long", "other"],
)
def test_a_public_key_of_another_form_is_refused(
    cloud: str, monkeypatch: pytest.MonkeyPatch, der: bytes
) -> None:
    answers = {"GetPublicKey": {"KeySpec": "ECC_NIST_EDWARDS25519", "PublicKey": text(der)}}
    with (
        kms_that_says(monkeypatch, 200, answers),
        pytest.raises(KeysUnreachable, match="its public key is not one of Ed25519"),
    ):
        load_treasury(NOWHERE)


def test_a_mac_of_another_length_derives_nothing(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        kms_that_says(monkeypatch, 200, {"GenerateMac": {"Mac": text(b"k" * 63)}}),
        pytest.raises(KeysUnreachable, match="a MAC of 63 bytes, not 64") as caught,
    ):
        load_master_seed(NOWHERE).wallet("alice")
    told = "".join(traceback.format_exception(caught.value))
    assert text(b"k" * 63) not in told
    assert "k" * 63 not in told


def test_no_holder_of_a_key_shows_what_it_holds(cloud: str) -> None:
    holders: list[KmsSeed | KmsSigner] = [
        KmsSeed(import_master_seed(MASTER_SEED)),
        KmsSigner(import_treasury(TREASURY)),
    ]
    for holder in holders:
        assert repr(holder) == str(holder) == f"<{type(holder).__name__}>"
        with pytest.raises(TypeError):
            pickle.dumps(holder)
        with pytest.raises(TypeError):
            copy.copy(holder)
        assert not hasattr(holder, "__dict__")


def test_not_even_a_log_of_everything_has_a_key_in_it(
    cloud: str, caplog: pytest.LogCaptureFixture
) -> None:
    secret = boto3.client("secretsmanager").create_secret(
        Name="of-the-log", SecretString=text(MASTER_SEED)
    )
    in_kms = import_master_seed(MASTER_SEED)
    caplog.set_level(logging.DEBUG)
    wallet = load_master_seed(secret["ARN"]).wallet("alice")
    assert load_master_seed(in_kms).wallet("alice").address == wallet.address
    assert "GenerateMac" in caplog.text
    mac = boto3.client("kms").generate_mac(
        KeyId=in_kms, MacAlgorithm="HMAC_SHA_512", Message=wallet_label("alice").encode()
    )["Mac"]
    assert mac[:32] == bytes(wallet._keypair)[:32]
    for key in (MASTER_SEED, mac, mac[:32]):
        for form in (text(key).rstrip("=")[:-1], key.hex(), repr(key)[2:-1]):
            assert form not in caplog.text
