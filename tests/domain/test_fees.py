"""What is paid when, what is bid, and what a transaction may cost at most."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain import fees
from pixr.domain.fees import BidPercent, FeeDecision, FeeInputs, decide, raised_percent

PRICES = st.lists(st.integers(0, fees.PRICE_MAX), max_size=fees.WINDOW_SLOTS).map(tuple)
INPUTS = st.builds(
    FeeInputs,
    recent_prices=PRICES,
    trailing_p25=st.none() | st.integers(0, fees.PRICE_MAX),
    payouts_due=st.integers(0, 5_000),
    payees_full=st.integers(1, 64),
    oldest_age_s=st.integers(-10_000, 10_000),
    deadline_s=st.integers(0, 3_600),
)
WAITING = FeeInputs(
    recent_prices=(0, 10, 20, 30, 1_000),
    trailing_p25=19,
    payouts_due=15,
    payees_full=16,
    oldest_age_s=0,
    deadline_s=600,
)


def test_a_few_young_payouts_wait_for_a_better_price() -> None:
    assert decide(WAITING) == FeeDecision(
        is_payday=False, reason="wait", payouts_now=0, bid_percent=50, bid_price=20
    )


@pytest.mark.parametrize(
    ("change", "reason", "payouts_now"),
    [
        ({"payouts_due": 0}, "nothing", 0),
        ({"payouts_due": 0, "oldest_age_s": 10_000}, "nothing", 0),
        ({"payouts_due": 16}, "full", 16),
        ({"payouts_due": 47}, "full", 32),
        ({"trailing_p25": 20}, "cheap", 15),
        ({"trailing_p25": 20, "payouts_due": 47}, "cheap", 47),
        ({"trailing_p25": None}, "cheap", 15),
        ({"oldest_age_s": 539}, "wait", 0),
        ({"oldest_age_s": 540}, "deadline", 15),
        ({"oldest_age_s": 540, "payouts_due": 47}, "deadline", 47),
        ({"oldest_age_s": -10_000}, "wait", 0),
        ({"deadline_s": 0}, "deadline", 15),
    ],
)
def test_each_reason_to_pay(change: dict[str, int | None], reason: str, payouts_now: int) -> None:
    decision = decide(replace(WAITING, **change))  # type: ignore[arg-type]  # one field of its type
    assert (decision.reason, decision.payouts_now) == (reason, payouts_now)
    assert decision.is_payday == (payouts_now > 0)


@pytest.mark.parametrize(
    ("age_s", "percent"),
    [(-1, 50), (0, 50), (300, 50), (301, 75), (480, 75), (481, 95), (10_000, 95)],
)
def test_the_bid_rises_as_the_deadline_nears(age_s: int, percent: int) -> None:
    decision = decide(replace(WAITING, oldest_age_s=age_s))
    assert decision.bid_percent == percent
    assert decision.bid_price == fees.percentile(WAITING.recent_prices, percent)


@given(st.integers(1, 5_000), st.integers(0, 10_000), st.none() | st.just(0))
def test_a_quiet_minute_is_always_a_payday(due: int, age_s: int, trailing: int | None) -> None:
    quiet = (0,) * fees.WINDOW_SLOTS
    decision = decide(
        replace(
            WAITING,
            recent_prices=quiet,
            trailing_p25=trailing,
            payouts_due=due,
            oldest_age_s=age_s,
        )
    )
    assert (decision.payouts_now, decision.bid_price) == (due, 0)


@given(INPUTS)
def test_nobody_waits_past_the_deadline_and_no_full_transaction_waits(inputs: FeeInputs) -> None:
    decision = decide(inputs)
    assert decision == decide(replace(inputs)), "the same inputs decide the same"
    assert decision.is_payday == (decision.payouts_now > 0)
    assert decision.payouts_now <= inputs.payouts_due
    late_at_the_next_look = inputs.oldest_age_s + fees.TICK_S > inputs.deadline_s
    if inputs.payouts_due and late_at_the_next_look:
        assert decision.payouts_now == inputs.payouts_due
    if inputs.payouts_due >= inputs.payees_full:
        assert decision.payouts_now >= inputs.payees_full


@given(INPUTS, st.integers(-10_000, 10_000))
def test_who_waits_longer_never_bids_less(inputs: FeeInputs, age_s: int) -> None:
    older = replace(inputs, oldest_age_s=max(age_s, inputs.oldest_age_s))
    assert decide(older).bid_price >= decide(inputs).bid_price


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [([], 50, 0), ([7], 50, 7), ([1, 2, 3, 4], 50, 2), ([4, 3, 2, 1], 75, 3), ([1, 9], 100, 9)],
)
def test_percentile_is_the_nearest_rank(samples: list[int], percent: int, expected: int) -> None:
    assert fees.percentile(samples, percent) == expected


def test_the_fee_rounds_up_as_the_runtime_does() -> None:
    assert fees.fee_lamports(signatures=1, compute_units=200_000, price=10_000) == 7_000
    assert fees.priority_fee_lamports(compute_units=3, price=1) == 1


@given(st.integers(0, 10**15), st.integers(1, 1_400_000), st.integers(-1, 10**12))
def test_no_market_makes_us_pay_more_than_the_caps(
    price: int, compute_units: int, paid_lamports: int
) -> None:
    capped = fees.capped_price(price, compute_units=compute_units, paid_lamports=paid_lamports)
    assert 0 <= capped <= price
    bid = fees.priority_fee_lamports(compute_units=compute_units, price=capped)
    assert bid <= fees.PRIORITY_FEE_LAMPORTS_MAX
    assert bid * fees.BPS <= max(paid_lamports, 0) * fees.PRIORITY_FEE_BPS_MAX
    most = fees.fee_lamports_max(signatures=2)
    assert fees.fee_lamports(signatures=2, compute_units=compute_units, price=capped) <= most


def test_a_cap_takes_away_no_more_than_it_must() -> None:
    assert fees.capped_price(7, compute_units=3_150, paid_lamports=10**9) == 7
    # 5,000 lamports over 3,150 units; of 890,880 lamports 25 hundredths of a percent are 2,227.
    assert fees.capped_price(10**9, compute_units=3_150, paid_lamports=10**9) == 1_587_301
    assert fees.capped_price(10**9, compute_units=900, paid_lamports=890_880) == 2_474_444
    assert fees.capped_price(10**9, compute_units=900, paid_lamports=0) == 0


def test_slots_that_nobody_names_count_as_zero() -> None:
    window = fees.window({1_000: 5, 998: 7, 849: 9, 850: 11})
    assert len(window) == fees.WINDOW_SLOTS
    assert list(window) == list(range(851, 1_001))
    assert {slot: price for slot, price in window.items() if price} == {998: 7, 1_000: 5}
    assert fees.window({2: 3}) == {0: 0, 1: 0, 2: 3}, "the chain's first minute is short"
    assert fees.window({}) == {}


@given(st.dictionaries(st.integers(), st.integers()))
def test_what_a_node_claims_always_fits_the_database(prices: dict[int, int]) -> None:
    window = fees.window(prices)
    assert len(window) <= fees.WINDOW_SLOTS
    assert all(0 <= slot < 2**63 and 0 <= price < 2**63 for slot, price in window.items())


@pytest.mark.parametrize(
    ("percent", "attempts_made", "raised"),
    [(50, 0, 50), (50, 1, 75), (50, 2, 95), (50, 1_000, 95), (75, 0, 75), (75, 1, 95), (95, 3, 95)],
)
def test_each_attempt_that_expired_raises_the_next_bid(
    percent: BidPercent, attempts_made: int, raised: int
) -> None:
    assert raised_percent(percent, attempts_made=attempts_made) == raised
