"""The parts sum to the whole, are within a lamport of exact, and do not depend on batching."""

from dataclasses import replace
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.earnings import Epoch, Rules, Share, split, view_lamports

VIEW = 20_000


def run(
    fee_bps: int, share_bps: int, invested: list[int], drains: list[int], room: int | None = None
) -> tuple[int, int, list[int]]:
    """Split ``drains`` of views one after the other; return platform, creator, investors."""
    epoch = Epoch(
        platform_fee_bps=fee_bps,
        investor_share_bps=share_bps,
        gross_lamports=0,
        platform_lamports=0,
    )
    shares = [
        Share(
            investment_id=UUID(int=number),
            user_id=str(number),
            invested_lamports=lamports,
            epoch_lamports=0,
            room_lamports=room,
        )
        for number, lamports in enumerate(invested)
    ]
    creator = 0
    for views in drains:
        gross = views * VIEW
        part = split(epoch, shares, gross)
        assert (
            part.platform_lamports + part.creator_lamports + sum(part.investor_lamports.values())
            == gross
        )
        creator += part.creator_lamports
        epoch = replace(
            epoch,
            gross_lamports=epoch.gross_lamports + gross,
            platform_lamports=epoch.platform_lamports + part.platform_lamports,
        )
        shares = [
            replace(
                share,
                epoch_lamports=share.epoch_lamports + part.investor_lamports[share.investment_id],
                room_lamports=None
                if share.room_lamports is None
                else share.room_lamports - part.investor_lamports[share.investment_id],
            )
            for share in shares
        ]
    return epoch.platform_lamports, creator, [share.epoch_lamports for share in shares]


DRAINS = st.lists(st.integers(1, 5_000), min_size=1, max_size=8)
INVESTED = st.lists(st.integers(1, 10**12), max_size=5)


@given(st.integers(0, 3_000), st.integers(0, 5_000), INVESTED, DRAINS)
def test_batching_changes_nothing(
    fee_bps: int, share_bps: int, invested: list[int], drains: list[int]
) -> None:
    assert run(fee_bps, share_bps, invested, drains) == run(
        fee_bps, share_bps, invested, [sum(drains)]
    )


@given(st.integers(0, 3_000), st.integers(0, 5_000), INVESTED, DRAINS)
def test_each_part_is_within_a_lamport_of_exact(
    fee_bps: int, share_bps: int, invested: list[int], drains: list[int]
) -> None:
    platform, _, investors = run(fee_bps, share_bps, invested, drains)
    gross = sum(drains) * VIEW
    assert 0 <= Fraction(gross * fee_bps, 10_000) - platform < 1
    for lamports, part in zip(investors, invested, strict=True):
        exact = Fraction(gross * share_bps * part, 10_000 * sum(invested))
        assert 0 <= exact - lamports < 1


def test_what_is_above_the_cap_goes_to_the_creator() -> None:
    platform, creator, investors = run(500, 2_000, [1_000_000], [100, 100], room=450_000)
    assert (platform, investors) == (200_000, [450_000])
    assert creator == 200 * VIEW - 200_000 - 450_000


def test_a_view_earns_by_its_best_rung() -> None:
    assert [view_lamports(VIEW, rung) for rung in (480, 720, 1080, 1440, 2160)] == [
        20_000,
        22_000,
        25_000,
        28_000,
        32_000,
    ]


def test_a_rate_that_could_round_the_creator_away_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="VIEW_RATE_LAMPORTS=1000 leaves the creator"):
        Rules(
            view_rate_lamports=1_000,
            platform_fee_bps=500,
            investor_share_bps=2_000,
            views_per_viewer_day=3,
        )
