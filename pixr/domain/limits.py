"""How much may be signed in a while: the signer's own brake.

Whatever planted a payout (a bug, a stolen password, a wrong rate) can take no more than
this before a person looks. What was signed counts in full at once and fades linearly
over the window, so that there is no moment at which a full allowance comes back:

    counted = Σ lamports × (1 − age ÷ window)

Each window has an absolute bound, over everything that leaves an address of ours, and a
share of the treasury, over what the treasury itself pays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

BPS: Final = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """``lamports_max`` in any window, and ``treasury_bps_max`` of the treasury (1 = 0.01 %)."""

    window_s: int
    lamports_max: int
    treasury_bps_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was signed in the window of one limit, faded by its age, in lamports."""

    lamports: int
    treasury_lamports: int


def tripped(
    limits: Sequence[Limit],
    counted: Sequence[Counted],
    *,
    adding_lamports: int,
    adding_treasury_lamports: int,
    treasury_lamports: int,
) -> str | None:
    """Say which limit would be broken by signing this much more; None: none.

    Args:
        limits: The limits.
        counted: For each limit, what counts already.
        adding_lamports: What is about to be signed.
        adding_treasury_lamports: The part of it that the treasury pays.
        treasury_lamports: What the treasury holds now, after what was paid from it.
    """
    for limit, spent in zip(limits, counted, strict=True):
        total = spent.lamports + adding_lamports
        if total > limit.lamports_max:
            return (
                f"{total} lamports within {limit.window_s} s;"
                f" the limit is {limit.lamports_max} lamports"
            )
        paid = spent.treasury_lamports + adding_treasury_lamports
        # The share of what was there before these payments.
        share_max = limit.treasury_bps_max * (treasury_lamports + spent.treasury_lamports) // BPS
        if paid > share_max:
            return (
                f"{paid} lamports of the treasury within {limit.window_s} s; the limit is"
                f" {limit.treasury_bps_max} bps of it, {share_max} lamports"
            )
    return None
