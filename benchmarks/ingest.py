"""Views per second from the stream to committed accruals, through the settler's own drain.

    generate ─▶ append to Valkey ─▶ ┃ drain_once until empty ┃ ─▶ accruals, ledger
                                    ┗━━━━ this is timed ━━━━━┛

Baselines, into a table with the columns, constraints and indexes of ``view_events`` but no
accruals: one COPY of all rows from bytes that were prepared before, in the order in which the
events arrived; one committed INSERT per view; and one RQ job and INSERT per view.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

from benchmarks import ingest_sustained, queue_per_view
from benchmarks.catalogue import Sizes
from benchmarks.databases import Databases, durable_databases
from benchmarks.figures import Figure, Report, at_least, exact, median_of, quotients
from benchmarks.ingest_views import RULES, Mix, append, as_rows, make_events, publish
from benchmarks.machine import Time, timed
from functions.batch.drain import EVENTS_PER_DRAIN, drain_once
from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.domain.views import ViewEvent
from pixr.local.valkey import Valkey, running_valkey

REPEATED = 0.1
REPEATED_SWEEP = (0.01, 0.5)
CREATORS_SWEEP = (10_000, 1_000_000)
INSERTS_MAX = 2_000
JOBS_MAX = 300
"""Enough for a rate; a whole run of either would take minutes."""

INSERT = "INSERT INTO inserted VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
REMARKS = (
    "A view is an event that is no repeat; rates and ratios count views.",
    "COPY sends bytes that were formatted before, in one transaction, and accrues nothing.",
    "The events were on the stream before the clock started.",
    "The last lines, once each: other numbers of creators, other shares of repeats.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One repetition."""

    views: int
    append_s: float
    drain: Time
    copy: Time


