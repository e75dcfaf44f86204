"""Views in, accruals out: the statements of one drain, to be run in one ``drain_transaction``.

    lines ──COPY──▶ arrived_views ──record──▶ view_events ──▶ Counted ──▶ epochs, accruals

Nothing is done view by view but what PostgreSQL does by itself: what a view costs is its row and
two index entries (ADR-0016).
"""

from collections import defaultdict
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from pixr.adapters.postgres import Database, DatabaseUnreachable, arrays, sql
from pixr.domain.earnings import Epoch, Rules, Share
from pixr.domain.errors import Outage
from pixr.domain.view_lines import Lines, write_line
from pixr.domain.views import DAY_US, day_number, day_of

WATCHED_MS_MIN: Final = 30_000
"""A view qualifies at 30 s, or at half of a shorter content."""

COPY_LINES: Final = (
    "COPY arrived_views (event_id, content_id, viewer_id, watched_ms, occurred_us) FROM STDIN"
)

CHANGED: Final = "the shares of a content changed during the drain"


class AnotherDrain(Outage):
    """Another drain has been at work for longer than we wait. It takes what we would."""

    part = "drain"


class TooSlow(Outage):
    """A statement of the drain took longer than one may: fewer views may do."""

    part = "database"


class LinesRefused(Exception):
    """The database will not have one of these views, whoever asks and however often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What a drain found for one content. ``creator_id`` is None for an unknown content."""

    content_id: str
    creator_id: str | None
    best_rung: int | None
    events_new: int
    events_earning: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What one drain adds to an epoch."""

    content_id: str
    epoch: int | None
    """None: the content's first, which begins with this."""
    gross_lamports: int = 0
    platform_lamports: int = 0
    investor_lamports: int = 0
    views: int
    qualified_views: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Accrual:
    """``lamports`` > 0 that a user earned with ``views`` of a content in one drain."""

    content_id: str
    user_id: str
    kind: str
    views: int
    lamports: int


@contextmanager
def drain_transaction(db: Database) -> Generator[date | None]:
    """One drain, alone among all drains; yields the newest day whose views were dropped.

    Raises:
        LinesRefused: A view broke a rule of the database; nothing was written.
        AnotherDrain: Another one did not end in time.
        TooSlow: A statement took longer than one may; nothing was written.
        DatabaseUnreachable: No answer, no lock in time, or no room; nothing was written.
    """
    try:
        with db.transaction():
            _begin(db)
            row = db.execute(sql("earnings/dropped_day")).fetchone()
            assert row is not None
            yield row["day"]
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise LinesRefused(str(error).partition("\n")[0]) from error
    except psycopg.errors.QueryCanceled as error:
        raise TooSlow(str(error).partition("\n")[0]) from error
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnreachable(str(error).strip()) from error


def _begin(db: Database) -> None:
    try:
        db.execute(sql("earnings/begin_drain"))
    except psycopg.errors.LockNotAvailable as error:
        raise AnotherDrain("it holds the lock") from error


def take_in(
    db: Database, lines: Lines, *, oldest: date, newest: date
) -> tuple[list[date], list[bytes]]:
    """Copy what arrived into the transaction; nothing is recorded yet.

    Args:
        db: Inside ``drain_transaction``.
        lines: What arrived.
        oldest: The first day of which views are taken.
        newest: The last one.

    Returns:
        The days that there are views of, and the lines of all other days, which are thrown out.
    """
    with db.cursor() as cursor, cursor.copy(COPY_LINES) as copy:
        copy.write(lines.text)
    first, last = day_number(oldest), day_number(newest)
    bounds = {"day_us": DAY_US, "first": first, "last": last}
    numbers = [row["number"] for row in db.execute(sql("earnings/arrived_days"), bounds)]
    days = [day_of(number) for number in numbers if first <= number <= last]
    if len(days) == len(numbers):
        return days, []
    return days, [
        write_line(**row).removesuffix(b"\n")
        for row in db.execute(sql("earnings/throw_out"), bounds)
    ]


def record_day(
    db: Database, day: date, *, drain_id: UUID, views_per_viewer_day: int
) -> list[Counted]:
    """Record every view of a day that arrived and was never seen before; count per content."""
    begin_us = day_number(day) * DAY_US
    db.execute(sql("earnings/ensure_day"), {"day": day})
    db.execute(sql("earnings/plan_joins"), {"joins": "off"})
    # Never prepared: the plan is made for this day's partition alone.
    with db.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(
            sql("earnings/record_views"),
            {
                "day": day,
                "begin_us": begin_us,
                "end_us": begin_us + DAY_US,
                "watched_ms_min": WATCHED_MS_MIN,
                "views_per_viewer_day": views_per_viewer_day,
                "drain_id": drain_id,
            },
            prepare=False,
        )
        counted = [
            Counted(
                content_id=content_id,
                creator_id=creator_id,
                best_rung=best_rung,
                events_new=events_new,
                events_earning=events_earning,
            )
            for content_id, creator_id, best_rung, events_new, events_earning in cursor.fetchall()
        ]
    db.execute(sql("earnings/plan_joins"), {"joins": "on"})
    if counted:
        db.execute(
            sql("earnings/count_day"),
            {
                "day": day,
                "events_new": sum(item.events_new for item in counted),
                "events_earning": sum(item.events_earning for item in counted),
            },
        )
    return counted


