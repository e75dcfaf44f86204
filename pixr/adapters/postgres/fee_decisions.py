"""Why a minute was a payday or was not: each decision with everything it was made from."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.types.json import Jsonb

from pixr.adapters.postgres import Database, Row, sql
from pixr.domain import fees
from pixr.domain.fees import FeeDecision, FeeInputs

KEPT: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision as it was written down."""

    decided_at: datetime
    policy: int
    """``fees.POLICY`` of the code that decided."""
    inputs: FeeInputs
    decision: FeeDecision


def record(
    db: Database,
    inputs: FeeInputs,
    decision: FeeDecision,
    *,
    transactions: int,
    fee_lamports_max: int,
    now: datetime,
) -> None:
    """Write down what was decided; forget what is older than ``KEPT``.

    Args:
        db: The database.
        inputs: Everything that it depended on.
        decision: What came out.
        transactions: How many were planned because of it.
        fee_lamports_max: The most that their fees may be, together.
        now: When it was decided.
    """
    db.execute(
        sql("fee_decisions/insert"),
        {
            "now": now,
            "policy": fees.POLICY,
            "inputs": Jsonb(asdict(inputs)),
            **asdict(decision),
            "transactions": transactions,
            "fee_lamports_max": fee_lamports_max,
        },
    )
    db.execute(sql("fee_decisions/forget"), {"before": now - KEPT})


def list_between(db: Database, since: datetime, until: datetime) -> Iterator[Recorded]:
    """Decisions of the half-open time from ``since`` to ``until``, oldest first."""
    rows = db.execute(sql("fee_decisions/list"), {"since": since, "until": until})
    return map(_recorded, rows)


def arrivals(db: Database, since: datetime, until: datetime) -> list[datetime]:
    """When each payout that may wait was made, from ``since`` to ``until``, ascending."""
    rows = db.execute(sql("fee_decisions/arrivals"), {"since": since, "until": until})
    return [row["created_at"] for row in rows]


def _recorded(row: Row) -> Recorded:
    inputs = dict(row["inputs"])
    inputs["recent_prices"] = tuple(inputs["recent_prices"])
    return Recorded(
        decided_at=row["decided_at"],
        policy=row["policy"],
        inputs=FeeInputs(**inputs),
        decision=FeeDecision(
            is_payday=row["is_payday"],
            reason=row["reason"],
            payouts_now=row["payouts_now"],
            bid_percent=row["bid_percent"],
            bid_price=row["bid_price"],
        ),
    )
