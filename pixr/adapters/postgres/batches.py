"""Batches and what belongs to them: planned in bulk, read in bulk.

The edges of their state machine are in ``batch_edges.py``.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from pixr.adapters.postgres import Database, Row, arrays, ledger, sql
from pixr.domain.payouts import Attempt, Payout

OPEN_MAX: Final = 2_000
"""Batches looked at in one round, and as many that are signed."""


class _TakenByARival(Exception):
    """A receipt is in another reclaim since it was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as read, with the version that an edge must find unchanged.

    A reclaim has neither receipt nor root, an extension of a lookup table no root;
    ``receipt_seed`` is set only where it does not follow from the id.
    """

    id: UUID
    kind: str
    state: str
    version: int
    receipt_address: str | None
    receipt_seed: str | None
    merkle_root: bytes | None
    lamports: int
    treasury_reserved_lamports: int
    table_address: str | None = None
    """The lookup table that a payment looks its payees up in, or that an extension extends."""
    is_v1: bool = False
    """Its message is in the form of SIMD-0385."""

    def stored(self) -> "Batch":
        """As it is after its attempt was stored by the same reader."""
        return replace(self, state="SIGNED", version=self.version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A payment to be. ``salts`` has one entry per payout, in their order."""

    batch_id: UUID
    kind: str
    receipt_address: str
    merkle_root: bytes
    payouts: Sequence[Payout]
    salts: Sequence[bytes]
    treasury_reserved_lamports: int
    table_address: str | None = None
    is_v1: bool = False

    @property
    def lamports(self) -> int:
        """What it pays in all."""
        return sum(payout.lamports for payout in self.payouts)


class Item(NamedTuple):
    """A payout's place in a batch, and the salt of its leaf."""

    batch_id: UUID
    position: int
    payout_id: UUID
    salt: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedReceipt:
    """A receipt that a reclaim empties; ``seed`` is None where it follows from the batch's id."""

    paid_batch_id: UUID
    receipt_address: str
    receipt_seed: str | None
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaimable:
    """A receipt whose guard may no longer be needed."""

    id: UUID
    receipt_address: str
    receipt_seed: str | None
    closed_at: datetime
    last_valid_block_height: int


def insert(db: Database, plans: Sequence[Plan], *, now: datetime) -> None:
    """Make the batches, take their payouts, reserve in the treasury. Inside a transaction.

    The caller has locked the payouts and knows that the treasury can pay.
    """
    reserved = sum(plan.treasury_reserved_lamports for plan in plans)
    is_reserved = ledger.reserve(db, "treasury", reserved)
    assert is_reserved, f"the treasury was read as holding {reserved} lamports"
    insert_rows(db, [_values(plan) for plan in plans], now=now)
    load(
        db,
        [
            Item(batch_id=plan.batch_id, position=position, payout_id=payout.id, salt=salt)
            for plan in plans
            for position, (payout, salt) in enumerate(zip(plan.payouts, plan.salts, strict=True))
        ],
    )


def load(db: Database, items: Sequence[Item]) -> None:
    """Give pending payouts to their batches. Inside a transaction that has locked the payouts."""
    loaded = db.execute(
        sql("batches/load"),
        {
            "batch_ids": arrays.uuids(item.batch_id for item in items),
            "positions": arrays.numbers(item.position for item in items),
            "payout_ids": arrays.uuids(item.payout_id for item in items),
            "salts": arrays.texts([item.salt.hex() for item in items]),
        },
    )
    assert loaded.rowcount == len(items), "a locked payout was taken by somebody else"


def _values(plan: Plan) -> tuple[Any, ...]:
    return (
        plan.batch_id,
        plan.kind,
        plan.receipt_address,
        plan.merkle_root,
        len(plan.payouts),
        plan.lamports,
        plan.treasury_reserved_lamports,
        plan.table_address,
        plan.is_v1,
    )


def insert_rows(db: Database, rows: Sequence[tuple[Any, ...]], *, now: datetime) -> None:
    """Insert the batches' own rows, each as the names below. Inside a transaction."""
    names = (
        "ids",
        "kinds",
        "receipt_addresses",
        "merkle_roots",
        "payees",
        "lamports",
        "treasury_reserved_lamports",
        "table_addresses",
        "are_v1",
    )
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    db.execute(sql("batches/insert"), {**columns, "now": now})


def insert_reclaim(
    db: Database,
    batch_id: UUID,
    receipts: Sequence[LockedReceipt],
    *,
    fee_lamports_max: int,
    now: datetime,
) -> bool:
    """Plan to empty ``receipts`` in one transaction.

    Returns:
        False when a rival took one of them, or the treasury cannot pay the fee; nothing is
        written then.
    """
    total = sum(item.lamports for item in receipts)
    row = (batch_id, "reclaim", None, None, len(receipts), total, fee_lamports_max, None, False)
    parameters = {
        "batch_id": batch_id,
        "positions": list(range(len(receipts))),
        "paid_batch_ids": [item.paid_batch_id for item in receipts],
        "lamports": [item.lamports for item in receipts],
    }
    with suppress(_TakenByARival), db.transaction():
        if not ledger.reserve(db, "treasury", fee_lamports_max):
            return False
        insert_rows(db, [row], now=now)
        taken = db.execute(sql("batches/insert_receipts"), parameters).fetchall()
        if len(taken) != len(receipts):
            raise _TakenByARival
        return True
    return False


