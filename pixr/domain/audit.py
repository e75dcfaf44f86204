"""The audit log's chain of hashes, computed here once more, away from the database that keeps it.

SHA-256(previous hash ‖ number ‖ 0 ‖ epoch µs ‖ 0 ‖ actor ‖ 0 ‖ action ‖ 0 ‖ subject ‖ 0 ‖ detail)
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

FIRST_HASH: Final = bytes(32)
"""What the first line calls the hash of the line before it."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the log. ``detail`` is its JSON exactly as the database writes it."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


def link(previous_hash: bytes, line: Line) -> bytes:
    """The hash that ``line`` must have after a line with ``previous_hash``."""
    texts = (
        str(line.seq),
        str((line.at - _EPOCH) // _MICROSECOND),
        line.actor,
        line.action,
        line.subject,
        line.detail,
    )
    return hashlib.sha256(previous_hash + b"\x00".join(text.encode() for text in texts)).digest()
