"""The edges of a batch's state machine: each function is one, in one transaction.

Every edge compares and swaps the batch's version. Where somebody else moved the batch since
it was read nothing is written, and whatever was signed must be dropped. The edges that a
healthy minute takes (sign, send, finalize) take many batches at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from pixr.adapters.postgres import (
    Database,
    arrays,
    batches,
    investments_settled,
    ledger,
    lookup_tables,
    sql,
)
from pixr.adapters.postgres.batches import Batch, LockedReceipt
from pixr.domain import limits as signing
from pixr.domain.limits import Counted, Limit
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import TRAVELS_ALONE
from pixr.domain.payouts import Failed, Finalized, Payout

LIVE: Final = ("SIGNED", "INFLIGHT")
"""States of an attempt that may still land."""


_OF_THE_TREASURY: Final = ("earnings", "table")
"""Kinds whose lamports leave the treasury for good, or for long."""


class LimitTripped(Exception):
    """The house would pay more than the rolling limits allow. Nothing was stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed attempt at ``batch`` that nobody has sent yet."""

    batch: Batch
    number: int
    signature: str
    raw: bytes
    blockhash: str
    blockhash_slot: int
    last_valid_block_height: int
    fee_lamports_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """A batch whose attempt a node finalized, and a name for the job it may complete."""

    batch: Batch
    landed: Finalized
    job_id: UUID


def _swap(
    db: Database,
    read: Sequence[Batch],
    state: str,
    *,
    now: datetime,
    hold_reason: str | None = None,
) -> set[UUID]:
    found = db.execute(
        sql("batches/swap"),
        {
            "batch_ids": arrays.uuids(batch.id for batch in read),
            "versions": arrays.numbers(batch.version for batch in read),
            "state": state,
            "hold_reason": hold_reason,
            "now": now,
        },
    )
    return {row["id"] for row in found}


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of attempts that were to be stored."""

    moved: set[UUID]
    """Their batches; what was signed for all others must be dropped."""
    deferred: Mapping[UUID, str]
    """Payments from users' wallets that have to wait for a rolling limit, and for which."""


def store(
    db: Database, attempts: Sequence[Signed], *, limits: Sequence[Limit], now: datetime
) -> Stored:
    """PLANNED → SIGNED, with the bytes that may be sent from now on; nothing while paused.

    Raises:
        LimitTripped: The house would pay more than a rolling limit allows; nothing was stored.
    """
    with db.transaction():
        waiting = _stay_within(db, attempts, limits, now=now) if limits else {}
        going = [item for item in attempts if item.batch.id not in waiting]
        found = db.execute(
            sql("transactions/insert"),
            {
                "batch_ids": arrays.uuids(item.batch.id for item in going),
                "versions": arrays.numbers(item.batch.version for item in going),
                "signatures": arrays.texts([item.signature for item in going]),
                "attempts": arrays.numbers(item.number for item in going),
                "raws": arrays.texts([item.raw.hex() for item in going]),
                "blockhashes": arrays.texts([item.blockhash for item in going]),
                "blockhash_slots": arrays.numbers(item.blockhash_slot for item in going),
                "last_valid_block_heights": arrays.numbers(
                    item.last_valid_block_height for item in going
                ),
                "fees_lamports_max": arrays.numbers(item.fee_lamports_max for item in going),
                "now": now,
            },
        )
        return Stored({row["batch_id"] for row in found}, waiting)


def _stay_within(
    db: Database, attempts: Sequence[Signed], limits: Sequence[Limit], *, now: datetime
) -> dict[UUID, str]:
    # A later attempt of the same batch pays nothing more; a reclaim pays nobody.
    fresh = [item.batch for item in attempts if item.number == 1 and item.batch.kind != "reclaim"]
    db.execute(sql("signing/lock"))
    rows = db.execute(
        sql("signing/counted"), {"windows_s": [limit.window_s for limit in limits], "now": now}
    )
    counted = [
        Counted(
            house_lamports=row["house_lamports"],
            treasury_lamports=row["treasury_lamports"],
            users_lamports=row["users_lamports"],
        )
        for row in rows
    ]
    house = [batch for batch in fresh if batch.kind not in TRAVELS_ALONE]
    reason = signing.tripped(
        limits,
        counted,
        adding_lamports=sum(batch.lamports for batch in house),
        adding_treasury_lamports=sum(
            batch.lamports for batch in house if batch.kind in _OF_THE_TREASURY
        ),
        treasury_lamports=ledger.read(db, "treasury").posted_lamports,
    )
    if reason is not None:
        raise LimitTripped(reason)
    users = [batch for batch in fresh if batch.kind in TRAVELS_ALONE]
    waits = signing.deferred(limits, counted, [batch.lamports for batch in users])
    return {batch.id: wait for batch, wait in zip(users, waits, strict=True) if wait is not None}


