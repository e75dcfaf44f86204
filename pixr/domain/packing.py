"""Payouts into the fewest transactions, and what exactly each transaction says.

    compute limit · compute price · receipt · memo (Merkle root) · transfer × n

The *receipt* is an empty account at an address fixed by the batch. Creating it fails
when it exists, and then the whole transaction fails: that is why a batch cannot be paid
twice, whatever an RPC node said. Its seed is keyed, so nobody can create it first.

Sizes are arithmetic (one transfer to a new address: 49 bytes, to one that stands in a lookup
table: 18) and a test holds them to what solders serializes. The 1,232-byte limit is ours to
keep: LiteSVM does not. Who travels with a table is decided in ``table_packing.py``.

A v1 message (SIMD-0385) has its compute limit beside the instructions and all addresses in
itself. Whether mainnet takes it is not known, so it is for one machine only.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message, MessageV0, MessageV1, TransactionConfig
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferParams,
    create_account_with_seed,
    transfer,
)

from pixr.domain import fees, proofs
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout

TRANSACTION_BYTES_MAX: Final = 1_232

V1_BYTES_MAX: Final = 4_096
V1_ADDRESSES_MAX: Final = 64

SYSTEM_PROGRAM: Final = Pubkey.from_string("11111111111111111111111111111111")
COMPUTE_BUDGET_PROGRAM: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
MEMO_PROGRAM: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")

LEADING_INSTRUCTIONS: Final = 4
"""Limit, price, receipt and memo stand before the transfers."""

V1_LEADING_INSTRUCTIONS: Final = 2
"""Receipt and memo; the limit stands elsewhere, and no price is offered."""

SEED_CHARACTERS: Final = 16
UNITS_PER_NATIVE_INSTRUCTION: Final = 150
UNITS_MEMO: Final = 300
"""A 44-byte memo takes 287 (measured); the rest is room for a program update."""

TRAVELS_ALONE: Final = frozenset({"withdrawal", "investment"})
"""Kinds that leave a user's own wallet: one to a transaction, and back to its owner if it fails."""

