"""Goal: no more is signed in a while than the limits allow, of everything and of the treasury."""

from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.limits import Counted, Limit, tripped

LIMIT = Limit(window_s=600, lamports_max=1_000, treasury_bps_max=5_000)
NOTHING = Counted(lamports=0, treasury_lamports=0)
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
    assert ask(Counted(lamports=999, treasury_lamports=0), 1, 0, 0) is None
    assert ask(Counted(lamports=999, treasury_lamports=0), 2, 0, 0) is not None


def test_the_share_is_of_what_the_treasury_held_before() -> None:
    # 100 were paid already and 900 are left: half of the 1,000 that were there may go.
    assert ask(Counted(lamports=100, treasury_lamports=100), 400, 400, 900) is None
    assert ask(Counted(lamports=100, treasury_lamports=100), 401, 401, 900) == (
        "501 lamports of the treasury within 600 s; the limit is 5000 bps of it, 500 lamports"
    )


def test_what_leaves_a_users_own_wallet_is_no_share_of_the_treasury() -> None:
    assert ask(NOTHING, 1_000, 0, 1) is None


@given(counted=LAMPORTS, adding=LAMPORTS, treasury=LAMPORTS)
def test_nothing_passes_above_either_bound(counted: int, adding: int, treasury: int) -> None:
    if ask(Counted(lamports=counted, treasury_lamports=counted), adding, adding, treasury) is None:
        assert counted + adding <= LIMIT.lamports_max
        assert 2 * (counted + adding) <= treasury + counted
