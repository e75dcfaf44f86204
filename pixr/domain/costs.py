"""What an upgrade was thought to cost and what it did, from one table of prices.

    plan frozen ─▶ estimate ┐
                            ├─▶ error, a metric: the goal is ± 10 % at the median
    published   ─▶ actual ──┘

Both are cost, not price: no margin and no minimum. The actual counts what was measured (processor
time, bytes, chunks) at the same prices, so the error is that of the estimate alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Any, Final

from pixr.domain.quotes import (
    COMPUTED,
    ORDINARY,
    PRICES,
    VCPU_S_USD,
    Source,
    Weight,
    estimated_bytes,
    work,
)
from pixr.domain.renditions import Size, rung_size

_USD_PLACES: Final = 6


def estimate_document(source: Source, rung: int) -> dict[str, Any]:
    """What making ``rung`` from ``source`` should take, for ``upgrade_jobs.estimate``.

    Returns:
        ``{"vcpu_ms", "megapixels", "bytes", "usd"}``: integers, rounded up, and dollars as text.
    """
    amounts = work(source, rung)
    usd = {code: amount * PRICES[code].usd for code, amount in amounts.items()}
    compute_usd = sum((usd[code] for code in COMPUTED), start=Fraction(0))
    return _document(
        vcpu_ms=ceil(compute_usd * 1000 * _inverse(VCPU_S_USD)),
        megapixels=ceil(Fraction(source.frames * rung_size(source.size, rung).pixels, 10**6)),
        size_bytes=estimated_bytes(source, rung),
        usd=sum(usd.values(), start=Fraction(0)),
    )


def actual_document(
    *,
    cpu_ms: int,
    megapixels: int,
    size_bytes: int,
    chunks: int,
    converted_usd: Fraction = Fraction(0),
) -> dict[str, Any]:
    """What making a rendition took, for ``upgrade_jobs.actual``.

    Args:
        cpu_ms: Processor time of all its workers, those that searched for the quality included.
        megapixels: Frames × pixels of the rendition, in millions.
        size_bytes: What is kept of it.
        chunks: How many were encoded; 0 when MediaConvert made it.
        converted_usd: What MediaConvert charges for it.
    """
    usd = (
        Fraction(cpu_ms, 1000) * VCPU_S_USD
        + chunks * PRICES["requests"].usd
        + Fraction(size_bytes, 10**9) * PRICES["storage"].usd
        + converted_usd
    )
    return _document(vcpu_ms=cpu_ms, megapixels=megapixels, size_bytes=size_bytes, usd=usd)


NORMALIZED_USD: Final = Fraction("0.012")
"""A normalized minute of MediaConvert, Professional, as one pass of high quality is. From a bill in
the issues of AWS's video-on-demand solution; 2026-11, us-east-1, not read from a price list."""

NORMALIZED: Final[Mapping[int, int]] = {1440: 4, 720: 2, 0: 1}
"""How many a minute is, by the short side from which it counts: 4K, HD, SD."""

NORMALIZED_FAST_FPS: Final = 30
"""A minute with more frames a second counts twice."""

NORMALIZED_MS_MIN: Final = 10_000
"""What is shorter is billed as so much."""


def normalized_minutes(short_px: int, frames: int, duration_ms: int) -> Fraction:
    """What MediaConvert bills an output as, in its own unit."""
    tier = next(factor for least, factor in NORMALIZED.items() if short_px >= least)
    is_fast = 1000 * frames > NORMALIZED_FAST_FPS * duration_ms
    minutes = Fraction(max(duration_ms, NORMALIZED_MS_MIN), 60_000)
    return minutes * tier * (2 if is_fast else 1)


def converted_usd(size: Size, frames: int, duration_ms: int) -> Fraction:
    """What MediaConvert charges for one rendition."""
    return NORMALIZED_USD * normalized_minutes(size.short_px, frames, duration_ms)


def weigh(
    source: Source,
    rendition: Mapping[str, Any],
    job: Mapping[str, Any] | None,
    *,
    source_key: str,
) -> Weight:
    """How heavy a film is, by a rendition that is there already.

    Args:
        source: The film as it is now.
        rendition: A row of ``renditions``.
        job: The row of ``upgrade_jobs`` that made it; None: it is not known.
        source_key: What the film is made of now. What a job took says something about this source
            only if it was made of it, and by our own workers.
    """
    ours = job
    if job is None or job["way"] != "chunks" or job["source_key"] != source_key:
        ours = None
    has_encoded = ours is not None and ours["settings"].get("audio") == "encode"
    made_of = replace(
        source,
        audio_encoded_ms=source.duration_ms if has_encoded else 0,
        weight=ORDINARY,
        size_bytes=None,
    )
    thought = estimate_document(made_of, rendition["rung"])
    actual = ours["actual"] if ours else None
    taken_ms = actual["vcpu_ms"] if actual else thought["vcpu_ms"]
    return Weight.of(
        compute=Fraction(taken_ms, thought["vcpu_ms"]),
        size=Fraction(rendition["bytes"], thought["bytes"]),
    )


def error_percent(
    estimate: Mapping[str, Any] | None, actual: Mapping[str, Any] | None
) -> int | None:
    """How far the estimate was off, in whole percent of the actual cost; positive: too dear.

    Returns:
        None when one of them is missing, or the job cost nothing.
    """
    if estimate is None or actual is None:
        return None
    thought, was = Fraction(str(estimate["usd"])), Fraction(str(actual["usd"]))
    return round((thought - was) * 100 * _inverse(was)) if was else None


def _document(*, vcpu_ms: int, megapixels: int, size_bytes: int, usd: Fraction) -> dict[str, Any]:
    text = str(Decimal(ceil(usd * 10**_USD_PLACES)).scaleb(-_USD_PLACES))
    return {"vcpu_ms": vcpu_ms, "megapixels": megapixels, "bytes": size_bytes, "usd": text}


def _inverse(value: Fraction) -> Fraction:
    return Fraction(value.denominator, value.numerator)
