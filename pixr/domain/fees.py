"""What a transaction may cost, and how much to bid for its place in a block.

    fee = signatures × 5,000 lamports + ⌈compute limit × price ÷ 1,000,000⌉

The price is in micro-lamports per compute unit. We bid the median of what was paid in the
recent slots for the accounts we write, and never more than the cap: a creator's SOL is
not spent on impatience.
"""

from collections.abc import Sequence
from typing import Final

BASE_FEE_LAMPORTS: Final = 5_000
"""Per signature."""

PRIORITY_FEE_LAMPORTS_MAX: Final = 5_000
"""Per transaction: at most what one signature costs, so a spike cannot more than double it."""

BID_PERCENT: Final = 50

MICRO: Final = 1_000_000


def priority_fee_lamports(*, compute_units: int, price: int) -> int:
    """Lamports for ``compute_units`` at ``price`` micro-lamports each, rounded up as charged."""
    return -(-compute_units * price // MICRO)


def fee_lamports(*, signatures: int, compute_units: int, price: int) -> int:
    """The whole fee of a transaction."""
    return signatures * BASE_FEE_LAMPORTS + priority_fee_lamports(
        compute_units=compute_units, price=price
    )


def fee_lamports_max(*, signatures: int) -> int:
    """The most that a transaction of ours may ever cost; reserved before it is signed."""
    return signatures * BASE_FEE_LAMPORTS + PRIORITY_FEE_LAMPORTS_MAX


def percentile(samples: Sequence[int], percent: int) -> int:
    """Nearest-rank percentile; 0 of no samples, because an empty market bids nothing."""
    if not samples:
        return 0
    rank = -(-len(samples) * percent // 100)
    return sorted(samples)[max(rank, 1) - 1]


def bid(samples: Sequence[int], *, compute_units: int) -> int:
    """Price to offer, in micro-lamports per unit, given the prices of recent slots.

    Bounded so that the priority fee never exceeds ``PRIORITY_FEE_LAMPORTS_MAX``.
    """
    cap = PRIORITY_FEE_LAMPORTS_MAX * MICRO // compute_units
    return min(percentile(samples, BID_PERCENT), cap)
