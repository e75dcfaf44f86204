"""Transactions that the chain has and the database did not decide: taken for what they are.

A person (``pixr hold release``) or the chain's whole history (``pixr recover``) says so; the
settler never does. The receipt in each makes it the only one that can have paid its batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from pixr.adapters.postgres import Database, batch_edges, ledger, sql
from pixr.adapters.postgres.batch_edges import Landing
from pixr.adapters.postgres.batches import Batch
from pixr.domain.payouts import Failed, Finalized


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A finalized transaction, as the chain kept it. ``error`` is None when it succeeded."""

    signature: str
    slot: int
    fee_lamports: int
    raw: bytes
    blockhash: str
    last_valid_block_height: int
    """At least the last height at which it could land; what is final is past it anyhow."""
    signed_at: datetime
    error: str | None


def adopt(
    db: Database,
    batch: Batch,
    seen: Seen,
    *,
    failed: Sequence[Failed] = (),
    job_id: UUID,
    now: datetime,
) -> bool:
    """The transaction has paid the batch: record it, and close everything as landed.

    Args:
        db: The database.
        batch: The batch as read, in any state but FINALIZED and FAILED.
        seen: What made its receipt; decoded and compared with the batch by the caller.
        failed: Live attempts of the batch that failed on chain; only their fees were charged.
        job_id: Name for the upgrade job, should this payment complete a funding.
        now: The time.

    Returns:
        False when somebody else moved the batch; nothing is written then.
    """
    with db.transaction():
        if batch.state == "PLANNED":
            # Never signed, as far as anybody knew, and paid: such a thing passes through HOLD.
            if not batch_edges.hold(db, batch, f"{seen.signature} has paid it", {}, now=now):
                return False
            batch = replace(batch, state="HOLD", version=batch.version + 1)
        for item in failed:
            batch_edges.charge_failure(db, item, now=now)
        db.execute(sql("transactions/expire"), {"batch_id": batch.id, "now": now})
        _insert(db, batch.id, seen, "EXPIRED", now=now)
        landed = Finalized(signature=seen.signature, slot=seen.slot, fee_lamports=seen.fee_lamports)
        landing = Landing(batch=batch, landed=landed, job_id=job_id)
        return bool(batch_edges.finalize(db, [landing], is_adopted=True, now=now))


def bury(db: Database, batch_id: UUID, *, now: datetime) -> None:
    """Close the attempts of a batch that is proved never to have landed: EXPIRED."""
    db.execute(sql("transactions/expire"), {"batch_id": batch_id, "now": now})


def record_failure(db: Database, batch_id: UUID, seen: Seen, *, now: datetime) -> bool:
    """A transaction of ours failed on chain: record it, and charge its fee.

    Returns:
        False when it was known; nothing is written then.
    """
    with db.transaction():
        if not _insert(db, batch_id, seen, "FAILED", now=now):
            return False
        fee = {"treasury": -seen.fee_lamports, "network": seen.fee_lamports}
        ledger.post(db, f"attempt:{seen.signature}", fee, now=now)
        return True


def _insert(
    db: Database, batch_id: UUID, seen: Seen, state: Literal["EXPIRED", "FAILED"], *, now: datetime
) -> bool:
    found = db.execute(
        sql("adoption/insert_attempt"),
        {
            "batch_id": batch_id,
            "signature": seen.signature,
            "state": state,
            "raw": seen.raw,
            "blockhash": seen.blockhash,
            # Nobody can tell any more; it was no later than the slot in which it landed.
            "blockhash_slot": seen.slot,
            "last_valid_block_height": seen.last_valid_block_height,
            "fee_lamports": seen.fee_lamports,
            "slot": seen.slot,
            "error": seen.error,
            "signed_at": seen.signed_at,
            "now": now,
        },
    )
    return found.fetchone() is not None
