"""A replay pays everybody once, charges what the chain would, and nothing beats hindsight."""

import itertools
from functools import cache
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.message import Message

from pixr.domain import fees, packing
from pixr.domain.fee_replay import (
    Minute,
    Policy,
    Terms,
    at_once,
    compute_units,
    hindsight_lamports,
    replay,
    saving,
    when_cheap,
    when_full,
)

POLICIES = [at_once, fees.decide, when_full, when_cheap]
TERMS = Terms()
DEAR, CHEAP = 1_000_000, 1_000


def minutes_of(*prices: int) -> list[Minute]:
    """Minutes in which every slot has the same price."""
    return [Minute(at_s=60 * i, prices=(price,)) for i, price in enumerate(prices, 1)]


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Minute], list[int], list[int], Terms]:
    """Minutes, payouts that fall due in them, the day before, and terms."""
    gaps_s = draw(st.lists(st.integers(30, 400), min_size=1, max_size=12))
    price = st.integers(0, 3_000_000)
    minutes = [
        Minute(at_s=at_s, prices=tuple(draw(st.lists(price, max_size=5))))
        for at_s in itertools.accumulate(gaps_s)
    ]
    arrivals_s = draw(st.lists(st.integers(-100, minutes[-1].at_s), max_size=40).map(sorted))
    past = draw(st.just([]) | st.lists(price, min_size=60, max_size=70))
    terms = Terms(
        payees_full=draw(st.integers(1, 5)),
        deadline_s=draw(st.integers(0, 900)),
        lamports_each=draw(st.sampled_from([890_880, 10_000_000])),
    )
    return minutes, arrivals_s, past, terms


DAYS = days()


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: str(policy.__name__))
@given(day=DAYS)
def test_every_payout_is_paid_once_and_never_cheaper_than_in_hindsight(
    policy: Policy, day: tuple[list[Minute], list[int], list[int], Terms]
) -> None:
    minutes, arrivals_s, past, terms = day
    outcome = replay(minutes, arrivals_s, policy, terms=terms, past=past)
    paid = [i for payment in outcome.payments for i in range(payment.first, payment.last)]
    assert paid == list(range(len(arrivals_s)))
    assert all(1 <= payment.payees <= terms.payees_full for payment in outcome.payments)
    delays_s = [
        minutes[payment.minute].at_s - arrivals_s[i]
        for payment in outcome.payments
        for i in range(payment.first, payment.last)
    ]
    assert list(outcome.delays_s) == delays_s
    assert min(delays_s, default=0) >= 0
    assert outcome.fees_lamports >= hindsight_lamports(minutes, arrivals_s, terms=terms)


@given(day=DAYS)
def test_the_parts_of_a_saving_sum_to_it(
    day: tuple[list[Minute], list[int], list[int], Terms],
) -> None:
    minutes, arrivals_s, past, terms = day
    once = replay(minutes, arrivals_s, at_once, terms=terms, past=past)
    outcome = replay(minutes, arrivals_s, fees.decide, terms=terms, past=past)
    parts = saving(minutes, once, outcome, terms=terms)
    assert parts.lamports == once.fees_lamports - outcome.fees_lamports
    assert parts.urgency_lamports <= 0
    of_itself = saving(minutes, once, once, terms=terms)
    assert of_itself.lamports == of_itself.urgency_lamports == 0


@given(
    st.lists(st.integers(0, 2_000_000), min_size=1, max_size=5),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
    st.integers(1, 3),
    st.integers(0, 300),
)
@example([834], [4, 0, 0, 0, 0], 3, 0)  # two and two round up less than three and one
def test_hindsight_is_the_best_of_all_schedules(
    prices: list[int], due: list[int], payees_full: int, deadline_s: int
) -> None:
    """Goal: the dynamic program misses nothing. Method: try every number in every minute."""
    minutes = minutes_of(*prices)
    terms = Terms(payees_full=payees_full, deadline_s=deadline_s)
    arrivals_s = [m.at_s for m, count in zip(minutes, due, strict=False) for _ in range(count)]

    def one(payees: int, median: int) -> int:
        units = compute_units(payees)
        price = fees.capped_price(
            median, compute_units=units, paid_lamports=payees * terms.lamports_each
        )
        return fees.fee_lamports(signatures=1, compute_units=units, price=price)

    @cache
    def cost(payees: int, median: int) -> int:
        """Of so many in one minute, shared out in any way: rounding can favour two halves."""
        if payees == 0:
            return 0
        return min(
            one(count, median) + cost(payees - count, median)
            for count in range(1, min(payees, payees_full) + 1)
        )

    @cache
    def least(number: int, paid: int) -> int:
        if number == len(minutes):
            return 0 if paid == len(arrivals_s) else 10**12
        at_s = minutes[number].at_s
        arrived = sum(due_s <= at_s for due_s in arrivals_s)
        must = sum(
            due_s + deadline_s <= at_s + fees.TICK_S and due_s <= at_s for due_s in arrivals_s
        )
        return min(
            cost(stop - paid, minutes[number].median) + least(number + 1, stop)
            for stop in range(max(must, paid), arrived + 1)
        )

    assert hindsight_lamports(minutes, arrivals_s, terms=terms) == least(0, 0)


