"""View events from the Redis stream into accruals, one database transaction a drain.

    read ──▶ [ record new events · split · accrue · post to the ledger ] ──▶ finish
             └────────────── one transaction ──────────────────────────┘

A crash before the commit: the entries stay on the stream and come again. A crash before they are
finished: they come again and are known. Either way each event earns once.

What can never be counted goes to the dead letters, one event at a time; its neighbours earn.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid5

from pixr.adapters.postgres import Database, earnings, idempotency, ledger, view_days
from pixr.adapters.postgres.earnings import (
    Accrual,
    AnotherDrain,
    Counted,
    LinesRefused,
    TooSlow,
    Total,
)
from pixr.adapters.redis import ViewStream
from pixr.domain.earnings import Rules, Share, Split, split, view_lamports
from pixr.domain.errors import Outage
from pixr.domain.view_lines import Lines, joined
from pixr.domain.views import kept_days

__all__ = [
    "EVENTS_PER_DRAIN",
    "AnotherDrain",
    "Drained",
    "LinesRefused",
    "TooSlow",
    "drain_once",
    "tidy",
]

EVENTS_PER_DRAIN: Final = 100_000
"""What a drain costs per content that it finds is shared by more views in a larger one. This many
are 10 MB here and as much in the database, and a second's work with few creators, ten with a
million."""

SLOW_MAX: Final = 1_000
"""A database that needs its statements' whole time for so few is not helped with fewer."""

REFUSED_MAX: Final = 10
"""Views that the database may refuse in one drain. More than that is not the events' fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What one drain did."""

    events_read: int = 0
    events_new: int = 0
    events_bad: int = 0
    gross_lamports: int = 0
    is_last: bool = True
    """Whether the stream has nothing more for now."""


@dataclass(slots=True, kw_only=True)
class _Findings:
    """What has come of the lines of one drain so far."""

    events_new: int = 0
    gross_lamports: int = 0
    refused: dict[bytes, str]
    """Lines that can never be counted, and why."""


@dataclass(slots=True, kw_only=True)
class _Books:
    """What one drain is going to write: a list for each statement."""

    totals: list[Total] = field(default_factory=list[Total])
    accruals: list[Accrual] = field(default_factory=list[Accrual])
    returns: dict[UUID, int] = field(default_factory=dict[UUID, int])
    entries: dict[str, int] = field(default_factory=dict[str, int])
    """By ledger account."""


NOTHING: Final = Split(platform_lamports=0, creator_lamports=0, investor_lamports={})


def _always() -> bool:
    return True


def drain_once(
    db: Database,
    stream: ViewStream,
    *,
    rules: Rules,
    drain_id: UUID,
    consumer: str,
    has_time: Callable[[], bool] = _always,
    now: datetime,
) -> Drained:
    """Take some ``EVENTS_PER_DRAIN`` events from the stream into accruals.

    Args:
        db: The database.
        stream: Where the events wait.
        rules: What a view earns, and whose it is.
        drain_id: Its name.
        consumer: Who reads.
        has_time: Whether fewer may be tried when a statement was too slow.
        now: The time.

    Raises:
        StreamUnreachable: What was recorded stays so; what was not finished comes again.
        DatabaseUnreachable: What was not recorded is back on the stream.
        TooSlow: Likewise: the database could not do it in time, however few they were.
        AnotherDrain: Likewise: another settler's has not ended in time.
        LinesRefused: The database refused more than ``REFUSED_MAX`` views, so the fault is ours.
    """
    entries = stream.read(EVENTS_PER_DRAIN, consumer)
    if not entries:
        return Drained()
    found = _Findings(refused={})
    try:
        lines = joined(entry.lines for entry in entries)
        _record(db, lines, found, rules=rules, drain_id=drain_id, has_time=has_time, now=now)
    except Outage:
        # Nobody died with them: they must not be on the way to the dead letters for it.
        stream.give_back(entries, consumer)
        raise
    letters = [(entry, event) for entry in entries for event in entry.bad]
    if found.refused:
        refused = [(entry, event) for entry in entries for event in entry.put_aside(found.refused)]
        assert {event.payload for _, event in refused} == set(found.refused)
        letters += refused
    stream.finish(entries, letters)
    events_read = sum(entry.events for entry in entries)
    return Drained(
        events_read=events_read,
        events_new=found.events_new,
        events_bad=len(letters),
        gross_lamports=found.gross_lamports,
        # Entries under suspicion come in small company, however many wait behind them.
        is_last=events_read < EVENTS_PER_DRAIN and not any(entry.is_suspect for entry in entries),
    )


def tidy(db: Database, stream: ViewStream, *, now: datetime) -> None:
    """Once a tick: keep the days of views, forget old keys and readers that have gone.

    Raises:
        StreamUnreachable: The days are kept all the same.
    """
    view_days.keep(db, now=now)
    idempotency.prune(db, now=now)
    stream.tidy()


def _record(
    db: Database,
    lines: Lines,
    found: _Findings,
    *,
    rules: Rules,
    drain_id: UUID,
    has_time: Callable[[], bool],
    now: datetime,
) -> None:
    """Drain all lines in one transaction; in halves when the database refuses one, or is slow."""
    parts = [lines] if lines.count else []
    attempts = refusals = 0
    while parts:
        part = parts.pop()
        # A halved drain is several drains, each with an id that follows from the first.
        part_id = uuid5(drain_id, str(attempts)) if attempts else drain_id
        attempts += 1
        try:
            _drain_lines(db, part, found, rules=rules, drain_id=part_id, now=now)
        except TooSlow:
            if part.count <= SLOW_MAX or not has_time():
                raise
            parts += reversed(part.split())
        except LinesRefused as refusal:
            if part.count > 1:
                parts += reversed(part.split())
            elif refusals < REFUSED_MAX:
                refusals += 1
                found.refused[part.each()[0]] = f"the database refused it: {refusal}"
            else:
                raise


