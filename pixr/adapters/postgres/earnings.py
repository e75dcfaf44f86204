"""Views in, accruals out: the statements of one drain, to be run in one transaction."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database, sql
from pixr.domain.earnings import Epoch, Rules, Share
from pixr.domain.views import ViewEvent

WATCHED_MS_MIN: Final = 30_000
"""A view qualifies at 30 s, or at half of a shorter content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a drain found for one content. ``creator_id`` is None for an unknown content."""

    content_id: str
    creator_id: str | None
    best_rung: int | None
    events_new: int
    events_earning: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """``lamports`` > 0 that a user earned with ``views`` of a content in one drain."""

    content_id: str
    user_id: str
    kind: str
    views: int
    lamports: int


def record_views(
    db: Database, events: Sequence[ViewEvent], *, drain_id: UUID, views_per_viewer_day: int
) -> list[Counted]:
    """Record every event that was never seen before and count per content.

    Takes the drain lock: until the transaction ends, no other drain counts.
    """
    db.execute(sql("earnings/lock_drain"))
    days = sorted({event.occurred_at.astimezone(UTC).date() for event in events})
    db.execute(sql("earnings/ensure_day"), {"days": days})
    rows = db.execute(
        sql("earnings/record_views"),
        {
            "event_ids": [event.event_id for event in events],
            "content_ids": [event.content_id for event in events],
            "viewer_ids": [event.viewer_id for event in events],
            "watched_ms": [event.watched_ms for event in events],
            "occurred_at": [event.occurred_at for event in events],
            "watched_ms_min": WATCHED_MS_MIN,
            "views_per_viewer_day": views_per_viewer_day,
            "drain_id": drain_id,
        },
    )
    return [Counted(**row) for row in rows]


def lock_epochs(
    db: Database, content_ids: Sequence[str], *, rules: Rules, now: datetime
) -> dict[str, Epoch]:
    """Return the open epoch of each content, opening one where needed, and keep it locked."""
    parameters = {
        "content_ids": list(content_ids),
        "platform_fee_bps": rules.platform_fee_bps,
        "investor_share_bps": rules.investor_share_bps,
        "now": now,
    }
    db.execute(sql("earnings/close_changed_epochs"), parameters)
    db.execute(sql("earnings/open_epochs"), parameters)
    return {
        row["content_id"]: Epoch(
            platform_fee_bps=row["platform_fee_bps"],
            investor_share_bps=row["investor_share_bps"],
            gross_lamports=row["gross_lamports"],
            platform_lamports=row["platform_lamports"],
        )
        for row in db.execute(sql("earnings/lock_epochs"), parameters)
    }


def shares(db: Database, content_ids: Sequence[str]) -> dict[str, list[Share]]:
    """Return the investments that share in each content's open epoch."""
    found: defaultdict[str, list[Share]] = defaultdict(list)
    for row in db.execute(sql("earnings/list_shares"), {"content_ids": list(content_ids)}):
        found[row.pop("content_id")].append(Share(**row))
    return found


def add_totals(db: Database, totals: Sequence[tuple[str, int, int, int]]) -> None:
    """Add (content, gross, platform, investors) to the open epochs, in lamports."""
    db.execute(
        sql("earnings/add_totals"),
        {
            "content_ids": [total[0] for total in totals],
            "gross_lamports": [total[1] for total in totals],
            "platform_lamports": [total[2] for total in totals],
            "investor_lamports": [total[3] for total in totals],
        },
    )


def add_returns(db: Database, returns: dict[UUID, int]) -> None:
    """Add lamports to investments, in their open epoch and overall."""
    db.execute(
        sql("earnings/add_returns"),
        {"investment_ids": list(returns), "lamports": list(returns.values())},
    )


def accrue(db: Database, accruals: Sequence[Accrual], *, drain_id: UUID, now: datetime) -> None:
    """Write down what is now owed."""
    db.execute(
        sql("earnings/accrue"),
        {
            "drain_id": drain_id,
            "content_ids": [item.content_id for item in accruals],
            "user_ids": [item.user_id for item in accruals],
            "kinds": [item.kind for item in accruals],
            "views": [item.views for item in accruals],
            "lamports": [item.lamports for item in accruals],
            "now": now,
        },
    )


def insert_drain(
    db: Database,
    *,
    drain_id: UUID,
    events_read: int,
    counted: Sequence[Counted],
    gross_lamports: int,
    now: datetime,
) -> None:
    """Write down what the drain read and found."""
    db.execute(
        sql("earnings/insert_drain"),
        {
            "drain_id": drain_id,
            "events_read": events_read,
            "events_new": sum(item.events_new for item in counted),
            "events_earning": sum(item.events_earning for item in counted),
            "gross_lamports": gross_lamports,
            "now": now,
        },
    )


def start_new_epoch(db: Database, content_id: str, *, rules: Rules, now: datetime) -> None:
    """The investors of a content have changed: close its epoch and open the next."""
    db.execute(sql("earnings/close_epoch"), {"content_id": content_id})
    lock_epochs(db, [content_id], rules=rules, now=now)
