"""Goal: estimate and actual are told in the same money, so their difference means something."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.costs import (
    actual_document,
    converted_usd,
    error_percent,
    estimate_document,
    weigh,
)
from pixr.domain.quotes import ORDINARY, PRICES, VCPU_S_USD, Source, Weight, estimated_bytes
from pixr.domain.renditions import LADDER, Size

HD = Source(size=Size(width_px=1920, height_px=1080), frames=14_400, duration_ms=600_000)


def test_an_estimate_is_the_cost_of_the_work_alone() -> None:
    """10 minutes of 1080p: 29.86 gigapixels made and as many read, 60 chunks."""
    document = estimate_document(HD, 1080)
    gigapixels = Fraction(14_400 * 1920 * 1080, 10**9)
    assert document["megapixels"] == 29_860  # rounded up
    tried = Fraction(3 * 96 * 1920 * 1080, 10**9)
    compute_usd = (
        gigapixels * PRICES["encode"].usd
        + (gigapixels + tried) * PRICES["read"].usd
        + tried * PRICES["search"].usd
    )
    assert document["vcpu_ms"] == -(-compute_usd * 1_000 // VCPU_S_USD)
    assert document["bytes"] == estimated_bytes(HD, 1080)
    usd = (
        compute_usd
        + 60 * PRICES["requests"].usd
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
        chunks=60,
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


def made(*, cpu_factor: str = "1", size_factor: str = "1", **changes: Any) -> tuple[Any, Any]:
    """A first rendition of ``HD`` and its job, so many times as heavy as the table says."""
    source = replace(HD, audio_encoded_ms=HD.duration_ms if "settings" in changes else 0)
    thought = estimate_document(source, 480)
    rendition = {"rung": 480, "bytes": round(thought["bytes"] * Fraction(size_factor))}
    job = {
        "way": "chunks",
        "source_key": "originals/a",
        "settings": {"audio": "copy"},
        "actual": {"vcpu_ms": round(thought["vcpu_ms"] * Fraction(cpu_factor))},
    }
    return rendition, job | changes


def weighed(rendition: Any, job: Any) -> Weight:
    return weigh(HD, rendition, job, source_key="originals/a")


def test_a_film_is_as_heavy_as_what_is_there_of_it() -> None:
    assert weighed(*made()) == ORDINARY
    weight = weighed(*made(cpu_factor="1.5", size_factor="0.4"))
    assert weight.compute == pytest.approx(Fraction("1.5"), rel=1e-4)
    assert weight.size == pytest.approx(Fraction("0.4"), rel=1e-4)
    # Weighed, the table says of the first rendition what it was.
    rendition, job = made(cpu_factor="1.5", size_factor="0.4")
    again = estimate_document(replace(HD, weight=weight), 480)
    assert again["vcpu_ms"] == pytest.approx(job["actual"]["vcpu_ms"], rel=1e-4)
    assert again["bytes"] == pytest.approx(rendition["bytes"], rel=1e-4)


def test_sound_that_was_encoded_then_makes_no_film_heavy() -> None:
    assert weighed(*made(settings={"audio": "encode"})) == ORDINARY


@pytest.mark.parametrize(
    "changes",
    [{"way": "mediaconvert"}, {"source_key": "originals/b"}, {"actual": None}],
)
def test_only_our_own_work_on_this_source_says_what_it_takes(changes: dict[str, Any]) -> None:
    weight = weighed(*made(cpu_factor="3", size_factor="2", **changes))
    assert weight.compute == 1
    assert weight.size == pytest.approx(Fraction(2), rel=1e-4)


def test_without_its_job_a_rendition_still_has_its_size() -> None:
    rendition, _ = made(size_factor="2")
    assert weighed(rendition, None).compute == 1


@pytest.mark.parametrize(
    ("short_px", "fps", "minutes", "usd"),
    [
        (480, 24, 10, "0.12"),
        (720, 30, 10, "0.24"),
        (1080, 60, 10, "0.48"),
        (1440, 24, 10, "0.48"),
        (240, 24, Fraction(1, 600), "0.002"),
    ],
)
def test_a_conversion_costs_what_aws_says(
    short_px: int, fps: int, minutes: Fraction, usd: str
) -> None:
    duration_ms = round(60_000 * minutes)
    size = Size(width_px=short_px * 16 // 9, height_px=short_px)
    charged_usd = converted_usd(size, fps * duration_ms // 1000, duration_ms)
    assert charged_usd == Fraction(usd)
