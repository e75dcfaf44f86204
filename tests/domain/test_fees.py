"""The bid follows the market, up to a cap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain import fees


@pytest.mark.parametrize(
    ("samples", "percent", "expected"),
    [([], 50, 0), ([7], 50, 7), ([1, 2, 3, 4], 50, 2), ([4, 3, 2, 1], 75, 3), ([1, 9], 100, 9)],
)
def test_percentile_is_the_nearest_rank(samples: list[int], percent: int, expected: int) -> None:
    assert fees.percentile(samples, percent) == expected


def test_the_fee_rounds_up_as_the_runtime_does() -> None:
    assert fees.fee_lamports(signatures=1, compute_units=200_000, price=10_000) == 7_000
    assert fees.priority_fee_lamports(compute_units=3, price=1) == 1


@given(st.lists(st.integers(0, 10**12)), st.integers(300, 200_000), st.integers(1, 2))
def test_no_market_makes_us_pay_more_than_the_cap(
    samples: list[int], compute_units: int, signatures: int
) -> None:
    price = fees.bid(samples, compute_units=compute_units)
    fee = fees.fee_lamports(signatures=signatures, compute_units=compute_units, price=price)
    assert fee <= fees.fee_lamports_max(signatures=signatures)
