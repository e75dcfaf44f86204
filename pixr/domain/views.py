"""A view event: who watched what, for how long, and when.

A trusted producer sends it, the stream carries it, the drain counts it once. What it must
look like is decided here, at the door: whatever is on the stream has passed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from pixr.domain.errors import Malformed

EVENTS_MAX: Final = 1_000
"""Events in one request."""

EVENT_ID_LENGTH_MAX: Final = 128
VIEWER_ID_LENGTH_MAX: Final = 128
CONTENT_ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"

WATCHED_SECONDS_MAX: Final = 86_400
"""A day: a longer view is two views, or a broken clock."""

FUTURE_MAX: Final = timedelta(minutes=5)
"""How far a producer's clock may run ahead of ours."""

AGE_MAX: Final = timedelta(days=7)
"""Older events are refused: their day may be closed, and a day counts an event once only
while its partition exists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewEvent:
    """One view as the stream carries it. ``event_id`` is the idempotency key."""

    event_id: str
    content_id: str
    viewer_id: str
    watched_ms: int
    """Whole milliseconds, rounded down."""
    occurred_at: datetime
    """With a time zone."""


def watched_ms(watched_seconds: int | Decimal) -> int:
    """Turn a producer's seconds into whole milliseconds, rounding down.

    Raises:
        Malformed: Not between 0 and ``WATCHED_SECONDS_MAX``.
    """
    # A comparison with NaN raises; finite is asked first.
    if isinstance(watched_seconds, Decimal) and not watched_seconds.is_finite():
        raise Malformed("watched_seconds", "must be a finite number")
    if not 0 <= watched_seconds <= WATCHED_SECONDS_MAX:
        raise Malformed("watched_seconds", f"must be between 0 and {WATCHED_SECONDS_MAX}")
    return int(watched_seconds * 1000)


def check_time(occurred_at: datetime, *, now: datetime) -> None:
    """Refuse a view from the future or from a day that is closed.

    Raises:
        Malformed: More than ``FUTURE_MAX`` ahead of ``now``, or older than ``AGE_MAX``.
    """
    if occurred_at > now + FUTURE_MAX:
        minutes = FUTURE_MAX // timedelta(minutes=1)
        raise Malformed("occurred_at", f"must not be more than {minutes} minutes in the future")
    if occurred_at < now - AGE_MAX:
        raise Malformed("occurred_at", f"must not be older than {AGE_MAX.days} days")
