r"""How view events lie in an entry of the stream, and what of it cannot be one.

    {"p": [["event", "content", "viewer", 40000, 1767225600000000], …], "n": 100}

An array of arrays rather than of objects: the names would be two thirds of the bytes. A hundred
events an entry rather than one, because what an entry costs (its id, its delivery, its
acknowledgement) costs more than an event. JSON rather than something denser: decoding is a
tenth of a drain, and a person can read a dead letter (ADR-0016).

Whatever is wrong with one event is said of that event; its neighbours are read all the same.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeGuard

from pixr.domain.views import (
    CONTENT_ID_LENGTH_MAX,
    EVENT_ID_LENGTH_MAX,
    VIEWER_ID_LENGTH_MAX,
    WATCHED_SECONDS_MAX,
    ViewEvent,
    ViewRow,
)

PACK_EVENTS_MAX: Final = 100
"""A pack is read, or put aside, as a whole; a thousand would make slices too coarse to bound."""

PACK_EVENTS_READ_MAX: Final = 1_000
"""A pack of more was not made by any version of ours."""

WATCHED_MS_MAX: Final = WATCHED_SECONDS_MAX * 1000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BadEvent:
    """What is not a view event, or must not be counted; and why."""

    payload: bytes
    """As it stood on the stream: of one event, or of a whole entry."""
    reason: str
    position: int | None = None
    """Its place in a pack, from 0; None when the whole entry is meant."""
    is_pack: bool = False
    """Whether ``payload`` is a pack rather than one event."""


def row_of(event: ViewEvent) -> ViewRow:
    """The event as drains carry it."""
    return (
        event.event_id,
        event.content_id,
        event.viewer_id,
        event.watched_ms,
        (event.occurred_at - _EPOCH) // _MICROSECOND,
    )


def encode_row(row: ViewRow) -> bytes:
    """Write one event, as it stands in a pack."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def encode_packs(events: Sequence[ViewEvent]) -> Iterator[tuple[bytes, int]]:
    """Write packs and how many events each holds."""
    rows = [row_of(event) for event in events]
    for start in range(0, len(rows), PACK_EVENTS_MAX):
        part = rows[start : start + PACK_EVENTS_MAX]
        yield json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode(), len(part)


def decode_pack(payload: bytes) -> tuple[list[ViewRow], list[BadEvent]]:
    """Read what can be read of a pack."""
    items = _load(payload)
    if not _is_list(items):
        return [], [BadEvent(payload=payload, reason="not a pack of view events", is_pack=True)]
    if len(items) > PACK_EVENTS_READ_MAX:
        reason = f"a pack of more than {PACK_EVENTS_READ_MAX} events"
        return [], [BadEvent(payload=payload, reason=reason, is_pack=True)]
    # Without a backslash JSON can say neither a control character nor half of a surrogate pair.
    is_plain = b"\\" not in payload
    rows: list[ViewRow] = []
    bad: list[BadEvent] = []
    for position, item in enumerate(items):
        found = _row(item, is_plain=is_plain)
        if isinstance(found, tuple):
            rows.append(found)
        else:
            bad.append(BadEvent(payload=_dump(item), reason=found, position=position))
    return rows, bad


def decode_event(payload: bytes) -> tuple[list[ViewRow], list[BadEvent]]:
    """Read one event that stands alone in an entry."""
    found = _row(_load(payload), is_plain=False)
    if isinstance(found, tuple):
        return [found], []
    return [], [BadEvent(payload=payload, reason=found)]


def dump_fields(fields: Mapping[bytes, bytes]) -> bytes:
    """Write down an entry that has none of our fields, for a person to read."""
    texts = {
        key.decode(errors="backslashreplace"): value.decode(errors="backslashreplace")
        for key, value in fields.items()
    }
    return json.dumps(texts, ensure_ascii=False).encode(errors="backslashreplace")


def _load(payload: bytes) -> Any:
    """What the JSON says; None when it is none (which is no event and no pack either)."""
    try:
        return json.loads(payload.decode())
    except (ValueError, RecursionError):
        return None


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _dump(item: Any) -> bytes:
    """One bad event of a pack, so that it can be read, and decoded again."""
    try:
        return json.dumps(item, separators=(",", ":")).encode()
    except RecursionError:
        return b'"nested too deeply to be written down"'


def _row(item: Any, *, is_plain: bool) -> ViewRow | str:  # noqa: PLR0911 -- one reason each
    """The event, or why it is none."""
    try:
        event_id, content_id, viewer_id, watched_ms, occurred_us = item
    except (TypeError, ValueError):
        return "not a view event"
    # `type` rather than `isinstance`: true and false are integers, too.
    if type(event_id) is not str or not 0 < len(event_id) <= EVENT_ID_LENGTH_MAX:
        return f"event_id is not a text of 1 to {EVENT_ID_LENGTH_MAX} characters"
    if type(content_id) is not str or not 0 < len(content_id) <= CONTENT_ID_LENGTH_MAX:
        return f"content_id is not a text of 1 to {CONTENT_ID_LENGTH_MAX} characters"
    if type(viewer_id) is not str or not 0 < len(viewer_id) <= VIEWER_ID_LENGTH_MAX:
        return f"viewer_id is not a text of 1 to {VIEWER_ID_LENGTH_MAX} characters"
    if type(watched_ms) is not int or not 0 <= watched_ms <= WATCHED_MS_MAX:
        return f"watched_ms is not a whole number from 0 to {WATCHED_MS_MAX}"
    if type(occurred_us) is not int:
        return "occurred_us is not a whole number"
    if not is_plain and not all(map(_is_storable, (event_id, content_id, viewer_id))):
        return "an id holds what no database can store: NUL, or half of a character"
    return event_id, content_id, viewer_id, watched_ms, occurred_us


def _is_storable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
