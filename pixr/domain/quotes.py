"""What making a rung costs, line by line, from one table of prices.

    frames × pixels ─▶ work: encode, read, search, …  × rate × weight ─┐
    bytes that will be kept                           × rate × weight ─┼─▶ lines × margin ─▶ quote
    chunks                                            × rate          ─┘

Prices are counted in pixels; every line of a quote is shown, and the lines sum to the price to the
lamport. Films differ: the rendition that is there already says how heavy this one is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil
from typing import Final

from pixr.domain.errors import NoGain, QuoteUnavailable
from pixr.domain.money import LAMPORTS_PER_SOL, RENT_EXEMPT_LAMPORTS
from pixr.domain.renditions import CHUNK_MS, LADDER, Size, real_rungs, rung_size

PRICE_MIN_LAMPORTS: Final = RENT_EXEMPT_LAMPORTS
"""The rent-exempt minimum: a smaller sum can neither arrive at an empty escrow address nor go
back to an emptied wallet, so no upgrade is cheaper."""

SOL_PRICE_AGE_MAX: Final = timedelta(hours=24)
SOL_PRICE_AHEAD_MAX: Final = timedelta(minutes=5)
"""How far an operator's clock may run before ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One price of the table: dollars for one unit, from when and where."""

    usd: Fraction
    unit: str
    as_of: str
    source: str


VCPU_S_USD: Final = Fraction("0.0000133334") * Fraction("1.769")
"""A second of one vCPU, which is 1,769 MB of Lambda memory; arm64 in us-east-1."""

_MEASURED: Final = "Lambda arm64 list price, us-east-1, × our measurement, `pixr bench reprocess`"

PRICES: Final[Mapping[str, Figure]] = {
    "encode": Figure(
        usd=30 * VCPU_S_USD,
        unit="gigapixel made",
        as_of="2026-11",
        source=f"{_MEASURED}: 30 vCPU-seconds with x264 'fast', joined and decoded again",
    ),
    "read": Figure(
        usd=5 * VCPU_S_USD,
        unit="gigapixel of the source decoded and scaled",
        as_of="2026-11",
        source=f"{_MEASURED}: 5 vCPU-seconds",
    ),
    "search": Figure(
        usd=44 * VCPU_S_USD,
        unit="gigapixel tried and judged to find the quality",
        as_of="2026-11",
        source=f"{_MEASURED}: 44 vCPU-seconds, half of them VMAF's",
    ),
    "audio": Figure(
        usd=2 * VCPU_S_USD,
        unit="minute of audio encoded",
        as_of="2026-11",
        source="Lambda arm64 list price, us-east-1, × 2 vCPU-seconds (measured: 1.4)",
    ),
    "requests": Figure(
        usd=Fraction("0.00003"),
        unit="chunk",
        as_of="2026-11",
        source="list prices of Lambda, SQS and S3: about 60 requests, $0.003 for 100 chunks",
    ),
    "storage": Figure(
        usd=12 * Fraction("0.023"),
        unit="gigabyte kept for 12 months",
        as_of="2026-11",
        source="S3 Standard list price, us-east-1: $0.023 a month",
    ),
}

COMPUTED: Final = ("encode", "read", "search", "audio")
"""What of the table is processor time."""

MARGIN: Final = Fraction(3, 2)
"""Price over cost. A product decision, shown as a line of its own."""

SEARCHED_FRAMES: Final = 96
"""Of the whole film, four seconds: so many are encoded to find the quality, however long it is. 4
to 7 % of the CPU that ten minutes of 1080p take."""

SEARCHES: Final = 3
"""At so many qualities."""

SAMPLES_READ: Final = 3
"""So often those frames of the source are decoded: to be tried, to judge that, and at the end."""

_BITS_PER_KILOPIXEL: Final[Mapping[int, int]] = {480: 65, 720: 58, 1080: 54, 1440: 32, 2160: 24}
"""What x264 'fast' makes of film and live action at the quality that the search aims at. One film
in two is within a third of it; drawings have less, grain up to eight times as much. From 1440 on
VMAF has another model, which asks for less; that was measured on films that had been enlarged."""

SOURCE_SHARE_MAX: Final = Fraction(6, 5)
"""An upload that was compressed hard is kept as it is, flaws included, in not much more than it has
itself: a fifth more, as x264 is asked to be quick."""

