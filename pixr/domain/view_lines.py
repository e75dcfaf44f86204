r"""View events as lines of text: on the stream, and on the way into the database.

    event id ⇥ content id ⇥ viewer id ⇥ watched milliseconds ⇥ microseconds since 1970 ⏎

These are the lines that PostgreSQL's COPY reads, so between the door and the table nobody takes
an event apart: one regular expression over a hundred of them says that each is sound, in a third
of a microsecond where decoding and writing it again took seven times that (ADR-0016). Only when
it does not match are the lines looked at one by one, and the bad ones named.

A backslash, a tab or a line feed inside an id is written ``\\``, ``\t``, ``\n``, as COPY does.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from pixr.domain.views import (
    CONTENT_ID_LENGTH_MAX,
    DAY_US,
    EVENT_ID_LENGTH_MAX,
    VIEWER_ID_LENGTH_MAX,
    WATCHED_SECONDS_MAX,
    ViewEvent,
    day_of,
)

WATCHED_MS_MAX: Final = WATCHED_SECONDS_MAX * 1000
OCCURRED_US_MAX: Final = 10**16 - 1
"""In the year 2286; later is no date that anybody means."""

_PLAIN: Final = r"[^\x00-\x1f\\]"
_SOUND_LINES: Final = re.compile(
    rf"(?:{_PLAIN}{{1,{EVENT_ID_LENGTH_MAX}}}+"
    rf"\t{_PLAIN}{{1,{CONTENT_ID_LENGTH_MAX}}}+"
    rf"\t{_PLAIN}{{1,{VIEWER_ID_LENGTH_MAX}}}+"
    # Up to 86400000, and as the database writes numbers, so that a line can be found again.
    r"\t(?:0|[1-9][0-9]{0,6}|[1-7][0-9]{7}|8[0-5][0-9]{6}|86[0-3][0-9]{5}|86400000)"
    r"\t(?:0|[1-9][0-9]{0,15})\n)++"
)
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,15}")
_PARTS: Final = 5
_ESCAPES: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
_ESCAPED: Final = re.compile(r"\\(.?)", re.DOTALL)
_MEANT: Final = {"\\": "\\", "t": "\t", "n": "\n", "r": "\r"}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Sound lines, each with its line feed, ready for COPY."""

    text: bytes = b""
    count: int = 0

    def split(self) -> list["Lines"]:
        """Two halves of them, to find out which one is to blame."""
        lines = [line + b"\n" for line in self.each()]
        middle = len(lines) // 2
        return [_joined(lines[:middle]), _joined(lines[middle:])]

    def each(self) -> list[bytes]:
        """The lines without their line feeds."""
        return self.text.split(b"\n")[:-1]

    def days(self) -> list[date]:
        """The UTC day of each."""
        return [day_of(int(line.rpartition(b"\t")[2]) // DAY_US) for line in self.each()]


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLine:
    """What is no view event, and why."""

    payload: bytes
    """As it was found, without its line feed."""
    position: int
    """From 0, among the lines that it came with."""
    reason: str


def joined(parts: Iterable[Lines]) -> Lines:
    """All of them, one after the other."""
    taken = list(parts)
    return Lines(
        text=b"".join([part.text for part in taken]), count=sum(part.count for part in taken)
    )


def write_lines(events: Iterable[ViewEvent]) -> Lines:
    """Write events that have passed the door."""
    lines = [
        write_line(
            event.event_id,
            event.content_id,
            event.viewer_id,
            event.watched_ms,
            (event.occurred_at - _EPOCH) // _MICROSECOND,
        )
        for event in events
    ]
    return _joined(lines)


def write_line(
    event_id: str, content_id: str, viewer_id: str, watched_ms: int, occurred_us: int
) -> bytes:
    """Write one line, with its line feed.

    Raises:
        UnicodeEncodeError: An id holds half of a surrogate pair.
    """
    ids = "\t".join(text.translate(_ESCAPES) for text in (event_id, content_id, viewer_id))
    return f"{ids}\t{watched_ms}\t{occurred_us}\n".encode()


def read_lines(payload: bytes) -> tuple[Lines, list[BadLine]]:
    """Tell the sound lines from the bad ones; the last may do without its line feed."""
    if payload and not payload.endswith(b"\n"):
        payload += b"\n"
    try:
        if _SOUND_LINES.fullmatch(payload.decode()):
            return Lines(text=payload, count=payload.count(b"\n")), []
    except UnicodeDecodeError:
        pass  # one of the lines is to blame; found below
    sound: list[bytes] = []
    bad: list[BadLine] = []
    for position, line in enumerate(payload.split(b"\n")[:-1]):
        found = _read_line(line)
        if isinstance(found, bytes):
            sound.append(found)
        else:
            bad.append(BadLine(payload=line, position=position, reason=found))
    return _joined(sound), bad


def check_parts(
    event_id: object, content_id: object, viewer_id: object, watched_ms: object, occurred_us: object
) -> str | None:
    """Say what keeps these from being a view event; None when nothing does."""
    for name, text, length_max in (
        ("event_id", event_id, EVENT_ID_LENGTH_MAX),
        ("content_id", content_id, CONTENT_ID_LENGTH_MAX),
        ("viewer_id", viewer_id, VIEWER_ID_LENGTH_MAX),
    ):
        if not isinstance(text, str) or not 0 < len(text) <= length_max:
            return f"{name} is not a text of 1 to {length_max} characters"
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            return f"{name} holds what no database can store: NUL, or half of a character"
    for name, number, largest in (
        ("watched_ms", watched_ms, WATCHED_MS_MAX),
        ("occurred_us", occurred_us, OCCURRED_US_MAX),
    ):
        # True and false are integers, too.
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= largest:
            return f"{name} is not a whole number from 0 to {largest}"
    return None


def _joined(lines: list[bytes]) -> Lines:
    return Lines(text=b"".join(lines), count=len(lines))


def _read_line(line: bytes) -> bytes | str:
    """The line as COPY wants it, or why it is no event."""
    try:
        parts = line.decode().split("\t")
    except UnicodeDecodeError:
        return "not Unicode"
    if len(parts) != _PARTS:
        return "not a view event"
    try:
        event_id, content_id, viewer_id = (_ESCAPED.sub(_mean, text) for text in parts[:3])
    except KeyError:
        return "an escape that means nothing"
    numbers = [int(text) if _NUMBER.fullmatch(text) else None for text in parts[3:]]
    reason = check_parts(event_id, content_id, viewer_id, *numbers)
    if reason is not None:
        return reason
    return write_line(event_id, content_id, viewer_id, int(parts[3]), int(parts[4]))


def _mean(escape: re.Match[str]) -> str:
    return _MEANT[escape[1]]
