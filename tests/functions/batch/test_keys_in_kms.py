"""A settler whose keys are in KMS pays as any other, and waits while KMS refuses."""

from uuid import uuid4

import boto3
import pytest
from solders.keypair import Keypair

from functions.batch.keyring import Keyring
from pixr.adapters.keys import load_master_seed, load_treasury
from pixr.adapters.postgres.house import AddressChanged
from tests.cloud import point_boto3_at
from tests.functions.batch.conftest import Settler, request_withdrawals
from tests.kms import import_master_seed, import_treasury

SOL = 10**9


@pytest.fixture
def arns(settler: Settler, cloud: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Gives the settler other keys, both in KMS; returns those of the seed and the treasury."""
    point_boto3_at(monkeypatch, cloud)
    seed, treasury = import_master_seed(uuid4().bytes * 4), import_treasury(Keypair())
    settler.keyring = Keyring(seed=load_master_seed(seed), treasury=load_treasury(treasury))
    settler.airdrop(settler.keyring.treasury.address, 100 * SOL)
    return seed, treasury


def states(settler: Settler) -> list[str]:
    rows = settler.db.execute("SELECT state FROM batches WHERE kind <> 'reclaim' ORDER BY id")
    return sorted(row["state"] for row in rows)


def test_creators_are_paid_and_users_withdraw(settler: Settler, arns: tuple[str, str]) -> None:
    creator, alice = settler.user("creator"), settler.user("alice")
    settler.content("film", "creator")
    settler.watch("film", 1_000)
    (outside,) = request_withdrawals(settler, "alice", alice, SOL)
    settler.tick()
    assert settler.balance(creator) == 19_000_000
    assert settler.balance(outside) == SOL
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)


@pytest.mark.parametrize("which", [0, 1], ids=["seed", "treasury"])
def test_while_kms_refuses_nothing_leaves_and_the_tick_says_why(
    settler: Settler, arns: tuple[str, str], which: int
) -> None:
    (outside,) = request_withdrawals(settler, "alice", settler.user("alice"), SOL)
    kms = boto3.client("kms")
    kms.disable_key(KeyId=arns[which])
    report = settler.tick(seconds=5)
    assert report.outage == f"the key store: {arns[which]}: DisabledException"
    assert (report.batches_sent, report.broken) == (0, {})
    # Planned without asking KMS: a database transaction was open.
    assert states(settler) == ["PLANNED"]
    kms.enable_key(KeyId=arns[which])
    assert settler.tick().outage is None
    assert settler.balance(outside) == SOL


def test_another_key_than_the_one_that_was_pinned_signs_nothing(
    settler: Settler, arns: tuple[str, str]
) -> None:
    (outside,) = request_withdrawals(settler, "alice", settler.user("alice"), SOL)
    settler.keyring = Keyring(
        seed=load_master_seed(import_master_seed(bytes(64))), treasury=settler.keyring.treasury
    )
    with pytest.raises(AddressChanged):
        settler.tick(seconds=5)
    assert settler.balance(outside) == 0
    assert states(settler) == []
