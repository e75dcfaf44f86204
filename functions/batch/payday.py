"""Is this a minute to pay in, and what to bid? Asked once a round, written down with its inputs.

The rules are in ``pixr.domain.fees``; here they get what they are made from: what a node
says of the last slots, what a day of samples says is cheap, and who waits since when.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from functions.batch.chain import Chain
from functions.batch.plan import Planned
from pixr.adapters.postgres import Database, fee_decisions, fee_samples, payouts
from pixr.domain import fees, packing
from pixr.domain.fees import BidPercent, FeeDecision, FeeInputs

PROMPT_PERCENT: Final[BidPercent] = 75
"""What a person waits for (a withdrawal, an investment, a refund) never waits for a price."""

_PATIENT: Final = frozenset({"earnings", "reclaim", "table"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What a place in a block costs in this tick, in micro-lamports a unit."""

    recent_prices: tuple[int, ...]
    trailing_p25: int | None
    patient_percent: BidPercent = fees.BID_PERCENT
    """Which percentile the last decision bids for those who may wait."""

    def bid_price(self, kind: str, *, attempts_made: int = 0) -> int:
        """What to offer for the next attempt at a batch of this kind, before its caps."""
        percent = self.patient_percent if kind in _PATIENT else PROMPT_PERCENT
        raised = fees.raised_percent(percent, attempts_made=attempts_made)
        return fees.percentile(self.recent_prices, raised)


def look_at_market(db: Database, chain: Chain, treasury: str, *, now: datetime) -> Market:
    """Ask for the prices of the last slots and keep them with the day's."""
    prices = fee_samples.record(db, chain.recent_fees([treasury]), now=now)
    return Market(
        recent_prices=prices,
        trailing_p25=fee_samples.trailing_p25(db, now=now),
    )


def decide(
    db: Database, market: Market, *, payees_max: int, deadline_s: int, now: datetime
) -> tuple[FeeInputs, FeeDecision]:
    """Decide for those who may wait."""
    waiting = payouts.patient(db)
    oldest_at = waiting["oldest_at"]
    inputs = FeeInputs(
        recent_prices=market.recent_prices,
        trailing_p25=market.trailing_p25,
        payouts_due=waiting["payouts"],
        payees_full=min(payees_max, packing.PAYEES_FULL),
        oldest_age_s=0 if oldest_at is None else int((now - oldest_at).total_seconds()),
        deadline_s=deadline_s,
    )
    return inputs, fees.decide(inputs)


def write_down(
    db: Database, inputs: FeeInputs, decision: FeeDecision, planned: Planned, *, now: datetime
) -> None:
    """Keep the decision with what came of it."""
    fee_decisions.record(
        db,
        inputs,
        decision,
        transactions=planned.batches,
        fee_lamports_max=planned.fee_lamports_max,
        now=now,
    )
