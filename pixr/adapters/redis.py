"""The stream of view events: speed between the API and the database, never the record.

    append ──▶ pixr:views ──read──▶ the drain ──ack──▶ gone
                   │  ▲                  │
                   │  └── reclaimed ◀── died, or its transaction rolled back
                   └── delivered too often, or unreadable ──▶ pixr:views:dead

An entry leaves the stream only by ``ack`` (after the database committed) or to the dead-letter
stream. Losing Redis may therefore delay money, never lose what was acknowledged to a producer
on a replica, and never create any: an event that arrives twice earns once.
"""

import json
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.retry import Retry

from pixr.domain.errors import Outage
from pixr.domain.views import ViewEvent

STREAM: Final = "pixr:views"
DEAD_STREAM: Final = "pixr:views:dead"
GROUP: Final = "settler"

DELIVERIES_MAX: Final = 5
"""An entry that five readers did not finish is put aside for a person to look at."""

IDLE_MS: Final = 60_000
"""An entry whose reader has been silent for longer than a settler may run is taken over."""

_FIELD = b"e"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_Entry = tuple[str, dict[bytes, bytes]]


class StreamUnreachable(Outage):
    """Redis did not take or give the events. A producer must send them again."""

    part = "stream of views"


@dataclass(frozen=True, slots=True)
class BadEntry:
    """What is on the stream is not a view event, or was delivered too often."""

    payload: str
    reason: str