def list_open(db: Database, *, stuck: Iterable[str] = ()) -> list[Batch]:
    """Return the batches that are not decided yet, oldest first.

    At most ``OPEN_MAX`` that are signed, and as many that are planned. Those named ``stuck`` come
    last: however many cannot be signed now, they do not hide the others.
    """
    parameters = {"stuck": list(stuck), "limit": OPEN_MAX}
    rows = db.execute(sql("batches/list_open"), parameters).fetchall()
    return [Batch(**row) for row in rows]


def reread(db: Database, batch_id: UUID) -> Batch:
    """Return the batch as it is now."""
    row = db.execute(sql("batches/reread"), {"batch_id": batch_id}).fetchone()
    assert row is not None
    return Batch(**row)


def items(db: Database, batch_ids: Iterable[UUID]) -> dict[UUID, list[Payout]]:
    """Return what each batch carries, in the order of its transfers."""
    found: dict[UUID, list[Payout]] = {batch_id: [] for batch_id in batch_ids}
    carried = list(found.values())
    asked = {"batch_ids": arrays.uuids(found)}
    for row in db.execute(sql("batches/items"), asked).fetchall():
        number: int = row.pop("number")
        carried[number - 1].append(Payout(**row))
    return found


def receipts(db: Database, batch_ids: Iterable[UUID]) -> dict[UUID, list[LockedReceipt]]:
    """Return what each reclaim empties, in the order of its instructions."""
    found: dict[UUID, list[LockedReceipt]] = {batch_id: [] for batch_id in batch_ids}
    for row in db.execute(sql("batches/receipts"), {"batch_ids": list(found)}):
        found[row.pop("batch_id")].append(LockedReceipt(**row))
    return found


def first_address(receipts: Sequence[LockedReceipt]) -> str | None:
    """One receipt of a reclaim stands for all: they go together. None where there is none."""
    return receipts[0].receipt_address if receipts else None


def attempts(db: Database, batch_ids: Iterable[UUID]) -> dict[UUID, list[Attempt]]:
    """Return every attempt of each batch, first to last."""
    found: dict[UUID, list[Attempt]] = {batch_id: [] for batch_id in batch_ids}
    for row in db.execute(sql("transactions/list_of_batch"), {"batch_ids": arrays.uuids(found)}):
        found[row["batch_id"]].append(Attempt(**row))
    return found


def reclaimable(
    db: Database, *, before: datetime, is_missed: bool, limit: int
) -> list[Reclaimable]:
    """Return receipts of batches that were final ``before``, oldest first.

    With ``is_missed`` only those that were not on chain at an earlier look, in the order of
    those looks; without it only the others.
    """
    parameters = {"before": before, "is_missed": is_missed, "limit": limit}
    rows = db.execute(sql("batches/reclaimable"), parameters)
    return [Reclaimable(**row) for row in rows]


def early_reclaims(db: Database, batch_ids: Iterable[UUID], *, before: datetime) -> set[UUID]:
    """Return those reclaims that would empty a receipt of a batch final after ``before``."""
    parameters = {"batch_ids": list(batch_ids), "before": before}
    return {row["batch_id"] for row in db.execute(sql("batches/early_reclaims"), parameters)}


def mark_missed(db: Database, batch_ids: Sequence[UUID], *, now: datetime) -> None:
    """Remember that the receipts of these batches were looked for and are not on chain."""
    db.execute(sql("batches/mark_missed"), {"batch_ids": list(batch_ids), "now": now})


def promised_lamports(db: Database) -> int:
    """Return what the treasury may have to pay for bytes that are out already."""
    row = db.execute(sql("batches/promised")).fetchone()
    assert row is not None
    return int(row["lamports"])


def under_way(db: Database) -> Row:
    """Return ``{payouts_pending, batches_open, batches_moving}``, asked after each round."""
    row = db.execute(sql("batches/under_way")).fetchone()
    assert row is not None
    return row


def backlog(db: Database) -> Row:
    """Return what is under way, held and owed, and what the treasury has; see the statement."""
    row = db.execute(sql("batches/backlog")).fetchone()
    assert row is not None
    return row


def landed_since(db: Database, since: datetime) -> list[Row]:
    """Return ``{seconds, fee_lamports, payees}`` of each payment finalized since then."""
    return db.execute(sql("transactions/landed_since"), {"since": since}).fetchall()
