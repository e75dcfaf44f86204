"""The price of a rung."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.errors import NoGain, QuoteUnavailable
from pixr.domain.quotes import (
    PRICE_MIN_LAMPORTS,
    PRICES,
    SolPrice,
    Source,
    Weight,
    estimated_bytes,
    quote,
)
from pixr.domain.renditions import Size, real_rungs

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOL = SolPrice(usd=Decimal("150.25"), as_of=NOW - timedelta(hours=1))


def source(width_px: int = 3840, height_px: int = 2160, *, minutes: int = 10) -> Source:
    return Source(
        size=Size(width_px=width_px, height_px=height_px),
        frames=24 * 60 * minutes,
        duration_ms=60_000 * minutes,
    )


def test_a_quote_by_hand() -> None:
    priced = quote(source(1920, 1080, minutes=20), 1080, sol=SOL, now=NOW)
    lines = {line.code: line for line in priced.lines}
    # 28,800 frames of 2,073,600 pixels are 59.71968 gigapixels; 3 × 96 of them 0.5971968.
    assert lines["encode"].quantity == Decimal("59.719680")
    assert lines["read"].quantity == Decimal("60.316877")  # rounded up
    assert lines["search"].quantity == Decimal("0.597197")  # rounded up
    assert lines["requests"].quantity == 120
    gigabytes = Fraction(estimated_bytes(source(1920, 1080, minutes=20), 1080), 10**9)
    assert 0 <= Fraction(lines["storage"].quantity) - gigabytes < Fraction("0.000001")
    work_usd = sum(
        Fraction(gigapixels) * PRICES[code].usd
        for code, gigapixels in (
            ("encode", "59.71968"),
            ("read", "60.3168768"),
            ("search", "0.5971968"),
        )
    )
    cost = work_usd + 120 * PRICES["requests"].usd + gigabytes * 12 * Fraction("0.023")
    exact = cost * Fraction(3, 2) / Fraction("150.25") * 10**9
    assert exact <= priced.lamports < exact + 1
    assert "minimum" not in lines
    assert "audio" not in lines


def test_a_heavier_film_costs_more_and_its_lines_say_why() -> None:
    plain = quote(source(minutes=60), 1080, sol=SOL, now=NOW)
    weight = Weight.of(compute=Fraction(3, 2), size=Fraction(5, 4))
    heavy = quote(replace(source(minutes=60), weight=weight), 1080, sol=SOL, now=NOW)
    before, after = ({line.code: line for line in one.lines} for one in (plain, heavy))
    for code, factor, told in (("encode", "1.5", "× 1.50"), ("storage", "1.25", "× 1.25")):
        assert after[code].quantity == pytest.approx(before[code].quantity * Decimal(factor))
        assert after[code].usd == pytest.approx(
            before[code].usd * Decimal(factor), rel=Decimal("0.0001")
        )
        assert after[code].unit == f"{before[code].unit}, {told} by what is there of this film"
    assert after["requests"] == replace(before["requests"], lamports=after["requests"].lamports)
    assert heavy.lamports > plain.lamports


@pytest.mark.parametrize(
    ("measured", "believed"),
    [("0", "1/10"), ("1/20", "1/10"), ("1/2", "1/2"), ("3", "3"), ("1000", "10")],
)
def test_a_weight_that_no_film_has_is_not_believed(measured: str, believed: str) -> None:
    weight = Weight.of(compute=Fraction(measured), size=Fraction(measured))
    assert weight.compute == weight.size == Fraction(believed)


def test_what_was_compressed_hard_is_not_thought_to_grow() -> None:
    plain = estimated_bytes(source(), 1080)
    assert estimated_bytes(replace(source(), size_bytes=10**12), 1080) == plain
    assert estimated_bytes(replace(source(), size_bytes=10**6), 1080) == 1_200_000


def test_nothing_is_cheaper_than_what_can_be_moved_on_chain() -> None:
    priced = quote(source(minutes=1), 480, sol=SOL, now=NOW)
    assert priced.lamports == PRICE_MIN_LAMPORTS
    assert priced.lines[-1].code == "minimum"


def test_document_shows_every_line_without_floats() -> None:
    document = quote(source(), 2160, sol=SOL, now=NOW).document()
    lines = document["lines"]
    assert isinstance(lines, list)
    assert sum(line["lamports"] for line in lines) == document["lamports"]
    assert all(not isinstance(value, float) for line in lines for value in line.values())
    assert document["sol_usd"] == "150.25"
    assert document["sol_usd_as_of"] == "2026-11-23T11:00:00+00:00"
    assert {line["code"] for line in lines} == {
        *("encode", "read", "search", "requests", "storage", "margin")
    }


def test_every_figure_has_a_date_and_a_source() -> None:
    for figure in PRICES.values():
        assert figure.usd > 0
        assert figure.as_of
        assert figure.source


WEIGHTS = st.builds(Weight.of, compute=st.fractions(0, 20), size=st.fractions(0, 20))
SOURCES = st.builds(
    Source,
    size=st.builds(Size, width_px=st.integers(480, 8192), height_px=st.integers(480, 8192)),
    frames=st.integers(1, 1_000_000),
    duration_ms=st.integers(1, 14_400_000),
    audio_encoded_ms=st.integers(0, 14_400_000),
    weight=WEIGHTS,
    size_bytes=st.none() | st.integers(1, 10**12),
)
PRICES_OF_SOL = st.builds(
    SolPrice,
    usd=st.decimals("0.01", "100000", places=4),
    as_of=st.just(NOW),
)


@given(SOURCES, PRICES_OF_SOL)
def test_lines_are_positive_and_sum_to_the_price(source: Source, sol: SolPrice) -> None:
    for rung in real_rungs(source.size):
        priced = quote(source, rung, sol=sol, now=NOW)
        assert sum(line.lamports for line in priced.lines) == priced.lamports
        assert priced.lamports >= PRICE_MIN_LAMPORTS
        assert all(line.lamports >= 0 and line.usd >= 0 for line in priced.lines)


@given(SOURCES, PRICES_OF_SOL)
def test_more_of_anything_never_costs_less(source: Source, sol: SolPrice) -> None:
    prices = [quote(source, rung, sol=sol, now=NOW).lamports for rung in real_rungs(source.size)]
    assert prices == sorted(prices)
    for more in (
        replace(source, frames=source.frames + 1000),
        replace(source, duration_ms=source.duration_ms + 60_000),
        replace(source, audio_encoded_ms=source.audio_encoded_ms + 60_000),
    ):
        for rung, price in zip(real_rungs(source.size), prices, strict=True):
            assert quote(more, rung, sol=sol, now=NOW).lamports >= price
            assert estimated_bytes(more, rung) >= estimated_bytes(source, rung)


@given(SOURCES, PRICES_OF_SOL)
def test_a_dearer_sol_never_costs_more_of_them(source: Source, sol: SolPrice) -> None:
    dearer = replace(sol, usd=sol.usd * 2)
    for rung in real_rungs(source.size):
        before, after = (quote(source, rung, sol=one, now=NOW) for one in (sol, dearer))
        assert after.lamports <= before.lamports


@pytest.mark.parametrize(
    ("age", "is_fresh"),
    [
        (timedelta(hours=24), True),
        (timedelta(hours=24, seconds=1), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-5, seconds=-1), False),
    ],
)
def test_a_price_of_sol_holds_for_a_day(age: timedelta, is_fresh: bool) -> None:  # noqa: FBT001
    sol = SolPrice(usd=Decimal(150), as_of=NOW - age)
    if is_fresh:
        assert quote(source(), 480, sol=sol, now=NOW).lamports > 0
    else:
        with pytest.raises(QuoteUnavailable, match="not of the last 24 hours"):
            quote(source(), 480, sol=sol, now=NOW)


def test_without_a_price_of_sol_nothing_is_quoted() -> None:
    with pytest.raises(QuoteUnavailable, match="SOL_USD"):
        quote(source(), 480, sol=None, now=NOW)


def test_a_rung_that_the_source_has_not_is_refused() -> None:
    with pytest.raises(NoGain, match="1080 px: no 1440"):
        quote(source(1920, 1080), 1440, sol=SOL, now=NOW)


@pytest.mark.parametrize("usd", [Decimal(0), Decimal(-1)])
def test_a_price_that_is_no_price_is_a_bug(usd: Decimal) -> None:
    with pytest.raises(ValueError, match="positive"):
        quote(source(), 480, sol=SolPrice(usd=usd, as_of=NOW), now=NOW)
