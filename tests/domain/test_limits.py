"""Goal: no more is signed in a while than the limits allow, and one user stops nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.limits import Counted, Limit, beyond, deferred, tripped

LIMIT = Limit(window_s=600, lamports_max=1_000, treasury_bps_max=5_000)
NOTHING = Counted()
LAMPORTS = st.integers(min_value=0, max_value=10**18)


def ask(counted: Counted, adding: int, of_treasury: int, treasury: int) -> str | None:
    return tripped(
        [LIMIT],
        [counted],
        adding_lamports=adding,
        adding_treasury_lamports=of_treasury,
        treasury_lamports=treasury,
    )


def test_up_to_the_limit_goes_and_one_lamport_more_does_not() -> None:
    assert ask(NOTHING, 1_000, 0, 0) is None
    assert ask(NOTHING, 1_001, 0, 0) == ("1001 lamports within 600 s; the limit is 1000 lamports")


def test_what_was_signed_before_counts() -> None:
    assert ask(Counted(house_lamports=999, treasury_lamports=0), 1, 0, 0) is None
    assert ask(Counted(house_lamports=999, treasury_lamports=0), 2, 0, 0) is not None


def test_the_share_is_of_what_the_treasury_held_before() -> None:
    # 100 were paid already and 900 are left: half of the 1,000 that were there may go.
    assert ask(Counted(house_lamports=100, treasury_lamports=100), 400, 400, 900) is None
    assert ask(Counted(house_lamports=100, treasury_lamports=100), 401, 401, 900) == (
        "501 lamports of the treasury within 600 s; the limit is 5000 bps of it, 500 lamports"
    )


def test_what_leaves_the_escrow_is_no_share_of_the_treasury() -> None:
    assert ask(NOTHING, 1_000, 0, 1) is None


def test_what_users_move_does_not_count_for_the_house() -> None:
    assert ask(Counted(users_lamports=10**18), 1_000, 0, 0) is None


def test_a_user_waits_and_leaves_the_room_to_others() -> None:
    waits = deferred([LIMIT], [Counted(house_lamports=10**18, users_lamports=300)], [600, 200, 100])
    assert waits == [None, "1100 lamports within 600 s; the limit is 1000 lamports", None]
    assert deferred([LIMIT], [Counted(users_lamports=300)], [701, 700])[1] is None


def test_what_no_limit_will_ever_let_through() -> None:
    day = Limit(window_s=86_400, lamports_max=800, treasury_bps_max=5_000)
    assert beyond([LIMIT, day], 800) is None
    assert beyond([LIMIT, day], 801) == "801 lamports within 86400 s; the limit is 800 lamports"


@given(payments=st.lists(LAMPORTS, max_size=20), spent=LAMPORTS)
def test_those_that_go_stay_within_every_limit(payments: list[int], spent: int) -> None:
    bounds = [LIMIT, Limit(window_s=60, lamports_max=10**17, treasury_bps_max=1)]
    counted = [Counted(users_lamports=spent), Counted(users_lamports=spent // 2)]
    waits = deferred(bounds, counted, payments)
    going = sum(item for item, wait in zip(payments, waits, strict=True) if wait is None)
    if going:
        assert spent + going <= 1_000


@given(counted=LAMPORTS, adding=LAMPORTS, treasury=LAMPORTS)
def test_nothing_passes_above_either_bound(counted: int, adding: int, treasury: int) -> None:
    if (
        ask(Counted(house_lamports=counted, treasury_lamports=counted), adding, adding, treasury)
        is None
    ):
        assert counted + adding <= LIMIT.lamports_max
        assert 2 * (counted + adding) <= treasury + counted