def open_epochs(
    db: Database, content_ids: Sequence[str], *, rules: Rules, now: datetime
) -> dict[str, tuple[int | None, Epoch]]:
    """Return number and totals of each content's open epoch, opening one where needed.

    A content's first epoch has no number: it begins when its totals are added.
    """
    found: dict[str, tuple[int | None, Epoch]] = {}
    found |= _read_epochs(db, content_ids)
    shares = (rules.platform_fee_bps, rules.investor_share_bps)
    missing = [content_id for content_id in content_ids if content_id not in found]
    stale = [
        content_id
        for content_id, (_, epoch) in found.items()
        if (epoch.platform_fee_bps, epoch.investor_share_bps) != shares
    ]
    if missing:
        rows = db.execute(sql("earnings/list_begun"), {"content_ids": arrays.texts(missing)})
        begun = [row["content_id"] for row in rows]
        stale += begun
        first = Epoch(
            platform_fee_bps=rules.platform_fee_bps,
            investor_share_bps=rules.investor_share_bps,
            gross_lamports=0,
            platform_lamports=0,
        )
        found |= dict.fromkeys(set(missing).difference(begun), (None, first))
    if stale:
        _open_next(db, stale, rules=rules, now=now)
        found |= _read_epochs(db, stale)
    return found


def _open_next(db: Database, content_ids: Sequence[str], *, rules: Rules, now: datetime) -> None:
    parameters = {
        "content_ids": arrays.texts(content_ids),
        "platform_fee_bps": rules.platform_fee_bps,
        "investor_share_bps": rules.investor_share_bps,
        "now": now,
    }
    db.execute(sql("earnings/close_changed_epochs"), parameters)
    db.execute(sql("earnings/open_epochs"), parameters)


def _read_epochs(db: Database, content_ids: Sequence[str]) -> dict[str, tuple[int, Epoch]]:
    with db.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(sql("earnings/read_epochs"), {"content_ids": arrays.texts(content_ids)})
        return {
            content_id: (
                number,
                Epoch(
                    platform_fee_bps=platform_fee_bps,
                    investor_share_bps=investor_share_bps,
                    gross_lamports=gross_lamports,
                    platform_lamports=platform_lamports,
                ),
            )
            for (
                content_id,
                number,
                platform_fee_bps,
                investor_share_bps,
                gross_lamports,
                platform_lamports,
            ) in cursor.fetchall()
        }


def shares(db: Database, content_ids: Sequence[str]) -> dict[str, list[Share]]:
    """Return the investments that share in each content's open epoch."""
    found: defaultdict[str, list[Share]] = defaultdict(list)
    for row in db.execute(sql("earnings/list_shares"), {"content_ids": arrays.texts(content_ids)}):
        found[row.pop("content_id")].append(Share(**row))
    return found


def add_totals(db: Database, totals: Sequence[Total], *, rules: Rules, now: datetime) -> None:
    """Add one drain to the epochs as they were read, and begin the first ones.

    Raises:
        DatabaseUnreachable: One was closed or opened since (an upgrade went live): drain again.
    """
    begun = [total for total in totals if total.epoch is not None]
    first = [total for total in totals if total.epoch is None]
    added = 0
    if begun:
        added = db.execute(
            sql("earnings/add_totals"),
            _columns(begun)
            | {
                "epochs": arrays.numbers(total.epoch for total in begun if total.epoch is not None),
                "investor_lamports": arrays.numbers(total.investor_lamports for total in begun),
            },
        ).rowcount
    if added != len(begun):
        raise DatabaseUnreachable(CHANGED)
    if first:
        _begin_epochs(db, first, rules=rules, now=now)


def _begin_epochs(db: Database, totals: Sequence[Total], *, rules: Rules, now: datetime) -> None:
    shares = {
        "platform_fee_bps": rules.platform_fee_bps,
        "investor_share_bps": rules.investor_share_bps,
        "now": now,
    }
    try:
        db.execute(sql("earnings/begin_epochs"), _columns(totals) | shares)
    except psycopg.errors.UniqueViolation as error:
        raise DatabaseUnreachable(CHANGED) from error


def _columns(totals: Sequence[Total]) -> dict[str, Any]:
    return {
        "content_ids": arrays.texts([total.content_id for total in totals]),
        "gross_lamports": arrays.numbers(total.gross_lamports for total in totals),
        "platform_lamports": arrays.numbers(total.platform_lamports for total in totals),
        "views": arrays.numbers(total.views for total in totals),
        "qualified_views": arrays.numbers(total.qualified_views for total in totals),
    }


def add_returns(db: Database, returns: Mapping[UUID, int]) -> None:
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
            "content_ids": arrays.texts([item.content_id for item in accruals]),
            "user_ids": arrays.texts([item.user_id for item in accruals]),
            "kinds": arrays.texts([item.kind for item in accruals]),
            "views": arrays.numbers(item.views for item in accruals),
            "lamports": arrays.numbers(item.lamports for item in accruals),
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
    _open_next(db, [content_id], rules=rules, now=now)