def _drain_lines(
    db: Database, lines: Lines, found: _Findings, *, rules: Rules, drain_id: UUID, now: datetime
) -> None:
    """The transaction: views recorded, earnings split, accrued and posted; or none of it."""
    oldest, newest = kept_days(now)
    with earnings.drain_transaction(db) as dropped:
        if dropped is not None:
            oldest = max(oldest, dropped + timedelta(days=1))
        days, thrown_out = earnings.take_in(db, lines, oldest=oldest, newest=newest)
        counted = _merged(
            item
            for day in days
            for item in earnings.record_day(
                db, day, drain_id=drain_id, views_per_viewer_day=rules.views_per_viewer_day
            )
        )
        gross_lamports = _accrue(
            db,
            counted,
            rules=rules,
            drain_id=drain_id,
            events_read=lines.count - len(thrown_out),
            now=now,
        )
    reason = f"not of a day from {oldest} to {newest}: a repeat of it could not be known"
    found.refused |= dict.fromkeys(thrown_out, reason)
    found.events_new += sum(item.events_new for item in counted)
    found.gross_lamports += gross_lamports


def _merged(counted: Iterable[Counted]) -> list[Counted]:
    """One count per content, where a drain had views of several days; in the order of ids."""
    by_content: dict[str, Counted] = {}
    for item in counted:
        other = by_content.get(item.content_id)
        by_content[item.content_id] = (
            item
            if other is None
            else Counted(
                content_id=item.content_id,
                creator_id=item.creator_id,
                best_rung=item.best_rung,
                events_new=item.events_new + other.events_new,
                events_earning=item.events_earning + other.events_earning,
            )
        )
    return [by_content[content_id] for content_id in sorted(by_content)]


def _accrue(
    db: Database,
    counted: Sequence[Counted],
    *,
    rules: Rules,
    drain_id: UUID,
    events_read: int,
    now: datetime,
) -> int:
    """Split and post what the counted views earn; return the gross in lamports."""
    # Views of a content that nobody knows are recorded, and belong to nobody's totals.
    known = [item for item in counted if item.creator_id is not None]
    content_ids = [item.content_id for item in known]
    epochs = earnings.open_epochs(db, content_ids, rules=rules, now=now) if known else {}
    shares = earnings.shares(db, content_ids) if known else {}
    books = _Books()
    for item in known:
        number, epoch = epochs[item.content_id]
        part, gross = NOTHING, 0
        if item.events_earning:
            assert item.best_rung is not None
            gross = item.events_earning * view_lamports(rules.view_rate_lamports, item.best_rung)
            holders = shares.get(item.content_id, [])
            part = split(epoch, holders, gross)
            _owe(books, item, holders, part)
        books.totals.append(
            Total(
                content_id=item.content_id,
                epoch=number,
                gross_lamports=gross,
                platform_lamports=part.platform_lamports,
                investor_lamports=sum(part.investor_lamports.values()),
                views=item.events_new,
                qualified_views=item.events_earning,
            )
        )
    gross_lamports = sum(total.gross_lamports for total in books.totals)
    earnings.insert_drain(
        db,
        drain_id=drain_id,
        events_read=events_read,
        counted=counted,
        gross_lamports=gross_lamports,
        now=now,
    )
    if books.totals:
        earnings.add_totals(db, books.totals, rules=rules, now=now)
    if books.returns:
        earnings.add_returns(db, books.returns)
    if books.accruals:
        earnings.accrue(db, books.accruals, drain_id=drain_id, now=now)
    if gross_lamports:
        books.entries["views"] = -gross_lamports
        books.entries["platform"] = sum(total.platform_lamports for total in books.totals)
        ledger.post(db, f"drain:{drain_id}", books.entries, now=now)
    return gross_lamports


def _owe(books: _Books, item: Counted, holders: Sequence[Share], part: Split) -> None:
    assert item.creator_id is not None
    due = [("earnings", item.creator_id, part.creator_lamports)]
    if holders:
        due += _returns(holders, part, books.returns)
    for kind, user_id, lamports in due:
        if not lamports:
            continue
        books.accruals.append(
            Accrual(
                content_id=item.content_id,
                user_id=user_id,
                kind=kind,
                views=item.events_earning,
                lamports=lamports,
            )
        )
        account = f"{'owed' if kind == 'earnings' else 'return'}:{user_id}"
        books.entries[account] = books.entries.get(account, 0) + lamports


def _returns(
    holders: Sequence[Share], part: Split, returns: dict[UUID, int]
) -> list[tuple[str, str, int]]:
    """What each investor of a content gets, also added to ``returns`` by investment."""
    by_user: dict[str, int] = {}
    for share in holders:
        lamports = part.investor_lamports[share.investment_id]
        by_user[share.user_id] = by_user.get(share.user_id, 0) + lamports
        if lamports:
            returns[share.investment_id] = lamports
    return [("return", user_id, lamports) for user_id, lamports in by_user.items()]
