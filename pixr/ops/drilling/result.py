"""What a drill found, as a table for people and one line of JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from pixr.adapters.postgres import Row
from pixr.ops.drilling.director import Record
from pixr.ops.drilling.people import Asker
from pixr.ops.drilling.reckoning import Views, by_state
from pixr.ops.drilling.settlers import Settler
from pixr.ops.drilling.views import Producer
from pixr.ops.drilling.watch import STATES

DIFFERENCES_SHOWN_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """All that there is to tell."""

    seed: int
    nodes: int
    """RPC nodes of the settlers."""
    seconds: float
    record: Record
    settlers: tuple[Settler, ...]
    producer: Producer
    askers: tuple[Asker, ...]
    views: Views
    complaints: Counter[str]
    """What the settlers logged above INFO."""
    payouts: list[Row]
    attempts: Mapping[str, int]
    reasons: list[Row]
    expiries: Mapping[str, int]
    """"2 of 3 nodes" → attempts that were declared dead on the word of so many."""
    tables: Mapping[str, int] | None
    """What lookup tables held and paid; None where they were off."""
    released: Mapping[str, int]
    """Ways out of HOLD that the operator took, by how often."""
    verified: Mapping[str, int]
    """Check of ``pixr verify`` → how many differences it found."""
    differences: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs and nothing is left."""
        return self.record.is_quiet and not self.differences


def show(console: Console, result: Result) -> None:
    """Print the table, every difference, and the JSON object as the last line."""
    table = Table(title=f"Kill drill, seed {result.seed}", title_justify="left")
    table.add_column("what")
    table.add_column("how often", justify="right")
    table.add_column("in detail", overflow="fold")
    for what, number, detail in _rows(result):
        table.add_row(what, f"{number:,}" if isinstance(number, int) else number, detail)
    console.print(table)
    for difference in result.differences[:DIFFERENCES_SHOWN_MAX]:
        console.print(f"[red]difference:[/] {difference}", soft_wrap=True)
    if len(result.differences) > DIFFERENCES_SHOWN_MAX:
        console.print(f"… and {len(result.differences) - DIFFERENCES_SHOWN_MAX} more")
    if not result.record.is_quiet:
        console.print(f"[red]not quiet in the end:[/] {result.record.left}", soft_wrap=True)
    console.print(
        "The seed draws the same schedule again; what a process is at when it is hit differs.",
        style="dim",
    )
    print(json.dumps(as_json(result), ensure_ascii=False))


def _rows(result: Result) -> list[tuple[str, int | str, str]]:
    record, views = result.record, result.views
    states = {state: record.states[state] for state in STATES}
    rows: list[tuple[str, int | str, str]] = [
        ("kills -9", record.kills, _list(record.victims)),
        ("…with this open at the kill", "", _list(states)),
        ("…aimed at", "", _list(record.aims)),
        ("…aim not reached in time", record.aims_missed.total(), _list(record.aims_missed)),
        ("RPC faults switched on", record.faults.total(), _list(record.faults)),
        _weak(result),
        ("crashes of other parts", record.crashes.total(), _list(record.crashes)),
    ]
    for settler in result.settlers:
        name = settler.body.name
        rows.append(
            (f"ticks, {name}", settler.outcomes.total(), _list(settler.outcomes)),
        )
        if settler.errors:
            rows.append((f"…that failed, {name}", settler.errors.total(), _list(settler.errors)))
    complaints = result.complaints
    rows.append(("the settlers' own complaints", complaints.total(), _list(complaints)))
    for kind, ends in by_state(result.payouts).items():
        rows.append((f"payouts: {kind}", ends.total(), _list(ends)))
    fate = (
        f"{views.recorded:,} in the books once, {views.earned:,} earn,"
        f" {result.producer.events_acknowledged:,} acknowledged with repeats,"
        f" {views.lost_with_redis:,} lost with Redis"
    )
    rows += [
        *_transactions(result),
        (
            "holds that the operator released",
            sum(result.released.values()),
            _list(result.released),
        ),
        *(
            (f"{row['state']}: {row['kind']}", row["number"], str(row["reason"]))
            for row in result.reasons
        ),
        ("views", views.sent, fate),
        ("requests with views", len(result.producer.sent), _list(result.producer.answers)),
    ]
    for asker in result.askers:
        accepted = sum(item.is_accepted for item in asker.asked)
        detail = f"{accepted} accepted; {_list(asker.answers)}"
        rows.append((f"requests: {asker.name}", len(asker.asked), detail))
    broken = sum(number > 0 for number in result.verified.values())
    rows += [
        ("until quiet", f"{record.quiet_s:.0f} s", "" if record.is_quiet else record.left),
        (
            "pixr verify",
            len(result.verified),
            f"{broken} checks with differences" if broken else "all clean",
        ),
        ("differences", len(result.differences), ""),
        ("the whole drill", f"{result.seconds:.0f} s", ""),
    ]
    return rows


def _weak(result: Result) -> tuple[str, int, str]:
    weak, storms = result.record.weaknesses, result.record.storms
    detail = f"{_list(weak)}; in {storms} all dropped what was sent"
    return f"kills while one of {result.nodes} RPC nodes was weak", weak.total(), detail


def _transactions(result: Result) -> list[tuple[str, int | str, str]]:
    return [
        ("signed transactions", sum(result.attempts.values()), _list(result.attempts)),
        ("…proved expired by", sum(result.expiries.values()), _list(result.expiries)),
        ("…paid with lookup tables", *_tabled(result.tables)),
    ]


def _tabled(tables: Mapping[str, int] | None) -> tuple[int | str, str]:
    if tables is None:
        return "", "off"
    detail = f"{tables['entries']} payees in tables, at most {tables['payees_most']} in a payment"
    return tables["payments"], detail


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.items() if number)


def as_json(result: Result) -> dict[str, Any]:
    """Every figure."""
    record, views = result.record, result.views
    return {
        "drill": "kill",
        "clean": result.is_clean,
        "seed": result.seed,
        "rpc_nodes": result.nodes,
        "lookup_tables": None if result.tables is None else dict(result.tables),
        "kills": record.kills,
        "processes_killed": record.processes_killed,
        "victims": _plain(record.victims),
        "open_at_kill": {state: record.states[state] for state in STATES},
        "aims": _plain(record.aims),
        "aims_missed": _plain(record.aims_missed),
        "faults": _plain(record.faults),
        "weaknesses": _plain(record.weaknesses),
        "storms": record.storms,
        "crashes": _plain(record.crashes),
        "ticks": {s.body.name: _plain(s.outcomes) for s in result.settlers},
        "tick_errors": {s.body.name: _plain(s.errors) for s in result.settlers},
        "complaints": _plain(result.complaints),
        "payouts": {kind: _plain(ends) for kind, ends in by_state(result.payouts).items()},
        "transactions": dict(result.attempts),
        "expired_on_the_word_of": dict(result.expiries),
        "released": dict(result.released),
        "waiting_for_a_person": [dict(row) for row in result.reasons],
        "views": {
            "sent": views.sent,
            "recorded": views.recorded,
            "earned": views.earned,
            "acknowledged_with_repeats": result.producer.events_acknowledged,
            "lost_with_redis": views.lost_with_redis,
        },
        "requests": {
            "views": _plain(result.producer.answers),
            **{asker.name: _plain(asker.answers) for asker in result.askers},
        },
        "verify": dict(result.verified),
        "quiet": record.is_quiet,
        "quiet_s": round(record.quiet_s, 1),
        "differences": len(result.differences),
        "seconds": round(result.seconds, 1),
    }


def _plain(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
