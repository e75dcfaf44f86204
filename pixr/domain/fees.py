"""When to pay, how much to bid for a place in a block, and what a transaction may cost.

    fee = signatures × 5,000 lamports + ⌈compute limit × price ÷ 1,000,000⌉

    something waits ──▶ is the oldest's deadline near?  ─yes─▶ pay everything
                        is the price now ≤ yesterday's p25? ─yes─▶ pay everything
                        does it fill a transaction?     ─yes─▶ pay the full ones
                        none of them                    ─────▶ wait a minute

The price is in micro-lamports per compute unit. A decision is a function of ``FeeInputs`` and
of nothing else, so a recorded one can be made again. No bid costs more than the caps: a
creator's SOL is not spent on impatience. ADR-0017 has the reasons and what they cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

BASE_FEE_LAMPORTS: Final = 5_000
"""Per signature."""

PRIORITY_FEE_LAMPORTS_MAX: Final = 5_000
"""Per transaction: at most what one signature costs, so a spike cannot more than double it."""

PRIORITY_FEE_BPS_MAX: Final = 25
"""Per transaction, of what it pays: binds below 2,000,000 lamports, for a lone small payout."""

POLICY: Final = 1
"""Version of the rules in ``decide``; a change of what they decide raises it."""

BPS: Final = 10_000
MICRO: Final = 1_000_000

WINDOW_SLOTS: Final = 150
"""What "now" is: a minute of slots of 0.4 s, and what a node remembers of fees."""

PRICE_MAX: Final = 10**12
"""Micro-lamports per unit: of a higher claim, this much is believed. Every cap is lower."""

SLOT_MAX: Final = 2**62
"""A node that names a later slot is not believed at all."""

WINDOWS_MIN: Final = 60
"""An hour of windows; what is cheap cannot be told from fewer."""

TRAILING_PERCENT: Final = 25

DEADLINE_S: Final = 600
"""No payout waits longer for a better price."""

TICK_S: Final = 60
"""From one look to the next: what would be late at the next one is paid at this one."""

BidPercent: TypeAlias = Literal[50, 75, 95]
Reason: TypeAlias = Literal["full", "deadline", "cheap", "wait", "nothing"]

BID_PERCENT: Final[BidPercent] = 50
"""The median is the price now, and the bid of whoever has time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeInputs:
    """Everything that a decision depends on."""

    recent_prices: tuple[int, ...]
    """Micro-lamports per unit of the last ``WINDOW_SLOTS`` slots, empty slots as zero."""
    trailing_p25: int | None
    """25th percentile of 24 hours of windows' medians; None of fewer than ``WINDOWS_MIN``."""
    payouts_due: int
    """How many wait: earnings and returns. What leaves a user's wallet never does."""
    payees_full: int
    """How many of them fill a transaction; at least 1."""
    oldest_age_s: int
    """Of the oldest that waits. Clocks jump: a negative age counts as 0."""
    deadline_s: int = DEADLINE_S
    """0: nothing waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeDecision:
    """What to do in this minute, and why."""

    is_payday: bool
    reason: Reason
    payouts_now: int
    """How many of the oldest to pay: all, or as many as fill transactions, or none."""
    bid_percent: BidPercent
    bid_price: int
    """That percentile of the recent prices, before ``capped_price``."""


def decide(inputs: FeeInputs) -> FeeDecision:
    """Pay now, or wait a minute? Never past the deadline, never with a full transaction.

    At the deadline and when it is cheap all payouts go; otherwise only those that fill
    transactions, because the rest will share one with whoever comes next.
    """
    assert inputs.payees_full > 0
    due = inputs.payouts_due
    age_s = max(inputs.oldest_age_s, 0)
    price_now = percentile(inputs.recent_prices, BID_PERCENT)
    reason: Reason
    if due <= 0:
        reason, payouts_now = "nothing", 0
    elif age_s + TICK_S >= inputs.deadline_s:
        reason, payouts_now = "deadline", due
    elif inputs.trailing_p25 is None or price_now <= inputs.trailing_p25:
        reason, payouts_now = "cheap", due
    elif due >= inputs.payees_full:
        reason, payouts_now = "full", due - due % inputs.payees_full
    else:
        reason, payouts_now = "wait", 0
    percent = bid_percent(age_s=age_s, deadline_s=inputs.deadline_s)
    return FeeDecision(
        is_payday=payouts_now > 0,
        reason=reason,
        payouts_now=payouts_now,
        bid_percent=percent,
        bid_price=percentile(inputs.recent_prices, percent),
    )


def bid_percent(*, age_s: int, deadline_s: int) -> BidPercent:
    """The median at first, p75 after half of the deadline, p95 in its last fifth."""
    if 5 * age_s > 4 * deadline_s:
        return 95
    if 2 * age_s > deadline_s:
        return 75
    return 50


_STEPS: Final[tuple[BidPercent, ...]] = (50, 75, 95)


def raised_percent(percent: BidPercent, *, attempts_made: int) -> BidPercent:
    """One step up for each attempt that was made before.

    An attempt is signed again only when the last one is proved to have expired, so a block's
    worth of people bid more than it did, minute after minute.
    """
    return _STEPS[min(_STEPS.index(percent) + attempts_made, len(_STEPS) - 1)]


def window(prices: Mapping[int, int]) -> dict[int, int]:
    """The last ``WINDOW_SLOTS`` slots up to the newest one named, oldest first.

    A slot that the node does not name was empty or skipped: nobody had to bid, which is a
    price of zero.

    Args:
        prices: Slot → micro-lamports per unit, as a node reports them. Impossible slots are
            left out, impossible prices bounded: a node may say anything.

    Returns:
        One entry per slot; nothing when the node named none.
    """
    sane = {slot: price for slot, price in prices.items() if 0 <= slot <= SLOT_MAX}
    if not sane:
        return {}
    newest = max(sane)
    oldest = max(newest - WINDOW_SLOTS + 1, 0)
    return {slot: min(max(sane.get(slot, 0), 0), PRICE_MAX) for slot in range(oldest, newest + 1)}


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


def capped_price(price: int, *, compute_units: int, paid_lamports: int) -> int:
    """The price to offer: ``price``, or what the caps leave of it.

    Args:
        price: Micro-lamports per unit that the market asks for.
        compute_units: The transaction's limit, at least 1.
        paid_lamports: What the transaction moves to others; the base fee is not negotiable,
            so only the priority fee is held to a share of it.

    Returns:
        The highest price ≤ ``price`` whose priority fee is at most
        ``PRIORITY_FEE_LAMPORTS_MAX`` and ``PRIORITY_FEE_BPS_MAX`` of ``paid_lamports``.
    """
    share_lamports = max(paid_lamports, 0) * PRIORITY_FEE_BPS_MAX // BPS
    cap_lamports = min(PRIORITY_FEE_LAMPORTS_MAX, share_lamports)
    return max(min(price, cap_lamports * MICRO // compute_units), 0)


def percentile(samples: Sequence[int], percent: int) -> int:
    """Nearest-rank percentile; 0 of no samples, because an empty market bids nothing."""
    if not samples:
        return 0
    rank = -(-len(samples) * percent // 100)
    return sorted(samples)[max(rank, 1) - 1]
