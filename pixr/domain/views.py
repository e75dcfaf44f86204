"""A view event: who watched what, for how long, and when.

A trusted producer sends it, the stream carries it, the drain counts it once. What it must
look like is decided here, at the door: whatever is on the stream has passed.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from pixr.domain.errors import Malformed

EVENTS_MAX: Final = 1_000
"""Events in one request."""

EVENT_ID_LENGTH_MAX: Final = 128
VIEWER_ID_LENGTH_MAX: Final = 128
CONTENT_ID_LENGTH_MAX: Final = 64
CONTENT_ID_PATTERN: Final = r"^[A-Za-z0-9_-]{1,64}$"

WATCHED_SECONDS_MAX: Final = 86_400
"""A day: a longer view is two views, or a broken clock."""

FUTURE_MAX: Final = timedelta(minutes=5)
"""How far a producer's clock may run ahead of ours."""

AGE_MAX: Final = timedelta(days=7)
"""Older events are refused at the door."""

VIEW_RETENTION_DAYS: Final = 21
"""How many whole days before today are kept row by row. A day knows a repeated event only while
it is kept, so none is taken for an older one. A week at the door, and then two in which what waits
on the stream or among the dead letters can still be looked at, replayed, and earn."""

DAY_US: Final = 86_400_000_000
"""Of `occurred_us`, microseconds since 1970 (UTC)."""
_FIRST_DAY: Final = date(1970, 1, 1)


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


def day_number(day: date) -> int:
    """Days since 1970: ``occurred_us // DAY_US`` of every view of that UTC day."""
    return (day - _FIRST_DAY).days


def day_of(number: int) -> date:
    """The day with that number."""
    return _FIRST_DAY + timedelta(days=number)


def kept_days(now: datetime) -> tuple[date, date]:
    """The oldest and the newest UTC day that views are taken for at ``now``.

    The newest is tomorrow: a producer's clock may run ``FUTURE_MAX`` ahead over midnight.
    """
    today = now.astimezone(UTC).date()
    return today - timedelta(days=VIEW_RETENTION_DAYS), today + timedelta(days=1)
