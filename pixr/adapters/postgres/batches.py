"""Batches and attempts: each function is one edge of the state machine, in one transaction.

Every edge compares and swaps the batch's version. False means that somebody else moved the
batch since it was read; nothing was written then, and whatever was signed must be dropped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from pixr.adapters.postgres import Database, Row, investments_settled, ledger, sql
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import TRAVELS_ALONE
from pixr.domain.payouts import Attempt, Failed, Finalized, Payout

OPEN_MAX: Final = 1_000
"""Batches looked at in one round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as read, with the version that an edge must find unchanged."""

    id: UUID
    kind: str
    state: str
    version: int
    receipt_address: str
    merkle_root: bytes
    lamports: int
    treasury_reserved_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A batch to be. ``salts`` has one entry per payout, in their order."""

    batch_id: UUID
    kind: str
    receipt_address: str
    merkle_root: bytes
    payouts: Sequence[Payout]
    salts: Sequence[bytes]
    treasury_reserved_lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed transaction that nobody has sent yet."""

    signature: str
    raw: bytes
    blockhash: str
    blockhash_slot: int
    last_valid_block_height: int
    fee_lamports_max: int


def insert(db: Database, plan: Plan, *, now: datetime) -> bool:
    """Make the batch, take its payouts, reserve in the treasury. Call it inside a transaction.

    Returns:
        False when the treasury cannot pay it; nothing is written then.
    """
    if not ledger.reserve(db, "treasury", plan.treasury_reserved_lamports):
        return False
    parameters: dict[str, Any] = {
        "batch_id": plan.batch_id,
        "kind": plan.kind,
        "receipt_address": plan.receipt_address,
        "merkle_root": plan.merkle_root,
        "payees": len(plan.payouts),
        "lamports": sum(payout.lamports for payout in plan.payouts),
        "treasury_reserved_lamports": plan.treasury_reserved_lamports,
        "payout_ids": [payout.id for payout in plan.payouts],
        "salts": list(plan.salts),
        "now": now,
    }
    db.execute(sql("batches/insert"), parameters)
    db.execute(sql("batches/insert_items"), parameters)
    taken = db.execute(sql("batches/take_payouts"), parameters).fetchall()
    assert len(taken) == len(plan.payouts), "a locked payout was taken by somebody else"
    return True


def list_open(db: Database) -> list[Batch]:
    """Return the batches that are not decided yet, oldest first, at most ``OPEN_MAX``."""
    rows = db.execute(sql("batches/list_open"), {"limit": OPEN_MAX}).fetchall()
    return [Batch(**row) for row in rows]


def reread(db: Database, batch_id: UUID) -> Batch:
    """Return the batch as it is now."""
    row = db.execute(sql("batches/reread"), {"batch_id": batch_id}).fetchone()
    assert row is not None
    return Batch(**row)


def items(db: Database, batch_id: UUID) -> list[Payout]:
    """Return what the batch carries, in the order of its transfers."""
    rows = db.execute(sql("batches/items"), {"batch_id": batch_id}).fetchall()
    return [Payout(**row) for row in rows]


def attempts(db: Database, batch_id: UUID) -> list[Attempt]:
    """Return every attempt of the batch, first to last."""
    rows = db.execute(sql("transactions/list_of_batch"), {"batch_id": batch_id}).fetchall()
    return [Attempt(**row) for row in rows]


def backlog(db: Database) -> Row:
    """Return what is under way, held and owed, and what the treasury has; see the statement."""
    row = db.execute(sql("batches/backlog")).fetchone()
    assert row is not None
    return row


def landed_since(db: Database, since: datetime) -> list[Row]:
    """Return ``{seconds, fee_lamports, payees}`` of each payment finalized since then."""
    return db.execute(sql("transactions/landed_since"), {"since": since}).fetchall()


def _swap(
    db: Database, batch: Batch, state: str, *, now: datetime, hold_reason: str | None = None
) -> bool:
    found = db.execute(
        sql("batches/swap"),
        {
            "batch_id": batch.id,
            "version": batch.version,
            "state": state,
            "hold_reason": hold_reason,
            "now": now,
        },
    )
    return found.fetchone() is not None


def store_attempt(
    db: Database, batch: Batch, signed: Signed, *, number: int, now: datetime
) -> bool:
    """PLANNED → SIGNED, with the bytes that may be sent from now on."""
    with db.transaction():
        if not _swap(db, batch, "SIGNED", now=now):
            return False
        db.execute(
            sql("transactions/insert"),
            {
                "signature": signed.signature,
                "batch_id": batch.id,
                "attempt": number,
                "raw": signed.raw,
                "blockhash": signed.blockhash,
                "blockhash_slot": signed.blockhash_slot,
                "last_valid_block_height": signed.last_valid_block_height,
                "fee_lamports_max": signed.fee_lamports_max,
                "now": now,
            },
        )
    return True


def mark_inflight(db: Database, batch: Batch, signature: str, *, now: datetime) -> bool:
    """SIGNED → INFLIGHT, before the first byte leaves."""
    with db.transaction():
        if not _swap(db, batch, "INFLIGHT", now=now):
            return False
        db.execute(sql("transactions/mark_inflight"), {"signature": signature, "now": now})
    return True


def finalize(db: Database, batch: Batch, landed: Finalized, *, job_id: UUID, now: datetime) -> bool:
    """The attempt LANDED: batch FINALIZED, payouts PAID, ledger posted, investments moved on.

    Args:
        db: The database.
        batch: The batch as read.
        landed: What a node finalized.
        job_id: Name for the upgrade job, should this payment complete a funding.
        now: The time.

    Raises:
        ValueError: The attempt that landed is not a live one: an expired attempt paid.
    """
    with db.transaction():
        if not _swap(db, batch, "FINALIZED", now=now):
            return False
        _close(db, landed.signature, "LANDED", landed, now=now)
        payouts = items(db, batch.id)
        ledger.release(db, "treasury", batch.treasury_reserved_lamports)
        for payout in payouts:
            if payout.debit_account != "treasury":
                ledger.release(db, payout.debit_account, payout.lamports)
        db.execute(sql("batches/mark_paid"), {"batch_id": batch.id, "now": now})
        entries = _entries(payouts, fee_lamports=landed.fee_lamports)
        posted = ledger.post(db, f"attempt:{landed.signature}", entries, now=now)
        assert posted, "one attempt lands once"
        investments_settled.after_payment(db, batch.id, job_id=job_id, now=now)
    return True


def _entries(payouts: Sequence[Payout], *, fee_lamports: int) -> dict[str, int]:
    """Ledger entries of a landed batch: the transfers, the fee, the rent in the receipt."""
    entries: dict[str, int] = {}

    def move(source: str, target: str, lamports: int) -> None:
        entries[source] = entries.get(source, 0) - lamports
        entries[target] = entries.get(target, 0) + lamports

    for payout in payouts:
        move(payout.source, payout.credit_account, payout.lamports)
        if payout.source != payout.debit_account:
            move(payout.debit_account, "settled", payout.lamports)
    move("treasury", "network", fee_lamports)
    move("treasury", "receipts", RENT_EXEMPT_LAMPORTS)
    return entries


def _close(
    db: Database, signature: str, state: str, seen: Finalized | Failed, *, now: datetime
) -> None:
    found = db.execute(
        sql("transactions/close"),
        {
            "signature": signature,
            "state": state,
            "slot": seen.slot,
            "fee_lamports": seen.fee_lamports,
            "error": seen.error if isinstance(seen, Failed) else None,
            "now": now,
        },
    )
    if found.fetchone() is None:
        raise ValueError(f"{signature} is {state} on chain but was closed before")


def dissolve(
    db: Database,
    batch: Batch,
    failed: Failed | None,
    *,
    poison: Mapping[UUID, str],
    now: datetime,
) -> bool:
    """Batch FAILED: each ``poison`` payout (id → reason) is QUARANTINED, the rest PENDING again.

    Args:
        db: The database.
        batch: The batch as read.
        failed: What a node finalized; None when it was never signed.
        poison: Payouts whose destination cannot be paid, with the reason in plain words.
        now: The time.
    """
    with db.transaction():
        if not _swap(db, batch, "FAILED", now=now):
            return False
        payouts = items(db, batch.id)
        ledger.release(db, "treasury", batch.treasury_reserved_lamports)
        if failed is not None:
            _charge_failure(db, failed, now=now)
        db.execute(sql("batches/end_items"), {"batch_id": batch.id})
        for payout in payouts:
            if payout.id in poison:
                _quarantine(db, payout, poison[payout.id])
        db.execute(sql("batches/return_payouts"), {"batch_id": batch.id})
    return True


def _charge_failure(db: Database, failed: Failed, *, now: datetime) -> None:
    _close(db, failed.signature, "FAILED", failed, now=now)
    fee = {"treasury": -failed.fee_lamports, "network": failed.fee_lamports}
    ledger.post(db, f"attempt:{failed.signature}", fee, now=now)


def _quarantine(db: Database, payout: Payout, reason: str) -> None:
    """Put one payout aside. A user's own money goes back to them; what we owe stays owed."""
    db.execute(sql("batches/quarantine"), {"payout_id": payout.id, "reason": reason})
    if payout.kind in TRAVELS_ALONE:
        ledger.release(db, payout.debit_account, payout.lamports)
    if payout.kind == "investment":
        db.execute(sql("investments/cancel"), {"investment_id": payout.investment_id})


def expire(db: Database, batch: Batch, evidence: Mapping[str, Any], *, now: datetime) -> bool:
    """All attempts are proved dead: EXPIRED, and the batch PLANNED for the next attempt."""
    with db.transaction():
        if not _swap(db, batch, "PLANNED", now=now):
            return False
        db.execute(sql("transactions/expire"), {"batch_id": batch.id, "now": now})
        _record(db, batch, evidence, now=now)
    return True


def hold(
    db: Database,
    batch: Batch,
    reason: str,
    evidence: Mapping[str, Any],
    *,
    failed: Failed | None = None,
    now: datetime,
) -> bool:
    """Nobody can tell what became of it: HOLD until a person decides. Never paid by itself."""
    with db.transaction():
        if not _swap(db, batch, "HOLD", now=now, hold_reason=reason):
            return False
        if failed is not None:
            _charge_failure(db, failed, now=now)
        _record(db, batch, evidence, now=now)
    return True


def _record(db: Database, batch: Batch, evidence: Mapping[str, Any], *, now: datetime) -> None:
    for node, said in evidence.items():
        db.execute(
            sql("batches/evidence"),
            {"batch_id": batch.id, "node": node, "evidence": Jsonb(said), "now": now},
        )
