"""The stream of view events: speed between the API and the database, never the record.

    append ──▶ packs ──read──▶ the drain ──finish──▶ gone, and what was bad ──▶ dead letters
                 │  ▲              │
                 │  └─ taken over ◀┴─ died, or given back after an outage
                 └── delivered too often ──▶ dead letters

An entry leaves the stream only by ``finish`` (after the database committed) or to the dead
letters. Losing Redis may therefore delay money, never lose what was acknowledged to a producer
on a replica, and never create any: an event that arrives twice earns once.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from redis.exceptions import ResponseError

from pixr.adapters.redis.layout import (
    ALONE_FROM,
    CONSUMER_IDLE_MS,
    COUNT_FIELD,
    DEAD,
    DELIVERIES_MAX,
    GROUP,
    IDLE_MS,
    PACK_FIELD,
    PACKS,
    STREAM,
    WAITING,
    StreamUnreachable,
    connect,
    translated,
)
from pixr.adapters.redis.packs import (
    PACK_EVENTS_READ_MAX,
    BadEvent,
    decode,
    encode_packs,
    whole,
)
from pixr.domain.view_lines import Lines
from pixr.domain.views import ViewEvent

T = TypeVar("T")
Fields = dict[bytes, bytes]

ENTRIES_PER_READ: Final = 250
"""Of each stream in one answer: 25,000 events, about 2 MB."""

ENTRIES_PER_FINISH: Final = 1_000
"""In one transaction of Redis; fewer when letters come along, of which an entry may have many."""

_COMPANY: Final[Mapping[int, int]] = {2: 32, 3: 4, 4: 1}
"""Readers that died with an entry → how many such entries the next reader gets at once."""

_FORGET: Final = """
local forgotten = 0
for _, reader in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
    local found = {}
    for place = 1, #reader, 2 do found[reader[place]] = reader[place + 1] end
    if found['pending'] == 0 and found['idle'] >= tonumber(ARGV[2]) then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], found['name'])
        forgotten = forgotten + 1
    end
