"""Goal: nothing reaches the stream that the drain could not count."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from pixr.domain.errors import Malformed
from pixr.domain.views import (
    AGE_MAX,
    DAY_US,
    FUTURE_MAX,
    check_time,
    day_number,
    day_of,
    kept_days,
    watched_ms,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("seconds", "milliseconds"),
    [(0, 0), (30, 30_000), (Decimal("29.9999"), 29_999), (86_400, 86_400_000), (Decimal("-0"), 0)],
)
def test_seconds_become_whole_milliseconds(seconds: int | Decimal, milliseconds: int) -> None:
    assert watched_ms(seconds) == milliseconds


@pytest.mark.parametrize(
    "seconds",
    [-1, Decimal("-0.001"), 86_401, Decimal("1e400"), Decimal("NaN"), Decimal("Infinity")],
)
def test_impossible_seconds_are_refused(seconds: int | Decimal) -> None:
    with pytest.raises(Malformed, match="watched_seconds"):
        watched_ms(seconds)


@pytest.mark.parametrize("occurred_at", [NOW, NOW + FUTURE_MAX, NOW - AGE_MAX])
def test_a_time_within_bounds_passes(occurred_at: datetime) -> None:
    check_time(occurred_at, now=NOW)


@pytest.mark.parametrize("occurred_at", [NOW + FUTURE_MAX + TICK, NOW - AGE_MAX - TICK])
def test_a_time_out_of_bounds_is_refused(occurred_at: datetime) -> None:
    with pytest.raises(Malformed, match="occurred_at"):
        check_time(occurred_at, now=NOW)


def test_whatever_passes_the_door_is_of_a_day_that_is_kept() -> None:
    """And for two weeks more, should it have to wait."""
    for occurred_at in (NOW - AGE_MAX, NOW + FUTURE_MAX):
        check_time(occurred_at, now=NOW)
        for waited in (timedelta(), timedelta(days=13)):
            oldest, newest = kept_days(NOW + waited)
            assert oldest <= occurred_at.date() <= newest


def test_the_day_of_a_view_is_that_of_utc() -> None:
    """Whatever zone the clock that asks is in."""
    late = datetime(2030, 1, 1, 23, 30, tzinfo=timezone(-timedelta(hours=2)))
    assert kept_days(late)[1] == date(2030, 1, 3)


@pytest.mark.parametrize("day", [date(1970, 1, 1), date(2030, 2, 28), date(1969, 12, 31)])
def test_a_day_has_a_number_and_a_number_a_day(day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    occurred_us = (midnight - datetime(1970, 1, 1, tzinfo=UTC)) // TICK
    assert day_number(day) == occurred_us // DAY_US == (occurred_us + DAY_US - 1) // DAY_US
    assert day_of(day_number(day)) == day
