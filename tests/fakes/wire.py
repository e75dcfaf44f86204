"""A transaction as the fake chain reads it: decoded once, then plain values.

Decoding and checking signatures costs more than everything else that the fake does with
a transaction, so both are remembered by the exact bytes.
"""

import functools
from dataclasses import dataclass
from typing import Final

from solders.message import Message, MessageV0
from solders.transaction import SanitizeError, TransactionError, VersionedTransaction

SYSTEM: Final = "11111111111111111111111111111111"
COMPUTE_BUDGET: Final = "ComputeBudget111111111111111111111111111111"
MEMO: Final = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
LOOKUP_TABLES: Final = "AddressLookupTab1e1111111111111111111111111"

REMEMBERED: Final = 20_000
"""Transactions decoded once; more than a simulated run sends."""

_SET_LIMIT: Final = 2
_SET_PRICE: Final = 3


class Undecodable(Exception):
    """The bytes are no transaction of a format that mainnet takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction; numbers count in the transaction's accounts."""

    program: int
    accounts: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """What a transaction takes from one address lookup table."""

    table: str
    writable: tuple[int, ...]
    readonly: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A decoded transaction. Addresses and signatures are base58."""

    raw: bytes
    signature: str
    """The fee payer's, which names the transaction."""
    signatures: tuple[str, ...]
    keys: tuple[str, ...]
    """The message's own accounts, without what lookup tables add."""
    writable: tuple[bool, ...]
    readonly_signed: int
    readonly_unsigned: int
    blockhash: str
    steps: tuple[Step, ...]
    lookups: tuple[Lookup, ...]
    is_versioned: bool
    unit_limit: int | None
    """Compute units asked for; None leaves it to the runtime."""
    price: int
    """Micro-lamports per compute unit."""

    @property
    def signers(self) -> int:
        """How many of the first keys sign."""
        return len(self.signatures)


@functools.lru_cache(maxsize=REMEMBERED)
def decode(raw: bytes) -> Wire:
    """Take a transaction apart.

    Raises:
        Undecodable: With the decoder's own words.
    """
    try:
        transaction = VersionedTransaction.from_bytes(raw)
        transaction.sanitize()
    except (ValueError, SanitizeError) as error:
        raise Undecodable(str(error)) from error
    message = transaction.message
    if not isinstance(message, Message | MessageV0):
        raise Undecodable("unsupported message version")
    steps = tuple(
        Step(program=item.program_id_index, accounts=tuple(item.accounts), data=bytes(item.data))
        for item in message.instructions
    )
    keys = tuple(str(key) for key in message.account_keys)
    lookups = message.address_table_lookups if isinstance(message, MessageV0) else []
    limit, price = _budget(keys, steps)
    header = message.header
    return Wire(
        raw=raw,
        signature=str(transaction.signatures[0]),
        signatures=tuple(str(signature) for signature in transaction.signatures),
        keys=keys,
        writable=_writable(message, len(keys)),
        readonly_signed=header.num_readonly_signed_accounts,
        readonly_unsigned=header.num_readonly_unsigned_accounts,
        blockhash=str(message.recent_blockhash),
        steps=steps,
        lookups=tuple(
            Lookup(
                table=str(item.account_key),
                writable=tuple(item.writable_indexes),
                readonly=tuple(item.readonly_indexes),
            )
            for item in lookups
        ),
        is_versioned=isinstance(message, MessageV0),
        unit_limit=limit,
        price=price,
    )


@functools.lru_cache(maxsize=REMEMBERED)
def is_signed(raw: bytes) -> bool:
    """Whether every signature of a decodable transaction verifies."""
    try:
        VersionedTransaction.from_bytes(raw).verify_and_hash_message()
    except TransactionError:
        return False
    return True


def _writable(message: Message | MessageV0, count: int) -> tuple[bool, ...]:
    header = message.header
    signers = header.num_required_signatures
    return tuple(
        index < signers - header.num_readonly_signed_accounts
        if index < signers
        else index < count - header.num_readonly_unsigned_accounts
        for index in range(count)
    )


def _budget(keys: tuple[str, ...], steps: tuple[Step, ...]) -> tuple[int | None, int]:
    limit: int | None = None
    price = 0
    for step in steps:
        if step.program < len(keys) and keys[step.program] == COMPUTE_BUDGET and step.data:
            if step.data[0] == _SET_LIMIT:
                limit = int.from_bytes(step.data[1:5], "little")
            elif step.data[0] == _SET_PRICE:
                price = int.from_bytes(step.data[1:9], "little")
    return limit, price
