"""The benchmarks by name, imported only when one is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from benchmarks.figures import Report

BENCHMARKS = {
    "cold": "CPU time to import each Lambda handler, against a bare `import pydantic`.",
    "size": "Megabytes of each function's bundle, zipped and not, against the smallest.",
    "wallet": "Wallets derived per second, against solders' own path derivation.",
    "limits": "Requests counted per second in Valkey, against the library `limits`.",
    "door": "GET /wallet and /balance through the front door, against a route that does nothing.",
    "withdraw": "Seconds from POST /withdraw to finalized, against a plain transfer.",
    "ingest": "Views per second from the stream to accruals, against a job each and raw COPY.",
    "reprocess": "An upgrade against doing everything again: seconds, dollars, bytes, quality.",
    "settle": "Payees per second from owed to finalized, and the fee of each.",
    "fees": "Fees saved by the policy, against paying at once and perfect hindsight.",
}
"""Name → what it measures. ``benchmarks/<name>.py`` has a function ``run``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much of everything; each benchmark takes what concerns it."""

    repeats: int = 5
    derivations: int = 5_000
    seconds: int = 60
    """Of load on each route."""
    withdrawals: int = 30
    slot_ms: int = 400
    """Of the chain; mainnet's, by which everybody waits for finality."""
    views: int = 500_000
    """Events on the stream in one repetition; one in ten repeats an earlier one."""
    creators: int = 1_000
    sweep: bool = True
    """Whether other shares of repeats and other numbers of creators are measured, too."""
    creators_most: int = 1_000_000
    sustain: int = 0
    """Seconds of draining without a pause, instead of all else; 0: none."""
    growth: bool = False
    payees: int = 1_000
    tables: bool = False
    """Whether payees are regular and stand in lookup tables."""
    film_s: int = 60
    """Of 1080p that is upgraded; 0: none."""
    large_film_s: int = 16
    """Of 2160p that is upgraded; 0: none."""
    clips: int = 24
    """Whose estimates are compared with what they cost."""
    minutes: int = 1_440
    """Of a day of prices that is made up."""


class Run(Protocol):
    """A benchmark: measures and returns what it found."""

    def __call__(self, sizes: Sizes, tell: Callable[[str], None]) -> Report:
        """Run with ``sizes``; ``tell`` takes a line on what goes on, for a waiting person."""
        ...


def find(name: str) -> Run:
    """The benchmark called ``name``, one of ``BENCHMARKS``."""
    assert name in BENCHMARKS, name
    return cast("Run", importlib.import_module(f"benchmarks.{name}").run)
