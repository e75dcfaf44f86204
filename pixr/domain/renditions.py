"""The ladder: which qualities a video can really have, and what a view of each earns.

    source 1920 × 1080  ─▶  480 (base, free)   720   1080     never 1440, never 2160
                             └ makes it live    └─ offered, priced, funded, made

A *rung* is the short side of the picture in pixels, so a portrait video has the rungs of the
landscape one. Nothing is ever scaled up: a rung exists when the source reaches it, and a
rendition is never larger than its source. What one costs is counted in ``pixr.domain.quotes``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Final

LADDER: Final = (480, 720, 1080, 1440, 2160)
"""Rungs that are offered, as the short side in pixels."""

BASE_RUNGS: Final = (480, 360, 240)
"""What the free first rendition may be: the best that the source reaches, else the last."""

TOLERANCE: Final = Fraction(3, 100)
"""A source this much short of a rung still has it: 1062 lines count as 1080."""

MULTIPLIERS: Final[Mapping[int, tuple[int, int]]] = {
    240: (1, 1),
    360: (1, 1),
    480: (1, 1),
    720: (11, 10),
    1080: (5, 4),
    1440: (7, 5),
    2160: (8, 5),
}
"""What a view earns at each best rung, relative to 480, as numerator and denominator."""

DETAIL_MAX_CENTIDB: Final = 4_250
"""What survives the rung below this well has nothing for the rung. Real film and live action lose
more than 4,130 keeps; what was blown up from 720 keeps 4,254 and more (ADR-0029)."""

CHUNK_MS: Final = 10_000
"""About how long one encoded chunk is; shorter ones cost quality (2 s: half a VMAF point)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """A picture as it is shown: upright, with square pixels."""

    width_px: int
    height_px: int

    @property
    def short_px(self) -> int:
        """The side that rungs are counted by."""
        return min(self.width_px, self.height_px)

    @property
    def pixels(self) -> int:
        """Area in pixels."""
        return self.width_px * self.height_px


def _reaches(size: Size, rung: int) -> bool:
    return size.short_px >= rung * (1 - TOLERANCE)


def real_rungs(source: Size) -> tuple[int, ...]:
    """The rungs of the ladder that the source has the lines for, lowest first; may be empty."""
    return tuple(rung for rung in LADDER if _reaches(source, rung))


def is_better(new: Size, present: Size) -> bool:
    """Whether a source has more lines than another, by more than what counts as equal."""
    return new.short_px * (1 - TOLERANCE) > present.short_px


def shows_nothing_new(detail: Mapping[str, int] | None, rung: int) -> str | None:
    """Why a rung would look like the one below it, or None when it would not, or nobody measured.

    Args:
        detail: Rung, as text → PSNR-Y in centidecibels of the source's round trip through the
            rung below, as ``contents.detail`` holds it; None: nothing was measured.
        rung: One of ``LADDER``.
    """
    centidb = None if detail is None else detail.get(str(rung))
    if centidb is None or centidb < DETAIL_MAX_CENTIDB:
        return None
    return (
        f"no visible gain: through the quality below {rung}p and back the source keeps"
        f" {_db(centidb)} dB, and from {_db(DETAIL_MAX_CENTIDB)} dB on nobody sees a difference"
    )


def _db(centidb: int) -> Decimal:
    return Decimal(centidb).scaleb(-2)


def base_rung(source: Size) -> int:
    """The rung of the free first rendition: 480, or less when the source is smaller."""
    return next((rung for rung in BASE_RUNGS if _reaches(source, rung)), BASE_RUNGS[-1])


def rung_size(source: Size, rung: int) -> Size:
    """The picture of ``source`` at ``rung``: same shape, even sides, never larger.

    Below the ladder (a base of 360 or 240) the source keeps its own size. Sides are even
    because 4:2:0 video halves its colour planes.

    Raises:
        ValueError: A side would be smaller than two pixels.
    """
    short_px = min(rung, source.short_px) if rung in LADDER else source.short_px
    width_px = _even(Fraction(source.width_px * short_px, source.short_px), source.width_px)
    height_px = _even(Fraction(source.height_px * short_px, source.short_px), source.height_px)
    return Size(width_px=width_px, height_px=height_px)


def _even(exact_px: Fraction, source_px: int) -> int:
    nearest_px = 2 * round(exact_px * Fraction(1, 2))
    if nearest_px > source_px:
        nearest_px -= 2
    if nearest_px < 2:  # noqa: PLR2004 -- the smallest even side
        raise ValueError(f"a picture side of {source_px} px cannot be made even")
    return nearest_px
