"""Plan to take the rent back out of receipts that guard nothing any more.

A receipt may go when its batch has been final for the retention time, and the chain has
finalized a block that no attempt of it could outlive. What stands in each is read now,
because a single lamport left behind would fail the reclaim; a receipt that is not there
is told, for somebody else has the key or forgot what was reclaimed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from functions.batch.chain import Chain
from pixr.adapters.postgres import Database, batches
from pixr.adapters.postgres.batches import LockedReceipt, Reclaimable
from pixr.adapters.solana import AccountView
from pixr.domain import fees
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import SYSTEM_PROGRAM
from pixr.domain.payouts import EXPIRY_MARGIN_BLOCKS
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM

RECLAIMS_PER_TICK: Final = 40
PATIENCE: Final = 2
"""A company of receipts that is not full waits this many retention times for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaims:
    """How many reclaims were planned, and receipts that should be on chain and are not."""

    planned: int = 0
    missing: Sequence[str] = field(default_factory=list[str])


def plan_reclaims(
    db: Database,
    chain: Chain,
    *,
    retention: timedelta,
    new_id: Callable[[], UUID],
    now: datetime,
) -> Reclaims:
    """Put receipts that guard nothing any more into reclaims of ``RECEIPTS_PER_RECLAIM``."""
    limit = RECLAIMS_PER_TICK * RECEIPTS_PER_RECLAIM
    candidates = batches.reclaimable(db, before=now - retention, limit=limit)
    if not _are_worth_it(candidates, now - PATIENCE * retention):
        return Reclaims()
    dead_below = chain.finalized_height() - EXPIRY_MARGIN_BLOCKS
    outlived = [item for item in candidates if item.last_valid_block_height < dead_below]
    views = chain.accounts([item.receipt_address for item in outlived])
    locked: list[LockedReceipt] = []
    missing: list[str] = []
    for item, view in zip(outlived, views, strict=True):
        if view is not None and _is_receipt(view):
            locked.append(_locked(item, view.lamports))
        else:
            missing.append(item.receipt_address)
    planned = 0
    for start in range(0, len(locked), RECEIPTS_PER_RECLAIM):
        planned += batches.insert_reclaim(
            db,
            new_id(),
            locked[start : start + RECEIPTS_PER_RECLAIM],
            fee_lamports_max=fees.fee_lamports_max(signatures=1),
            now=now,
        )
    return Reclaims(planned=planned, missing=missing)


def _are_worth_it(candidates: Sequence[Reclaimable], impatient_before: datetime) -> bool:
    """One reclaim costs a fee, whether it empties one receipt or nine."""
    if len(candidates) >= RECEIPTS_PER_RECLAIM:
        return True
    return bool(candidates) and candidates[0].closed_at < impatient_before


def _is_receipt(view: AccountView) -> bool:
    return view.lamports >= RENT_EXEMPT_LAMPORTS and view.owner == str(SYSTEM_PROGRAM)


def _locked(item: Reclaimable, lamports: int) -> LockedReceipt:
    return LockedReceipt(
        paid_batch_id=item.id,
        receipt_address=item.receipt_address,
        receipt_seed=item.receipt_seed,
        lamports=lamports,
    )
