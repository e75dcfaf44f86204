"""What is to be signed for a batch: its intent, its message, and the look again before signing.

The intent is built from the database's rows, the message from the intent, and the look again
decodes the message with other code. A swapped row, a wrong join or a planted key is a
mismatch here, and nothing is signed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from solders.message import VersionedMessage, to_bytes_versioned
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from functions.batch.keyring import Keyring
from pixr.adapters.postgres.batches import Batch, LockedReceipt
from pixr.adapters.postgres.lookup_tables import Extension
from pixr.domain import extensions, fees, intent, packing, proofs, reclaims
from pixr.domain.extensions import ExtensionIntent
from pixr.domain.intent import IntentMismatch
from pixr.domain.packing import TRANSACTION_BYTES_MAX, V1_BYTES_MAX, Intent, Table
from pixr.domain.payouts import Payout
from pixr.domain.reclaims import ReclaimIntent

AnyIntent: TypeAlias = Intent | ReclaimIntent | ExtensionIntent


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """A planned batch with what it carries: payouts, or receipts to empty, or an extension."""

    batch: Batch
    attempts_made: int
    payouts: Sequence[Payout] = ()
    receipts: Sequence[LockedReceipt] = ()
    table: Table | None = None
    """The lookup table that it reads or extends, with the entries that are booked as final."""
    extension: Extension | None = None

    @property
    def source(self) -> str:
        """Ledger account whose address the lamports leave."""
        return self.payouts[0].source if self.payouts else "receipts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An unsigned message of a batch, at ``price`` micro-lamports a unit."""

    cargo: Cargo
    intent: AnyIntent
    message: VersionedMessage
    price: int

    @property
    def fee_lamports(self) -> int:
        """What the network will charge for it."""
        return fees.fee_lamports(
            signatures=self.intent.signatures,
            compute_units=self.intent.compute_units,
            price=self.price,
        )

    def unsigned(self) -> bytes:
        """The transaction with blank signatures: what a node may see before anything is stored."""
        blanks = [Signature.default()] * self.intent.signatures
        return bytes(VersionedTransaction.populate(self.message, blanks))

    def signed(self, keyring: Keyring) -> VersionedTransaction:
        """The transaction with the signatures of the treasury and, where it differs, the source."""
        signed_bytes = to_bytes_versioned(self.message)
        signers = [keyring.treasury]
        if self.intent.signatures > 1:
            signers.append(keyring.signer(self.cargo.source))
        signatures = [item.sign(signed_bytes) for item in signers]
        return VersionedTransaction.populate(self.message, signatures)


def receipt_seed(keyring: Keyring, receipt: LockedReceipt) -> str:
    """The seed that a receipt's address follows from."""
    if receipt.receipt_seed is not None:
        return receipt.receipt_seed
    return packing.receipt_seed(keyring.receipt_key, receipt.paid_batch_id)


def draft(
    cargo: Cargo,
    keyring: Keyring,
    *,
    blockhash: str,
    bid_price: int,
    pinned_source: str | None,
    listed: Mapping[str, Sequence[str]] = intent.NO_TABLES,
) -> Draft:
    """Build the message of a batch and look at it again.

    Args:
        cargo: The batch.
        keyring: The settler's keys.
        blockhash: What to sign against.
        bid_price: What to offer at most, in micro-lamports a unit; the caps stand above it.
        pinned_source: The address that was pinned for the source; None: none was.
        listed: What stands in each lookup table on chain, by its address.

    Raises:
        IntentMismatch: The message says something else than the batch, or a key is not that
            of the pinned address. A person must look.
    """
    match cargo.batch.kind:
        case "reclaim":
            made = _draft_reclaim(cargo, keyring, blockhash, bid_price)
        case "table":
            made = _draft_extension(cargo, keyring, blockhash, bid_price)
        case _:
            made = _draft_payment(cargo, keyring, blockhash, bid_price, listed)
            _compare(cargo, keyring, made.intent, pinned_source=pinned_source)
    if made.fee_lamports > fees.fee_lamports_max(signatures=made.intent.signatures):
        raise IntentMismatch(f"a price of {made.price} costs more than the fee cap")
    size_max = V1_BYTES_MAX if cargo.batch.is_v1 else TRANSACTION_BYTES_MAX
    if (size := len(made.unsigned())) > size_max:
        raise IntentMismatch(f"{size} bytes are more than a packet holds")
    return made


