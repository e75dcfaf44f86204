"""A process that can die at every boundary, and what it touches the world with.

    settler code ─▶ MortalConnection ─▶ Postgres      every statement, every commit,
                 ─▶ MortalTransport  ─▶ fake node     every chain call, every stream call
                 ─▶ MortalStream     ─▶ Valkey        is a *boundary*, before and after

What is to happen at the n-th boundary is planned before the code runs: the process dies, loses
its database, or is overtaken by a rival. After a death nothing of the process reaches the
world any more, whatever its ``finally`` blocks still try.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import psycopg
from psycopg.rows import DictRow, dict_row

from pixr.adapters.redis import BadEvent, Entry, StreamUnreachable, ViewStream

# A rollback on a connection that just died is not news here.
logging.getLogger("psycopg").setLevel(logging.CRITICAL)

_OPTIONS = "-c statement_timeout=20000 -c lock_timeout=2000 -c timezone=UTC"


class Crash(BaseException):
    """The process died here; no handler of ours runs any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Where a process is: ``number`` counts from 1 in its present piece of work."""

    number: int
    place: str
    """'db', 'chain' or 'stream', with 'before' or 'after'."""
    what: str
    is_idle: bool
    """No database transaction is open, so that somebody else may run here."""

    def __str__(self) -> str:
        return f"{self.number} {self.place} {self.what}"


Plan = Callable[["Process", Boundary], None]


@dataclass(kw_only=True, eq=False)
class Process:
    """One process: it dies as a whole."""

    name: str
    plans: dict[int, Plan] = field(default_factory=dict)
    """What happens at which boundary, counted on ``crossed``."""
    waiting: list[Plan] = field(default_factory=list)
    """Happens at the next boundary at which no transaction is open."""
    db: MortalConnection | None = None
    crossed: int = 0
    """Boundaries in its life, and those of it before its present piece of work."""
    begun: int = 0
    is_dead: bool = False
    last: Boundary | None = None

    def cross(self, place: str, what: str) -> None:
        """Come to a boundary and suffer what is planned for it.

        Raises:
            Crash: The process dies, or is dead.
        """
        if self.is_dead:
            raise Crash(self.name)
        self.crossed += 1
        number = self.crossed - self.begun
        here = Boundary(number=number, place=place, what=what, is_idle=self.is_idle)
        self.last = here
        planned = self.plans.pop(self.crossed, None)
        if planned is not None:
            planned(self, here)
        if self.waiting and here.is_idle:
            self.waiting.pop()(self, here)

    @property
    def is_idle(self) -> bool:
        """Whether no database transaction is open."""
        idle = psycopg.pq.TransactionStatus.IDLE
        return self.db is None or self.db.closed or self.db.info.transaction_status is idle

    def disconnect(self) -> None:
        """Lose the database connection, as when the server or the line is gone."""
        if self.db is not None and not self.db.closed:
            # The server would notice by itself, but not before our next statement elsewhere.
            self.db.pgconn.exec_(b"ROLLBACK")
            self.db.pgconn.finish()


def crash(process: Process, here: Boundary) -> None:
    """Plan: the process dies, and what it had not committed is rolled back on the way out."""
    process.is_dead = True
    raise Crash(str(here))


def lose_database(process: Process, here: Boundary) -> None:
    """Plan: the connection breaks; what was being done may or may not have been committed."""
    process.disconnect()
    if here.place.startswith("db"):
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def lose_stream(process: Process, here: Boundary) -> None:
    """Plan: Redis does not answer; put off until the process asks it."""
    if not here.place.startswith("stream"):
        process.plans[process.crossed + 1] = lose_stream
        return
    raise StreamUnreachable("planned")


class MortalCursor(psycopg.Cursor[DictRow]):
    """Every statement is a boundary, before and after."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> MortalCursor:
        what = _first_words(query)
        self._cross("db before", what)
        super().execute(query, params, **options)
        self._cross("db after", what)
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        what = _first_words(query)
        self._cross("db before", what)
        super().executemany(query, params_seq, **options)
        self._cross("db after", what)

    @contextmanager
    def copy(self, statement: Any, params: Any = None, **options: Any) -> Generator[psycopg.Copy]:
        what = _first_words(statement)
        self._cross("db before", what)
        with super().copy(statement, params, **options) as copy:
            yield copy
        self._cross("db after", what)

    def _cross(self, place: str, what: str) -> None:
        connection = cast("MortalConnection", self.connection)
        if connection.process is not None:
            connection.process.cross(place, what)


class MortalConnection(psycopg.Connection[DictRow]):
    """A connection as the functions open it; begin and commit are boundaries, too."""

    process: Process | None = None

    @contextmanager
    def transaction(
        self,
        savepoint_name: str | None = None,
        force_rollback: bool = False,  # noqa: FBT001, FBT002 -- psycopg's own signature
    ) -> Generator[psycopg.Transaction]:
        self._cross("db before", "BEGIN")
        with super().transaction(savepoint_name, force_rollback) as transaction:
            yield transaction
            self._cross("db before", "COMMIT")
        self._cross("db after", "COMMIT")

    def _cross(self, place: str, what: str) -> None:
        if self.process is not None:
            self.process.cross(place, what)


def connect(url: str) -> MortalConnection:
    """Open a connection that is nobody's yet: it only looks, and never dies."""
    return MortalConnection.connect(
        url,
        autocommit=True,
        row_factory=dict_row,
        cursor_factory=MortalCursor,
        options=_OPTIONS,
        prepare_threshold=2,
    )


class MortalStream(ViewStream):
    """The real stream; each call is a boundary, before and after.

    Unfinished entries of a dead reader may be taken over at once: real time does not pass here.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, idle_ms=0)
        self.process = Process(name="nobody")

    def read(self, events_min: int, consumer: str) -> list[Entry]:
        self.process.cross("stream before", "read")
        entries = super().read(events_min, consumer)
        self.process.cross("stream after", "read")
        return entries

    def finish(
        self, entries: Sequence[Entry], letters: Sequence[tuple[Entry, BadEvent]] = ()
    ) -> None:
        self.process.cross("stream before", "finish")
        super().finish(entries, letters)
        self.process.cross("stream after", "finish")

    def give_back(self, entries: Sequence[Entry], consumer: str) -> None:
        self.process.cross("stream before", "give_back")
        super().give_back(entries, consumer)
        self.process.cross("stream after", "give_back")


class MortalTransport:
    """One fake node as seen by one process; each call is a boundary, before and after."""

    def __init__(
        self, node: Any, process: Process, watch: Callable[[Process, str, Sequence[Any]], None]
    ) -> None:
        self._node = node
        self._process = process
        self._watch = watch
        self.url: str = node.url

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        call = json.loads(body)
        # One entry or a batch of them; the first tells what it is about.
        first = call[0] if isinstance(call, list) else call
        method = str(first["method"])
        self._process.cross("chain before", method)
        self._watch(self._process, method, first["params"])
        answer = cast("tuple[int, bytes]", self._node.post(body, timeout_s=timeout_s))
        self._process.cross("chain after", method)
        return answer


@functools.lru_cache(maxsize=1_000)
def _first_words(query: Any) -> str:
    """The statement without its comments, short enough for a trace."""
    text = query.decode() if isinstance(query, bytes) else str(query)
    lines = [line for line in text.splitlines() if line and not line.startswith("--")]
    return " ".join(" ".join(lines).split()[:4])