def mark_inflight(db: Database, read: Sequence[Batch], *, now: datetime) -> set[UUID]:
    """SIGNED → INFLIGHT, before the first byte leaves; returns the batches that were moved."""
    parameters = {
        "batch_ids": arrays.uuids(batch.id for batch in read),
        "versions": arrays.numbers(batch.version for batch in read),
        "now": now,
    }
    return {row["batch_id"] for row in db.execute(sql("transactions/mark_inflight"), parameters)}


def finalize(
    db: Database, landings: Sequence[Landing], *, is_adopted: bool = False, now: datetime
) -> set[UUID]:
    """The attempts LANDED: batches FINALIZED, payouts PAID, ledger posted, investments moved on.

    Args:
        db: The database.
        landings: What landed.
        is_adopted: Take an attempt that was declared dead as well, because the transaction that
            made the receipt was decoded and is exactly the batch.
        now: The time.

    Returns:
        The batches that were moved.

    Raises:
        ValueError: An attempt that landed is not a live one: an expired attempt paid. Then
            none of ``landings`` is written.
    """
    states = ("SIGNED", "INFLIGHT", "EXPIRED") if is_adopted else LIVE
    with db.transaction():
        moved = _swap(db, [item.batch for item in landings], "FINALIZED", now=now)
        won = [item for item in landings if item.batch.id in moved]
        if not won:
            return set()
        _close(db, [item.landed for item in won], "LANDED", states=states, now=now)
        reclaims = [item.batch.id for item in won if item.batch.kind == "reclaim"]
        emptied = batches.receipts(db, reclaims) if reclaims else {}
        _settle(db, won, emptied, now=now)
        if emptied:
            db.execute(sql("batches/mark_reclaimed"), {"batch_ids": list(emptied)})
        extended = [item.batch.id for item in won if item.batch.kind == "table"]
        if extended:
            lookup_tables.written(db, extended)
        for item in won:
            if item.batch.kind in ("investment", "refund"):
                investments_settled.after_payment(db, item.batch.id, job_id=item.job_id, now=now)
    return moved


def _settle(
    db: Database,
    won: Sequence[Landing],
    emptied: Mapping[UUID, Sequence[LockedReceipt]],
    *,
    now: datetime,
) -> None:
    """Mark the payouts PAID, keep all promises, and post what moved: transfers, fee and rent."""
    references = {item.batch.id: f"attempt:{item.landed.signature}" for item in won}
    begun = ledger.begin(db, list(references.values()), now=now)
    assert len(begun) == len(won), "one attempt lands once"
    house = [
        (begun[references[item.batch.id]], account, lamports, released)
        for item in won
        for account, lamports, released in _of_the_house(item, emptied.get(item.batch.id, ()))
    ]
    found = db.execute(
        sql("batches/settle"),
        {
            "batch_ids": arrays.uuids(references),
            "transaction_ids": arrays.numbers(begun[name] for name in references.values()),
            "house_transaction_ids": arrays.numbers(entry[0] for entry in house),
            "house_accounts": arrays.texts([entry[1] for entry in house]),
            "house_lamports": arrays.numbers(entry[2] for entry in house),
            "house_released_lamports": arrays.numbers(entry[3] for entry in house),
            "now": now,
        },
    )
    paid = {row["batch_id"]: row["lamports"] for row in found}
    said = {item.batch.id: item.batch.lamports for item in won if item.batch.merkle_root}
    if paid != said:
        differing = sorted(str(key) for key in paid.keys() | said if paid.get(key) != said.get(key))
        raise ValueError(f"the payouts of {', '.join(differing)} are not what their batch paid")


def _of_the_house(
    item: Landing, emptied: Sequence[LockedReceipt]
) -> Iterator[tuple[str, int, int]]:
    """Entries beside the transfers, as account, lamports and what they release."""
    batch, fee_lamports = item.batch, item.landed.fee_lamports
    rent_lamports = batch.lamports if batch.kind == "table" else 0
    receipt_lamports = 0 if batch.kind == "reclaim" else RENT_EXEMPT_LAMPORTS
    back_lamports = sum(receipt.lamports for receipt in emptied)
    emptied_lamports = len(emptied) * RENT_EXEMPT_LAMPORTS
    gained_lamports = back_lamports - fee_lamports - receipt_lamports - rent_lamports
    yield "treasury", gained_lamports, batch.treasury_reserved_lamports
    yield "network", fee_lamports, 0
    yield "receipts", receipt_lamports - emptied_lamports, 0
    yield "tables", rent_lamports, 0
    # Whatever somebody sent to a receipt comes along: less would leave dust behind.
    yield "world", emptied_lamports - back_lamports, 0


