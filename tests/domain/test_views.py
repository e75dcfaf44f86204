"""Goal: nothing reaches the stream that the drain could not count."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from pixr.domain.errors import Malformed
from pixr.domain.views import AGE_MAX, FUTURE_MAX, check_time, watched_ms

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
