"""A trace paid by each policy, side by side, as a table and as one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from pixr.domain import fees
from pixr.domain.fee_replay import (
    Outcome,
    Policy,
    Saving,
    Terms,
    at_once,
    hindsight_lamports,
    replay,
    saving,
    when_cheap,
    when_full,
)
from pixr.ops.fee_traces import Trace

POLICIES: Final[Mapping[str, tuple[str, Policy]]] = {
    "at_once": ("always at once", at_once),
    "policy": ("the policy", fees.decide),
    "when_full": ("full ones, at any price", when_full),
    "when_cheap": ("cheap, however full", when_cheap),
}
"""Name → what it is called and how it decides. The last two are the policy less a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What each policy did with the same day."""

    trace: Trace
    payouts: int
    outcomes: Mapping[str, Outcome]
    savings: Mapping[str, Saving]
    hindsight_lamports: int

    def saving_bps(self, name: str, part: str = "lamports") -> int:
        """Saved against paying at once, or a part of it, in hundredths of a percent."""
        lamports: int = getattr(self.savings[name], part)
        return lamports * fees.BPS // self.outcomes["at_once"].fees_lamports

    def saving_most_bps(self) -> int:
        """What perfect hindsight saves against paying at once, in hundredths of a percent."""
        once_lamports = self.outcomes["at_once"].fees_lamports
        return (once_lamports - self.hindsight_lamports) * fees.BPS // once_lamports

    def regret_bps(self, name: str) -> int:
        """What it cost more than perfect hindsight, in hundredths of a percent of that."""
        more = self.outcomes[name].fees_lamports - self.hindsight_lamports
        return more * fees.BPS // self.hindsight_lamports


def compare(trace: Trace, arrivals_s: Sequence[int], *, terms: Terms) -> Comparison:
    """Let every policy pay the same payouts on the same trace; at least one payout."""
    outcomes = {
        name: replay(trace.minutes, arrivals_s, policy, terms=terms, past=trace.past)
        for name, (_, policy) in POLICIES.items()
    }
    return Comparison(
        trace=trace,
        payouts=len(arrivals_s),
        outcomes=outcomes,
        savings={
            name: saving(trace.minutes, outcomes["at_once"], outcome, terms=terms)
            for name, outcome in outcomes.items()
        },
        hindsight_lamports=hindsight_lamports(trace.minutes, arrivals_s, terms=terms),
    )


def percent(bps: int) -> str:
    """Hundredths of a percent as people write them."""
    sign = "-" if bps < 0 else ""
    return f"{sign}{abs(bps) // 100}.{abs(bps) % 100:02} %"


def show(console: Console, found: Comparison, conditions: Mapping[str, Any]) -> None:
    """Print the table, then the JSON object as the last line."""
    trace = found.trace
    console.print(f"[bold]{trace.name}[/]: {trace.nature}")
    for name, value in conditions.items():
        console.print(f"  [dim]{name:<20}[/]{value}", soft_wrap=True)
    table = Table()
    table.add_column("")
    for heading in ("fee/payee", "payees/tx", "saving", "regret", "delay p50", "p95", "max"):
        table.add_column(heading, justify="right")
    for name, (label, _) in POLICIES.items():
        outcome = found.outcomes[name]
        tenths = 10 * found.payouts // len(outcome.payments)
        table.add_row(
            label,
            f"{outcome.fees_lamports // found.payouts:,}",
            f"{tenths // 10}.{tenths % 10}",
            percent(found.saving_bps(name)),
            percent(found.regret_bps(name)),
            *(f"{delay_s} s" for delay_s in _delays(outcome)),
        )
    each = found.hindsight_lamports // found.payouts
    most = percent(found.saving_most_bps())
    table.add_row("perfect hindsight", f"{each:,}", "", most, "0.00 %", "", "", "")
    console.print(table)
    parts = {
        "filling transactions": "filling_lamports",
        "timing": "timing_lamports",
        "bidding high": "urgency_lamports",
    }
    said = ", ".join(
        f"by {what} {percent(found.saving_bps('policy', part))}" for what, part in parts.items()
    )
    console.print(f"The policy's saving: {said}.")
    for remark in trace.remarks:
        console.print(remark)
    console.print("Lamports a payee; every bid is assumed to land in its minute.")
    print(json.dumps(as_json(found, conditions), ensure_ascii=False))


def as_json(found: Comparison, conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Every figure; savings and regrets in hundredths of a percent."""
    policies = {
        name: {
            "fees_lamports": outcome.fees_lamports,
            "transactions": len(outcome.payments),
            "saving_bps": found.saving_bps(name),
            "saving_filling_bps": found.saving_bps(name, "filling_lamports"),
            "saving_timing_bps": found.saving_bps(name, "timing_lamports"),
            "saving_urgency_bps": found.saving_bps(name, "urgency_lamports"),
            "regret_bps": found.regret_bps(name),
            **dict(
                zip(("delay_p50_s", "delay_p95_s", "delay_max_s"), _delays(outcome), strict=True)
            ),
        }
        for name, outcome in found.outcomes.items()
    }
    return {
        "trace": found.trace.name,
        "nature": found.trace.nature,
        "payouts": found.payouts,
        "minutes": len(found.trace.minutes),
        "hindsight_lamports": found.hindsight_lamports,
        "policies": policies,
        "conditions": dict(conditions),
    }


def _delays(outcome: Outcome) -> tuple[int, int, int]:
    """Median, p95 and longest, in seconds."""
    p50, p95, longest = (fees.percentile(outcome.delays_s, share) for share in (50, 95, 100))
    return p50, p95, longest