@dataclass(frozen=True, slots=True, kw_only=True)
class Singly:
    """One repetition of the baselines that take each view by itself."""

    views_per_insert_s: float
    views_per_job_s: float


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Drain, copy, insert and queue the same views, in turns, on empty databases."""
    if sizes.sustain:
        return ingest_sustained.run(sizes, tell)
    with durable_databases(ingest_sustained.SETTINGS) as databases, running_valkey() as valkey:
        return _run(databases, valkey, sizes, tell)


def _run(databases: Databases, valkey: Valkey, sizes: Sizes, tell: Callable[[str], None]) -> Report:
    mix = Mix(events=sizes.views, creators=sizes.creators, repeated=REPEATED)
    passes: list[Pass] = []
    singly: list[Singly] = []
    for turn in range(1, sizes.repeats + 1):
        tell(f"{sizes.views:,} events, turn {turn} of {sizes.repeats}")
        events = make_events(mix, seed=turn)
        passes.append(_pass(databases, valkey, events, mix, is_copy_first=turn % 2 == 0))
        singly.append(_singly(databases, valkey, events))
    figures = _figures(passes, singly, events=mix.events)
    for other in _sweep(mix, sizes):
        tell(f"{other.creators:,} creators, {other.repeated:.0%} repeats")
        found = _pass(databases, valkey, make_events(other, seed=1), other, is_copy_first=False)
        figures += _swept(found, other)
    conditions: dict[str, str | int] = {
        "repeats": sizes.repeats,
        "events": sizes.views,
        "views": passes[0].views,
        "creators": sizes.creators,
        "a_drain": EVENTS_PER_DRAIN,
    }
    return Report(
        bench="ingest",
        conditions=conditions | databases.settings(),
        figures=figures,
        remarks=REMARKS,
    )


def _sweep(mix: Mix, sizes: Sizes) -> list[Mix]:
    """The same with fewer and more repeats, and with many creators; one repetition each."""
    if not sizes.sweep:
        return []
    crowds = sorted({min(creators, sizes.creators_most) for creators in CREATORS_SWEEP})
    return [
        *(replace(mix, repeated=repeated) for repeated in REPEATED_SWEEP),
        *(replace(mix, creators=creators) for creators in crowds),
    ]


def _pass(
    databases: Databases,
    valkey: Valkey,
    events: Sequence[ViewEvent],
    mix: Mix,
    *,
    is_copy_first: bool,
) -> Pass:
    views = list({event.event_id: event for event in events}.values())
    stream = ViewStream(valkey.url)
    with databases.fresh() as db:
        # No statement of the drain comes near its limit; the COPY of everything may.
        db.execute("SET statement_timeout = 0")
        publish(db, mix.creators)
        copy = _copy(db, views) if is_copy_first else None
        begun_s = time.perf_counter()
        append(stream, events)
        append_s = time.perf_counter() - begun_s
        db.execute("CHECKPOINT")
        with timed(db.info.backend_pid, valkey.pid) as drain:
            views_new = _drain(db, stream, events=len(events))
        assert views_new == len(views), f"{views_new} of {len(views)} views were recorded"
        copy = copy or _copy(db, views)
    stream.close()
    return Pass(views=len(views), append_s=append_s, drain=drain, copy=copy)


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


def _copy(db: Database, views: Sequence[ViewEvent]) -> Time:
    _like_view_events(db, "copied")
    # No value holds a tab, a newline or a backslash, so COPY's text format is a plain join.
    lines = ("\t".join(map(str, row)) for row in as_rows(views))
    prepared = ("\n".join(lines) + "\n").encode()
    with timed(db.info.backend_pid) as taken, db.cursor().copy("COPY copied FROM STDIN") as it:
        it.write(prepared)
    return taken


def _singly(databases: Databases, valkey: Valkey, events: Sequence[ViewEvent]) -> Singly:
    """The baselines that take each view by itself, on a database of their own."""
    rows = list(as_rows(list({event.event_id: event for event in events}.values())[:INSERTS_MAX]))
    jobs = rows[: min(JOBS_MAX, len(rows) // 10)]
    with databases.fresh() as db:
        _like_view_events(db, "inserted")
        with timed(db.info.backend_pid) as inserts:
            for row in rows:
                db.execute(INSERT, row, prepare=True)
        db.execute("TRUNCATE inserted")
        work = queue_per_view.measure(databases.url, valkey.url, jobs, db.info.backend_pid)
        found = db.execute("SELECT count(*) AS n FROM inserted").fetchone()
        assert found == {"n": len(jobs)}, "a job did not insert its view"
    return Singly(
        views_per_insert_s=len(rows) / inserts.wall_s, views_per_job_s=len(jobs) / work.wall_s
    )


def _figures(passes: Sequence[Pass], singly: Sequence[Singly], *, events: int) -> list[Figure]:
    drained = [one.views / one.drain.wall_s for one in passes]
    copied = [one.views / one.copy.wall_s for one in passes]
    inserted = [one.views_per_insert_s for one in singly]
    queued = [one.views_per_job_s for one in singly]
    per_minute = [60 * events / one.drain.wall_s for one in passes]
    appended = [events / one.append_s for one in passes]
    drain_us = [1e6 * one.drain.own_cpu_s / one.views for one in passes]
    postgres_us = [1e6 * one.drain.server_cpu_s / one.views for one in passes]
    valkey_us = [1e6 * one.drain.other_cpu_s / one.views for one in passes]
    copy_us = [1e6 * one.copy.server_cpu_s / one.views for one in passes]
    by_cpu = [one.copy.cpu_s / one.drain.cpu_s for one in passes]
    to_queue, to_insert = quotients(drained, queued), quotients(drained, inserted)
    to_copy = quotients(drained, copied)
    events_per_minute = median_of(
        "events_per_minute", "events read, repeats counted", "/min", per_minute
    )
    return [
        median_of("views_per_s", "views, stream → committed accruals", "/s", drained),
        at_least(events_per_minute, 2_000_000),
        median_of("drain_cpu_us_per_view", "CPU of the drain per view", "µs", drain_us),
        median_of("postgres_cpu_us_per_view", "CPU of PostgreSQL per view", "µs", postgres_us),
        median_of("valkey_cpu_us_per_view", "CPU of Valkey per view", "µs", valkey_us),
        median_of("append_per_s", "append to the stream, 1,000 at a time", "/s", appended),
        median_of("jobs_per_s", "baseline: RQ job and INSERT per view", "/s", queued),
        median_of("inserts_per_s", "baseline: one INSERT per view", "/s", inserted),
        median_of("copy_rows_per_s", "baseline: raw COPY", "/s", copied),
        median_of("copy_cpu_us_per_row", "baseline: CPU of raw COPY per row", "µs", copy_us),
        at_least(median_of("vs_job_per_view", "drain ÷ RQ job and INSERT", "×", to_queue), 50),
        median_of("vs_insert_per_view", "drain ÷ INSERT", "×", to_insert),
        at_least(median_of("vs_raw_copy", "drain ÷ raw COPY", "×", to_copy), 0.6),
        median_of("vs_raw_copy_cpu", "drain ÷ raw COPY, by CPU time", "×", by_cpu),
    ]


def _swept(found: Pass, mix: Mix) -> list[Figure]:
    """What another crowd makes of it."""
    percent = round(100 * mix.repeated)
    name = f"creators_{mix.creators}_repeated_{percent}"
    crowd = f"{mix.creators:,} creators, {percent} %"
    per_s, copied = found.views / found.drain.wall_s, found.views / found.copy.wall_s
    per_minute = 60 * mix.events / found.drain.wall_s
    by_cpu = found.copy.cpu_s / found.drain.cpu_s
    return [
        exact(f"{name}_events_per_minute", f"{crowd}: events", "/min", per_minute),
        exact(f"{name}_vs_raw_copy", f"{crowd}: ÷ COPY", "×", per_s / copied),
        exact(f"{name}_vs_raw_copy_cpu", f"{crowd}: ÷ COPY, CPU", "×", by_cpu),
    ]
