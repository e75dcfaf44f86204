"""The ladder: which qualities a video can really have, what a view of each earns, what one costs.

    source 1920 × 1080  ─▶  480 (base, free)   720   1080     never 1440, never 2160
                             └ makes it live    └─ offered, priced, funded, made

A *rung* is the short side of the picture in pixels, so a portrait video has the rungs of the
landscape one. Nothing is ever scaled up: a rung exists when the source reaches it, and a
rendition is never larger than its source. Prices are counted in pixels; every line of a quote
is shown, and the lines sum to the price to the lamport.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Final

from pixr.domain.errors import NoGain, QuoteUnavailable
from pixr.domain.money import LAMPORTS_PER_SOL, RENT_EXEMPT_LAMPORTS

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

PRICE_MIN_LAMPORTS: Final = RENT_EXEMPT_LAMPORTS
"""The rent-exempt minimum: a smaller sum can neither arrive at an empty escrow address nor go
back to an emptied wallet, so no upgrade is cheaper."""

DETAIL_MAX_CENTIDB: Final = 4_250
"""What survives the rung below this well has nothing for the rung. Real film and live action lose
more than 4,130 keeps; what was blown up from 720 keeps 4,254 and more (ADR-0029)."""

SOL_PRICE_AGE_MAX: Final = timedelta(hours=24)
SOL_PRICE_AHEAD_MAX: Final = timedelta(minutes=5)
"""How far an operator's clock may run before ours."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One price of the table: dollars for one unit, from when and where."""

    usd: Fraction
    unit: str
    as_of: str
    source: str


VCPU_S_USD: Final = Fraction("0.0000133334") * Fraction("1.769")
"""A second of one vCPU, which is 1,769 MB of Lambda memory; arm64 in us-east-1."""

# Seeking to each chunk and decoding up to its first frame: measured 3 to 17 % with 10 s chunks.
_CHUNKING: Final = Fraction(11, 10)
_MEASURED: Final = "Lambda arm64 list price, us-east-1, × our measurement with x264 'fast'"

PRICES: Final[Mapping[str, Figure]] = {
    "encode": Figure(
        usd=54 * _CHUNKING * VCPU_S_USD,
        unit="gigapixel made",
        as_of="2026-11",
        source=f"{_MEASURED}: 54 vCPU-seconds",
    ),
    "read": Figure(
        usd=9 * _CHUNKING * VCPU_S_USD,
        unit="gigapixel of the source decoded and scaled",
        as_of="2026-11",
        source=f"{_MEASURED}: 9 vCPU-seconds",
    ),
    "audio": Figure(
        usd=2 * VCPU_S_USD,
        unit="minute of audio encoded",
        as_of="2026-11",
        source="Lambda arm64 list price, us-east-1, × 2 vCPU-seconds (measured: 1.4)",
    ),
    "requests": Figure(
        usd=Fraction("0.00001"),
        unit="chunk",
        as_of="2026-11",
        source="list prices of Lambda, SQS and S3: about $0.001 for 100 chunks",
    ),
    "storage": Figure(
        usd=12 * Fraction("0.023"),
        unit="gigabyte kept for 12 months",
        as_of="2026-11",
        source="S3 Standard list price, us-east-1: $0.023 a month",
    ),
}

MARGIN: Final = Fraction(3, 2)
"""Price over cost. A product decision, shown as a line of its own."""

CHUNK_MS: Final = 10_000
"""About how long one encoded chunk is; shorter ones cost quality (2 s: half a VMAF point)."""

