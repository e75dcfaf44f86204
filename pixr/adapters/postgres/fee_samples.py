"""Prices of recent slots, kept for a day.

A node names the slots in which somebody bid; the others count as zero and are stored as such, so
that a quiet hour weighs as much as a busy one. Slots in which we landed ourselves are left out:
there the price is our own bid, and a policy that follows its own bids never comes down again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pixr.adapters.postgres import Database, sql
from pixr.domain import fees

KEPT: Final = timedelta(hours=24)

SLOTS_OF_OTHERS_MIN: Final = fees.WINDOW_SLOTS // 3
"""With fewer, our own bids are the best that is known of the market."""


LANDED_WITHIN: Final = timedelta(minutes=10)
"""What landed in the window of a node that is not hopelessly behind was seen to since then."""


def record(db: Database, prices: Mapping[int, int], *, now: datetime) -> tuple[int, ...]:
    """Keep what a node says of the last slots; forget what is older than a day.

    Args:
        db: The database.
        prices: Slot → micro-lamports per unit, as the node reports them.
        now: When it said so.

    Returns:
        The recent prices that a decision is made from: oldest first, empty slots as zero.
    """
    window = fees.window(prices)
    if not window:
        return ()
    of_others = _without_ours(db, window, now=now)
    db.execute(
        sql("fee_samples/insert"),
        {"slots": list(of_others), "prices": list(of_others.values()), "now": now},
    )
    db.execute(sql("fee_samples/forget"), {"before": now - KEPT})
    seen = of_others if len(of_others) >= SLOTS_OF_OTHERS_MIN else window
    return tuple(seen.values())


def trailing_p25(db: Database, *, now: datetime) -> int | None:
    """What was cheap in the last 24 hours: the 25th percentile of windows' medians.

    Returns:
        Micro-lamports per unit; None of fewer than ``fees.WINDOWS_MIN`` windows of
        ``fees.WINDOW_SLOTS`` slots, at least half of each sampled.
    """
    row = db.execute(
        sql("fee_samples/trailing"),
        {
            "since": now - KEPT,
            "window_slots": fees.WINDOW_SLOTS,
            "percent": fees.TRAILING_PERCENT,
        },
    ).fetchone()
    assert row is not None
    return row["price"] if row["windows"] >= fees.WINDOWS_MIN else None


def _without_ours(db: Database, window: Mapping[int, int], *, now: datetime) -> dict[int, int]:
    rows = db.execute(
        sql("fee_samples/ours"),
        {"oldest": min(window), "newest": max(window), "since": now - LANDED_WITHIN},
    ).fetchall()
    ours = {row["slot"] for row in rows}
    return {slot: price for slot, price in window.items() if slot not in ours}
