"""The settler's wish for more SOL in the hot treasury, one at a time."""

from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Refill:
    """An open request."""

    opened_at: datetime
    float_lamports: int
    balance_lamports: int
    """What the treasury held when that float was first asked for."""


def watch(db: Database, *, float_lamports: int, balance_lamports: int, now: datetime) -> None:
    """Open a request while the balance is below the float, close it when it is back.

    A float of 0 is never undercut, so whatever was asked for is closed.
    """
    if balance_lamports >= float_lamports:
        db.execute(sql("refill_requests/close"), {"now": now})
        return
    values = {"now": now, "float_lamports": float_lamports, "balance_lamports": balance_lamports}
    db.execute(sql("refill_requests/open"), values)


def read(db: Database) -> Refill | None:
    """Return the open request; None when there is none."""
    row = db.execute(sql("refill_requests/read")).fetchone()
    return None if row is None else Refill(**row)
