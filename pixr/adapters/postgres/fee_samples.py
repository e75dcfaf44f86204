"""Prices of recent slots, kept for a day."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from pixr.adapters.postgres import Database, sql

KEPT: Final = timedelta(hours=24)


def record(db: Database, prices: Mapping[int, int], *, now: datetime) -> None:
    """Keep slot → micro-lamports per unit; forget what is older than a day."""
    db.execute(
        sql("fee_samples/insert"),
        {"slots": list(prices), "prices": list(prices.values()), "now": now},
    )
    db.execute(sql("fee_samples/forget"), {"before": now - KEPT})
