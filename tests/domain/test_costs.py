"""Goal: estimate and actual are told in the same money, so their difference means something."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.costs import actual_document, error_percent, estimate_document
from pixr.domain.renditions import LADDER, PRICES, Size, Source, estimated_bytes

HD = Source(size=Size(width_px=1920, height_px=1080), frames=14_400, duration_ms=600_000)


def test_an_estimate_is_the_cost_of_the_work_alone() -> None:
    """10 minutes of 1080p: 29.86 gigapixels made and as many read, 61 chunks."""
    document = estimate_document(HD, 1080)
    gigapixels = Fraction(14_400 * 1920 * 1080, 10**9)
    assert document["megapixels"] == 29_860  # rounded up
    assert document["vcpu_ms"] == -(-gigapixels * 63 * 1_100 // 1)
    assert document["bytes"] == estimated_bytes(HD, 1080)
    usd = (
        gigapixels * (PRICES["encode"].usd + PRICES["read"].usd)
        + 61 * PRICES["requests"].usd
        + Fraction(estimated_bytes(HD, 1080), 10**9) * PRICES["storage"].usd
    )
    assert Fraction(document["usd"]) - usd < Fraction(1, 10**6)
    assert Fraction(document["usd"]) >= usd


def test_what_was_foreseen_exactly_has_no_error() -> None:
    thought = estimate_document(HD, 1080)
    was = actual_document(
        cpu_ms=thought["vcpu_ms"],
        megapixels=thought["megapixels"],
        size_bytes=thought["bytes"],
        chunks=61,
    )
    assert {**thought, "usd": None} == {**was, "usd": None}
    assert abs(Decimal(thought["usd"]) - Decimal(was["usd"])) <= Decimal("0.000002")
    assert error_percent(thought, was) == 0


def test_the_bill_of_the_converter_is_part_of_the_cost() -> None:
    was = actual_document(
        cpu_ms=0, megapixels=1, size_bytes=1, chunks=0, converted_usd=Fraction(3, 20)
    )
    assert was["usd"] == "0.150001"


@pytest.mark.parametrize(
    ("thought", "was", "percent"),
    [
        ({"usd": "0.110"}, {"usd": "0.100"}, 10),
        ({"usd": "0.050"}, {"usd": "0.100"}, -50),
        ({"usd": "0.100"}, {"usd": "0.000000"}, None),
        (None, {"usd": "0.1"}, None),
        ({"usd": "0.1"}, None, None),
    ],
)
def test_an_error_is_told_against_what_it_did_cost(thought: Any, was: Any, percent: Any) -> None:
    assert error_percent(thought, was) == percent


@given(
    frames=st.integers(1, 10**7),
    rung=st.sampled_from((240, 360, *LADDER)),
    audio_ms=st.integers(0, 10**8),
)
def test_more_work_is_never_thought_cheaper(frames: int, rung: int, audio_ms: int) -> None:
    def thought(frames: int, audio_ms: int) -> dict[str, Any]:
        source = Source(
            size=Size(width_px=3840, height_px=2160),
            frames=frames,
            duration_ms=frames * 40,
            audio_encoded_ms=audio_ms,
        )
        return estimate_document(source, rung)

    less = thought(frames, audio_ms)
    for more in (thought(frames + 1, audio_ms), thought(frames, audio_ms + 1)):
        assert all(more[name] >= less[name] for name in ("vcpu_ms", "megapixels", "bytes"))
        assert Decimal(more["usd"]) >= Decimal(less["usd"])
