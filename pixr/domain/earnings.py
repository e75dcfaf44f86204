"""How the earnings of a content's views are split, without losing a lamport.

    gross ──▶ platform fee ──▶ investors whose upgrade is live ──▶ creator: all the rest

Platform and investors each get the *floor of their exact share of the cumulative total*,
less what they already have. The creator is the residual claimant. So the parts always sum
to the whole, each is within one lamport of exact, no part ever shrinks, and the result does
not depend on how the views were drained. An *epoch* is the span in which shares and
investors stay the same; its totals start at zero.

    platform(n)  = ⌊gross(n) · fee / 10,000⌋
    investor(n)  = ⌊gross(n) · share · invested / (10,000 · all invested)⌋, up to its cap

A part above an investor's cap goes to the creator: the other investors' shares do not grow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from pixr.domain import renditions

BPS: Final = 10_000

INVESTORS_MAX: Final = 1_000
"""Per content: more parties could round away a creator's part of one view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a view is worth and who shares in it.

    Raises:
        ValueError: A setting would leave a creator nothing, or less than nothing.
    """

    view_rate_lamports: int
    platform_fee_bps: int
    investor_share_bps: int
    views_per_viewer_day: int

    def __post_init__(self) -> None:
        creator_bps = BPS - self.platform_fee_bps - self.investor_share_bps
        parties = INVESTORS_MAX + 1
        if self.view_rate_lamports * creator_bps <= parties * BPS:
            raise ValueError(
                f"VIEW_RATE_LAMPORTS={self.view_rate_lamports} leaves the creator"
                f" {creator_bps} of {BPS} parts, which {parties} roundings could use up:"
                " raise the rate or lower PLATFORM_FEE_BPS or INVESTOR_SHARE_BPS"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Totals of one content since its shares last changed, in lamports."""

    platform_fee_bps: int
    investor_share_bps: int
    gross_lamports: int
    platform_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One live investment within an epoch."""

    investment_id: UUID
    user_id: str
    invested_lamports: int
    epoch_lamports: int
    """Accrued to it in this epoch."""
    room_lamports: int | None
    """What it may still get before its cap; None: no cap."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """What one drain adds to each party. Sums to the gross of the drain."""

    platform_lamports: int
    creator_lamports: int
    investor_lamports: Mapping[UUID, int]


def view_lamports(rate_lamports: int, rung: int) -> int:
    """What one qualified view earns at a content's best rung, rounded down once per view."""
    numerator, denominator = renditions.MULTIPLIERS[rung]
    return rate_lamports * numerator // denominator


def split(epoch: Epoch, shares: Sequence[Share], gross_lamports: int) -> Split:
    """Split ``gross_lamports`` > 0 of new earnings.

    Source:
        economics.md "Rounding"; helium's emissions_split has the same residual claimant.
    """
    assert gross_lamports > 0
    total = epoch.gross_lamports + gross_lamports
    platform = total * epoch.platform_fee_bps // BPS - epoch.platform_lamports
    assert 0 <= platform <= gross_lamports
    if not shares:  # of most contents; a drain may split the views of a hundred thousand
        return Split(
            platform_lamports=platform,
            creator_lamports=gross_lamports - platform,
            investor_lamports={},
        )
    invested = sum(share.invested_lamports for share in shares)
    investors: dict[UUID, int] = {}
    for share in shares:
        exact_floor = total * epoch.investor_share_bps * share.invested_lamports // (BPS * invested)
        # A capped share lags behind its target for good; its arrears are not made up.
        due = exact_floor - share.epoch_lamports
        investors[share.investment_id] = (
            due if share.room_lamports is None else min(due, share.room_lamports)
        )
    creator = gross_lamports - platform - sum(investors.values())
    assert creator >= 0
    assert all(lamports >= 0 for lamports in investors.values())
    return Split(platform_lamports=platform, creator_lamports=creator, investor_lamports=investors)
