"""What a person does with view events that could not be counted: look, replay, drop.

    {pixr:views}:dead ──replay──▶ {pixr:views}:packs ──▶ the drain (an event earns once)
          └──drop──▶ gone for good

A letter keeps the bytes as they stood on the stream, so what was put aside by a fault of ours can
be replayed as it was sent. What can be decoded says ``Letter.decode``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pixr.adapters.redis.layout import (
    COUNT_FIELD,
    DEAD,
    DEAD_BEFORE,
    PACK_FIELD,
    PACKS,
    WAITING,
    connect,
    translated,
)
from pixr.adapters.redis.packs import BadEvent, decode_event, decode_pack
from pixr.domain.view_lines import Lines

LETTERS_PER_READ: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A view event, or a whole entry, that was put aside."""

    key: str
    """The stream of letters that it is on."""
    id: str
    put_aside_at: datetime
    stream: str
    entry_id: str
    """The stream and the entry that it came from."""
    position: int | None
    """Its place in that entry's pack; None: the whole entry."""
    is_json: bool
    """Whether the payload is written as events were before packs, rather than as lines."""
    payload: bytes
    reason: str

    def decode(self) -> tuple[Lines, list[BadEvent]]:
        """The events in it that could be replayed; and what could not, and why."""
        return decode_event(self.payload) if self.is_json else decode_pack(self.payload)


class DeadLetters:
    """The letters, oldest first.

    Args:
        url: ``redis://`` or ``rediss://``.
        timeout_s: For connecting and for each answer.
    """

    def __init__(self, url: str, *, timeout_s: float = 5.0) -> None:
        self._client = connect(url, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def list(self) -> Iterator[Letter]:
        """Every letter that was there at the beginning, a slice at a time.

        Raises:
            StreamUnreachable: Redis does not answer.
        """
        for key in (DEAD_BEFORE, DEAD):
            with translated():
                newest: Any = self._client.xrevrange(key, count=1)
            start, end = "-", newest[0][0].decode() if newest else ""
            while end:
                with translated():
                    found: Any = self._client.xrange(key, start, end, count=LETTERS_PER_READ)
                yield from (_letter(key, *letter) for letter in found)
                start = f"({found[-1][0].decode()}" if found else "-"
                end = end if len(found) == LETTERS_PER_READ else ""

    def get(self, letter_id: str) -> Letter | None:
        """Return one letter, or None when there is none by that id.

        Raises:
            StreamUnreachable: Redis does not answer.
        """
        for key in (DEAD_BEFORE, DEAD):
            with translated():
                found: Any = self._client.xrange(key, letter_id, letter_id, count=1)
            if found:
                return _letter(key, *found[0])
        return None

    def replay(self, letters: Sequence[Letter]) -> None:
        """Put letters back on the stream: all of them, or none, in one transaction of Redis.

        Raises:
            StreamUnreachable: Perhaps they are back, perhaps not. To replay again is safe.
        """
        with translated(), self._client.pipeline(transaction=True) as batch:
            for letter in letters:
                lines, bad = letter.decode()
                payload = lines.text if letter.is_json else letter.payload
                count = lines.count + len(bad)
                batch.xadd(PACKS, {PACK_FIELD: payload, COUNT_FIELD: count})
                batch.incrby(WAITING, count)
                batch.xdel(letter.key, letter.id)
            batch.execute()

    def drop(self, letters: Sequence[Letter]) -> int:
        """Delete letters for good; return how many were still there.

        Raises:
            StreamUnreachable: Some may be left.
        """
        with translated():
            return sum(int(self._client.xdel(letter.key, letter.id)) for letter in letters)


def _letter(key: str, letter_id: bytes, fields: Mapping[bytes, bytes]) -> Letter:
    def text(name: bytes) -> str:
        return fields.get(name, b"").decode(errors="backslashreplace")

    position = text(b"position")
    milliseconds = int(letter_id.partition(b"-")[0])
    return Letter(
        key=key,
        id=letter_id.decode(),
        put_aside_at=datetime.fromtimestamp(milliseconds / 1000, UTC),
        stream=text(b"stream"),
        entry_id=text(b"entry"),
        position=int(position) if position.isdecimal() else None,
        # Settlers from before packs wrote no kind.
        is_json=text(b"kind") != "lines",
        payload=fields.get(b"payload", b""),
        reason=text(b"reason"),
    )
