"""A decision is kept with everything it was made from, and can be made again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from pixr.adapters.postgres import Database, fee_decisions
from pixr.domain import fees
from pixr.domain.fees import FeeDecision, FeeInputs, Reason
from tests.domain.test_fees import INPUTS

NOW = datetime(2030, 1, 1, tzinfo=UTC)
WAITING = FeeInputs(
    recent_prices=(1, 2, 3),
    trailing_p25=None,
    payouts_due=3,
    payees_full=16,
    oldest_age_s=70,
    deadline_s=600,
)


def record(
    db: Database, inputs: FeeInputs, *, now: datetime = NOW, decision: FeeDecision | None = None
) -> None:
    fee_decisions.record(
        db,
        inputs,
        decision or fees.decide(inputs),
        transactions=1,
        fee_lamports_max=10_000,
        now=now,
    )


def recorded(db: Database, *, now: datetime = NOW) -> list[fee_decisions.Recorded]:
    return list(fee_decisions.list_between(db, now - timedelta(days=60), now + timedelta(1)))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(inputs=INPUTS)
def test_every_decision_comes_back_whole_and_can_be_made_again(
    db: Database, inputs: FeeInputs
) -> None:
    db.execute("DELETE FROM fee_decisions")
    record(db, inputs)
    (found,) = recorded(db)
    assert found.inputs == inputs
    assert found.decision == fees.decide(found.inputs)
    assert (found.policy, found.decided_at) == (fees.POLICY, NOW)


def test_decisions_of_a_time_come_in_order(db: Database) -> None:
    for minute in (2, 0, 1):
        record(db, replace(WAITING, oldest_age_s=minute), now=NOW + timedelta(minutes=minute))
    found = fee_decisions.list_between(db, NOW, NOW + timedelta(minutes=2))
    assert [item.inputs.oldest_age_s for item in found] == [0, 1]


def test_a_month_is_kept_and_forgotten_in_bites(db: Database) -> None:
    for _ in range(1_001):
        record(db, WAITING, now=NOW - timedelta(days=31))
    record(db, WAITING, now=NOW - timedelta(days=29))
    record(db, WAITING)
    assert len(recorded(db)) == 3, "one old row is left"
    record(db, WAITING)
    assert min(item.decided_at for item in recorded(db)) == NOW - timedelta(days=29)


@pytest.mark.parametrize(
    "lie",
    [
        {"reason": "wait"},
        {"is_payday": False},
        {"payouts_now": 0},
        {"payouts_now": -1},
        {"bid_percent": 60},
        {"bid_price": -1},
        {"reason": "bored"},
    ],
)
def test_a_decision_that_contradicts_itself_is_refused(db: Database, lie: dict[str, Any]) -> None:
    decision = replace(fees.decide(WAITING), **lie)
    assert fees.decide(WAITING).reason == "cheap"
    with pytest.raises(psycopg.errors.CheckViolation):
        record(db, WAITING, decision=decision)


def test_the_table_knows_every_reason(db: Database) -> None:
    for reason in get_args(Reason):
        payouts_now = 0 if reason in ("wait", "nothing") else 1
        record(
            db,
            WAITING,
            decision=FeeDecision(
                is_payday=payouts_now > 0,
                reason=reason,
                payouts_now=payouts_now,
                bid_percent=50,
                bid_price=0,
            ),
        )
    assert len(recorded(db)) == 5
