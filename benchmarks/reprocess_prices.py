"""What others charge for a full reprocess, and what AWS charges for ours. Dollars, us-east-1.

None of these was read from a live price list: each says where it is from. Where the only source is
memory it says that, and the figure must not be quoted without a look at the list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Final

from benchmarks.reprocess_schedule import Schedule
from pixr.domain.costs import normalized_minutes
from pixr.domain.quotes import VCPU_S_USD
from pixr.domain.quotes import Figure as Price

AS_OF: Final = "2026-11"

PRICES: Final[Mapping[str, Price]] = {
    "converted": Price(
        usd=Fraction("0.0075"),
        unit="normalized minute of output: 2 are a minute of HD, 4 one of 4K",
        as_of=AS_OF,
        source=(
            "MediaConvert Basic, AVC, one pass, the cheapest there is: AWS's pricing text and"
            " public repositories' comments"
        ),
    ),
    "speech": Price(
        usd=Fraction("0.024"),
        unit="minute transcribed",
        as_of=AS_OF,
        source="Transcribe batch: public repositories that quote AWS",
    ),
    "labels": Price(
        usd=Fraction("0.10"),
        unit="minute labelled",
        as_of=AS_OF,
        source="Rekognition Video labels: from memory",
    ),
    "shots": Price(
        usd=Fraction("0.05"),
        unit="minute cut into shots",
        as_of=AS_OF,
        source="Rekognition Video segments: from memory",
    ),
    "embeddings": Price(
        usd=Fraction("0.00006"),
        unit="image embedded",
        as_of=AS_OF,
        source="Titan multimodal embeddings: from memory",
    ),
    "s3_read": Price(
        usd=Fraction("0.0000004"), unit="GET", as_of=AS_OF, source="S3 list price: from memory"
    ),
    "call": Price(
        usd=Fraction("0.0000002") + 3 * Fraction("0.0000004"),
        unit="call of a function with its message",
        as_of=AS_OF,
        source="Lambda $0.20 a million; SQS $0.40 a million, three requests a message",
    ),
}

MINUTE_S: Final = 60


def converted_usd(rungs: Sequence[int], *, frames: int, seconds: float) -> float:
    """The whole ladder by MediaConvert."""
    minutes = sum(normalized_minutes(rung, frames, round(1000 * seconds)) for rung in rungs)
    return float(PRICES["converted"].usd * minutes)


def analysed_usd(seconds: float) -> float:
    """The analysis by AWS's own services: text, labels and shots, an embedding a second."""
    by_minute = sum(float(PRICES[name].usd) for name in ("speech", "labels", "shots"))
    return by_minute * seconds / MINUTE_S + float(PRICES["embeddings"].usd) * round(seconds)


def worked_usd(cpu_s: float, *, calls: int, requests: int) -> float:
    """Processor time at the price of Lambda, with messages and requests to S3."""
    beside = calls * PRICES["call"].usd + requests * PRICES["s3_read"].usd
    return cpu_s * float(VCPU_S_USD) + float(beside)


def billed_usd(schedule: Schedule, *, calls: int, requests: int) -> float:
    """Likewise, with every second that a worker waits or has idle cores."""
    return worked_usd(schedule.billed_vcpu_s, calls=calls, requests=requests)
