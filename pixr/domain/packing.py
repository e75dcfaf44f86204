"""Payouts into the fewest transactions, and what exactly each transaction says.

    compute limit · compute price · receipt · memo (Merkle root) · transfer × n

The *receipt* is an empty account at an address fixed by the batch. Creating it fails
when it exists, and then the whole transaction fails: that is why a batch cannot be paid
twice, whatever an RPC node said. Its seed is keyed, so nobody can create it first.

Sizes are arithmetic (one transfer to a new address: 49 bytes) and a test holds them to
what solders serializes. The 1,232-byte limit is ours to keep: LiteSVM does not.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message
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

SYSTEM_PROGRAM: Final = Pubkey.from_string("11111111111111111111111111111111")
COMPUTE_BUDGET_PROGRAM: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
MEMO_PROGRAM: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")

LEADING_INSTRUCTIONS: Final = 4
"""Limit, price, receipt and memo stand before the transfers."""

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
        native = LEADING_INSTRUCTIONS - 1 + len(self.transfers)
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


def transaction_bytes(*, treasury: str, source: str, destinations: Iterable[str]) -> int:
    """Serialized size of a signed transaction with one transfer per destination."""
    transfers = list(destinations)
    keys = {treasury, source, *transfers}
    signatures = 1 if source == treasury else 2
    return (
        1
        + signatures * _SIGNATURE_BYTES
        + _FIXED_BYTES
        + (len(keys) + 1 + _PROGRAMS) * _KEY_BYTES
        + len(transfers) * _TRANSFER_BYTES
    )


PAYEES_FULL: Final = (
    TRANSACTION_BYTES_MAX - (1 + _SIGNATURE_BYTES + _FIXED_BYTES + (2 + _PROGRAMS) * _KEY_BYTES)
) // (_KEY_BYTES + _TRANSFER_BYTES)
"""Payees that fill a transaction: 16."""


@dataclass(slots=True)
class _Open:
    """A transaction that is being filled."""

    payouts: list[Payout]
    keys: set[str]
    bytes_: int

    def takes(self, payout: Payout) -> bool:
        """Add ``payout`` if the size allows."""
        more = _TRANSFER_BYTES + (0 if payout.destination in self.keys else _KEY_BYTES)
        if self.bytes_ + more > TRANSACTION_BYTES_MAX:
            return False
        self.payouts.append(payout)
        self.keys.add(payout.destination)
        self.bytes_ += more
        return True


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
    groups: dict[tuple[str, str, int], list[_Open]] = {}
    for payout in payouts:
        kind = "earnings" if payout.kind == "return" else payout.kind
        company = 1 if kind in TRAVELS_ALONE else min(payees_max, payout.payees_max or payees_max)
        group = groups.setdefault((payout.source, kind, company), [])
        if group and len(group[-1].payouts) < company and group[-1].takes(payout):
            continue
        treasury, source = addresses["treasury"], addresses[payout.source]
        size = transaction_bytes(
            treasury=treasury, source=source, destinations=[payout.destination]
        )
        group.append(_Open([payout], {treasury, source, payout.destination}, size))
    return [item.payouts for group in groups.values() for item in group]


def message(intent: Intent, *, blockhash: str, price: int) -> Message:
    """Build the message that says exactly ``intent``, at ``price`` micro-lamports a unit."""
    treasury = Pubkey.from_string(intent.treasury)
    source = Pubkey.from_string(intent.source)
    instructions: list[Instruction] = [
        set_compute_unit_limit(intent.compute_units),
        set_compute_unit_price(price),
        create_account_with_seed(
            CreateAccountWithSeedParams(
                from_pubkey=treasury,
                to_pubkey=intent.receipt,
                base=treasury,
                seed=intent.receipt_seed,
                lamports=RENT_EXEMPT_LAMPORTS,
                space=0,
                owner=SYSTEM_PROGRAM,
            )
        ),
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
    return Message.new_with_blockhash(instructions, treasury, Hash.from_string(blockhash))


def fee_lamports(intent: Intent, *, price: int) -> int:
    """What the network will charge for the message."""
    return fees.fee_lamports(
        signatures=intent.signatures, compute_units=intent.compute_units, price=price
    )