def _close(
    db: Database,
    seen: Sequence[Finalized] | Sequence[Failed],
    state: str,
    *,
    states: Sequence[str] = LIVE,
    now: datetime,
) -> None:
    parameters = {
        "signatures": arrays.texts([item.signature for item in seen]),
        "slots": arrays.numbers(item.slot for item in seen),
        "fees_lamports": arrays.numbers(item.fee_lamports for item in seen),
        "state": state,
        "states": list(states),
        "error": next((item.error for item in seen if isinstance(item, Failed)), None),
        "now": now,
    }
    closed = {row["signature"] for row in db.execute(sql("transactions/close"), parameters)}
    for item in seen:
        if item.signature not in closed:
            raise ValueError(f"{item.signature} is {state} on chain but was closed before")


def dissolve(
    db: Database,
    batch: Batch,
    failed: Failed | None,
    *,
    poison: Mapping[UUID, str],
    payees_max: int | None = None,
    now: datetime,
) -> bool:
    """Batch FAILED: each ``poison`` payout (id → reason) is QUARANTINED, the rest PENDING again.

    Args:
        db: The database.
        batch: The batch as read.
        failed: What a node finalized; None when it was never signed.
        poison: Payouts whose destination cannot be paid, with the reason in plain words.
        payees_max: In what company the rest may travel from now on; None: as before.
        now: The time.

    Returns:
        False when somebody else moved the batch; nothing is written then.
    """
    with db.transaction():
        if not _swap(db, [batch], "FAILED", now=now):
            return False
        payouts = batches.items(db, [batch.id])[batch.id]
        promises = {"treasury": batch.treasury_reserved_lamports}
        for payout in payouts:
            if payout.id in poison and payout.kind in TRAVELS_ALONE:
                # A user's own money goes back to them; what we owe stays owed and reserved.
                promises[payout.debit_account] = (
                    promises.get(payout.debit_account, 0) + payout.lamports
                )
        ledger.lock(db, [*promises, "network", "treasury"])
        ledger.release(db, promises)
        if failed is not None:
            charge_failure(db, failed, now=now)
        db.execute(sql("batches/end_items"), {"batch_id": batch.id})
        db.execute(sql("batches/end_receipts"), {"batch_id": batch.id})
        if batch.kind == "table":
            lookup_tables.not_written(db, batch.id)
        for payout in payouts:
            if payout.id in poison:
                _quarantine(db, payout, poison[payout.id])
        db.execute(sql("batches/return_payouts"), {"batch_id": batch.id, "payees_max": payees_max})
    return True


def charge_failure(db: Database, failed: Failed, *, now: datetime) -> None:
    """The attempt FAILED on chain: only its fee was charged. Inside a transaction."""
    _close(db, [failed], "FAILED", now=now)
    fee = {"treasury": -failed.fee_lamports, "network": failed.fee_lamports}
    ledger.post(db, f"attempt:{failed.signature}", fee, now=now)


def _quarantine(db: Database, payout: Payout, reason: str) -> None:
    db.execute(sql("batches/quarantine"), {"payout_id": payout.id, "reason": reason})
    if payout.kind == "investment":
        db.execute(sql("investments/cancel"), {"investment_id": payout.investment_id})


def expire(db: Database, batch: Batch, evidence: Mapping[str, Any], *, now: datetime) -> bool:
    """All attempts are proved dead: EXPIRED, and the batch PLANNED for the next attempt."""
    with db.transaction():
        if not _swap(db, [batch], "PLANNED", now=now):
            return False
        db.execute(sql("transactions/expire"), {"batch_id": batch.id, "now": now})
        record_evidence(db, batch.id, evidence, now=now)
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
        if not _swap(db, [batch], "HOLD", now=now, hold_reason=reason):
            return False
        if failed is not None:
            charge_failure(db, failed, now=now)
        record_evidence(db, batch.id, evidence, now=now)
    return True


def record_evidence(
    db: Database, batch_id: UUID, evidence: Mapping[str, Any], *, now: datetime
) -> None:
    """Keep what each node said (node → what). Inside a transaction."""
    for node, said in evidence.items():
        db.execute(
            sql("batches/evidence"),
            {"batch_id": batch_id, "node": node, "evidence": Jsonb(said), "now": now},
        )
