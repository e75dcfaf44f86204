"""Where to aim a kill, and what stood open when it hit.

The database tells both. It is read a few hundred times a second while a kill waits for its aim,
over a connection of its own that is opened again whenever PostgreSQL was restarted.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import psycopg
import redis

from pixr.adapters.postgres import Database, DatabaseUnreachable, connect, drills
from pixr.adapters.redis import GROUP, PACKS, STREAM
from pixr.local.machine import Machine
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.drilling.schedule import Aim

POLL_S: Final = 0.003
"""Between two looks."""

BRIEF: Final = frozenset({Aim.DRAINING, Aim.SIGNED})
"""They last milliseconds, so nobody sleeps between two looks at them."""

AIM_TIMEOUT_S: Final = 6.0
FINALITY_BLOCKS: Final = 31
LANDING_SLOTS: Final = 3
RECONNECT_TIMEOUT_S: Final = 60.0
RECONNECT_PAUSE_S: Final = 0.1
REDIS_TIMEOUT_S: Final = 10.0

EVENT_ID: Final = re.compile(rb"\b[0-9]{6}:[0-9]{4}:[0-9a-f]{16}\b")
"""As ``views.make_events`` writes it, wherever it stands in an entry."""

LOST: Final = (DatabaseUnreachable, psycopg.OperationalError, psycopg.InterfaceError)

IDLE: Final = "idle"
DRAINING: Final = "draining"
PLANNED: Final = "planned"
STORED: Final = "stored, not on chain"
IN_FLIGHT: Final = "on chain, not final"
FINALIZING: Final = "final, not in the books"
UNTOLD: Final = "stored, the node does not say"
STATES: Final = (IDLE, DRAINING, PLANNED, STORED, IN_FLIGHT, FINALIZING, UNTOLD)
FINAL: Final = "finalized"

Value = TypeVar("Value")


class Watch:
    """Looks at the database, the stream and the chain, and changes nothing.

    Args:
        machine: Whose.
        nodes: Its chain.
        slot_ms: Milliseconds per slot: how long finality takes.
    """

    def __init__(self, machine: Machine, nodes: Nodes, *, slot_ms: int) -> None:
        self._url = machine.description.database_url
        self._nodes = nodes
        self._finality_s = FINALITY_BLOCKS * slot_ms / 1000
        self._landing_s = LANDING_SLOTS * slot_ms / 1000
        # redis-py's own annotations are half sync, half async and partly missing.
        self._redis: Any = redis.Redis.from_url(
            machine.description.redis_url, socket_timeout=REDIS_TIMEOUT_S
        )
        self._stack = contextlib.ExitStack()
        self._db: Database | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._redis.close()
        with contextlib.suppress(*LOST):
            self._stack.close()

    def ask(self, question: Callable[[Database], Value]) -> Value:
        """Ask the database, once more when it has been restarted meanwhile.

        Raises:
            DatabaseUnreachable: It does not come back.
        """
        deadline = time.monotonic() + RECONNECT_TIMEOUT_S
        while True:
            try:
                return self._ask_once(question)
            except LOST:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RECONNECT_PAUSE_S)

    def _ask_once(self, question: Callable[[Database], Value]) -> Value:
        try:
            if self._db is None:
                self._db = self._stack.enter_context(connect(self._url))
            return question(self._db)
        except LOST:
            self._db = None
            with contextlib.suppress(*LOST):
                self._stack.close()
            raise

    def wait_for(self, aim: Aim, *, taken_before: int) -> bool:
        """Wait until new work has come as far as the aim; False when none does in time.

        Args:
            aim: Any but ``Aim.ANY``, which needs no work.
            taken_before: How many entries of the stream dead settlers had taken already.
        """
        since = datetime.now(UTC)
        deadline = time.monotonic() + AIM_TIMEOUT_S
        while not self._has_come(aim, since, taken_before):
            if time.monotonic() > deadline:
                return False
            if aim not in BRIEF:
                time.sleep(POLL_S)
        if aim is Aim.FINALIZING:
            time.sleep(self._finality_s)
        return True

    def _has_come(self, aim: Aim, since: datetime, taken_before: int) -> bool:
        if aim is Aim.DRAINING and self.undrained()[1] > taken_before:
            return True
        come = self.ask(lambda db: drills.aims(db, since=since))
        match aim:
            case Aim.DRAINING:
                return come.draining
            case Aim.PLANNED:
                return come.planned
            case Aim.SIGNED:
                return come.signed
            case _:
                return come.in_flight

    def states(self, *, taken_before: int) -> list[str]:
        """What is open, just after a kill; several at once are possible.

        Args:
            taken_before: How many entries of the stream dead settlers had taken already.
        """
        open_work = self.ask(drills.at_kill)
        taken = self.undrained()[1]
        # What was sent just before the kill is on chain one slot later.
        time.sleep(self._landing_s)
        seen = self._nodes.sightings(open_work.signatures)
        found = {
            DRAINING: taken > taken_before,
            PLANNED: open_work.planned > 0,
            STORED: seen is not None and None in seen,
            IN_FLIGHT: seen is not None and any(level not in (None, FINAL) for level in seen),
            FINALIZING: seen is not None and FINAL in seen,
            UNTOLD: seen is None and bool(open_work.signatures),
        }
        return [state for state, is_so in found.items() if is_so] or [IDLE]

    def undrained(self) -> tuple[int, int]:
        """How many entries are on the streams, and how many of them a settler has taken."""
        sums = [self._undrained(stream) for stream in (STREAM, PACKS)]
        return sum(length for length, _ in sums), sum(taken for _, taken in sums)

    def on_streams(self) -> Counter[str]:
        """How many distinct events of each request are on the streams, being drained or not."""
        events = {
            event_id
            for stream in (STREAM, PACKS)
            for _, fields in self._redis.xrange(stream)
            for payload in fields.values()
            for event_id in EVENT_ID.findall(payload)
        }
        return Counter(event_id.split(b":")[0].decode() for event_id in events)

    def _undrained(self, stream: str) -> tuple[int, int]:
        length = 0
        try:
            length = int(self._redis.xlen(stream))
            return length, int(self._redis.xpending(stream, GROUP)["pending"]) if length else 0
        except redis.ResponseError:
            return length, 0  # nobody has made the group yet
        except redis.RedisError:
            return 0, 0