end
return forgotten
"""
"""One step of the server: a reader that wakes up in between would lose what it was just given."""

_RECOUNT: Final = "return redis.call('XLEN', KEYS[1]) == 0 and redis.call('DEL', KEYS[2])"
"""Likewise: a producer may append in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one entry of the stream holds."""

    key: str
    """The stream that it is on."""
    id: str
    lines: Lines
    bad: Sequence[BadEvent]
    """What of it is no view event, and why."""
    waiting: int
    """How many events it counts for among those that wait."""
    is_suspect: bool = False
    """Readers have died with it before."""

    @property
    def events(self) -> int:
        """How many events it holds, good and bad."""
        return self.lines.count + len(self.bad)

    def put_aside(self, reasons: Mapping[bytes, str]) -> list[BadEvent]:
        """Letters about those of its lines that must not be counted, by the line."""
        # The bad ones between them took places, too.
        taken = {event.position for event in self.bad}
        places = [place for place in range(self.events) if place not in taken]
        return [
            BadEvent(payload=line, reason=reasons[line], position=place)
            for place, line in zip(places, self.lines.each(), strict=False)
            if line in reasons
        ]


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
        self._client = connect(url, timeout_s=timeout_s)
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
        with translated(), self._client.pipeline(transaction=False) as batch:
            batch.execute_command("MULTI")
            for pack in encode_packs(events):
                batch.xadd(PACKS, {PACK_FIELD: pack.text, COUNT_FIELD: pack.count})
            batch.incrby(WAITING, len(events))
            batch.execute_command("EXEC")
            batch.execute_command("WAIT", self._replicas_min, self._wait_ms)
            replicas = batch.execute()[-1]
        if replicas < self._replicas_min:
            raise StreamUnreachable(f"{replicas} of {self._replicas_min} replicas hold the events")

    def read(self, events_min: int, consumer: str) -> list[Entry]:
        """Take entries until they hold ``events_min`` events: first what other readers left.

        Entries that were delivered ``DELIVERIES_MAX`` times already are moved to the dead letters
        and not returned. Those that readers have died with come alone, or in small company.

        Args:
            events_min: Fewer come only when no more are there, or from entries under suspicion.
                More by one answer of Redis at most (``ENTRIES_PER_READ`` of each stream).
            consumer: The reader's name; entries are its until ``finish``, ``give_back`` or
                ``idle_ms``.

        Raises:
            StreamUnreachable: Nothing was returned; what was taken comes back by itself.
        """
        with translated():
            entries, is_suspect = self._with_group(lambda: self._take_over(consumer))
            count = sum(entry.events for entry in entries)
            while count < events_min and not is_suspect:
                fresh = self._with_group(lambda: self._read_new(consumer))
                if not fresh:
                    break
                entries += fresh
                count += sum(entry.events for entry in fresh)
        return entries

    def finish(
        self, entries: Sequence[Entry], letters: Sequence[tuple[Entry, BadEvent]] = ()
    ) -> None:
        """Forget entries whose work is committed, and put aside what of them could not be.

        The dead letters are never trimmed: each may be somebody's money.

        Raises:
            StreamUnreachable: Some stay where they are and are delivered again, which changes
                nothing but, perhaps, puts a letter aside twice.
        """
        bad: dict[tuple[str, str], list[BadEvent]] = {}
        for entry, event in letters:
            bad.setdefault((entry.key, entry.id), []).append(event)
        size = 50 if letters else ENTRIES_PER_FINISH
        for start in range(0, len(entries), size):
            self._finish(entries[start : start + size], bad)

    def give_back(self, entries: Sequence[Entry], consumer: str) -> None:
        """Let the next reader have them at once, as if they had never been delivered.

        For an outage of something else: nobody died with them. When Redis is away, too, they
        come back by themselves after ``idle_ms``, counted as delivered.
        """
        with suppress(StreamUnreachable), translated(), self._client.pipeline() as batch:
            for key, ids in _by_key(entries):
                batch.xclaim(
                    key, GROUP, consumer, 0, ids, idle=self._idle_ms, retrycount=0, justid=True
                )
            batch.execute()

    def tidy(self) -> int:
        """Forget readers that have gone, and count from zero again when nothing waits.

        Returns:
            How many names of readers were removed: they held nothing, for an hour.

        Raises:
            StreamUnreachable: Some may be left, for the next time.
        """
        with translated():
            # Two readers that finish the same entry both take it off the count.
            self._client.eval(_RECOUNT, 2, PACKS, WAITING)
            forgotten = 0
            for key in (STREAM, PACKS):
                with suppress(ResponseError):  # no such stream or group: nobody to forget
                    forgotten += int(self._client.eval(_FORGET, 1, key, GROUP, CONSUMER_IDLE_MS))
            return forgotten

    def depth(self) -> int:
        """How many events wait: new ones and those being worked on."""
        with translated(), self._client.pipeline(transaction=False) as batch:
            batch.xlen(STREAM)
            batch.xlen(PACKS)
            batch.get(WAITING)
            single, packs, waiting = batch.execute()
        # The counter speaks only while there is something to count: a pack that is not ours may
        # have claimed any number.
        return int(single) + (max(int(packs), int(waiting or 0)) if packs else 0)

    def dead_depth(self) -> int:
        """How many letters wait for a person."""
        with translated():
            return int(self._client.xlen(DEAD))

    def ping(self) -> None:
        """Ask for a sign of life.

        Raises:
            StreamUnreachable: There was none in time.
        """
        with translated():
            self._client.ping()

    def _take_over(self, consumer: str) -> tuple[list[Entry], bool]:
        """Claim what other readers left; whether it is under suspicion, and to come alone."""
        with self._client.pipeline(transaction=False) as batch:
            for key in (PACKS, STREAM):
                batch.xpending_range(
                    key, GROUP, min="-", max="+", count=ENTRIES_PER_READ, idle=self._idle_ms
                )
            left = list(zip((PACKS, STREAM), batch.execute(), strict=True))
        deliveries = {
            (key, item["message_id"].decode()): int(item["times_delivered"])
            for key, items in left
            for item in items
        }
        spent = [place for place, count in deliveries.items() if count >= DELIVERIES_MAX]
        if spent:
            self._bury(self._claim(spent, consumer))
        worst = max((n for n in deliveries.values() if n < DELIVERIES_MAX), default=0)
        chosen = [place for place, count in deliveries.items() if count == worst]
        is_suspect = worst >= ALONE_FROM
        if is_suspect:
            chosen = chosen[: _COMPANY[worst]]
        claimed = self._claim(chosen, consumer)
        return [_entry(*found, is_suspect=is_suspect) for found in claimed], is_suspect

    def _claim(
        self, places: Sequence[tuple[str, str]], consumer: str
    ) -> list[tuple[str, bytes, Fields]]:
        """Take entries over, unless somebody else just did: key, id and fields of each."""
        claimed: list[tuple[str, bytes, Fields]] = []
        for key, pairs in itertools.groupby(places, lambda place: place[0]):
            ids = [entry_id for _, entry_id in pairs]
            items: Any = self._client.xclaim(key, GROUP, consumer, self._idle_ms, ids)
            claimed += [(key, *item) for item in items if item and item[1] is not None]
        return claimed

    def _bury(self, claimed: Sequence[tuple[str, bytes, Fields]]) -> None:
        """Put whole entries aside, as they are."""
        reason = f"delivered {DELIVERIES_MAX} times"
        entries = [_entry(*found) for found in claimed]
        letters = [whole(fields, reason) for _, _, fields in claimed]
        self.finish(entries, list(zip(entries, letters, strict=True)))

    def _read_new(self, consumer: str) -> list[Entry]:
        answer: Any = self._client.xreadgroup(
            GROUP, consumer, {PACKS: ">", STREAM: ">"}, count=ENTRIES_PER_READ
        )
        return [_entry(key.decode(), *item) for key, items in answer or () for item in items]

    def _finish(
        self, entries: Sequence[Entry], bad: Mapping[tuple[str, str], Sequence[BadEvent]]
    ) -> None:
        with translated(), self._client.pipeline(transaction=True) as batch:
            for entry in entries:
                for event in bad.get((entry.key, entry.id), ()):
                    batch.xadd(DEAD, _letter(entry, event))
            for key, ids in _by_key(entries):
                batch.xack(key, GROUP, *ids)
                batch.xdel(key, *ids)
            waiting = sum(entry.waiting for entry in entries)
            if waiting:
                batch.decrby(WAITING, waiting)
            batch.execute()

    def _with_group(self, ask: Callable[[], T]) -> T:
        """Ask, making the consumer groups first where there are none (a new or emptied Redis)."""
        try:
            return ask()
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        for key in (STREAM, PACKS):
            try:
                self._client.xgroup_create(key, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                # Another reader made it first.
                if not str(error).startswith("BUSYGROUP"):
                    raise
        return ask()


def _by_key(entries: Iterable[Entry]) -> list[tuple[str, list[str]]]:
    ids: dict[str, list[str]] = {}
    for entry in entries:
        ids.setdefault(entry.key, []).append(entry.id)
    return list(ids.items())


def _entry(key: str, entry_id: bytes, fields: Fields, *, is_suspect: bool = False) -> Entry:
    lines, bad = decode(fields)
    stated = fields.get(COUNT_FIELD, b"")
    is_count = key == PACKS and stated.isdigit() and len(stated) <= len(str(PACK_EVENTS_READ_MAX))
    return Entry(
        key=key,
        id=entry_id.decode(),
        lines=lines,
        bad=bad,
        waiting=int(stated) if is_count else 0,
        is_suspect=is_suspect,
    )


def _letter(entry: Entry, event: BadEvent) -> dict[str, str | bytes | int]:
    return {
        "stream": entry.key,
        "entry": entry.id,
        "position": "" if event.position is None else event.position,
        "kind": "json" if event.is_json else "lines",
        "payload": event.payload,
        "reason": event.reason,
    }
