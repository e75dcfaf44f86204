"""How long it lasts: the drain at full speed for minutes, and what it does to memory.

    producer (a process of its own) ─▶ Valkey ─▶ ┃ drain_once, without a pause ┃ ─▶ PostgreSQL

The stream is kept between full and empty, so every drain is a full one and Valkey does not grow.
The producer is not counted, but it runs on the same cores: what it uses is shown.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import functions
from benchmarks.catalogue import Sizes
from benchmarks.databases import durable_databases
from benchmarks.figures import Figure, Report, at_least, at_most, exact
from benchmarks.ingest_views import RULES, publish
from benchmarks.machine import cpu_s
from functions.batch.drain import EVENTS_PER_DRAIN, drain_once, tidy
from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.local.postgres import Postgres
from pixr.local.valkey import Valkey, running_valkey

SETTINGS = ("shared_buffers=2GB", "max_wal_size=8GB", "checkpoint_timeout=15min")
"""Of a PostgreSQL that is made for writing; for its baselines as well. Its defaults checkpoint
every minute under this load, and write each page of the indexes anew after each."""

GOAL_PER_MINUTE = 2_000_000
MINUTE_S = 60.0
FILL_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
WAIT_S = 0.005
MEMORY_GROWTH_MAX = 1.1
"""From the end of the first minute, when all buffers exist, to the end of the last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Resident memory in MiB."""

    drain: float
    postgres: float
    """Of all its processes, without what they share."""
    valkey: float


@dataclass(slots=True, kw_only=True)
class Course:
    """What happened, minute by minute."""

    seconds: float = 0.0
    events: int = 0
    views: int = 0
    drains: int = 0
    empty: int = 0
    """How often the stream had nothing."""
    per_minute: list[int] = field(default_factory=list[int])
    memory: list[Memory] = field(default_factory=list[Memory])
    cpu_s: dict[str, float] = field(default_factory=dict[str, float])


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Drain for ``sizes.sustain`` seconds."""
    with (
        durable_databases(SETTINGS) as databases,
        running_valkey() as valkey,
        databases.fresh() as db,
    ):
        publish(db, sizes.creators)
        stream = ViewStream(valkey.url)
        with _producer(valkey.url, sizes.creators) as producer:
            _wait_until_full(stream)
            db.execute("CHECKPOINT")
            course = _drain(db, stream, sizes.sustain, (databases.server, valkey, producer), tell)
        stream.close()
        conditions: dict[str, str | int] = {
            "seconds": sizes.sustain,
            "creators": sizes.creators,
            "settings": ", ".join(SETTINGS),
        }
        return Report(
            bench="ingest",
            conditions=conditions | databases.settings(),
            figures=_figures(course),
            remarks=_remarks(course),
        )


