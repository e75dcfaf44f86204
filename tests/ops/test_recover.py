"""After any restore the chain says what was paid: nobody is paid twice, and everybody is paid."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from solders.keypair import Keypair

from pixr.adapters.postgres import batch_edges, batches, payouts
from tests.ops.conftest import Timeline
from tests.ops.timeline import DUE, SOL, go_on, recovered

pytestmark = pytest.mark.usefixtures("nothing_in_the_air")


def test_nothing_was_forgotten(day_one: Timeline) -> None:
    assert recovered(day_one) == {}
    go_on(day_one)


def test_what_was_earned_and_paid_since_is_not_paid_again(day_one: Timeline) -> None:
    backup = day_one.backup()
    day_one.earn("alice", 2_000, day="two")
    day_one.settler.tick()
    assert day_one.balance("alice") == 3 * DUE
    day_one.restore(backup)
    assert recovered(day_one) == {
        "rebuilt": 1,
        "created": 1,
        "lamports of lost accruals": 2 * DUE,
    }
    go_on(day_one)
    assert day_one.balance("alice") == day_one.settler.account("wallet:alice") == 3 * DUE
    assert day_one.settler.account("owed:alice") == 0
    assert recovered(day_one) == {}


def test_accruals_that_were_not_lost_are_claimed_by_what_paid_them(day_one: Timeline) -> None:
    """Views drained before the restore point, paid after it, with others that are lost."""
    day_one.earn("alice", 100, day="two")
    day_one.settler.tick()
    backup = day_one.backup()
    day_one.earn("alice", 900, day="three")
    day_one.settler.tick()
    assert day_one.balance("alice") == 2 * DUE
    day_one.restore(backup)
    assert day_one.settler.account("owed:alice") == DUE // 10
    counts = recovered(day_one)
    assert counts["lamports of lost accruals"] == DUE * 9 // 10
    day_one.earn("alice", 1_000, day="four")
    go_on(day_one)
    assert day_one.balance("alice") == 3 * DUE


def test_views_that_come_again_before_the_recovery_are_what_was_paid(day_one: Timeline) -> None:
    """Their producer delivers the lost day once more: then nothing is recovered on trust."""
    backup = day_one.backup()
    day_one.earn("alice", 1_000, day="two")
    day_one.settler.tick()
    day_one.restore(backup)
    day_one.earn("alice", 1_000, day="two")
    report = day_one.settler.tick()
    assert "paid for by the treasury" in str(report.paused)
    assert recovered(day_one) == {"rebuilt": 1, "created": 1}
    go_on(day_one)
    assert day_one.balance("alice") == 2 * DUE


def test_what_was_paid_and_claimed_again_with_more_is_not_paid_again(day_one: Timeline) -> None:
    """Nobody pauses after the restore, and the settler plans before it sees what is missing."""
    backup = day_one.backup()
    day_one.earn("alice", 1_000, day="two")
    day_one.settler.tick()
    day_one.restore(backup)
    day_one.earn("alice", 1_000, day="two")
    day_one.earn("alice", 1_000, day="three")
    report = day_one.settler.tick()
    assert "paid for by the treasury" in str(report.paused)
    # As a tick does whose nodes all lag behind the forgotten payment.
    now = datetime.now(UTC)
    assert payouts.claim_due(day_one.settler.db, uuid4(), limit=10, minimum_lamports=DUE, now=now)
    recovered(day_one)
    go_on(day_one)
    assert day_one.balance("alice") == 3 * DUE


def test_money_that_left_wallets_since_is_booked_with_what_came_in(day_one: Timeline) -> None:
    backup = day_one.backup()
    outside = str(Keypair().pubkey())
    day_one.settler.airdrop(day_one.address("alice"), SOL)
    day_one.observe("alice")
    day_one.withdraw("alice", outside, SOL + DUE)
    day_one.withdraw("carol", outside, SOL)
    day_one.settler.tick()
    assert day_one.settler.balance(outside) == 2 * SOL + DUE
    day_one.restore(backup)
    assert recovered(day_one) == {"rebuilt": 2, "created": 2, "deposits": 1}
    go_on(day_one)
    assert day_one.balance("alice") == day_one.settler.account("wallet:alice") == 0
    assert day_one.settler.balance(outside) == 2 * SOL + DUE


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_batch_that_was_open_is_adopted_when_it_landed(
    day_one: Timeline, *, is_signed: bool
) -> None:
    """The backup was made between planning, or signing, and landing."""
    day_one.earn("alice", 1_000, day="two")
    day_one.begin()
    backup = day_one.backup()
    day_one.settler.tick()
    assert day_one.balance("alice") == 2 * DUE
    day_one.restore(backup)
    if not is_signed:
        day_one.settler.db.execute("DELETE FROM transactions WHERE state = 'INFLIGHT'")
        day_one.settler.db.execute("UPDATE batches SET state = 'PLANNED' WHERE state = 'INFLIGHT'")
    assert recovered(day_one) == {"adopted": 1}
    go_on(day_one)
    assert day_one.balance("alice") == 2 * DUE
    assert day_one.states("transactions") == {"LANDED": 2}


def test_a_batch_that_did_not_land_is_dissolved_and_its_payouts_found_elsewhere(
    day_one: Timeline,
) -> None:
    """In the forgotten time it was dissolved, and its payouts travelled in other company."""
    day_one.earn("alice", 1_000, day="two")
    day_one.begin()
    backup = day_one.backup()
    day_one.settler.db.execute(
        "UPDATE transactions SET state = 'EXPIRED', closed_at = now() WHERE state = 'INFLIGHT'"
    )
    (row,) = day_one.rows("SELECT id FROM batches WHERE state = 'INFLIGHT'")
    day_one.settler.db.execute("UPDATE batches SET state = 'PLANNED' WHERE id = %s", (row["id"],))
    batch = batches.reread(day_one.settler.db, row["id"])
    now = day_one.rows("SELECT now() AS at")[0]["at"]
    assert batch_edges.dissolve(day_one.settler.db, batch, None, poison={}, now=now)
    day_one.earn("bob", 1_000, day="two")
    day_one.settler.tick()
    assert (day_one.balance("alice"), day_one.balance("bob")) == (2 * DUE, 2 * DUE)
    day_one.outlive()
    day_one.restore(backup)
    counts = recovered(day_one)
    assert counts["dissolved"] == counts["matched"] == 1
    go_on(day_one)
    assert (day_one.balance("alice"), day_one.balance("bob")) == (2 * DUE, 2 * DUE)


def test_what_was_promised_and_never_paid_is_paid_after_the_recovery(day_one: Timeline) -> None:
    day_one.earn("alice", 1_000, day="two")
    day_one.begin()
    backup = day_one.backup()
    day_one.outlive()
    day_one.restore(backup)
    assert recovered(day_one) == {"dissolved": 1}
    go_on(day_one)
    assert day_one.balance("alice") == 2 * DUE


def test_rent_that_came_home_since(day_one: Timeline) -> None:
    backup = day_one.backup()
    day_one.settler.terms = replace(day_one.settler.terms, receipt_retention=timedelta())
    day_one.earn("alice", 1_000, day="two")
    day_one.settler.tick()
    day_one.outlive()
    for _ in range(3):
        day_one.settler.tick()
    assert day_one.rows("SELECT id FROM batches WHERE receipt_state = 'LOCKED'") == []
    day_one.restore(backup)
    counts = recovered(day_one)
    assert counts["reclaims"] >= 1
    assert counts["rebuilt"] == 1
    assert day_one.settler.account("receipts") == 0
    go_on(day_one)
    assert day_one.balance("alice") == 2 * DUE