@pytest.mark.parametrize("policy", [fees.decide, when_full, when_cheap])
@given(arrivals_s=st.lists(st.integers(0, 3_000), max_size=40).map(sorted), data=st.data())
def test_no_policy_keeps_anybody_waiting_longer_than_the_deadline(
    policy: Policy, arrivals_s: list[int], data: st.DataObject
) -> None:
    prices = data.draw(st.lists(st.integers(0, DEAR), min_size=51, max_size=51))
    deadline_s = data.draw(st.integers(60, 900))
    terms = Terms(deadline_s=deadline_s)
    outcome = replay(minutes_of(*prices), arrivals_s, policy, terms=terms, past=[CHEAP] * 60)
    assert max(outcome.delays_s, default=0) <= deadline_s


@pytest.mark.parametrize("payees", range(1, packing.PAYEES_FULL + 1))
@pytest.mark.parametrize("price", [0, 1, 17_600, DEAR, 10**9])
def test_a_replayed_fee_is_that_of_the_packed_message(payees: int, price: int) -> None:
    """What the message's own bytes say: signatures, compute limit, compute price."""
    terms = Terms()
    outcome = replay(minutes_of(price), [0] * payees, at_once, terms=terms)
    (payment,) = outcome.payments
    treasury = str(Keypair().pubkey())
    intent = packing.Intent(
        treasury=treasury,
        source=treasury,
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=1)),
        memo="m" * 44,
        transfers=tuple(
            packing.Transfer(destination=str(Keypair().pubkey()), lamports=terms.lamports_each)
            for _ in range(payees)
        ),
    )
    message = packing.message(intent, blockhash=str(Keypair().pubkey()), price=payment.price)
    limit, unit_price = budget_of(Message.from_bytes(bytes(message)))
    charged = 5_000 * message.header.num_required_signatures + -(-limit * unit_price // 1_000_000)
    assert payment.fee_lamports == charged == packing.fee_lamports(intent, price=payment.price)
    assert payment.fee_lamports <= 10_000


def budget_of(message: Message) -> tuple[int, int]:
    """Compute limit and price, as the network reads them."""
    budget = [
        bytes(instruction.data)
        for instruction in message.instructions
        if message.account_keys[instruction.program_id_index] == packing.COMPUTE_BUDGET_PROGRAM
    ]
    found = {data[0]: int.from_bytes(data[1:], "little") for data in budget}
    return found[2], found[3]


def test_a_spike_is_waited_out_but_not_past_the_deadline() -> None:
    day = [CHEAP] * 3 + [DEAR] * 4 + [CHEAP] * 3
    outcome = replay(minutes_of(*day), [200], fees.decide, terms=TERMS, past=[CHEAP] * 60)
    assert [payment.minute for payment in outcome.payments] == [7]
    day = [CHEAP] * 3 + [DEAR] * 30
    outcome = replay(minutes_of(*day), [200], fees.decide, terms=TERMS, past=[CHEAP] * 60)
    assert outcome.delays_s == (580,)


def test_only_full_transactions_leave_in_a_spike() -> None:
    day = minutes_of(*[DEAR] * 3, *[CHEAP] * 2)
    outcome = replay(day, [60] * 35, fees.decide, terms=TERMS, past=[CHEAP] * 60)
    assert [(payment.minute, payment.payees) for payment in outcome.payments] == [
        *((0, 16), (0, 16)),
        (3, 3),
    ]


def test_what_is_cheap_is_forgotten_after_a_day() -> None:
    """A day of high prices makes a lower one cheap that the day before would have called dear."""
    past = [CHEAP] * 1_440
    before = replay(minutes_of(DEAR, DEAR), [0], fees.decide, terms=TERMS, past=past)
    assert before.payments[0].minute == 1, "paid only because the trace ends"
    long = minutes_of(*[DEAR] * 1_200)
    after = replay(long, [1_150 * 60], fees.decide, terms=TERMS, past=past)
    assert after.delays_s == (0,)


def test_an_empty_day_costs_nothing() -> None:
    outcome = replay(minutes_of(5), [], fees.decide, terms=TERMS)
    assert outcome.fees_lamports == hindsight_lamports(minutes_of(5), [], terms=TERMS) == 0
