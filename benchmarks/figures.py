"""Figures with their spread, and the report that they make up."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity: the value that counts, and the least and most that were seen."""

    key: str
    """Its name in the JSON line, the unit last."""
    label: str
    unit: str
    value: float
    low: float
    high: float
    goal: str = ""
    """What was aimed at, in words; empty when nothing was."""
    is_met: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one benchmark found."""

    bench: str
    conditions: Mapping[str, str | int]
    """Sizes and settings under which it was measured."""
    figures: Sequence[Figure]
    remarks: Sequence[str] = field(default=())
    """Sentences that a reader of the table needs."""


def median_of(key: str, label: str, unit: str, samples: Sequence[float]) -> Figure:
    """The median of the repetitions: what a typical one gave."""
    return Figure(
        key=key,
        label=label,
        unit=unit,
        value=statistics.median(samples),
        low=min(samples),
        high=max(samples),
    )


def minimum_of(key: str, label: str, unit: str, samples: Sequence[float]) -> Figure:
    """The least of the repetitions: CPU time that a neighbour can only add to."""
    return Figure(
        key=key, label=label, unit=unit, value=min(samples), low=min(samples), high=max(samples)
    )


def exact(key: str, label: str, unit: str, value: float) -> Figure:
    """A figure without a spread: a count, a price, or made from other figures."""
    return Figure(key=key, label=label, unit=unit, value=value, low=value, high=value)


def at_least(figure: Figure, goal: float) -> Figure:
    """The same figure with a goal that it should reach."""
    return _judged(figure, f"≥ {_plain(goal)} {figure.unit}", is_met=figure.value >= goal)


def at_most(figure: Figure, goal: float) -> Figure:
    """The same figure with a goal that it should not exceed."""
    return _judged(figure, f"≤ {_plain(goal)} {figure.unit}", is_met=figure.value <= goal)


def _plain(goal: float) -> str:
    return f"{goal:,.0f}" if goal == int(goal) else f"{goal:g}"


def _judged(figure: Figure, goal: str, *, is_met: bool) -> Figure:
    return Figure(
        key=figure.key,
        label=figure.label,
        unit=figure.unit,
        value=figure.value,
        low=figure.low,
        high=figure.high,
        goal=goal,
        is_met=is_met,
    )


def quotients(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Repetition by repetition: what slowed a whole repetition down cancels out."""
    return [one / other for one, other in zip(above, below, strict=True)]