_BITS_PER_KILOPIXEL: Final[Mapping[int, int]] = {480: 90, 720: 80, 1080: 70, 1440: 60, 2160: 65}
"""What x264 'fast' at CRF 23 makes of film and animation; within ± 40 % over contents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a price depends on."""

    size: Size
    frames: int
    duration_ms: int
    audio_encoded_ms: int = 0
    """Audio that must be encoded; 0 when it is copied, as AAC is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SolPrice:
    """Dollars per SOL as an operator set it."""

    usd: Decimal
    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a quote."""

    code: str
    quantity: Decimal
    unit: str
    usd: Decimal
    """Rounded up to a millionth of a dollar, for people; ``lamports`` is what counts."""
    lamports: int
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What one rung costs, made of what. ``lamports`` is the sum of the lines."""

    rung: int
    size: Size
    lines: Sequence[Line]
    lamports: int
    sol_usd: Decimal
    sol_usd_as_of: datetime

    def document(self) -> dict[str, object]:
        """The quote as JSON holds it: numbers that are not whole travel as text."""
        return {
            "rung": self.rung,
            "width_px": self.size.width_px,
            "height_px": self.size.height_px,
            "lamports": self.lamports,
            "sol_usd": str(self.sol_usd),
            "sol_usd_as_of": self.sol_usd_as_of.isoformat(),
            "lines": [
                {
                    "code": line.code,
                    "quantity": str(line.quantity),
                    "unit": line.unit,
                    "usd": str(line.usd),
                    "lamports": line.lamports,
                    "source": line.source,
                }
                for line in self.lines
            ],
        }


def quote(source: Source, rung: int, *, sol: SolPrice | None, now: datetime) -> Quote:
    """Price the work of making ``rung`` from ``source``.

    Exact in fractions until the last step; then each line is rounded up so that the running
    sum is, so the lines sum to the price. More of anything never costs less.

    Args:
        source: From the content's accepted source; frames and duration positive.
        rung: One of ``LADDER``.
        sol: None when no operator has set a price.
        now: Aware; decides whether the price of SOL is too old.

    Raises:
        QuoteUnavailable: There is no price of SOL, or it is older than 24 hours.
        NoGain: The source has nothing for this rung.
    """
    checked = _fresh(sol, now)
    if rung not in real_rungs(source.size):
        raise NoGain(f"the source's short side is {source.size.short_px} px: no {rung} in it")
    size = rung_size(source.size, rung)
    quantities = work(source, rung)
    lines = _lines(quantities, lamports_per_usd=Fraction(LAMPORTS_PER_SOL) * _inverse(checked.usd))
    total_lamports = sum(line.lamports for line in lines)
    assert total_lamports >= PRICE_MIN_LAMPORTS
    return Quote(
        rung=rung,
        size=size,
        lines=lines,
        lamports=total_lamports,
        sol_usd=checked.usd,
        sol_usd_as_of=checked.as_of,
    )


def work(source: Source, rung: int) -> dict[str, Fraction]:
    """How much of each figure of ``PRICES`` making ``rung`` is thought to take, in its unit."""
    return {
        "encode": Fraction(source.frames * rung_size(source.size, rung).pixels, 10**9),
        "read": Fraction(source.frames * source.size.pixels, 10**9),
        "audio": Fraction(source.audio_encoded_ms, 60_000),
        "requests": Fraction(1 + source.duration_ms // CHUNK_MS),
        "storage": Fraction(estimated_bytes(source, rung), 10**9),
    }


def estimated_bytes(source: Source, rung: int) -> int:
    """How large the rendition will be, about; rounded up."""
    bits = Fraction(source.frames * rung_size(source.size, rung).pixels, 1000)
    return _ceil(bits * Fraction(_BITS_PER_KILOPIXEL[max(rung, LADDER[0])], 8))


def _fresh(sol: SolPrice | None, now: datetime) -> SolPrice:
    if sol is None:
        raise QuoteUnavailable("no price of SOL is set: an operator sets SOL_USD")
    if sol.usd <= 0:
        raise ValueError("the price of SOL must be positive")
    if not -SOL_PRICE_AHEAD_MAX <= now - sol.as_of <= SOL_PRICE_AGE_MAX:
        raise QuoteUnavailable(
            f"the price of SOL is from {sol.as_of.isoformat()}, not of the last 24 hours:"
            " an operator sets SOL_USD and SOL_USD_AS_OF anew"
        )
    return sol


def _lines(quantities: Mapping[str, Fraction], *, lamports_per_usd: Fraction) -> list[Line]:
    lines: list[Line] = []
    usd_total = Fraction(0)

    def add(code: str, quantity: Fraction, unit: str, usd: Fraction, source: str) -> None:
        nonlocal usd_total
        before = _ceil(usd_total * lamports_per_usd)
        usd_total += usd
        lines.append(
            Line(
                code=code,
                quantity=_decimal(quantity, places=6),
                unit=unit,
                usd=_decimal(usd, places=6),
                lamports=_ceil(usd_total * lamports_per_usd) - before,
                source=source,
            )
        )

    for code, quantity in quantities.items():
        figure = PRICES[code]
        if quantity > 0:
            text = f"{figure.source} ({figure.as_of})"
            add(code, quantity, figure.unit, quantity * figure.usd, text)
    add("margin", MARGIN - 1, "of the cost", usd_total * (MARGIN - 1), "set by the platform")
    lacking_lamports = PRICE_MIN_LAMPORTS - _ceil(usd_total * lamports_per_usd)
    if lacking_lamports > 0:
        # The same sum in dollars, so that the last line completes the minimum exactly.
        usd = PRICE_MIN_LAMPORTS * _inverse_fraction(lamports_per_usd) - usd_total
        add("minimum", Fraction(1), "upgrade", usd, "the least that can be moved on chain")
    return lines


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _inverse(value: Decimal) -> Fraction:
    return _inverse_fraction(Fraction(value))


def _inverse_fraction(value: Fraction) -> Fraction:
    return Fraction(value.denominator, value.numerator)


def _decimal(value: Fraction, *, places: int) -> Decimal:
    """Round up to so many decimal places."""
    return Decimal(_ceil(value * 10**places)).scaleb(-places)
