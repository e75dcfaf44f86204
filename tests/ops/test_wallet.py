"""`pixr wallet derive`: addresses, and never what they are made of."""

import base64

import pytest
from typer.testing import CliRunner, Result

from pixr.ops.cli import app
from tests.vectors import MASTER_SEED, WALLETS

TEXT = base64.b64encode(MASTER_SEED).decode()
NOWHERE = "arn:aws:kms:us-east-1:111111111111:key/00000000-0000-0000-0000-000000000000"


@pytest.fixture(autouse=True)
def _nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MASTER_SEED", "MASTER_SEED_ARN", "STAGE"):
        monkeypatch.delenv(name, raising=False)


def derive(*users: str) -> Result:
    words = [word for user in users for word in ("--user-id", user)]
    return CliRunner().invoke(app, ["wallet", "derive", *words])


def test_it_prints_addresses_and_the_version_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MASTER_SEED", TEXT)
    monkeypatch.setenv("STAGE", "local")
    told = derive(*WALLETS)
    assert told.exit_code == 0, told.output
    assert told.output.splitlines() == [f"{address} v1" for address in WALLETS.values()]


def test_without_a_seed_it_says_how_to_name_one() -> None:
    told = derive("alice")
    assert told.exit_code == 2
    assert "Nothing names a master seed." in told.stderr


@pytest.mark.parametrize("stage", ["prod", None])
def test_a_seed_in_the_environment_is_for_one_machine(
    monkeypatch: pytest.MonkeyPatch, stage: str | None
) -> None:
    monkeypatch.setenv("MASTER_SEED", TEXT)
    if stage is not None:
        monkeypatch.setenv("STAGE", stage)
    told = derive("alice")
    assert told.exit_code == 2
    assert "MASTER_SEED in the environment is for STAGE=local only" in told.stderr
    assert TEXT not in told.output


def test_a_key_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("MASTER_SEED_ARN", NOWHERE)
    told = derive("alice")
    assert told.exit_code == 2
    assert f"{NOWHERE}: EndpointConnectionError" in told.stderr


@pytest.mark.parametrize("user", ["", "a" * 129, "a\nb"])
def test_what_is_no_user_has_no_address(monkeypatch: pytest.MonkeyPatch, user: str) -> None:
    monkeypatch.setenv("MASTER_SEED", TEXT)
    monkeypatch.setenv("STAGE", "local")
    told = derive("alice", user)
    assert told.exit_code == 2
    assert told.stdout == ""


def test_there_is_nothing_but_derive() -> None:
    told = CliRunner().invoke(app, ["wallet", "show", "--user-id", "alice"])
    assert told.exit_code == 2
    assert "There is no `pixr wallet show`." in told.stderr
