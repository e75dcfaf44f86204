"""Goal: who has lost phone and codes gets help, and the log says from whom and why."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from pixr.adapters.postgres import second_factors
from pixr.adapters.postgres.second_factors import Factor
from tests.ops.conftest import Pixr, Settler


def enroll(settler: Settler, user_id: str) -> None:
    now = datetime.now(UTC)
    factor = Factor(id=uuid4(), user_id=user_id, is_active=False, sealed=b"sealed", enrolled_at=now)
    second_factors.enroll(settler.db, factor, now=now)
    assert second_factors.activate(settler.db, factor, [bytes(32)], now=now)


def test_a_lost_factor_is_removed_and_withdrawals_freeze(settler: Settler, pixr: Pixr) -> None:
    enroll(settler, "alice")
    shown = pixr("factor", "--user-id", "alice")
    assert shown.exit_code == 0, shown.output
    assert "'alice' has a second factor; 1 recovery codes are left." in shown.output
    words = ("--remove", "--reason", "called back, passport seen", "--actor", "Eve")
    removed = pixr("factor", "--user-id", "alice", *words)
    assert removed.exit_code == 0, removed.output
    assert "has no second factor" in removed.output
    assert "Withdrawals are frozen until" in removed.output
    row = settler.db.execute(
        "SELECT actor, action, subject, detail->>'reason' AS reason FROM audit_log"
        " ORDER BY seq DESC LIMIT 1"
    ).fetchone()
    assert row == {
        "actor": "Eve",
        "action": "second-factor.removed",
        "subject": "alice",
        "reason": "called back, passport seen",
    }
    assert pixr("factor", "--user-id", "alice", *words).exit_code == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--user-id", "", "--remove", "--reason", "x"), "must have 1 to 128 characters"),
        (("--user-id", "a\nb"), "must not have control characters"),
        (("--user-id", "alice", "--remove"), "The reason has 0 characters"),
        (("--user-id", "alice", "--remove", "--reason", "x" * 1_001), "1001 characters"),
    ],
)
def test_it_needs_a_user_and_a_reason(pixr: Pixr, words: tuple[str, ...], says: str) -> None:
    result = pixr("factor", *words)
    assert result.exit_code == 2
    assert says in result.stderr
