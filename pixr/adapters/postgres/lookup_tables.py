"""Lookup tables of ours, who stands in them, and the batches that write them.

An entry is *live* from the moment its extension is planned, so that nobody is written twice,
and *usable* once the extension is final.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg

from pixr.adapters.postgres import Database, batches, ledger, sql
from pixr.adapters.postgres.batches import Batch
from pixr.domain.lookup_tables import Regular
from pixr.domain.packing import Table

TABLES_MAX: Final = 64
"""16,384 payees. More than these are not looked at, so they are not used."""

BATCHES_LOOKED_AT: Final = 1_000
REGULARS_MAX: Final = 200


class _NamedBefore(Exception):
    """There is a table of that slot already; an instant later there is another slot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """A table as the books have it. ``entries`` counts the places that are taken."""

    table: Table
    """With the entries that may be looked up."""
    recent_slot: int
    state: str
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """What a batch of the kind ``table`` writes."""

    table_address: str
    recent_slot: int
    first_position: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An extension to be; at ``first_position`` 0 it creates the table."""

    batch_id: UUID
    receipt_address: str
    rent_lamports: int
    treasury_reserved_lamports: int
    extension: Extension
    receipt_seed: str | None = None
    """As it stands on chain, for an extension that is read back from there."""


def list_booked(db: Database) -> list[Booked]:
    """Return every table that is or was usable, oldest first."""
    rows = db.execute(sql("lookup_tables/list"), {"limit": TABLES_MAX}).fetchall()
    return [
        Booked(
            table=Table(address=row["address"], addresses=tuple(row["addresses"])),
            recent_slot=row["recent_slot"],
            state=row["state"],
            entries=row["entries"],
        )
        for row in rows
    ]


def read(db: Database, addresses: Iterable[str]) -> dict[str, Table]:
    """Return each table by its address, with the entries that may be looked up."""
    found = db.execute(sql("lookup_tables/read"), {"addresses": sorted(set(addresses))})
    return {
        row["address"]: Table(address=row["address"], addresses=tuple(row["addresses"]))
        for row in found
    }


def of_batch(db: Database, batch: Batch) -> Table | None:
    """Return the table that a batch names, with the entries that may be looked up."""
    address = batch.table_address
    if address is None:
        return None
    return read(db, [address]).get(address, Table(address=address, addresses=()))


def regulars(db: Database, *, since: datetime, payees_min: int, payments_min: int) -> list[Regular]:
    """Return payees in no table that enough of the last full transactions paid.

    Args:
        db: The database.
        since: How far back to look, over ``BATCHES_LOOKED_AT`` transactions at most.
        payees_min: What counts as full.
        payments_min: What counts as regular.
    """
    parameters = {
        "since": since,
        "payees_min": payees_min,
        "payments_min": payments_min,
        "batches_max": BATCHES_LOOKED_AT,
        "limit": REGULARS_MAX,
    }
    return [Regular(**row) for row in db.execute(sql("lookup_tables/regulars"), parameters)]


def is_extending(db: Database) -> bool:
    """Tell whether an extension is not decided yet, a held one included."""
    return db.execute(sql("lookup_tables/under_way")).fetchone() is not None


def insert_extension(db: Database, plan: Plan, *, now: datetime) -> bool:
    """Plan an extension: its batch, its entries, and, if it creates it, its table.

    Returns:
        False when another is under way, the treasury cannot pay, the slot has named a table
        before, or a rival has taken a place or a payee meanwhile; nothing is written then.
    """
    entries = plan.extension
    row = (
        plan.batch_id,
        "table",
        plan.receipt_address,
        None,
        len(entries.addresses),
        plan.rent_lamports,
        plan.treasury_reserved_lamports,
        entries.table_address,
        False,
    )
    with suppress(_NamedBefore, psycopg.errors.UniqueViolation), db.transaction():
        db.execute(sql("lookup_tables/lock"))
        if is_extending(db) or not ledger.reserve(db, "treasury", plan.treasury_reserved_lamports):
            return False
        if entries.first_position == 0:
            table = {
                "address": entries.table_address,
                "recent_slot": entries.recent_slot,
                "now": now,
            }
            if db.execute(sql("lookup_tables/insert"), table).fetchone() is None:
                raise _NamedBefore
        batches.insert_rows(db, [row], now=now)
        if plan.receipt_seed is not None:
            seed = {"batch_id": plan.batch_id, "receipt_seed": plan.receipt_seed}
            db.execute(sql("lookup_tables/set_seed"), seed)
        count = len(entries.addresses)
        parameters = {
            "batch_id": plan.batch_id,
            "table_address": entries.table_address,
            "positions": list(range(entries.first_position, entries.first_position + count)),
            "addresses": list(entries.addresses),
        }
        db.execute(sql("lookup_tables/insert_entries"), parameters)
        return True
    return False


def extensions(db: Database, batch_ids: Sequence[UUID]) -> dict[UUID, Extension]:
    """Return what each of these batches writes."""
    found = db.execute(sql("lookup_tables/extensions"), {"batch_ids": list(batch_ids)})
    return {
        row["batch_id"]: Extension(
            table_address=row["table_address"],
            recent_slot=row["recent_slot"],
            first_position=row["first_position"],
            addresses=tuple(row["addresses"]),
        )
        for row in found
    }


def written(db: Database, batch_ids: Sequence[UUID]) -> None:
    """These extensions are final: their entries may be looked up. Inside a transaction."""
    rows = db.execute(sql("lookup_tables/mark_usable"), {"batch_ids": list(batch_ids)}).fetchall()
    addresses = sorted({row["table_address"] for row in rows})
    db.execute(sql("lookup_tables/created"), {"addresses": addresses})


def not_written(db: Database, batch_id: UUID) -> None:
    """This extension came to nothing: its places are free again. Inside a transaction."""
    db.execute(sql("lookup_tables/end_entries"), {"batch_id": batch_id})
    db.execute(sql("lookup_tables/abandon"), {"batch_id": batch_id})


def looked_at(db: Database, address: str, doubt: str | None) -> None:
    """Write down what the last look at a table says against it; None: nothing."""
    db.execute(sql("lookup_tables/doubt"), {"address": address, "doubt": doubt})
