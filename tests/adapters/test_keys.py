"""Goal: keys do their work and never show themselves, not even when something goes wrong."""

import base64
import copy
import pickle
from collections.abc import Callable, Iterator

import boto3
import pytest
from moto import mock_aws
from solders.keypair import Keypair
from solders.signature import Signature

from pixr.adapters.keys import KeysUnreachable, MasterSeed, Signer, load_master_seed, load_treasury
from tests.vectors import MASTER_SEED, WALLETS

SEED = MASTER_SEED
Put = Callable[[str], str]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Store a secret's text and return its ARN, in a region that is not the default one."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="eu-west-1")

        def store(text: str) -> str:
            return client.create_secret(Name="key", SecretString=text)["ARN"]

        yield store


def test_the_seed_comes_from_its_arn_and_derives_the_published_address(put: Put) -> None:
    seed = load_master_seed(put(base64.b64encode(SEED).decode()))
    assert seed.wallet("alice").address == WALLETS["alice"]
    assert seed.escrow().address != seed.wallet("pixr/escrow/v1").address


def test_the_treasury_signs(put: Put) -> None:
    keypair = Keypair.from_seed(bytes(32))
    signer = load_treasury(put(base64.b64encode(bytes(keypair)).decode()))
    assert signer.address == str(keypair.pubkey())
    signature = signer.sign(b"message")
    assert isinstance(signature, Signature)
    assert signature.verify(keypair.pubkey(), b"message")


@pytest.mark.parametrize("text", ["", "not base64!", base64.b64encode(SEED[:63]).decode(), "QQ=="])
def test_a_secret_that_is_no_key_is_refused_without_showing_it(put: Put, text: str) -> None:
    arn = put(text or " ")
    for load in (load_master_seed, load_treasury):
        for where in (arn, text):
            with pytest.raises(KeysUnreachable) as caught:
                load(where)
            assert caught.value.__cause__ is caught.value.__context__ is None
            assert not text or text not in str(caught.value)


def test_halves_of_two_key_pairs_are_refused(put: Put) -> None:
    mixed = bytes(Keypair.from_seed(bytes(32)))[:32] + bytes(Keypair().pubkey())
    with pytest.raises(KeysUnreachable):
        load_treasury(put(base64.b64encode(mixed).decode()))


def test_a_missing_secret_is_an_outage_named_by_its_arn(put: Put) -> None:
    put("x")
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:nowhere"
    with pytest.raises(KeysUnreachable, match="nowhere: ResourceNotFoundException"):
        load_master_seed(arn)


def test_an_absent_secrets_manager_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with pytest.raises(KeysUnreachable, match="EndpointConnectionError"):
        load_master_seed("arn:aws:secretsmanager:us-east-1:123456789012:secret:x")


@pytest.mark.parametrize("holder", [MasterSeed(SEED), Signer(Keypair.from_seed(bytes(32)))])
def test_nothing_that_holds_a_key_shows_it(holder: MasterSeed | Signer) -> None:
    assert repr(holder) == str(holder) == f"<{type(holder).__name__}>"
    assert f"{holder}" == f"<{type(holder).__name__}>"
    with pytest.raises(TypeError):
        pickle.dumps(holder)
    with pytest.raises(TypeError):
        copy.copy(holder)
    assert not hasattr(holder, "__dict__")