WEIGHT_MAX: Final = Fraction(10)
"""And the least is a tenth: what is further from all other films was measured wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How heavy a film is: what a rendition of it took ÷ what the table says of it."""

    compute: Fraction = Fraction(1)
    size: Fraction = Fraction(1)

    @classmethod
    def of(cls, *, compute: Fraction, size: Fraction) -> "Weight":
        """Neither further from 1 than ``WEIGHT_MAX``."""
        least = Fraction(WEIGHT_MAX.denominator, WEIGHT_MAX.numerator)
        bounded = (min(WEIGHT_MAX, max(least, share)) for share in (compute, size))
        return cls(compute=next(bounded), size=next(bounded))


ORDINARY: Final = Weight()
"""Of a film of which nothing was made yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a price depends on."""

    size: Size
    frames: int
    duration_ms: int
    audio_encoded_ms: int = 0
    """Audio that must be encoded; 0 when it is copied, as AAC is."""
    weight: Weight = ORDINARY
    size_bytes: int | None = None
    """Of the file; None where it is not known."""


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
    lamports_per_usd = Fraction(LAMPORTS_PER_SOL) * _inverse(checked.usd)
    lines = _lines(quantities, source.weight, lamports_per_usd=lamports_per_usd)
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
    pixels, heavy = rung_size(source.size, rung).pixels, source.weight.compute
    sampled_frames = min(SEARCHED_FRAMES, source.frames)
    read_frames = source.frames + SAMPLES_READ * sampled_frames
    return {
        "encode": heavy * Fraction(source.frames * pixels, 10**9),
        "read": heavy * Fraction(read_frames * source.size.pixels, 10**9),
        "search": heavy * Fraction(SEARCHES * sampled_frames * pixels, 10**9),
        "audio": Fraction(source.audio_encoded_ms, 60_000),
        "requests": Fraction(max(1, (source.duration_ms + CHUNK_MS // 2) // CHUNK_MS)),
        "storage": Fraction(estimated_bytes(source, rung), 10**9),
    }


def estimated_bytes(source: Source, rung: int) -> int:
    """How large the rendition will be, about; rounded up."""
    kilopixels = Fraction(source.frames * rung_size(source.size, rung).pixels, 1000)
    of_one = Fraction(_BITS_PER_KILOPIXEL[max(rung, LADDER[0])], 8)
    size_bytes = kilopixels * of_one * source.weight.size
    if source.size_bytes is not None:
        size_bytes = min(size_bytes, source.size_bytes * SOURCE_SHARE_MAX)
    return ceil(size_bytes)


def _unit(code: str, weight: Weight) -> str:
    """The unit of a line, and how heavy the film is where that is in the quantity."""
    unit = PRICES[code].unit
    heavy = {"encode": weight.compute, "read": weight.compute, "search": weight.compute}
    factor = (heavy | {"storage": weight.size}).get(code, Fraction(1))
    if factor == 1:
        return unit
    return f"{unit}, × {_decimal(factor, places=2)} by what is there of this film"


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


def _lines(
    quantities: Mapping[str, Fraction], weight: Weight, *, lamports_per_usd: Fraction
) -> list[Line]:
    lines: list[Line] = []
    usd_total = Fraction(0)

    def add(code: str, quantity: Fraction, unit: str, usd: Fraction, source: str) -> None:
        nonlocal usd_total
        before = ceil(usd_total * lamports_per_usd)
        usd_total += usd
        lines.append(
            Line(
                code=code,
                quantity=_decimal(quantity, places=6),
                unit=unit,
                usd=_decimal(usd, places=6),
                lamports=ceil(usd_total * lamports_per_usd) - before,
                source=source,
            )
        )

    for code, quantity in quantities.items():
        figure = PRICES[code]
        if quantity > 0:
            text = f"{figure.source} ({figure.as_of})"
            add(code, quantity, _unit(code, weight), quantity * figure.usd, text)
    add("margin", MARGIN - 1, "of the cost", usd_total * (MARGIN - 1), "set by the platform")
    lacking_lamports = PRICE_MIN_LAMPORTS - ceil(usd_total * lamports_per_usd)
    if lacking_lamports > 0:
        # The same sum in dollars, so that the last line completes the minimum exactly.
        usd = PRICE_MIN_LAMPORTS * _inverse_fraction(lamports_per_usd) - usd_total
        add("minimum", Fraction(1), "upgrade", usd, "the least that can be moved on chain")
    return lines


def _inverse(value: Decimal) -> Fraction:
    return _inverse_fraction(Fraction(value))


def _inverse_fraction(value: Fraction) -> Fraction:
    return Fraction(value.denominator, value.numerator)


def _decimal(value: Fraction, *, places: int) -> Decimal:
    """Round up to so many decimal places."""
    return Decimal(ceil(value * Fraction(10) ** places)).scaleb(-places)