@contextlib.contextmanager
def _producer(url: str, creators: int) -> Iterator[subprocess.Popen[bytes]]:
    home = str(Path(functions.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.ingest_producer", url, str(creators)],
        stdin=subprocess.PIPE,
        cwd=home,
    ) as producer:
        try:
            yield producer
        finally:
            assert producer.stdin is not None
            producer.stdin.close()
            try:
                producer.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                producer.kill()


def _wait_until_full(stream: ViewStream) -> None:
    deadline_s = time.monotonic() + FILL_TIMEOUT_S
    while stream.depth() < EVENTS_PER_DRAIN:
        if time.monotonic() > deadline_s:
            raise TimeoutError("the producer did not fill the stream")
        time.sleep(WAIT_S)


def _drain(
    db: Database,
    stream: ViewStream,
    seconds: int,
    parts: tuple[Postgres, Valkey, subprocess.Popen[bytes]],
    tell: Callable[[str], None],
) -> Course:
    postgres, valkey, producer = parts
    course = Course()
    begun_s = minute_s = time.monotonic()
    before = _cpu_s(postgres, valkey, producer)
    counted = 0
    tidy(db, stream, now=datetime.now(UTC))
    while time.monotonic() - begun_s < seconds:
        drained = drain_once(
            db, stream, rules=RULES, drain_id=uuid4(), consumer="bench", now=datetime.now(UTC)
        )
        course.events += drained.events_read
        course.views += drained.events_new
        course.drains += 1
        if not drained.events_read:
            course.empty += 1
            time.sleep(WAIT_S)
        now_s = time.monotonic()
        if now_s - minute_s >= MINUTE_S or now_s - begun_s >= seconds:
            # What a last, shorter minute drained is made comparable.
            events = course.events - counted
            course.per_minute.append(round(events * MINUTE_S / (now_s - minute_s)))
            course.memory.append(_memory(postgres, valkey))
            tell(f"{now_s - begun_s:.0f} s of {seconds}: {course.per_minute[-1]:,} events a minute")
            counted, minute_s = course.events, now_s
    course.seconds = time.monotonic() - begun_s
    after = _cpu_s(postgres, valkey, producer)
    course.cpu_s = {name: after[name] - before[name] for name in after}
    return course


def _cpu_s(
    postgres: Postgres, valkey: Valkey, producer: subprocess.Popen[bytes]
) -> dict[str, float]:
    """Of each part so far; of PostgreSQL all processes, the checkpointer and the like as well."""
    return {
        "drain": time.process_time(),
        "postgres": sum(_cpu_s_of(pid) for pid in [postgres.pid, *_children(postgres.pid)]),
        "valkey": cpu_s(valkey.pid),
        "producer": cpu_s(producer.pid),
    }


def _cpu_s_of(pid: int) -> float:
    """Of a process that may just have ended: then 0."""
    with contextlib.suppress(OSError):
        return cpu_s(pid)
    return 0.0


def _memory(postgres: Postgres, valkey: Valkey) -> Memory:
    return Memory(
        drain=_mib(os.getpid(), "Rss"),
        postgres=sum(_mib(pid, "Pss_Anon") for pid in [postgres.pid, *_children(postgres.pid)]),
        valkey=_mib(valkey.pid, "Rss"),
    )


def _mib(pid: int, name: str) -> float:
    """Of a process that may just have ended: then 0."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(status.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(status.parent.name))
    return found


def _figures(course: Course) -> list[Figure]:
    first, last = course.memory[0], course.memory[-1]
    per_minute = MINUTE_S * course.events / course.seconds
    used_s = sum(used_s for name, used_s in course.cpu_s.items() if name != "producer")
    cpu_us = 1e6 * used_s / course.events
    cores = GOAL_PER_MINUTE * cpu_us / 1e6 / MINUTE_S
    mean = exact("sustained_events_per_minute", "events, mean", "/min", per_minute)
    lowest = exact(
        "sustained_lowest_minute", "events, slowest minute", "/min", min(course.per_minute)
    )
    drain = exact("drain_memory_growth", "drain, first → last", "×", last.drain / first.drain)
    server = exact(
        "postgres_memory_growth", "PostgreSQL, first → last", "×", last.postgres / first.postgres
    )
    store = exact("valkey_memory_growth", "Valkey, first → last", "×", last.valkey / first.valkey)
    return [
        at_least(mean, GOAL_PER_MINUTE),
        at_least(lowest, GOAL_PER_MINUTE),
        exact("sustained_views", "views recorded and accrued", "", course.views),
        exact("sustained_drains", "drains", "", course.drains),
        exact("sustained_empty", "of them with an empty stream", "", course.empty),
        exact("drain_mib", "memory of the drain", "MiB", last.drain),
        exact("postgres_mib", "memory of PostgreSQL, not shared", "MiB", last.postgres),
        exact("valkey_mib", "memory of Valkey", "MiB", last.valkey),
        at_most(drain, MEMORY_GROWTH_MAX),
        at_most(server, MEMORY_GROWTH_MAX),
        at_most(store, MEMORY_GROWTH_MAX),
        *(
            exact(f"{name}_core_percent", f"{name}, of a core", "%", 100 * used_s / course.seconds)
            for name, used_s in course.cpu_s.items()
        ),
        exact("cpu_us_per_event", "CPU of all but the producer per event", "µs", cpu_us),
        exact("cores_for_the_goal", "cores that two million a minute need", "", cores),
    ]


def _remarks(course: Course) -> tuple[str, ...]:
    minutes = ", ".join(f"{events / 1e6:.2f}" for events in course.per_minute)
    first = course.memory[0]
    start = f"drain {first.drain:.0f}, PostgreSQL {first.postgres:.0f}, Valkey {first.valkey:.0f}"
    return (
        f"Millions of events, minute by minute: {minutes}.",
        f"Memory at the end of the first minute: {start} MiB.",
        "The producer is a process of its own on the same cores, and is not counted.",
        "CPU and memory of PostgreSQL are of all its processes, memory without what they share.",
    )
