"""Days of prices that were never seen: made up, labelled, and the same for the same seed.

Each day follows a day of the same kind, from which the policy learns what is cheap. A minute has a
level, which wanders (±25 % of noise a minute, a tenth of it forgotten each minute), and 150 slots
scatter around it (log-normal, σ = 1). Levels are what our own accounts would have to pay; 5,000 is
the median of the recorded slots, 1,587,301 is where the cap of a full transaction binds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence

from pixr.domain import fees
from pixr.domain.fee_replay import Minute
from pixr.ops.fee_traces import Trace

DAY_MINUTES = 24 * 60
BASE = 5_000
"""Micro-lamports per unit."""

BURSTS_PER_DAY = 8
BURST_MINUTES = (3, 20)
BURST_PRICES = (1_000_000, 2_000_000, 3_000_000)
CONGESTED = 600_000

Levels = Callable[[random.Random, int], Sequence[float]]


def _quiet(_dice: random.Random, minutes: int) -> Sequence[float]:
    return [0.0] * minutes


def _diurnal(_dice: random.Random, minutes: int) -> Sequence[float]:
    """A tenth of the base at 4 in the morning, 100 × that at 4 in the afternoon."""
    turn = 2 * math.pi / DAY_MINUTES
    return [BASE * 10 ** -math.cos(turn * (i - 240)) for i in range(minutes)]


def _mint(dice: random.Random, minutes: int) -> Sequence[float]:
    """The base, and bursts of minutes in which everybody wants the same block."""
    levels = [float(BASE)] * minutes
    for _ in range(max(BURSTS_PER_DAY * minutes // DAY_MINUTES, 1)):
        begin = dice.randrange(minutes)
        height = dice.choice(BURST_PRICES)
        for i in range(begin, min(begin + dice.randint(*BURST_MINUTES), minutes)):
            levels[i] = float(height)
    return levels


def _congested(_dice: random.Random, minutes: int) -> Sequence[float]:
    """The base, and from the middle of the day on six hours of fullness."""
    begin, end = minutes // 2, minutes * 3 // 4
    return [float(CONGESTED if begin <= i < end else BASE) for i in range(minutes)]


KINDS: Mapping[str, tuple[str, Levels]] = {
    "quiet": ("made up: nobody bids", _quiet),
    "diurnal": ("made up: cheap nights, dear afternoons", _diurnal),
    "mint": ("made up: a low base and 8 bursts of 3 to 20 minutes", _mint),
    "congested": ("made up: a low base and 6 hours of full blocks", _congested),
}


def make(kind: str, *, seed: int, minutes: int = DAY_MINUTES) -> Trace:
    """A day of ``kind``, one of ``KINDS``, after a day of the same kind."""
    nature, levels_of = KINDS[kind]
    dice = random.Random(f"{kind} {seed}")
    looks: list[tuple[int, ...]] = []
    wander = 0.0
    for _ in range(2):
        for level in levels_of(dice, minutes):
            wander = 0.9 * wander + dice.gauss(0, 0.25)
            middle = level * math.exp(wander)
            looks.append(
                tuple(int(middle * dice.lognormvariate(0, 1)) for _ in range(fees.WINDOW_SLOTS))
            )
    return Trace(
        name=kind,
        nature=nature,
        minutes=tuple(
            Minute(at_s=i * fees.TICK_S, prices=prices)
            for i, prices in enumerate(looks[minutes:], 1)
        ),
        past=tuple(fees.percentile(prices, fees.BID_PERCENT) for prices in looks[:minutes]),
    )
