"""Goal: what leaves as an opaque text comes back as what it was, or is refused."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.values import (
    Amount,
    AmountRequest,
    Cursor,
    explorer_url,
    read_cursor,
    read_id,
    rfc3339,
)
from pixr.domain.errors import Malformed, NotFound
from pixr.domain.money import parse_lamports, parse_sol

MOMENTS = st.integers(min_value=0, max_value=253_370_764_800_000_000).map(
    lambda micros: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
)


@given(MOMENTS, st.uuids())
def test_a_cursor_survives_the_round_trip(at: datetime, key: UUID) -> None:
    cursor = read_cursor(Cursor(at=at, key=str(key)).write())
    assert cursor == Cursor(at=at, key=str(key))
    assert cursor.uuid == key


@given(st.text(max_size=60))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    try:
        cursor = read_cursor(text)
    except Malformed:
        return
    assert cursor is not None


def test_no_cursor_is_the_first_page() -> None:
    assert read_cursor(None) is None


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(Malformed):
        _ = Cursor(at=datetime(2030, 1, 1, tzinfo=UTC), key="clip").uuid


@given(st.integers(1, 2**63 - 1))
def test_an_amount_says_the_same_in_both_units(lamports: int) -> None:
    amount = Amount.of(lamports)
    assert parse_lamports(amount.lamports) == parse_sol(amount.sol) == lamports


def test_max_is_taken_where_it_is_allowed_and_only_there() -> None:
    assert AmountRequest(amount="max").asked(is_max_allowed=True) is None
    with pytest.raises(Malformed):
        AmountRequest(amount="max").asked(is_max_allowed=False)
    with pytest.raises(Malformed):
        AmountRequest(lamports="max").asked(is_max_allowed=True)


def test_a_moment_is_written_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    assert rfc3339(datetime(2030, 1, 1, 2, tzinfo=east)) == "2030-01-01T00:00:00Z"


def test_what_is_no_id_is_nothing() -> None:
    known = uuid4()
    assert read_id(str(known)) == known
    with pytest.raises(NotFound):
        read_id("../etc")


@pytest.mark.parametrize(
    ("network", "end"),
    [
        ("mainnet-beta", "/tx/sig"),
        ("devnet", "/tx/sig?cluster=devnet"),
        ("localnet", "/tx/sig?cluster=custom&customUrl=http%3A%2F%2F127.0.0.1%3A8899"),
    ],
)
def test_an_explorer_is_told_the_network(network: str, end: str) -> None:
    url = explorer_url(network, "http://127.0.0.1:8899", kind="tx", name="sig")
    assert url.endswith(end)