class ViewStream:
    """View events in, view events out, at least once.

    Args:
        url: ``redis://`` or ``rediss://``.
        replicas_min: How many replicas must hold what was appended before ``append`` returns.
        timeout_s: For connecting and for each answer.
        idle_ms: When an unfinished entry of another reader may be taken over.
    """

    def __init__(
        self, url: str, *, replicas_min: int = 0, timeout_s: float = 2.0, idle_ms: int = IDLE_MS
    ) -> None:
        # redis-py's own annotations are half sync, half async and partly missing.
        self._client: Any = redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] -- so
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), retries=1),
        )
        self._replicas_min = replicas_min
        # Redis must give up waiting before the socket does, or the answer would be lost.
        self._wait_ms = int(timeout_s * 500)
        self._idle_ms = idle_ms

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def append(self, events: Sequence[ViewEvent]) -> None:
        """Queue all of ``events`` or none, and wait for the replicas.

        Raises:
            StreamUnreachable: Perhaps queued, perhaps not: the producer must send them again,
                and may, because an event earns once.
        """
        if not events:
            return
        # One round trip on one connection: WAIT speaks only of what its own connection wrote.
        with _translated(), self._client.pipeline(transaction=False) as batch:
            batch.execute_command("MULTI")
            for event in events:
                batch.xadd(STREAM, {_FIELD: _encode(event)})
            batch.execute_command("EXEC")
            batch.execute_command("WAIT", self._replicas_min, self._wait_ms)
            replicas = batch.execute()[-1]
        if replicas < self._replicas_min:
            raise StreamUnreachable(f"{replicas} of {self._replicas_min} replicas hold the events")

    def read(
        self, count: int, consumer: str, block_ms: int = 0
    ) -> list[tuple[str, ViewEvent | BadEntry]]:
        """Take up to ``count`` entries: first what a dead reader left, then new ones.

        Entries that were delivered ``DELIVERIES_MAX`` times already are moved to the dead-letter
        stream and not returned.

        Args:
            count: At most this many.
            consumer: The reader's name; entries are its until ``ack`` or ``IDLE_MS``.
            block_ms: How long to wait for a new entry when there is none; 0 does not wait.

        Returns:
            Pairs of entry id and event. A ``BadEntry`` is for ``dead_letter``.

        Raises:
            StreamUnreachable: Nothing was returned; what was taken comes back by itself.
        """
        with _translated():
            entries = self._with_group(lambda: self._reclaim(count, consumer))
            if len(entries) < count:
                wanted, block = count - len(entries), (block_ms or None) if not entries else None
                entries += self._with_group(lambda: self._read_new(wanted, consumer, block))
        return [(entry_id, _decode(fields)) for entry_id, fields in entries]

    def ack(self, entry_ids: Sequence[str]) -> None:
        """Forget entries whose work is committed.

        Raises:
            StreamUnreachable: They may be delivered again, which changes nothing.
        """
        if not entry_ids:
            return
        with _translated(), self._client.pipeline(transaction=True) as batch:
            batch.xack(STREAM, GROUP, *entry_ids)
            batch.xdel(STREAM, *entry_ids)
            batch.execute()

    def dead_letter(self, entries: Mapping[str, BadEntry]) -> None:
        """Put entries aside for a person, with the reason, and take them off the stream.

        The dead-letter stream is never trimmed: an entry may be somebody's money.

        Raises:
            StreamUnreachable: They stay where they are and are delivered again.
        """
        if not entries:
            return
        with _translated(), self._client.pipeline(transaction=True) as batch:
            for entry_id, entry in entries.items():
                batch.xadd(
                    DEAD_STREAM,
                    {"entry": entry_id, "payload": entry.payload, "reason": entry.reason},
                )
            batch.xack(STREAM, GROUP, *entries)
            batch.xdel(STREAM, *entries)
            batch.execute()

    def depth(self) -> int:
        """How many entries are on the stream: new ones and those being worked on."""
        with _translated():
            return int(self._client.xlen(STREAM))

    def dead_depth(self) -> int:
        """How many entries wait for a person."""
        with _translated():
            return int(self._client.xlen(DEAD_STREAM))

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StreamUnreachable: There was none in time.
        """
        with _translated():
            self._client.ping()

    def _reclaim(self, count: int, consumer: str) -> list[_Entry]:
        """Take over idle entries, burying those that were delivered too often."""
        claimed: Any = self._client.xautoclaim(
            STREAM, GROUP, consumer, min_idle_time=self._idle_ms, start_id="0-0", count=count
        )
        entries = [_entry(item) for item in claimed[1]]
        if not entries:
            return []
        pending: Any = self._client.xpending_range(
            STREAM,
            GROUP,
            min=entries[0][0],
            max=entries[-1][0],
            count=count,
            consumername=consumer,
        )
        spent = {
            item["message_id"].decode()
            for item in pending
            if item["times_delivered"] > DELIVERIES_MAX
        }
        self.dead_letter(
            {
                entry_id: BadEntry(_payload(fields), f"delivered {DELIVERIES_MAX} times")
                for entry_id, fields in entries
                if entry_id in spent
            }
        )
        return [entry for entry in entries if entry[0] not in spent]

    def _read_new(self, count: int, consumer: str, block_ms: int | None) -> list[_Entry]:
        answer: Any = self._client.xreadgroup(
            GROUP, consumer, {STREAM: ">"}, count=count, block=block_ms
        )
        return [_entry(item) for _, items in (() if answer is None else answer) for item in items]

    def _with_group(self, ask: Callable[[], list[_Entry]]) -> list[_Entry]:
        """Ask, making the consumer group first where there is none (a new or emptied Redis)."""
        try:
            return ask()
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
        try:
            self._client.xgroup_create(STREAM, GROUP, id="0", mkstream=True)
        except ResponseError as error:
            # Another reader made it first.
            if not str(error).startswith("BUSYGROUP"):
                raise
        return ask()


@contextmanager
def _translated() -> Generator[None]:
    """Say every fault of Redis in our own word; the text names no address or password."""
    try:
        yield
    except RedisError as error:
        raise StreamUnreachable(type(error).__name__) from error


def _entry(item: tuple[bytes, dict[bytes, bytes]]) -> _Entry:
    return item[0].decode(), item[1]


def _payload(fields: Mapping[bytes, bytes]) -> str:
    return fields.get(_FIELD, b"").decode(errors="replace")


def _encode(event: ViewEvent) -> bytes:
    """An array rather than an object: the names would be two thirds of the bytes."""
    occurred_us = (event.occurred_at - _EPOCH) // _MICROSECOND
    return json.dumps(
        [event.event_id, event.content_id, event.viewer_id, event.watched_ms, occurred_us],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()


def _decode(fields: Mapping[bytes, bytes]) -> ViewEvent | BadEntry:
    try:
        event_id, content_id, viewer_id, watched_ms, occurred_us = json.loads(fields[_FIELD])
        is_typed = all(isinstance(text, str) for text in (event_id, content_id, viewer_id)) and all(
            type(number) is int for number in (watched_ms, occurred_us)
        )
        if not is_typed:
            return BadEntry(_payload(fields), "not a view event")
        return ViewEvent(
            event_id=event_id,
            content_id=content_id,
            viewer_id=viewer_id,
            watched_ms=watched_ms,
            occurred_at=_EPOCH + occurred_us * _MICROSECOND,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return BadEntry(_payload(fields), "not a view event")
