"""A day of prices and payouts, paid by a policy, at once, or with perfect hindsight.

    prices, minute by minute ──┐
                               ├─▶ replay(policy) ─▶ payments ─▶ what it cost, who waited
    payouts, as they fall due ─┘   hindsight()    ─▶ the least that any schedule costs

All three pay the same fee formula and fill transactions alike. Every bid is assumed to land in
its minute, so a higher one buys nothing here but its price: the replay measures what patience
saves and what urgency costs, not how often a low bid has to be signed again.
"""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import add
from typing import Final, TypeAlias

from pixr.domain import fees, packing
from pixr.domain.fees import FeeDecision, FeeInputs

TRAILING_S: Final = 24 * 3_600

Policy: TypeAlias = Callable[[FeeInputs], FeeDecision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One look at the market."""

    at_s: int
    """Seconds on the trace's own clock; later than the minute before."""
    prices: tuple[int, ...]
    """What the decision sees: micro-lamports per unit of the recent slots."""

    @property
    def median(self) -> int:
        """The price now."""
        return fees.percentile(self.prices, fees.BID_PERCENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is the same for every policy."""

    payees_full: int = packing.PAYEES_FULL
    """Transfers in a full transaction."""
    lamports_each: int = 10_000_000
    """What a payout is worth; the fee's share of it is capped."""
    deadline_s: int = fees.DEADLINE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One transaction: the payouts ``first`` up to, not including, ``last``."""

    minute: int
    first: int
    last: int
    price: int
    """Micro-lamports per unit, capped."""
    fee_lamports: int

    @property
    def payees(self) -> int:
        """Transfers in it."""
        return self.last - self.first


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a policy did with a day."""

    payments: tuple[Payment, ...]
    delays_s: tuple[int, ...]
    """Of each payout, in order: from falling due to being paid."""

    @property
    def fees_lamports(self) -> int:
        """What the day cost."""
        return sum(payment.fee_lamports for payment in self.payments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """Where the difference to paying at once comes from; the parts sum to it exactly."""

    filling_lamports: int
    """Fewer transactions, each charged what its payouts would have been charged at once."""
    timing_lamports: int
    """The same transactions at the median of the minute in which they were paid."""
    urgency_lamports: int
    """Bids above the median: never positive."""

    @property
    def lamports(self) -> int:
        """All of it."""
        return self.filling_lamports + self.timing_lamports + self.urgency_lamports


def at_once(inputs: FeeInputs) -> FeeDecision:
    """The baseline: everything that is due, every minute, at the median."""
    return fees.decide(replace(inputs, trailing_p25=None, oldest_age_s=0))


def when_full(inputs: FeeInputs) -> FeeDecision:
    """What the policy would be if no price were cheap: full transactions, or the deadline."""
    return fees.decide(replace(inputs, trailing_p25=-1))


def when_cheap(inputs: FeeInputs) -> FeeDecision:
    """What the policy would be if a full transaction waited for its price as well."""
    return fees.decide(replace(inputs, payees_full=inputs.payouts_due + 1))


def compute_units(payees: int) -> int:
    """The limit of a transaction with so many transfers."""
    native = packing.LEADING_INSTRUCTIONS - 1 + payees
    return native * packing.UNITS_PER_NATIVE_INSTRUCTION + packing.UNITS_MEMO


def replay(
    minutes: Sequence[Minute],
    arrivals_s: Sequence[int],
    policy: Policy,
    *,
    terms: Terms,
    past: Sequence[int] = (),
) -> Outcome:
    """Let ``policy`` pay; what still waits in the last minute is paid then.

    Args:
        minutes: The trace, at least one minute.
        arrivals_s: When each payout falls due, ascending, on the trace's clock and not after
            its last minute.
        policy: Decides each minute from what it could know then.
        terms: The same for every policy that is compared.
        past: Medians of the minutes before the trace, for the trailing percentile.

    Returns:
        Every payout in exactly one payment, in order.
    """
    _check(minutes, arrivals_s)
    trailing = _Trailing(past, before_s=minutes[0].at_s)
    payments: list[Payment] = []
    delays_s: list[int] = []
    arrived = paid = 0
    for number, minute in enumerate(minutes):
        trailing.add(minute)
        while arrived < len(arrivals_s) and arrivals_s[arrived] <= minute.at_s:
            arrived += 1
        if arrived == paid:
            continue
        decision = policy(
            FeeInputs(
                recent_prices=minute.prices,
                trailing_p25=trailing.p25(),
                payouts_due=arrived - paid,
                payees_full=terms.payees_full,
                oldest_age_s=minute.at_s - arrivals_s[paid],
                deadline_s=terms.deadline_s,
            )
        )
        is_last = number == len(minutes) - 1
        stop = arrived if is_last else paid + decision.payouts_now
        for first in range(paid, stop, terms.payees_full):
            last = min(first + terms.payees_full, stop)
            payments.append(_payment(number, first, last, decision.bid_price, terms))
        delays_s += [minute.at_s - due_s for due_s in arrivals_s[paid:stop]]
        paid = stop
    return Outcome(payments=tuple(payments), delays_s=tuple(delays_s))


def hindsight_lamports(
    minutes: Sequence[Minute], arrivals_s: Sequence[int], *, terms: Terms
) -> int:
    """The least that any schedule costs which pays each payout by the same latest minute.

    Exact, by dynamic programming over how many are paid after each minute: payouts cost alike,
    so paying the oldest first is never worse. Each transaction bids the minute's median and
    may carry any number of payees that fits.
    """
    _check(minutes, arrivals_s)
    unreachable = (fees.BASE_FEE_LAMPORTS + fees.PRIORITY_FEE_LAMPORTS_MAX) * (len(arrivals_s) + 1)
    # costs[i]: the least that it can have cost until now to have paid ``paid + i`` payouts.
    costs, paid, arrived = [0], 0, 0
    for minute in minutes:
        while arrived < len(arrivals_s) and arrivals_s[arrived] <= minute.at_s:
            arrived += 1
        costs += [unreachable] * (arrived - paid + 1 - len(costs))
        median = minute.median
        # Of a full transaction down to a single payee, as the costs before it are in order.
        last_one = [
            _fee_lamports(payees, median, terms) for payees in range(terms.payees_full, 0, -1)
        ]
        for i in range(1, len(costs)):
            before = costs[max(i - terms.payees_full, 0) : i]
            costs[i] = min(costs[i], *map(add, before, last_one[-len(before) :]))
        # The policy's own bound: whatever the next look would find late is paid now.
        late_s = minute.at_s + fees.TICK_S - terms.deadline_s
        must = max(bisect_right(arrivals_s, late_s, hi=arrived), paid)
        costs, paid = costs[must - paid :], must
    return costs[-1]


def saving(minutes: Sequence[Minute], once: Outcome, outcome: Outcome, *, terms: Terms) -> Saving:
    """Take the difference of ``outcome`` to paying ``once`` apart."""
    medians = [minute.median for minute in minutes]
    prices_at_once = [
        medians[payment.minute] for payment in once.payments for _ in range(payment.payees)
    ]
    filled = timed = 0
    for payment in outcome.payments:
        mean = sum(prices_at_once[payment.first : payment.last]) // payment.payees
        filled += _fee_lamports(payment.payees, mean, terms)
        timed += _fee_lamports(payment.payees, medians[payment.minute], terms)
    return Saving(
        filling_lamports=once.fees_lamports - filled,
        timing_lamports=filled - timed,
        urgency_lamports=timed - outcome.fees_lamports,
    )


def _check(minutes: Sequence[Minute], arrivals_s: Sequence[int]) -> None:
    assert minutes
    assert all(one.at_s < other.at_s for one, other in pairwise(minutes))
    assert all(one <= other for one, other in pairwise(arrivals_s))
    assert not arrivals_s or arrivals_s[-1] <= minutes[-1].at_s


def _payment(minute: int, first: int, last: int, price: int, terms: Terms) -> Payment:
    payees = last - first
    return Payment(
        minute=minute,
        first=first,
        last=last,
        price=_capped(payees, price, terms),
        fee_lamports=_fee_lamports(payees, price, terms),
    )


def _capped(payees: int, price: int, terms: Terms) -> int:
    return fees.capped_price(
        price, compute_units=compute_units(payees), paid_lamports=payees * terms.lamports_each
    )


def _fee_lamports(payees: int, price: int, terms: Terms) -> int:
    return fees.fee_lamports(
        signatures=1, compute_units=compute_units(payees), price=_capped(payees, price, terms)
    )


class _Trailing:
    """The medians of the last 24 hours, sorted as they come and go."""

    def __init__(self, past: Sequence[int], *, before_s: int) -> None:
        begun_s = before_s - len(past) * fees.TICK_S
        self._by_age = deque((begun_s + i * fees.TICK_S, median) for i, median in enumerate(past))
        self._sorted = sorted(median for _, median in self._by_age)

    def add(self, minute: Minute) -> None:
        """Take in a minute and forget what is a day older."""
        while self._by_age and self._by_age[0][0] <= minute.at_s - TRAILING_S:
            _, median = self._by_age.popleft()
            del self._sorted[bisect_left(self._sorted, median)]
        self._by_age.append((minute.at_s, minute.median))
        insort(self._sorted, minute.median)

    def p25(self) -> int | None:
        """As ``fee_samples.trailing_p25`` finds it; None of too few."""
        if len(self._sorted) < fees.WINDOWS_MIN:
            return None
        return fees.percentile(self._sorted, fees.TRAILING_PERCENT)
