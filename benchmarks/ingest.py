"""Views per second from the stream to committed accruals, through the settler's own drain.

    generate ─▶ append to Valkey ─▶ ┃ drain_once until empty ┃ ─▶ accruals, ledger
                                    ┗━━━━ this is timed ━━━━━┛

Baselines, into a table with the columns, constraints and indexes of ``view_events`` but no
accruals: one committed INSERT per view, and one COPY of all of them from prepared bytes.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from benchmarks.catalogue import Sizes
from benchmarks.databases import durable_databases
from benchmarks.figures import Figure, Report, at_least, median_of, quotients
from benchmarks.machine import Time, timed
from functions.batch.drain import EVENTS_PER_DRAIN, drain_once
from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.domain.earnings import Rules
from pixr.domain.views import EVENTS_MAX, ViewEvent
from pixr.local.valkey import running_valkey

REPEATED_ONE_IN = 10
INSERTS_MAX = 2_000
"""Enough for a rate; a whole run of them would take minutes."""

INSERT = "INSERT INTO inserted VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
RULES = Rules(
    view_rate_lamports=20_000,
    platform_fee_bps=500,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One repetition."""

    views: int
    append_s: float
    drain: Time
    copy: Time
    insert: Time
    inserts: int


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Drain, copy and insert the same views, ``sizes.repeats`` times on empty databases."""
    passes: list[Pass] = []
    with durable_databases() as databases, running_valkey() as valkey:
        stream = ViewStream(valkey.url)
        settings = databases.settings()
        for turn in range(1, sizes.repeats + 1):
            tell(f"{sizes.views:,} events, turn {turn} of {sizes.repeats}")
            events = _events(sizes, seed=turn)
            with databases.fresh() as db:
                passes.append(_pass(db, stream, events, sizes))
        stream.close()
    conditions: dict[str, str | int] = {
        "repeats": sizes.repeats,
        "events": sizes.views,
        "views": passes[0].views,
        "creators": sizes.creators,
        "inserts": passes[0].inserts,
    }
    return Report(
        bench="ingest",
        conditions=conditions | settings,
        figures=_figures(passes, events=sizes.views),
        remarks=(
            "A view is an event that is no repeat; rates and ratios count views.",
            "COPY sends bytes that were formatted before, in one transaction, and accrues nothing.",
        ),
    )


def _events(sizes: Sizes, *, seed: int) -> list[ViewEvent]:
    """Views of one day, every tenth event a repeat of an earlier one, in a fixed disorder."""
    dice = random.Random(seed)
    # Not the edge of a day: all views belong to one partition.
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    viewers = max(1, sizes.views // 10)
    events: list[ViewEvent] = []
    for number in range(sizes.views):
        if number % REPEATED_ONE_IN == REPEATED_ONE_IN - 1:
            events.append(dice.choice(events))
            continue
        events.append(
            ViewEvent(
                event_id=str(UUID(int=dice.getrandbits(128), version=4)),
                content_id=f"content-{dice.randrange(sizes.creators)}",
                viewer_id=f"viewer-{dice.randrange(viewers)}",
                watched_ms=dice.randrange(30_000, 600_000),
                occurred_at=noon + timedelta(milliseconds=number),
            )
        )
    return events


def _pass(db: Database, stream: ViewStream, events: Sequence[ViewEvent], sizes: Sizes) -> Pass:
    db.execute(
        "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms, best_rung,"
        " manifest_key, created_at)"
        " SELECT 'content-' || n, 'creator-' || n, 'live', 'originals/x', 600000, 480, 'media/x',"
        " now() FROM generate_series(0, %s) AS n",
        (sizes.creators - 1,),
    )
    views = list({event.event_id: event for event in events}.values())
    begun_s = time.perf_counter()
    for start in range(0, len(events), EVENTS_MAX):
        stream.append(events[start : start + EVENTS_MAX])
    append_s = time.perf_counter() - begun_s
    db.execute("CHECKPOINT")
    with timed(db.info.backend_pid) as drain:
        views_new = _drain(db, stream, events=len(events))
    assert views_new == len(views), f"{views_new} of {len(views)} views were recorded"
    inserts = views[:INSERTS_MAX]
    return Pass(
        views=len(views),
        append_s=append_s,
        drain=drain,
        copy=_copy(db, views),
        insert=_insert(db, inserts),
        inserts=len(inserts),
    )


def _drain(db: Database, stream: ViewStream, *, events: int) -> int:
    """Drain the stream as the settler does; return how many views were new."""
    views_new = 0
    for _ in range(events // EVENTS_PER_DRAIN + 1):
        drained = drain_once(
            db, stream, rules=RULES, drain_id=uuid4(), consumer="bench", now=datetime.now(UTC)
        )
        views_new += drained.events_new
    return views_new


def _like_view_events(db: Database, name: str) -> None:
    """An empty table with the columns, constraints, indexes and partition of ``view_events``."""
    db.execute(
        f"CREATE TABLE {name} (LIKE view_events INCLUDING ALL) PARTITION BY RANGE (occurred_on);"
        f"CREATE TABLE {name}_today PARTITION OF {name} DEFAULT;"
        "CHECKPOINT"
    )


def _rows(views: Sequence[ViewEvent]) -> list[tuple[object, ...]]:
    drain_id = uuid4()
    return [
        (
            view.event_id,
            view.occurred_at.date(),
            view.content_id,
            view.viewer_id,
            view.watched_ms,
            view.occurred_at,
            "earned",
            drain_id,
        )
        for view in views
    ]


def _copy(db: Database, views: Sequence[ViewEvent]) -> Time:
    _like_view_events(db, "copied")
    # No value holds a tab, a newline or a backslash, so COPY's text format is a plain join.
    lines = ("\t".join(map(str, row)) for row in _rows(views))
    prepared = ("\n".join(lines) + "\n").encode()
    with timed(db.info.backend_pid) as time_taken, db.cursor().copy("COPY copied FROM STDIN") as it:
        it.write(prepared)
    return time_taken


def _insert(db: Database, views: Sequence[ViewEvent]) -> Time:
    _like_view_events(db, "inserted")
    rows = _rows(views)
    with timed(db.info.backend_pid) as time_taken:
        for row in rows:
            db.execute(INSERT, row, prepare=True)
    return time_taken


def _figures(passes: Sequence[Pass], *, events: int) -> list[Figure]:
    drained = [one.views / one.drain.wall_s for one in passes]
    copied = [one.views / one.copy.wall_s for one in passes]
    inserted = [one.inserts / one.insert.wall_s for one in passes]
    per_minute = [60 * events / one.drain.wall_s for one in passes]
    appended = [events / one.append_s for one in passes]
    drain_us = [1e6 * one.drain.own_cpu_s / one.views for one in passes]
    postgres_us = [1e6 * one.drain.server_cpu_s / one.views for one in passes]
    copy_us = [1e6 * one.copy.cpu_s / one.views for one in passes]
    by_cpu = [one.copy.cpu_s / one.drain.cpu_s for one in passes]
    to_insert, to_copy = quotients(drained, inserted), quotients(drained, copied)
    events_per_minute = median_of(
        "events_per_minute", "events read, repeats counted", "/min", per_minute
    )
    return [
        median_of("views_per_s", "views, stream → committed accruals", "/s", drained),
        at_least(events_per_minute, 2_000_000),
        median_of("drain_cpu_us_per_view", "CPU of the drain per view", "µs", drain_us),
        median_of("postgres_cpu_us_per_view", "CPU of PostgreSQL per view", "µs", postgres_us),
        median_of("append_per_s", "append to the stream, 1,000 at a time", "/s", appended),
        median_of("inserts_per_s", "baseline: one INSERT per view", "/s", inserted),
        median_of("copy_rows_per_s", "baseline: raw COPY", "/s", copied),
        median_of("copy_cpu_us_per_row", "baseline: CPU of raw COPY per row", "µs", copy_us),
        median_of("vs_insert_per_view", "drain ÷ INSERT", "×", to_insert),
        at_least(median_of("vs_raw_copy", "drain ÷ raw COPY", "×", to_copy), 0.6),
        median_of("vs_raw_copy_cpu", "drain ÷ raw COPY, by CPU time", "×", by_cpu),
    ]
