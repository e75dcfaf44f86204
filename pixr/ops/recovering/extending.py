"""Extensions of lookup tables of a forgotten time, booked as if the settler had planned them.

Their entries stand where the chain says, so payments may go on looking them up, and the next
extension knows where to go on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, adoption, batches, lookup_tables, recovery
from pixr.adapters.postgres.adoption import Seen
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.postgres.lookup_tables import Booked, Plan
from pixr.domain.decoding import Extension
from pixr.domain.lookup_tables import rent_lamports
from pixr.domain.money import RENT_EXEMPT_LAMPORTS


def book_extension(
    db: Database, extension: Extension, seen: Seen, *, new_id: Callable[[], UUID], now: datetime
) -> str | None:
    """Book one that landed. Inside a transaction.

    Returns:
        What is missing before it can be booked; None: it is booked.
    """
    if extension.receipt_lamports != RENT_EXEMPT_LAMPORTS:
        return f"its receipt holds {extension.receipt_lamports} lamports"
    table = next(
        (item for item in lookup_tables.list_booked(db) if item.table.address == extension.table),
        None,
    )
    place = _place(extension, table)
    if isinstance(place, str):
        return place
    plan = Plan(
        batch_id=new_id(),
        receipt_address=extension.receipt,
        receipt_seed=extension.receipt_seed,
        rent_lamports=extension.rent_lamports,
        treasury_reserved_lamports=(
            seen.fee_lamports + RENT_EXEMPT_LAMPORTS + extension.rent_lamports
        ),
        extension=place,
    )
    if not lookup_tables.insert_extension(db, plan, now=now):
        return "another extension is undecided, or the treasury holds less in the ledger"
    batch = batches.reread(db, plan.batch_id)
    is_adopted = adoption.adopt(db, batch, seen, job_id=new_id(), now=now)
    assert is_adopted, "it was made in this transaction"
    return None


def book_failure(
    db: Database, extension: Extension, seen: Seen, *, new_id: Callable[[], UUID], now: datetime
) -> None:
    """Book one that failed on chain: it wrote nobody, and cost its fee. Inside a transaction."""
    batch = Batch(
        id=new_id(),
        kind="table",
        state="FAILED",
        version=0,
        receipt_address=extension.receipt,
        receipt_seed=extension.receipt_seed,
        merkle_root=None,
        lamports=extension.rent_lamports,
        treasury_reserved_lamports=0,
    )
    recovery.insert_batch(
        db,
        batch,
        state="FAILED",
        payees=len(extension.addresses),
        planned_at=seen.signed_at,
        now=now,
    )
    adoption.record_failure(db, batch.id, seen, now=now)


def _place(extension: Extension, table: Booked | None) -> lookup_tables.Extension | str:
    """Where in which table it wrote, or why that cannot be told yet."""
    if extension.recent_slot is not None:
        recent_slot, first = extension.recent_slot, 0
    elif table is None:
        return f"it extends {extension.table}, which is no table of ours so far"
    else:
        recent_slot, first = table.recent_slot, table.entries
    held = rent_lamports(first) if first else 0
    expected = rent_lamports(first + len(extension.addresses)) - held
    if extension.rent_lamports != expected:
        return (
            f"it locks {extension.rent_lamports} lamports, {expected} would be right from {first}"
        )
    return lookup_tables.Extension(
        table_address=extension.table,
        recent_slot=recent_slot,
        first_position=first,
        addresses=extension.addresses,
    )
