"""What the fee policy saves against paying at once, and what it leaves on the table.

    trace × payouts ─┬─▶ always at once ───────── 100 %
                     ├─▶ the policy ───────────── saving: by filling + by timing − by bidding high
                     └─▶ perfect hindsight ────── regret

No server and no clock: the shipped ``fees.decide`` on minutes of prices. Recorded traces come from
``tests/data``; the others are made up (``benchmarks/fee_days.py``) and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks import fee_days
from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, at_least, at_most, exact, median_of
from pixr.domain import fees
from pixr.domain.fee_replay import Terms
from pixr.ops import fee_traces
from pixr.ops.fee_report import Comparison, compare
from pixr.ops.fee_traces import Trace

DATA = Path(__file__).parents[1] / "tests" / "data"
RECORDED = {"slots": "slot-fees-2024-10-13.csv", "tips": "tip-floor-2026-09-30.csv"}
PER_MINUTE = 4
"""Payouts that fall due in a minute: 0.01 SOL each, 2,000 views a minute at the default rate."""
OTHER_RATES = (1, 16, 64)
SAVING_GOAL_PERCENT = 40
TERMS = Terms()


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Replay each trace with ``sizes.repeats`` seeds of payouts, and of days that are made up."""
    found: dict[str, list[Comparison]] = {}
    for seed in range(1, sizes.repeats + 1):
        traces = _traces(seed, sizes.minutes)
        for name, trace in traces.items():
            for rate in (PER_MINUTE, *OTHER_RATES):
                tell(f"{trace.name}, {rate} payouts a minute, seed {seed} of {sizes.repeats}")
                arrivals_s = fee_traces.poisson(rate, trace.minutes, seed=seed)
                found.setdefault(f"{name}_{rate}", []).append(
                    compare(trace, arrivals_s, terms=TERMS)
                )
    natures = {
        name: f"{trace.nature}; {len(trace.minutes)} minutes" for name, trace in traces.items()
    }
    return Report(
        bench="fees",
        conditions={
            "repeats": sizes.repeats,
            "payouts_per_minute": PER_MINUTE,
            "payees_full": TERMS.payees_full,
            "deadline_s": TERMS.deadline_s,
            **natures,
        },
        figures=[
            *(figure for name in traces for figure in _figures(name, found)),
            *_reaching("tips", traces["tips"]),
        ],
        remarks=(
            "Every bid is assumed to land in its minute. Savings are of all fees, base fees too.",
            "The priority fee is capped at the base fee, so timing alone saves half of it at most.",
            *dict.fromkeys(remark for trace in traces.values() for remark in trace.remarks),
        ),
    )


def _traces(seed: int, minutes: int) -> dict[str, Trace]:
    recorded = {name: fee_traces.read(DATA / file) for name, file in RECORDED.items()}
    made_up = {kind: fee_days.make(kind, seed=seed, minutes=minutes) for kind in fee_days.KINDS}
    return recorded | made_up


def _figures(name: str, found: Mapping[str, Sequence[Comparison]]) -> list[Figure]:
    usual = found[f"{name}_{PER_MINUTE}"]
    delays_s = [one.outcomes["policy"].delays_s for one in usual]
    longest = exact(f"{name}_delay_max_s", f"{name}: longest delay", "s", max(map(max, delays_s)))
    return [
        *_savings(name, found, rate=PER_MINUTE, key=name),
        *(
            _percent(f"{name}_saving_{key}_percent", f"  {label}", _of_part(attribute), usual)
            for key, label, attribute in (
                ("filling", "by filling transactions", "filling_lamports"),
                ("timing", "by timing", "timing_lamports"),
                ("urgency", "by bidding high", "urgency_lamports"),
            )
        ),
        _percent(
            f"{name}_regret_percent", f"{name}: regret", lambda one: one.regret_bps("policy"), usual
        ),
        median_of(
            f"{name}_delay_p50_s",
            f"{name}: median delay",
            "s",
            [fees.percentile(delays, 50) for delays in delays_s],
        ),
        at_most(longest, TERMS.deadline_s),
        _percent(
            f"{name}_when_full_saving_percent",
            f"{name}: saving if no price were cheap",
            _of("when_full"),
            usual,
        ),
        *(
            figure
            for rate in OTHER_RATES
            for figure in _savings(name, found, rate=rate, key=f"{name}_at_{rate}")
        ),
    ]


def _savings(
    name: str, found: Mapping[str, Sequence[Comparison]], *, rate: int, key: str
) -> list[Figure]:
    """What the policy saves at a rate of payouts, and what is there to be saved."""
    of_rate = found[f"{name}_{rate}"]
    saved = _percent(
        f"{key}_saving_percent", f"{name}, {rate} a minute: saving", _of("policy"), of_rate
    )
    return [
        at_least(saved, SAVING_GOAL_PERCENT),
        _percent(
            f"{key}_saving_most_percent",
            "  the most that any schedule saves",
            Comparison.saving_most_bps,
            of_rate,
        ),
        _percent(
            f"{key}_when_cheap_saving_percent",
            "  if full ones waited for their price, too",
            _of("when_cheap"),
            of_rate,
        ),
    ]


def _reaching(name: str, trace: Trace) -> list[Figure]:
    """What a higher bid buys: how often it is no less than the next minute's median."""
    pairs = list(pairwise(trace.minutes))
    return [
        exact(
            f"{name}_p{percent}_reaches_percent",
            f"{name}: bids at p{percent} that reach the next minute's median",
            "%",
            100
            * sum(fees.percentile(now.prices, percent) >= later.median for now, later in pairs)
            / len(pairs),
        )
        for percent in (50, 75, 95)
    ]


def _percent(
    key: str, label: str, bps: Callable[[Comparison], int], of: Sequence[Comparison]
) -> Figure:
    return median_of(key, label, "%", [bps(one) / 100 for one in of])


def _of_part(attribute: str) -> Callable[[Comparison], int]:
    return lambda one: one.saving_bps("policy", attribute)


def _of(policy: str) -> Callable[[Comparison], int]:
    return lambda one: one.saving_bps(policy)
