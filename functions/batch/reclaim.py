"""Plan to take the rent back out of receipts that guard nothing any more.

A receipt may go when its batch has been final for the retention time, and the chain has
finalized a block that no attempt of it could outlive. What stands in each is read now,
because a single lamport left behind would fail the reclaim; a receipt that is not there
is told, for somebody else has the key or forgot what was reclaimed. It is remembered as missing
and looked for again, a few at each tick, but takes no place from those that stand.
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
MISSING_PER_TICK: Final = 90
"""As many as one call for accounts takes, of those that were missing before."""

PATIENCE: Final = 2
"""A company of receipts that is not full waits this many retention times for others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaims:
    """How many reclaims were planned, and receipts that should be on chain and are not.

    Of those that were missing before, the ones that this tick has looked for again.
    """

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
    before, impatient_before = now - retention, now - PATIENCE * retention
    fresh = batches.reclaimable(db, before=before, is_missed=False, limit=limit)
    missed = batches.reclaimable(db, before=before, is_missed=True, limit=MISSING_PER_TICK)
    candidates = [*(fresh if _are_worth_it(fresh, impatient_before) else ()), *missed]
    if not candidates:
        return Reclaims()
    dead_below = chain.finalized_height() - EXPIRY_MARGIN_BLOCKS
    outlived = [item for item in candidates if item.last_valid_block_height < dead_below]
    views = chain.accounts([item.receipt_address for item in outlived])
    standing: list[tuple[Reclaimable, AccountView]] = []
    missing: list[Reclaimable] = []
    for item, view in zip(outlived, views, strict=True):
        if view is not None and _is_receipt(view):
            standing.append((item, view))
        else:
            missing.append(item)
    if missing:
        batches.mark_missed(db, [item.id for item in missing], now=now)
    planned = 0
    for start in range(0, len(standing), RECEIPTS_PER_RECLAIM):
        company = standing[start : start + RECEIPTS_PER_RECLAIM]
        if not _are_worth_it([item for item, _ in company], impatient_before):
            continue
        planned += batches.insert_reclaim(
            db,
            new_id(),
            [_locked(item, view.lamports) for item, view in company],
            fee_lamports_max=fees.fee_lamports_max(signatures=1),
            now=now,
        )
    return Reclaims(planned=planned, missing=[item.receipt_address for item in missing])


def _are_worth_it(company: Sequence[Reclaimable], impatient_before: datetime) -> bool:
    """One reclaim costs a fee, whether it empties one receipt or nine."""
    if len(company) >= RECEIPTS_PER_RECLAIM:
        return True
    return any(item.closed_at < impatient_before for item in company)


def _is_receipt(view: AccountView) -> bool:
    return view.lamports >= RENT_EXEMPT_LAMPORTS and view.owner == str(SYSTEM_PROGRAM)


def _locked(item: Reclaimable, lamports: int) -> LockedReceipt:
    return LockedReceipt(
        paid_batch_id=item.id,
        receipt_address=item.receipt_address,
        receipt_seed=item.receipt_seed,
        lamports=lamports,
    )
