"""How much may be signed in a while: the signer's own brake.

Whatever planted a payout (a bug, a stolen password, a wrong rate) can take no more than
this before a person looks. What was signed counts in full at once and fades linearly
over the window, so that there is no moment at which a full allowance comes back:

    counted = Σ lamports × (1 − age ÷ window)

Each window has an absolute bound and a share of the treasury. What the house pays (from the
treasury and the escrow) counts against both, and the first payment that would break one is a
reason to stop everything. What leaves the wallets of users counts by itself against the
absolute bound, and stops nothing but itself: whoever moves much of their own money through
a wallet must not keep the others from being paid.
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

    house_lamports: int = 0
    """From the treasury and the escrow."""
    treasury_lamports: int = 0
    """Of these, from the treasury."""
    users_lamports: int = 0
    """From the wallets of users."""


def tripped(
    limits: Sequence[Limit],
    counted: Sequence[Counted],
    *,
    adding_lamports: int,
    adding_treasury_lamports: int,
    treasury_lamports: int,
) -> str | None:
    """Say which limit would be broken if the house paid this much more; None: none.

    Args:
        limits: The limits.
        counted: For each limit, what counts already.
        adding_lamports: What the house is about to pay.
        adding_treasury_lamports: The part of it that the treasury pays.
        treasury_lamports: What the treasury holds now, after what was paid from it.
    """
    for limit, spent in zip(limits, counted, strict=True):
        if (total := spent.house_lamports + adding_lamports) > limit.lamports_max:
            return _too_much(total, limit)
        paid = spent.treasury_lamports + adding_treasury_lamports
        # The share of what was there before these payments.
        share_max = limit.treasury_bps_max * (treasury_lamports + spent.treasury_lamports) // BPS
        if paid > share_max:
            return (
                f"{paid} lamports of the treasury within {limit.window_s} s; the limit is"
                f" {limit.treasury_bps_max} bps of it, {share_max} lamports"
            )
    return None


def deferred(
    limits: Sequence[Limit], counted: Sequence[Counted], payments: Sequence[int]
) -> list[str | None]:
    """Say of each payment from a user's wallet, in order, why it has to wait; None: it may go.

    One that waits leaves its room to those behind it.

    Args:
        limits: The limits.
        counted: For each limit, what counts already.
        payments: What each would pay, in lamports.
    """
    found: list[str | None] = []
    adding = 0
    for lamports in payments:
        reason = next(
            (
                _too_much(total, limit)
                for limit, spent in zip(limits, counted, strict=True)
                if (total := spent.users_lamports + adding + lamports) > limit.lamports_max
            ),
            None,
        )
        found.append(reason)
        adding += lamports if reason is None else 0
    return found


def beyond(limits: Sequence[Limit], lamports: int) -> str | None:
    """Say which limit never lets a single payment of this size through; None: none."""
    broken = (limit for limit in limits if lamports > limit.lamports_max)
    return next((_too_much(lamports, limit) for limit in broken), None)


def _too_much(lamports: int, limit: Limit) -> str:
    return (
        f"{lamports} lamports within {limit.window_s} s; the limit is {limit.lamports_max} lamports"
    )
