"""What pays nobody and still moves lamports: rent that came home, payees written into tables."""

from __future__ import annotations

from uuid import UUID

from pixr.adapters.postgres import adoption, batches, recovery
from pixr.adapters.postgres.batches import Batch, LockedReceipt
from pixr.domain.decoding import Extension, Reclaim
from pixr.ops.recovering import extending
from pixr.ops.recovering.desk import Desk, NotYet
from pixr.ops.recovering.walking import Found


def book_reclaim(desk: Desk, found: Found, reclaim: Reclaim) -> None:
    """Rent came home. Inside a transaction.

    Raises:
        NotYet: The batches of its receipts are not booked so far.
    """
    receipts = [item.receipt for item in reclaim.receipts]
    paid = recovery.by_receipt(desk.db, receipts)
    if missing := [receipt for receipt in receipts if receipt not in paid]:
        raise NotYet(f"it empties {missing[0]}, which is no batch's receipt so far")
    batch_id = desk.new_id()
    if found.view.error is not None:
        total = sum(item.lamports for item in reclaim.receipts)
        _record_failure(desk, batch_id, reclaim, found, lamports=total)
        return
    if any(row["receipt_state"] != "LOCKED" for row in paid.values()):
        raise NotYet("it empties receipts of batches that are not known to be paid")
    locked = [
        LockedReceipt(
            paid_batch_id=paid[item.receipt]["id"],
            receipt_address=item.receipt,
            receipt_seed=item.seed,
            lamports=item.lamports,
        )
        for item in reclaim.receipts
    ]
    fee_lamports = found.view.fee_lamports
    if not batches.insert_reclaim(
        desk.db, batch_id, locked, fee_lamports_max=fee_lamports, now=desk.now()
    ):
        raise NotYet("the treasury holds less than its fee in the ledger, or a rival empties it")
    _adopt(desk, batch_id, found)
    desk.counts["reclaims"] += 1


def book_extension(desk: Desk, found: Found, extension: Extension) -> None:
    """Payees were written into a lookup table, or were to be. Inside a transaction.

    Raises:
        NotYet: The table is not known so far.
    """
    seen = desk.seen(found)
    if found.view.error is not None:
        extending.book_failure(desk.db, extension, seen, new_id=desk.new_id, now=desk.now())
        desk.counts["failed"] += 1
        return
    missing = extending.book_extension(desk.db, extension, seen, new_id=desk.new_id, now=desk.now())
    if missing is not None:
        raise NotYet(missing)
    desk.counts["extensions"] += 1


def _adopt(desk: Desk, batch_id: UUID, found: Found) -> None:
    batch = batches.reread(desk.db, batch_id)
    is_adopted = adoption.adopt(
        desk.db, batch, desk.seen(found), job_id=desk.new_id(), now=desk.now()
    )
    assert is_adopted, "it was made in this transaction"


def _record_failure(
    desk: Desk, batch_id: UUID, reclaim: Reclaim, found: Found, *, lamports: int
) -> None:
    seen = desk.seen(found)
    batch = Batch(
        id=batch_id,
        kind="reclaim",
        state="FAILED",
        version=0,
        receipt_address=None,
        receipt_seed=None,
        merkle_root=None,
        lamports=lamports,
        treasury_reserved_lamports=0,
    )
    recovery.insert_batch(
        desk.db,
        batch,
        state="FAILED",
        payees=len(reclaim.receipts),
        planned_at=seen.signed_at,
        now=desk.now(),
    )
    adoption.record_failure(desk.db, batch_id, seen, now=desk.now())
    desk.counts["failed"] += 1
