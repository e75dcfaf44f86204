"""Goal: whatever is asked for in whatever order, no window ever lets more go than its rule says."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.errors import NewDestination, Refusal, WithdrawalLimit
from pixr.domain.withdrawals import DAY, HOUR, Asked, Rules, check_pace

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RULES = Rules(hour_lamports_max=50, day_lamports_max=120, hour_max=3, day_max=8, small_lamports=20)

REQUESTS = st.lists(
    st.tuples(
        st.integers(min_value=1, max_value=60),
        st.booleans(),
        st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=3)),
    ),
    max_size=40,
)


def allowed(lamports: int, recent: list[Asked], *, is_trusted: bool, now: datetime) -> bool:
    try:
        check_pace(
            lamports,
            recent,
            rules=RULES,
            destination="there",
            usable_at=now if is_trusted else None,
            now=now,
        )
    except Refusal:
        return False
    return True


@given(REQUESTS)
def test_no_window_lets_more_go_than_its_rule_says(
    requests: list[tuple[int, bool, timedelta]],
) -> None:
    taken: list[Asked] = []
    now = NOW
    for lamports, is_trusted, pause in requests:
        now += pause
        if allowed(lamports, taken, is_trusted=is_trusted, now=now):
            taken.append(Asked(at=now, lamports=lamports, is_trusted=is_trusted))
    for last in taken:
        hour = [item for item in taken if last.at - HOUR < item.at <= last.at]
        day = [item for item in taken if last.at - DAY < item.at <= last.at]
        assert sum(item.lamports for item in hour) <= RULES.hour_lamports_max
        assert sum(item.lamports for item in day) <= RULES.day_lamports_max
        assert len(hour) <= RULES.hour_max
        assert len(day) <= RULES.day_max
        new = [item for item in day if not item.is_trusted]
        assert sum(item.lamports for item in new) <= RULES.small_lamports


@given(REQUESTS, st.booleans())
def test_following_the_offers_ends_with_a_withdrawal_or_with_nothing(
    requests: list[tuple[int, bool, timedelta]],
    is_trusted: bool,  # noqa: FBT001 -- drawn
) -> None:
    recent: list[Asked] = []
    now = NOW
    for lamports, trusts, pause in requests:
        now += pause
        recent.append(Asked(at=now, lamports=lamports, is_trusted=trusts))
    usable_at = now if is_trusted else None
    offers = [10**9]
    # The hour, the day and the new address each have one say.
    for _ in range(4):
        try:
            check_pace(
                offers[-1], recent, rules=RULES, destination="x", usable_at=usable_at, now=now
            )
        except (WithdrawalLimit, NewDestination) as refusal:
            offers.append(refusal.allowed_lamports)
        else:
            break
        if not offers[-1]:
            break
    else:
        raise AssertionError(f"refused at every offer: {offers}")
    assert offers == sorted(set(offers), reverse=True)


def test_what_is_too_much_for_a_window_says_what_may_go_and_when() -> None:
    recent = [Asked(at=NOW - timedelta(minutes=50), lamports=45, is_trusted=True)]
    with pytest.raises(WithdrawalLimit, match="at most 50 lamports in any hour") as caught:
        check_pace(6, recent, rules=RULES, destination="x", usable_at=NOW, now=NOW)
    assert caught.value.allowed_lamports == 5
    assert caught.value.retry_after_s == 601


def test_what_is_too_much_for_ever_has_nothing_to_wait_for() -> None:
    with pytest.raises(WithdrawalLimit) as caught:
        check_pace(51, [], rules=RULES, destination="x", usable_at=NOW, now=NOW)
    assert (caught.value.allowed_lamports, caught.value.retry_after_s) == (50, None)


def test_the_moment_at_which_an_address_is_trusted_is_exact() -> None:
    soon = NOW + timedelta(microseconds=1)
    with pytest.raises(NewDestination, match="cools off until 2030-01-01"):
        check_pace(21, [], rules=RULES, destination="x", usable_at=soon, now=NOW)
    check_pace(21, [], rules=RULES, destination="x", usable_at=NOW, now=NOW)
    check_pace(20, [], rules=RULES, destination="x", usable_at=None, now=NOW)
    with pytest.raises(NewDestination, match="is not on your allow-list"):
        check_pace(21, [], rules=RULES, destination="x", usable_at=None, now=NOW)
