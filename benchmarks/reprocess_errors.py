"""How far the price table's estimates are from what jobs cost."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.figures import Figure, at_most, exact
from pixr.adapters.postgres import Row

PERCENT = 100
NINE_TENTHS = 0.9
GOAL_PERCENT = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought:
    """One job: what was thought of it, and what it was."""

    name: str
    is_held_out: bool
    """Nobody looked at it when the table was made."""
    usd: float
    usd_was: float
    cpu_s: float
    cpu_s_was: float
    size_bytes: int
    size_bytes_was: int

    @classmethod
    def of(cls, name: str, job: Row, *, is_held_out: bool) -> Self:
        """Of a published job."""
        thought, was = job["estimate"], job["actual"]
        return cls(
            name=name,
            is_held_out=is_held_out,
            usd=float(thought["usd"]),
            usd_was=float(was["usd"]),
            cpu_s=thought["vcpu_ms"] / 1000,
            cpu_s_was=was["vcpu_ms"] / 1000,
            size_bytes=thought["bytes"],
            size_bytes_was=was["bytes"],
        )

    @property
    def error_percent(self) -> float:
        """Of what it cost; positive: thought too dear."""
        return off_percent(self.usd, self.usd_was)

    @property
    def sentence(self) -> str:
        """The clip in one line."""
        half = "held out" if self.is_held_out else "calibrated on"
        cpu = off_percent(self.cpu_s, self.cpu_s_was)
        size = off_percent(self.size_bytes, self.size_bytes_was)
        return (
            f"{self.name} ({half}): {self.error_percent:+.0f} %; CPU {cpu:+.0f} % of"
            f" {self.cpu_s_was:.1f} s, bytes {size:+.0f} % of {self.size_bytes_was:,}"
        )


def off_percent(thought: float, was: float) -> float:
    """How much more was thought than it was."""
    return PERCENT * (thought - was) / was


def error_figures(thoughts: Sequence[Thought]) -> list[Figure]:
    """Errors of the held-out half, and of the other beside it."""
    held = [one for one in thoughts if one.is_held_out]
    known = [one for one in thoughts if not one.is_held_out]
    figures: list[Figure] = []
    for key, label, half in (("held_out", "held out", held), ("known", "calibrated on", known)):
        if not half:
            continue
        errors = [abs(one.error_percent) for one in half]
        middle = exact(
            f"estimate_error_{key}_percent",
            f"estimate, {label} ({len(half)}): error, median",
            "%",
            statistics.median(errors),
        )
        signed = statistics.median(one.error_percent for one in half)
        figures += [
            at_most(middle, GOAL_PERCENT) if key == "held_out" else middle,
            exact(
                f"estimate_error_{key}_p90_percent",
                f"estimate, {label}: error, p90",
                "%",
                percentile(errors, NINE_TENTHS),
            ),
            exact(
                f"estimate_bias_{key}_percent",
                f"estimate, {label}: with its sign, median",
                "%",
                signed,
            ),
        ]
    return figures


def percentile(values: Sequence[float], share: float) -> float:
    """Between two values on a straight line."""
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (at - below) * (ordered[above] - ordered[below])
