"""Goal: wherever a key is kept, it derives and signs the same, byte for byte."""

import base64
from collections.abc import Callable
from uuid import uuid4

import boto3
import pytest
from solders.keypair import Keypair

from pixr.adapters.keys import (
    AnySeed,
    AnySigner,
    KmsSeed,
    KmsSigner,
    MasterSeed,
    Signer,
    load_master_seed,
    load_treasury,
)
from tests.kms import import_master_seed, import_treasury
from tests.vectors import ESCROW, MASTER_SEED, RECEIPT_KEY_HEX, WALLETS

TREASURY = Keypair.from_seed(bytes(32))
BACK_ENDS = ("environment", "secrets manager", "kms")


def text_of(key: bytes) -> str:
    return base64.b64encode(key).decode()


def secret_with(key: bytes) -> str:
    secrets = boto3.client("secretsmanager")
    return secrets.create_secret(Name=uuid4().hex, SecretString=text_of(key))["ARN"]


@pytest.fixture(params=BACK_ENDS)
def seed(request: pytest.FixtureRequest, cloud: str) -> AnySeed:
    """The published master seed, in each place where it may be kept."""
    keep: Callable[[bytes], str] = {
        "environment": text_of,
        "secrets manager": secret_with,
        "kms": import_master_seed,
    }[request.param]
    found = load_master_seed(keep(MASTER_SEED))
    assert isinstance(found, KmsSeed if request.param == "kms" else MasterSeed)
    return found


@pytest.fixture(params=[*BACK_ENDS, "kms alone"])
def treasury(request: pytest.FixtureRequest, cloud: str) -> AnySigner:
    """A key pair that we know in each place, and one that never was outside of KMS."""
    if request.param == "kms alone":
        made = boto3.client("kms").create_key(
            KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY"
        )
        return load_treasury(made["KeyMetadata"]["Arn"])
    where = {
        "environment": lambda: text_of(bytes(TREASURY)),
        "secrets manager": lambda: secret_with(bytes(TREASURY)),
        "kms": lambda: import_treasury(TREASURY),
    }[request.param]()
    found = load_treasury(where)
    assert isinstance(found, KmsSigner if request.param == "kms" else Signer)
    assert found.address == str(TREASURY.pubkey())
    assert found.sign(b"message") == TREASURY.sign_message(b"message")
    return found


def test_the_published_vectors_hold(seed: AnySeed) -> None:
    assert {user_id: seed.wallet(user_id).address for user_id in WALLETS} == WALLETS


def test_the_escrow_and_the_key_of_receipts_are_the_same(seed: AnySeed) -> None:
    assert seed.escrow().address == ESCROW
    assert seed.receipt_key().hex() == RECEIPT_KEY_HEX


def test_a_derived_wallet_signs_for_its_address(seed: AnySeed) -> None:
    wallet = seed.wallet("alice")
    public_key = Keypair.from_seed(bytes(wallet._keypair)[:32]).pubkey()
    assert str(public_key) == WALLETS["alice"]
    assert wallet.sign(b"message").verify(public_key, b"message")


@pytest.mark.parametrize("size", [1, 1_232, 4_096])
def test_a_treasury_signs_for_its_address(treasury: AnySigner, size: int) -> None:
    message = bytes(range(256)) * 16
    signature = treasury.sign(message[:size])
    from_address = type(TREASURY.pubkey()).from_string(treasury.address)
    assert signature.verify(from_address, message[:size])
