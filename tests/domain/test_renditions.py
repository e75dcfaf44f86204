"""The ladder and the price of a rung."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.errors import NoGain, QuoteUnavailable
from pixr.domain.renditions import (
    LADDER,
    MULTIPLIERS,
    PRICE_MIN_LAMPORTS,
    PRICES,
    Size,
    SolPrice,
    Source,
    base_rung,
    estimated_bytes,
    quote,
    real_rungs,
    rung_size,
    shows_nothing_new,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOL = SolPrice(usd=Decimal("150.25"), as_of=NOW - timedelta(hours=1))
SIZES = st.builds(Size, width_px=st.integers(16, 8192), height_px=st.integers(16, 8192))


def source(width_px: int = 3840, height_px: int = 2160, *, minutes: int = 10) -> Source:
    return Source(
        size=Size(width_px=width_px, height_px=height_px),
        frames=24 * 60 * minutes,
        duration_ms=60_000 * minutes,
    )


@pytest.mark.parametrize(
    ("width_px", "height_px", "rungs"),
    [
        (1920, 1080, (480, 720, 1080)),
        (1080, 1920, (480, 720, 1080)),
        (1920, 1048, (480, 720, 1080)),
        (1920, 1047, (480, 720)),
        (1920, 800, (480, 720)),
        (854, 466, (480,)),
        (854, 465, ()),
        (3840, 2160, LADDER),
    ],
)
def test_real_rungs(width_px: int, height_px: int, rungs: tuple[int, ...]) -> None:
    assert real_rungs(Size(width_px=width_px, height_px=height_px)) == rungs


@pytest.mark.parametrize(
    ("short_px", "rung"),
    [
        (2160, 480),
        (480, 480),
        (466, 480),
        (465, 360),
        (350, 360),
        (349, 240),
        (240, 240),
        (16, 240),
    ],
)
def test_base_rung(short_px: int, rung: int) -> None:
    assert base_rung(Size(width_px=short_px * 2, height_px=short_px)) == rung


@pytest.mark.parametrize(
    ("given_px", "rung", "expected_px"),
    [
        ((1920, 1080), 480, (854, 480)),
        ((1920, 1080), 720, (1280, 720)),
        ((1080, 1920), 480, (480, 854)),
        ((1920, 800), 480, (1152, 480)),
        ((1001, 999), 720, (722, 720)),
        ((852, 478), 480, (852, 478)),
        ((640, 400), 360, (640, 400)),
        ((161, 121), 240, (160, 120)),
        ((17, 17), 240, (16, 16)),
    ],
)
def test_rung_size(given_px: tuple[int, int], rung: int, expected_px: tuple[int, int]) -> None:
    size = rung_size(Size(width_px=given_px[0], height_px=given_px[1]), rung)
    assert (size.width_px, size.height_px) == expected_px


@given(SIZES)
def test_no_rendition_is_larger_than_its_source_or_another_shape(size: Size) -> None:
    for rung in {base_rung(size), *real_rungs(size)}:
        made = rung_size(size, rung)
        assert made.width_px % 2 == made.height_px % 2 == 0
        assert 2 <= made.width_px <= size.width_px
        assert 2 <= made.height_px <= size.height_px
        assert made.short_px <= max(rung, size.short_px if rung not in LADDER else 0)
        # Each side is at most two pixels from the exact shape.
        short_px = min(rung, size.short_px) if rung in LADDER else size.short_px
        scale = Fraction(short_px, size.short_px)
        assert abs(made.width_px - size.width_px * scale) <= 2
        assert abs(made.height_px - size.height_px * scale) <= 2


def test_a_better_rung_never_earns_less() -> None:
    rates = [Fraction(*MULTIPLIERS[rung]) for rung in sorted(MULTIPLIERS)]
    assert rates == sorted(rates)
    assert Fraction(*MULTIPLIERS[480]) == 1
    assert Fraction(*MULTIPLIERS[2160]) == Fraction(8, 5)
    assert set(MULTIPLIERS) == {240, 360, *LADDER}


def test_a_quote_by_hand() -> None:
    priced = quote(source(1920, 1080), 1080, sol=SOL, now=NOW)
    lines = {line.code: line for line in priced.lines}
    # 14,400 frames of 2,073,600 pixels are 29.85984 gigapixels.
    assert lines["encode"].quantity == lines["read"].quantity == Decimal("29.859840")
    assert lines["requests"].quantity == 61
    gigabytes = Fraction(14_400 * 2_073_600 * 70, 8 * 1000 * 10**9)
    assert 0 <= Fraction(lines["storage"].quantity) - gigabytes < Fraction("0.000001")
    vcpu_usd = Fraction("0.0000133334") * Fraction("1.769")
    cost = (
        Fraction("29.85984") * (54 + 9) * Fraction("1.1") * vcpu_usd
        + 61 * Fraction("0.00001")
        + gigabytes * 12 * Fraction("0.023")
    )
    exact = cost * Fraction(3, 2) / Fraction("150.25") * 10**9
    assert exact <= priced.lamports < exact + 1
    assert "minimum" not in lines
    assert "audio" not in lines


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
    assert {line["code"] for line in lines} == {"encode", "read", "requests", "storage", "margin"}


def test_every_figure_has_a_date_and_a_source() -> None:
    for figure in PRICES.values():
        assert figure.usd > 0
        assert figure.as_of
        assert figure.source


SOURCES = st.builds(
    Source,
    size=st.builds(Size, width_px=st.integers(480, 8192), height_px=st.integers(480, 8192)),
    frames=st.integers(1, 1_000_000),
    duration_ms=st.integers(1, 14_400_000),
    audio_encoded_ms=st.integers(0, 14_400_000),
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


@pytest.mark.parametrize("detail", [None, {}, {"720": 9_999}, {"1080": 4_249}])
def test_a_rung_is_offered_unless_it_was_seen_to_hold_nothing(
    detail: dict[str, int] | None,
) -> None:
    assert shows_nothing_new(detail, 1080) is None


def test_a_rung_without_detail_says_what_was_measured() -> None:
    reason = shows_nothing_new({"720": 3_000, "1080": 4_400}, 1080)
    assert reason is not None
    assert reason.startswith("no visible gain")
    assert "1080p" in reason
    assert "44.00 dB" in reason
