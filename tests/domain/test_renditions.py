"""The ladder."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.renditions import (
    LADDER,
    MULTIPLIERS,
    Size,
    base_rung,
    real_rungs,
    rung_size,
    shows_nothing_new,
)

SIZES = st.builds(Size, width_px=st.integers(16, 8192), height_px=st.integers(16, 8192))


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
