"""A report as a table for people and one line of JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.catalogue import BENCHMARKS
from benchmarks.figures import Figure, Report

SIGNIFICANT_DIGITS = 4
WIDTH_WITHOUT_TERMINAL = 110
WHOLE_FROM = 1_000


def make_console() -> Console:
    """A console whose table is not squeezed into 80 columns where nobody has a window."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    return console


def show(console: Console, report: Report, machine: Mapping[str, str]) -> None:
    """Print the table, then the JSON object as the last line."""
    sentence = BENCHMARKS[report.bench]
    console.print(f"[bold]{report.bench}[/]: {sentence}", markup=True)
    for name, value in {**machine, **report.conditions}.items():
        console.print(f"  [dim]{name:<20}[/]{value}", soft_wrap=True)
    table = Table()
    for heading in ("figure", "value", "lowest", "highest"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    has_goals = any(figure.goal for figure in report.figures)
    if has_goals:
        table.add_column("goal")
    for figure in report.figures:
        cells = [figure.label, f"{_number(figure.value)} {figure.unit}", *_spread(figure)]
        table.add_row(*cells, *([_goal(figure)] if has_goals else []))
    console.print(table)
    for remark in report.remarks:
        console.print(remark)
    print(json.dumps(as_json(report, machine), ensure_ascii=False))


def as_json(report: Report, machine: Mapping[str, str]) -> dict[str, Any]:
    """Every figure, baseline and ratio by its key, with the spread of those that have one."""
    spread = {
        figure.key: [_rounded(figure.low), _rounded(figure.high)]
        for figure in report.figures
        if figure.low != figure.high
    }
    goals = {f.key: {"goal": f.goal, "met": f.is_met} for f in report.figures if f.goal}
    return (
        {"bench": report.bench}
        | {figure.key: _rounded(figure.value) for figure in report.figures}
        | {"spread": spread, "goals": goals}
        | {"conditions": dict(report.conditions), "machine": dict(machine)}
    )


def _rounded(value: float) -> float | int:
    """Four digits are more than a shared machine can promise."""
    if value == int(value) or value >= WHOLE_FROM:
        return round(value)
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def _number(value: float) -> str:
    rounded = _rounded(value)
    return f"{rounded:,.0f}" if rounded >= WHOLE_FROM else f"{rounded:g}"


def _spread(figure: Figure) -> tuple[str, str]:
    if figure.low == figure.high:
        return "", ""
    return _number(figure.low), _number(figure.high)


def _goal(figure: Figure) -> str:
    if not figure.goal:
        return ""
    return f"{figure.goal}: {'met' if figure.is_met else 'not met'}"
