"""Goal: text becomes lamports exactly or not at all."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.errors import Malformed, Overdrawn
from pixr.domain.money import (
    LAMPORTS_MAX,
    Lamports,
    format_sol,
    leaves_dust,
    parse_lamports,
    parse_sol,
    spend,
)

AMOUNTS = st.integers(min_value=1, max_value=LAMPORTS_MAX).map(Lamports)
RENT_LAMPORTS = 890_880


def _shortly(value: object) -> str:
    return ascii(value)[:24]


@given(AMOUNTS)
def test_sol_text_survives_the_round_trip(lamports: Lamports) -> None:
    assert parse_sol(format_sol(lamports)) == lamports
    assert parse_sol(Decimal(format_sol(lamports))) == lamports
    assert parse_lamports(str(lamports)) == lamports == parse_lamports(lamports)


@pytest.mark.parametrize(
    ("value", "lamports"),
    [
        ("1", 1_000_000_000),
        ("1.25", 1_250_000_000),
        ("0.000000001", 1),
        ("1.250000000", 1_250_000_000),
        (3, 3_000_000_000),
        (Decimal("0.5"), 500_000_000),
        (Decimal("1e2"), 100_000_000_000),
        (Decimal("1e-9"), 1),
        ("9223372036.854775807", LAMPORTS_MAX),
    ],
    ids=_shortly,
)
def test_an_amount_of_sol_is_read_exactly(value: object, lamports: int) -> None:
    assert parse_sol(value) == lamports


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("0", "more than 0"),
        ("0.0", "more than 0"),
        (0, "more than 0"),
        (-1, "more than 0"),
        (Decimal("-1.5"), "more than 0"),
        (Decimal("-0"), "more than 0"),
        ("-1", "digits"),
        ("+1", "digits"),
        (" 1 ", "digits"),
        ("1 ", "digits"),
        ("1\n", "digits"),
        ("", "digits"),
        (".5", "digits"),
        ("1.", "digits"),
        ("01", "digits"),
        ("1,5", "digits"),
        ("1_000", "digits"),
        ("1e9", "digits"),
        ("1e400", "digits"),
        ("NaN", "digits"),
        ("Infinity", "digits"),
        ("0x10", "digits"),
        ("١٢", "digits"),  # Arabic-Indic digits
        ("１", "digits"),  # full-width one
        ("²", "digits"),
        ("0.0000000001", "decimals"),
        ("9" * 10_000, "digits"),
        (Decimal("1e-10"), "decimals"),
        (Decimal("1.0000000000"), "decimals"),
        (Decimal("1e400"), "at most"),
        (Decimal("1e999999999999"), "at most"),
        (Decimal("NaN"), "finite"),
        (Decimal("Infinity"), "finite"),
        (Decimal(2**64), "at most"),
        ("9223372036.854775808", "at most"),
        (2**64, "at most"),
        (True, "decimal string or number"),
        (None, "decimal string or number"),
        (1.5, "decimal string or number"),
        ([], "decimal string or number"),
    ],
    ids=_shortly,
)
def test_what_is_not_an_amount_is_refused_with_its_rule(value: object, rule: str) -> None:
    with pytest.raises(Malformed, match=rule) as caught:
        parse_sol(value)
    assert caught.value.field == "amount"


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        "0",
        "-1",
        "+1",
        "1.0",
        " 1",
        "1e3",
        "١",
        "",
        2**63,
        str(2**64),
        True,
        None,
        1.0,
        "9" * 30,
    ],
    ids=_shortly,
)
def test_what_is_not_a_number_of_lamports_is_refused(value: object) -> None:
    with pytest.raises(Malformed):
        parse_lamports(value)


@given(st.text(max_size=40))
def test_no_text_is_read_as_anything_but_its_decimal_value(text: str) -> None:
    try:
        lamports = parse_sol(text)
    except Malformed:
        return
    assert Decimal(lamports) == Decimal(text) * 10**9


@pytest.mark.parametrize(
    ("lamports", "text"),
    [(0, "0"), (1, "0.000000001"), (-500_000_000, "-0.5"), (10**9, "1"), (12 * 10**8, "1.2")],
)
def test_sol_is_written_without_needless_zeros(lamports: int, text: str) -> None:
    assert format_sol(lamports) == text


@pytest.mark.parametrize(
    ("remaining", "is_dust"), [(0, False), (1, True), (890_879, True), (890_880, False)]
)
def test_a_wallet_keeps_nothing_or_its_rent(remaining: int, is_dust: bool) -> None:  # noqa: FBT001 -- table
    assert leaves_dust(remaining) is is_dust


@pytest.mark.parametrize(
    ("asked", "available", "lamports"),
    [
        (None, 5, 5),
        (5, 5, 5),
        (1, RENT_LAMPORTS + 1, 1),
        (10, RENT_LAMPORTS + 20, 10),
    ],
)
def test_a_wallet_may_be_emptied_or_left_with_its_rent(
    asked: int | None, available: int, lamports: int
) -> None:
    assert spend(None if asked is None else Lamports(asked), available) == lamports


@pytest.mark.parametrize(
    ("asked", "available"),
    [(None, 0), (1, 0), (6, 5), (1, 2), (1, RENT_LAMPORTS), (RENT_LAMPORTS, 2 * RENT_LAMPORTS - 1)],
)
def test_a_wallet_is_not_overdrawn_nor_left_with_dust(asked: int | None, available: int) -> None:
    with pytest.raises(Overdrawn) as caught:
        spend(None if asked is None else Lamports(asked), available)
    assert caught.value.available_lamports == available


@given(st.one_of(st.none(), st.integers(1, 2**63 - 1)), st.integers(0, 2**63 - 1))
def test_what_is_left_is_always_nothing_or_the_rent(asked: int | None, available: int) -> None:
    try:
        lamports = spend(None if asked is None else Lamports(asked), available)
    except Overdrawn:
        return
    assert 0 < lamports <= available
    assert available - lamports == 0 or available - lamports >= RENT_LAMPORTS
