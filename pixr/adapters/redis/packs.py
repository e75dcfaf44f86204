r"""How view events lie in an entry of the stream, and what of it cannot be one.

    {"p": "event\tcontent\tviewer\t40000\t1767225600000000\n…", "n": 100}

A hundred events an entry rather than one, because what an entry costs (its id, its delivery, its
acknowledgement) costs more than an event. Before packs an entry was one event,
``{"e": "[\"event\", \"content\", …]"}``; an API of that time may still be writing them.

Whatever is wrong with one event is said of that event; its neighbours are read all the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pixr.adapters.redis.layout import EVENT_FIELD, PACK_FIELD
from pixr.domain.view_lines import Lines, check_parts, read_lines, write_line, write_lines
from pixr.domain.views import ViewEvent

PACK_EVENTS_MAX: Final = 100
"""A pack is delivered as a whole; a thousand would make the slices of a drain coarse."""

PACK_EVENTS_READ_MAX: Final = 1_000
"""A pack of more was not made by any version of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadEvent:
    """What is not a view event, or must not be counted; and why."""

    payload: bytes
    """As it stood on the stream."""
    reason: str
    position: int | None = None
    """Its place in a pack, from 0; None when the whole entry is meant."""
    is_json: bool = False
    """Whether it is written as events were before packs, rather than as lines."""


def encode_packs(events: Sequence[ViewEvent]) -> Iterator[Lines]:
    """Write packs."""
    for start in range(0, len(events), PACK_EVENTS_MAX):
        yield write_lines(events[start : start + PACK_EVENTS_MAX])


def decode(fields: Mapping[bytes, bytes]) -> tuple[Lines, list[BadEvent]]:
    """Read what can be read of an entry."""
    if PACK_FIELD in fields:
        return decode_pack(fields[PACK_FIELD])
    if EVENT_FIELD in fields:
        return decode_event(fields[EVENT_FIELD])
    return Lines(), [whole(fields, "not an entry of ours")]


def decode_pack(payload: bytes) -> tuple[Lines, list[BadEvent]]:
    """Read what can be read of lines."""
    if not payload:
        return Lines(), [BadEvent(payload=payload, reason="an empty pack")]
    if payload.count(b"\n") > PACK_EVENTS_READ_MAX:
        reason = f"a pack of more than {PACK_EVENTS_READ_MAX} events"
        return Lines(), [BadEvent(payload=payload, reason=reason)]
    lines, bad = read_lines(payload)
    return lines, [
        BadEvent(payload=line.payload, reason=line.reason, position=line.position) for line in bad
    ]


def decode_event(payload: bytes) -> tuple[Lines, list[BadEvent]]:
    """Read one event that was written before packs."""
    reason: str | None = "not a view event"
    try:
        parts: Any = json.loads(payload.decode())
        event_id, content_id, viewer_id, watched_ms, occurred_us = parts
        reason = check_parts(event_id, content_id, viewer_id, watched_ms, occurred_us)
        if reason is None:
            line = write_line(event_id, content_id, viewer_id, watched_ms, occurred_us)
            return Lines(text=line, count=1), []
    except (TypeError, ValueError, RecursionError):
        pass  # no JSON, or not five parts of any kind
    return Lines(), [BadEvent(payload=payload, reason=reason or "not a view event", is_json=True)]


def whole(fields: Mapping[bytes, bytes], reason: str) -> BadEvent:
    """A whole entry as one bad event: what it holds, as it stands there."""
    if PACK_FIELD in fields:
        return BadEvent(payload=fields[PACK_FIELD], reason=reason)
    if EVENT_FIELD in fields:
        return BadEvent(payload=fields[EVENT_FIELD], reason=reason, is_json=True)
    texts = {
        key.decode(errors="backslashreplace"): value.decode(errors="backslashreplace")
        for key, value in fields.items()
    }
    return BadEvent(payload=json.dumps(texts, ensure_ascii=False).encode(), reason=reason)