def _draft_payment(
    cargo: Cargo,
    keyring: Keyring,
    blockhash: str,
    bid_price: int,
    listed: Mapping[str, Sequence[str]],
) -> Draft:
    wanted = _payment(cargo, keyring)
    # What SIMD-0385 means by a priority fee is not settled: v1 messages offer none.
    price = 0 if wanted.is_v1 else _price(cargo, wanted, bid_price)
    message = _message(wanted, blockhash, price)
    intent.check(to_bytes_versioned(message), wanted, price=price, tables=listed)
    return Draft(cargo=cargo, intent=wanted, message=message, price=price)


def _message(wanted: Intent, blockhash: str, price: int) -> VersionedMessage:
    if wanted.is_v1:
        return packing.message_v1(wanted, blockhash=blockhash)
    build = packing.message if wanted.table is None else packing.message_v0
    return build(wanted, blockhash=blockhash, price=price)


def _draft_reclaim(cargo: Cargo, keyring: Keyring, blockhash: str, bid_price: int) -> Draft:
    wanted = _reclaim(cargo, keyring)
    price = _price(cargo, wanted, bid_price)
    message = reclaims.message(wanted, blockhash=blockhash, price=price)
    reclaims.check(bytes(message), wanted, price=price)
    return Draft(cargo=cargo, intent=wanted, message=message, price=price)


def _draft_extension(cargo: Cargo, keyring: Keyring, blockhash: str, bid_price: int) -> Draft:
    wanted = _extension(cargo, keyring)
    price = _price(cargo, wanted, bid_price)
    message = extensions.message(wanted, blockhash=blockhash, price=price)
    extensions.check(bytes(message), wanted, price=price)
    return Draft(cargo=cargo, intent=wanted, message=message, price=price)


def _price(cargo: Cargo, wanted: AnyIntent, bid_price: int) -> int:
    return fees.capped_price(
        bid_price, compute_units=wanted.compute_units, paid_lamports=cargo.batch.lamports
    )


def _payment(cargo: Cargo, keyring: Keyring) -> Intent:
    batch = cargo.batch
    assert batch.merkle_root is not None
    return Intent(
        treasury=keyring.treasury.address,
        source=keyring.address(cargo.source),
        receipt_seed=packing.receipt_seed(keyring.receipt_key, batch.id),
        memo=proofs.memo(batch.merkle_root),
        transfers=tuple(
            packing.Transfer(destination=payout.destination, lamports=payout.lamports)
            for payout in cargo.payouts
        ),
        table=cargo.table,
        is_v1=batch.is_v1,
    )


def _compare(
    cargo: Cargo, keyring: Keyring, wanted: AnyIntent, *, pinned_source: str | None
) -> None:
    """Refuse unless the intent, the batch's row, its receipt, its root and its source agree.

    The root was made with a key that the database does not have: a destination or an amount that
    somebody changed there after the batch was planned does not fit it any more.
    """
    assert isinstance(wanted, Intent)
    if wanted.source != pinned_source:
        raise IntentMismatch(f"the key of {cargo.source} is not that of {pinned_source}")
    if str(wanted.receipt) != cargo.batch.receipt_address:
        raise IntentMismatch(f"receipt {wanted.receipt} is not {cargo.batch.receipt_address}")
    if sum(payout.lamports for payout in cargo.payouts) != cargo.batch.lamports:
        raise IntentMismatch(f"the items do not sum to {cargo.batch.lamports} lamports")
    salts = [
        packing.leaf_salt(keyring.receipt_key, cargo.batch.id, payout.id)
        for payout in cargo.payouts
    ]
    if packing.merkle_root(cargo.payouts, salts) != cargo.batch.merkle_root:
        raise IntentMismatch("its payouts are not those that its Merkle root was made of")


def _reclaim(cargo: Cargo, keyring: Keyring) -> ReclaimIntent:
    return ReclaimIntent(
        treasury=keyring.treasury.address,
        receipts=tuple(
            reclaims.Receipt(
                address=item.receipt_address,
                seed=receipt_seed(keyring, item),
                lamports=item.lamports,
            )
            for item in cargo.receipts
        ),
    )


def _extension(cargo: Cargo, keyring: Keyring) -> ExtensionIntent:
    """What the rows say; refused unless the batch's row, its receipt and its table agree."""
    batch, extension = cargo.batch, cargo.extension
    assert extension is not None
    wanted = ExtensionIntent(
        treasury=keyring.treasury.address,
        receipt_seed=packing.receipt_seed(keyring.receipt_key, batch.id),
        recent_slot=extension.recent_slot,
        first_position=extension.first_position,
        addresses=extension.addresses,
    )
    said = (str(wanted.receipt), wanted.table, wanted.rent_lamports)
    booked = (batch.receipt_address, batch.table_address, batch.lamports)
    if said != booked:
        raise IntentMismatch(f"receipt, table and rent are {said}, the batch says {booked}")
    return wanted