_SIGNATURE_BYTES: Final = 64
_KEY_BYTES: Final = 32
_TRANSFER_BYTES: Final = 17
# Header 3, two compact lengths, blockhash 32, limit 8, price 12, receipt 113, memo 47.
_FIXED_BYTES: Final = 3 + 2 + 32 + 8 + 12 + 113 + 47
_PROGRAMS: Final = 3
# Of a v0 message: version, number of tables, the table's address, and how many of its entries
# are written and how many are only read.
_TABLE_BYTES: Final = 1 + 1 + _KEY_BYTES + 1 + 1
_INDEX_BYTES: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A lookup table: where it is, and what stands at each position. All base58."""

    address: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """``lamports`` to ``destination`` (base58)."""

    destination: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """Everything that a transaction of ours is allowed to say. Addresses are base58."""

    treasury: str
    """Pays the fee and the receipt."""
    source: str
    """Where the transfers come from; signs as well when it is not the treasury."""
    receipt_seed: str
    memo: str
    transfers: tuple[Transfer, ...]
    table: Table | None = None
    """Where destinations that stand in it are looked up; None: all are in the message."""
    is_v1: bool = False

    @property
    def signatures(self) -> int:
        """How many keys sign."""
        return 1 if self.source == self.treasury else 2

    @property
    def receipt(self) -> Pubkey:
        """The address that the first payment of this batch occupies."""
        return Pubkey.from_string(receipt_address(self.treasury, self.receipt_seed))

    @property
    def compute_units(self) -> int:
        """What the packed message needs, no more: the priority fee is limit × price."""
        leading = V1_LEADING_INSTRUCTIONS if self.is_v1 else LEADING_INSTRUCTIONS
        native = leading - 1 + len(self.transfers)
        return native * UNITS_PER_NATIVE_INSTRUCTION + UNITS_MEMO


def receipt_seed(receipt_key: bytes, batch_id: UUID) -> str:
    """First 16 base58 characters of HMAC-SHA256(receipt key, batch id)."""
    digest = hmac.digest(receipt_key, batch_id.bytes, hashlib.sha256)
    return str(Pubkey.from_bytes(digest))[:SEED_CHARACTERS]


def receipt_address(treasury: str, seed: str) -> str:
    """Base58 address of the receipt that ``treasury`` makes under ``seed``."""
    return str(Pubkey.create_with_seed(Pubkey.from_string(treasury), seed, SYSTEM_PROGRAM))


def leaf_salt(receipt_key: bytes, batch_id: UUID, payout_id: UUID) -> bytes:
    """16 bytes that only the settler can tell before it publishes the proof."""
    message = b"salt" + batch_id.bytes + payout_id.bytes
    return hmac.digest(receipt_key, message, hashlib.sha256)[: proofs.SALT_BYTES]


def merkle_root(payouts: Sequence[Payout], salts: Sequence[bytes]) -> bytes:
    """What the memo commits to: who gets how much, each leaf hidden by its own salt."""
    return proofs.root(
        [
            proofs.leaf(
                payout_id=payout.id, address=payout.destination, lamports=payout.lamports, salt=salt
            )
            for payout, salt in zip(payouts, salts, strict=True)
        ]
    )


def transaction_bytes(
    *, treasury: str, source: str, destinations: Iterable[str], table: Table | None = None
) -> int:
    """Serialized size of a signed transaction with one transfer per destination."""
    filling = Filling(treasury=treasury, source=source, table=table)
    for destination in destinations:
        filling.add(destination)
    return filling.bytes_


@dataclass(slots=True)
class Filling:
    """A transaction that is being filled, and how many bytes it has come to."""

    treasury: str
    source: str
    table: Table | None = None
    listed: frozenset[str] = field(init=False)
    keys: set[str] = field(init=False)
    bytes_: int = field(init=False)

    def __post_init__(self) -> None:
        self.listed = frozenset(self.table.addresses if self.table else ())
        self.keys = {self.treasury, self.source}
        self.bytes_ = (
            1
            + len(self.keys) * _SIGNATURE_BYTES
            + _FIXED_BYTES
            + (len(self.keys) + 1 + _PROGRAMS) * _KEY_BYTES
            + (_TABLE_BYTES if self.table else 0)
        )

    def takes(self, destination: str) -> bool:
        """Add a transfer to ``destination`` if the size allows."""
        if self.bytes_ + self._more(destination) > TRANSACTION_BYTES_MAX:
            return False
        self.add(destination)
        return True

    def add(self, destination: str) -> None:
        """Add a transfer to ``destination``, whatever the size."""
        self.bytes_ += self._more(destination)
        self.keys.add(destination)

    def _more(self, destination: str) -> int:
        if destination in self.keys:
            return _TRANSFER_BYTES
        return _TRANSFER_BYTES + (_INDEX_BYTES if destination in self.listed else _KEY_BYTES)


_EMPTY_BYTES: Final = 1 + _SIGNATURE_BYTES + _FIXED_BYTES + (2 + _PROGRAMS) * _KEY_BYTES

PAYEES_FULL: Final = (TRANSACTION_BYTES_MAX - _EMPTY_BYTES) // (_KEY_BYTES + _TRANSFER_BYTES)
"""Payees that fill a transaction: 16, in 1,226 bytes."""

PAYEES_FULL_WITH_TABLE: Final = (TRANSACTION_BYTES_MAX - _EMPTY_BYTES - _TABLE_BYTES) // (
    _INDEX_BYTES + _TRANSFER_BYTES
)
"""Payees that fill a transaction when all of them stand in its lookup table: 41, in 1,216 bytes
(measured; receipt and memo included, 46 locks, 6,887 compute units)."""

PAYEES_FULL_V1: Final = V1_ADDRESSES_MAX - 4
"""Payees that fill a v1 transaction: 60, beside treasury, receipt and two programs; 3,400 bytes
and 9,437 compute units (measured)."""


def pack(
    payouts: Sequence[Payout], *, addresses: Mapping[str, str], payees_max: int
) -> list[list[Payout]]:
    """Share ``payouts`` out over as few transactions as their size allows.

    Order is kept. Payouts of different sources never mix; a withdrawal or an investment
    travels alone, so that nobody else's money waits for an address we do not control. What
    failed in a company that named nobody travels in a smaller one, apart from the others.

    Args:
        payouts: What to pay, oldest first.
        addresses: Ledger account → base58 address of every source.
        payees_max: Most transfers in one transaction, whatever fits.
    """
    groups: dict[tuple[str, str, int], list[tuple[list[Payout], Filling]]] = {}
    for payout in payouts:
        kind = kind_of(payout)
        company = company_of(payout, payees_max=payees_max)
        group = groups.setdefault((payout.source, kind, company), [])
        if group and len(group[-1][0]) < company and group[-1][1].takes(payout.destination):
            group[-1][0].append(payout)
            continue
        filling = Filling(treasury=addresses["treasury"], source=addresses[payout.source])
        filling.add(payout.destination)
        group.append(([payout], filling))
    return [packed for group in groups.values() for packed, _ in group]


def kind_of(payout: Payout) -> str:
    """Kind of the batch that carries it: earnings and returns share one."""
    return "earnings" if payout.kind == "return" else payout.kind


def company_of(payout: Payout, *, payees_max: int) -> int:
    """How many may travel together with it, itself included."""
    if payout.kind in TRAVELS_ALONE:
        return 1
    return min(payees_max, payout.payees_max or payees_max)


def message(intent: Intent, *, blockhash: str, price: int) -> Message:
    """Build the legacy message that says exactly ``intent``, at ``price`` micro-lamports a unit."""
    assert intent.table is None
    return Message.new_with_blockhash(
        _instructions(intent, price=price),
        Pubkey.from_string(intent.treasury),
        Hash.from_string(blockhash),
    )


def message_v0(intent: Intent, *, blockhash: str, price: int) -> MessageV0:
    """Build the v0 message that says exactly ``intent`` and looks destinations up in its table."""
    assert intent.table is not None
    table = AddressLookupTableAccount(
        Pubkey.from_string(intent.table.address),
        [Pubkey.from_string(address) for address in intent.table.addresses],
    )
    return MessageV0.try_compile(
        Pubkey.from_string(intent.treasury),
        _instructions(intent, price=price),
        [table],
        Hash.from_string(blockhash),
    )


def message_v1(intent: Intent, *, blockhash: str) -> MessageV1:
    """Build the v1 message that says exactly ``intent``, and offers nothing for priority."""
    assert intent.is_v1
    assert intent.table is None
    return MessageV1.try_compile(
        Pubkey.from_string(intent.treasury),
        _instructions(intent, price=0)[LEADING_INSTRUCTIONS - V1_LEADING_INSTRUCTIONS :],
        Hash.from_string(blockhash),
        TransactionConfig(compute_unit_limit=intent.compute_units),
    )


def _instructions(intent: Intent, *, price: int) -> list[Instruction]:
    treasury = Pubkey.from_string(intent.treasury)
    source = Pubkey.from_string(intent.source)
    return [
        set_compute_unit_limit(intent.compute_units),
        set_compute_unit_price(price),
        create_receipt(treasury, intent.receipt, intent.receipt_seed),
        Instruction(MEMO_PROGRAM, intent.memo.encode(), []),
        *(
            transfer(
                TransferParams(
                    from_pubkey=source,
                    to_pubkey=Pubkey.from_string(item.destination),
                    lamports=item.lamports,
                )
            )
            for item in intent.transfers
        ),
    ]


def create_receipt(treasury: Pubkey, receipt: Pubkey, seed: str) -> Instruction:
    """The instruction that fails when the receipt exists."""
    return create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=treasury,
            to_pubkey=receipt,
            base=treasury,
            seed=seed,
            lamports=RENT_EXEMPT_LAMPORTS,
            space=0,
            owner=SYSTEM_PROGRAM,
        )
    )


def fee_lamports(intent: Intent, *, price: int) -> int:
    """What the network will charge for the message."""
    return fees.fee_lamports(
        signatures=intent.signatures, compute_units=intent.compute_units, price=price
    )
