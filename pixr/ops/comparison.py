"""Does a transaction on chain say exactly what a batch says? One answer for every word that asks.

Both sides come from elsewhere: the transaction from the chain, decoded with code that the
settler does not use; the batch from the tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pixr.adapters.postgres import Database, house, lookup_tables, wallets
from pixr.adapters.postgres.batches import Batch, LockedReceipt
from pixr.domain import proofs
from pixr.domain.decoding import Decoded, Extension, Payment, Reclaim
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout

_WALLET = "wallet:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a batch says; ``source`` is None when the address was never pinned."""

    treasury: str | None
    source: str | None
    batch: Batch
    payouts: Sequence[Payout]
    receipts: Sequence[LockedReceipt]
    extension: Written | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an extension of a lookup table writes, as the tables say."""

    table: str
    recent_slot: int
    first_position: int
    addresses: tuple[str, ...]


def extensions(db: Database, batch_ids: Sequence[UUID]) -> dict[UUID, Written]:
    """Return what each of these batches writes into a lookup table; most write nothing."""
    return {
        batch_id: Written(
            table=item.table_address,
            recent_slot=item.recent_slot,
            first_position=item.first_position,
            addresses=item.addresses,
        )
        for batch_id, item in lookup_tables.extensions(db, batch_ids).items()
    }


def expected_of(
    db: Database, batch: Batch, payouts: Sequence[Payout], receipts: Sequence[LockedReceipt]
) -> Expected:
    """Gather what the tables say of a batch."""
    addresses = house.addresses(db)
    source = payouts[0].source if payouts else "treasury"
    pinned = addresses.get(source)
    if source.startswith(_WALLET):
        wallet = wallets.get(db, source.removeprefix(_WALLET))
        pinned = None if wallet is None else wallet.address
    return Expected(
        treasury=addresses.get("treasury"),
        source=pinned,
        batch=batch,
        payouts=payouts,
        receipts=receipts,
        extension=extensions(db, [batch.id]).get(batch.id),
    )


def difference(found: Decoded, expected: Expected) -> str | None:
    """Say how the transaction differs from the batch; None: it is the batch, exactly."""
    match found:
        case None:
            return "it is not of a form that the settler makes"
        case Payment():
            return _of_payment(found, expected)
        case Reclaim():
            return _of_reclaim(found, expected)
        case Extension():
            return _of_extension(found, expected)


def _of_payment(found: Payment, expected: Expected) -> str | None:
    batch = expected.batch
    if batch.merkle_root is None or batch.receipt_address is None:
        return "it is a payment, the batch is a reclaim"
    wanted = [(item.destination, item.lamports) for item in expected.payouts]
    paid = [(item.destination, item.lamports) for item in found.transfers]
    pairs: list[tuple[str, object, object]] = [
        ("payer", found.payer, expected.treasury),
        ("source", found.source, expected.source),
        ("receipt", found.receipt, batch.receipt_address),
        ("rent in the receipt", found.receipt_lamports, RENT_EXEMPT_LAMPORTS),
        ("memo", found.memo, proofs.memo(batch.merkle_root)),
        ("transfers", paid, wanted),
    ]
    return _first_difference(pairs)


def _of_reclaim(found: Reclaim, expected: Expected) -> str | None:
    if expected.batch.receipt_address is not None:
        return "it is a reclaim, the batch is a payment"
    emptied = [(item.receipt, item.lamports) for item in found.receipts]
    wanted = [(item.receipt_address, item.lamports) for item in expected.receipts]
    return _first_difference(
        [("payer", found.payer, expected.treasury), ("receipts", emptied, wanted)]
    )


def _of_extension(found: Extension, expected: Expected) -> str | None:
    batch, written = expected.batch, expected.extension
    if written is None or batch.receipt_address is None:
        return "it extends a lookup table, the batch does not"
    created = written.recent_slot if written.first_position == 0 else None
    return _first_difference(
        [
            ("payer", found.payer, expected.treasury),
            ("receipt", found.receipt, batch.receipt_address),
            ("rent in the receipt", found.receipt_lamports, RENT_EXEMPT_LAMPORTS),
            ("table", found.table, written.table),
            ("creation", found.recent_slot, created),
            ("rent in the table", found.rent_lamports, batch.lamports),
            ("addresses", found.addresses, written.addresses),
        ]
    )


def _first_difference(pairs: Sequence[tuple[str, object, object]]) -> str | None:
    for name, found, wanted in pairs:
        if found != wanted:
            return f"its {name}: the chain says {found}, the batch says {wanted}"
    return None
