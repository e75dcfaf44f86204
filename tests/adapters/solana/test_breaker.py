"""When a node is left alone, and when a call may be tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.adapters.solana.breaker import (
    COOL_OFF_S,
    FAILURES_MAX,
    TOKENS_AT_START,
    TOKENS_MAX,
    TOKENS_PER_SUCCESS,
    Breaker,
    RetryBudget,
)
from tests.adapters.solana.scripted import Clock


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock=clock)
    for number in range(FAILURES_MAX):
        assert breaker.admit(), number
        breaker.failed("HTTP 503")
    return breaker


def test_it_opens_after_so_many_failures_in_a_row_and_says_why() -> None:
    breaker = opened(Clock())
    assert not breaker.admit()
    assert breaker.reason == "HTTP 503"


def test_a_success_in_between_starts_the_count_again() -> None:
    breaker = Breaker(clock=Clock())
    for _ in range(3 * FAILURES_MAX):
        breaker.failed("HTTP 503")
        breaker.passed()
    assert breaker.open_until_s is None


def test_after_the_cool_off_one_call_tries_and_the_others_wait() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += COOL_OFF_S
    assert breaker.open_until_s is None
    assert [breaker.admit() for _ in range(3)] == [True, False, False]


def test_the_trial_decides() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += COOL_OFF_S
    assert breaker.admit()
    breaker.failed("HTTP 503")
    assert not breaker.admit()
    clock.now_s += COOL_OFF_S
    assert breaker.admit()
    breaker.passed()
    assert all(breaker.admit() for _ in range(3))


def test_a_trial_that_never_reports_back_is_followed_by_another() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s += COOL_OFF_S
    assert breaker.admit()
    clock.now_s += COOL_OFF_S
    assert breaker.admit()


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now_s -= 3_600
    assert breaker.admit()


def test_it_can_be_forced() -> None:
    breaker = opened(Clock())
    breaker.force()
    assert [breaker.admit(), breaker.admit()] == [True, False]


def test_forcing_a_closed_breaker_changes_nothing() -> None:
    breaker = Breaker(clock=Clock())
    breaker.force()
    assert [breaker.admit(), breaker.admit()] == [True, True]


@given(st.lists(st.booleans(), max_size=300))
def test_retries_never_exceed_what_successes_paid_for(calls: list[bool]) -> None:
    """True is a call that went well, False one that wants to be tried again."""
    budget = RetryBudget()
    retries = 0
    for went_well in calls:
        if went_well:
            budget.earn()
        else:
            retries += budget.spend()
    assert retries <= TOKENS_AT_START + TOKENS_PER_SUCCESS * calls.count(True)


@pytest.mark.parametrize("successes", [0, 10, 10_000])
def test_a_long_good_time_is_not_saved_up_for_ever(successes: int) -> None:
    budget = RetryBudget()
    for _ in range(successes):
        budget.earn()
    assert sum(budget.spend() for _ in range(100)) <= TOKENS_MAX
