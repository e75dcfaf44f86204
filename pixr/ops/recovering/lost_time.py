"""Which views a forgotten payment may have been made of: those from before it, not new ones.

After a restore the stream goes on. Views that were lost may be delivered once more, and what they
accrue is what was paid already; views that happen now are owed as ever. One moment divides
them: when the last forgotten transaction landed. It is told by the chain's own clock, as so
long ago, because that clock and ours may be far apart. Where no node tells, everything may
have been paid: then nobody is paid twice, and what is new waits for a person's eye.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pixr.adapters.postgres import Database, Row, recovery
from pixr.adapters.solana import Node, NodeError, Solana
from pixr.ops.recovering.walking import Found

MARGIN: Final = timedelta(minutes=1)
"""Clocks of producers and blocks differ by seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostTime:
    """When it ended, and how much of what was accrued since comes from before its end."""

    until: datetime | None = None
    """None: nobody can tell, so everything is taken for old."""
    before: Mapping[tuple[UUID, str], tuple[int, int]] = field(
        default_factory=dict[tuple[UUID, str], tuple[int, int]]
    )
    """(drain, content) → how many of its views are from before, and how many it has."""

    def eligible_lamports(self, row: Row) -> int:
        """How much of an accrual may have been paid in the lost time."""
        lamports = int(row["lamports"])
        if self.until is None or row["accrued_at"] <= self.until:
            return lamports
        old, views = self.before.get((row["drain_id"], row["content_id"]), (0, 0))
        if not old:
            return 0
        # Each view of a drain earns the same; a split rounds by a lamport.
        return min(lamports, -(-lamports * old // views) + 1)


def lost_time(
    db: Database, chain: Solana, ours: Sequence[Found], *, slot: int, now: datetime
) -> LostTime:
    """Find out when the last forgotten transaction landed.

    Args:
        db: Asked for views that were drained since.
        chain: Asked for the times of two blocks; of several answers the most careful counts.
        ours: What the treasury paid for.
        slot: The last finalized slot.
        now: The time by our clock.
    """
    forgotten = [found.view.slot for found in ours if found.known is None]
    if not forgotten:
        return LostTime()
    ages_s = [
        age_s
        for node in chain.nodes
        if (age_s := _age_s(node, since_slot=max(forgotten), slot=slot)) is not None
    ]
    if not ages_s:
        return LostTime()
    until = now - timedelta(seconds=min(ages_s)) + MARGIN
    return LostTime(until=until, before=recovery.views_before(db, until))


def _age_s(node: Node, *, since_slot: int, slot: int) -> int | None:
    """Seconds between two blocks by their own clock; None: this node cannot tell."""
    try:
        first, last = (_time_s(node, number) for number in (since_slot, slot))
    except (NodeError, KeyError, TypeError, ValueError):
        return None
    return max(0, last - first)


def _time_s(node: Node, slot: int) -> int:
    options: dict[str, Any] = {
        "commitment": "finalized",
        "transactionDetails": "none",
        "rewards": False,
        "maxSupportedTransactionVersion": 1,
    }
    return int(node.call("getBlock", slot, options)["blockTime"])
