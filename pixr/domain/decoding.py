"""What a landed transaction of ours says, read from its bytes alone.

    bytes ─▶ Payment   limit · price · receipt · memo · transfer × n
          ─▶ Reclaim   limit · price · transfer-with-seed × n
          ─▶ Extension limit · price · receipt · rent · [create table] · extend
          ─▶ None      anything else: not made by the settler

Whoever checks a payment (recovery, verification, a proof) must not repeat an error of the
code that built it, so nothing is shared with ``packing.py``: neither layout nor constants.
Legacy, v0 and v1 messages say the same things; what a v0 message takes from lookup tables
is not in its bytes, so the reader passes the addresses that the chain loaded.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

_SYSTEM: Final = Pubkey.from_string("11111111111111111111111111111111")
_BUDGET: Final = Pubkey.from_string("ComputeBudget111111111111111111111111111111")
_TABLES: Final = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
_MEMO: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")

# Tags of the System program's instructions, as its `SystemInstruction` enum numbers them.
_TRANSFER: Final = 2
_CREATE_WITH_SEED: Final = 3
_TRANSFER_WITH_SEED: Final = 11
# And of the lookup tables' program.
_CREATE_TABLE: Final = 0
_EXTEND_TABLE: Final = 2
_SEED_BYTES_MAX: Final = 32
"""A longer one is nobody's address."""
_TAG_BYTES: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """``lamports`` that arrived at ``destination`` (base58)."""

    destination: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One batch, as the chain was told. Addresses are base58."""

    signature: str
    payer: str
    blockhash: str
    source: str
    """Where every transfer comes from."""
    receipt: str
    receipt_seed: str
    receipt_lamports: int
    memo: str
    transfers: tuple[Moved, ...]

    @property
    def lamports(self) -> int:
        """Sum of the transfers."""
        return sum(item.lamports for item in self.transfers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A receipt whose ``lamports`` went home."""

    receipt: str
    seed: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reclaim:
    """Rent taken back out of receipts, to their payer."""

    signature: str
    payer: str
    blockhash: str
    receipts: tuple[Emptied, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """Addresses written into a lookup table, in their order."""

    signature: str
    payer: str
    blockhash: str
    receipt: str
    receipt_seed: str
    receipt_lamports: int
    table: str
    recent_slot: int | None
    """The slot that the table was named after, when it was created here."""
    rent_lamports: int
    addresses: tuple[str, ...]


Decoded: TypeAlias = Payment | Reclaim | Extension | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """One instruction with its accounts spelled out."""

    program: Pubkey
    data: bytes
    accounts: tuple[Pubkey, ...]

    @property
    def tag(self) -> int:
        """Which instruction of its program it is; −1 when too short to say."""
        if len(self.data) < _TAG_BYTES:
            return -1
        return int.from_bytes(self.data[:_TAG_BYTES], "little")


class _Foreign(Exception):
    """The bytes hold something that the settler never writes."""


def decode(raw: bytes, accounts: Sequence[str] | None = None) -> Decoded:
    """Read a transaction; None when it is not of a form that the settler makes.

    Args:
        raw: The signed transaction, as stored or as getTransaction gives it.
        accounts: All its addresses, those of lookup tables included, where a node told
            them; None takes those in the bytes, which is all of them without tables.
    """
    try:
        transaction = VersionedTransaction.from_bytes(raw)
        message = transaction.message
        keys = list(message.account_keys)
        if accounts is not None:
            keys += [Pubkey.from_string(address) for address in accounts[len(keys) :]]
        steps = [
            _Step(
                program=keys[item.program_id_index],
                data=bytes(item.data),
                accounts=tuple(keys[index] for index in item.accounts),
            )
            for item in message.instructions
        ]
        steps = [step for step in steps if step.program != _BUDGET]
        signature, blockhash = str(transaction.signatures[0]), str(message.recent_blockhash)
        if any(step.tag == _TRANSFER_WITH_SEED for step in steps if step.program == _SYSTEM):
            return _reclaim(signature, keys[0], blockhash, steps)
        if any(step.program == _TABLES for step in steps):
            return _extension(signature, keys[0], blockhash, steps)
        return _payment(signature, keys[0], blockhash, steps)
    except (_Foreign, ValueError, IndexError, UnicodeDecodeError, struct.error):
        return None


def is_signed(raw: bytes) -> bool:
    """Whether every signature in the bytes is that of its key."""
    try:
        return all(VersionedTransaction.from_bytes(raw).verify_with_results())
    except ValueError:
        return False


def _payment(signature: str, payer: Pubkey, blockhash: str, steps: Sequence[_Step]) -> Payment:
    memos = [step.data.decode() for step in steps if step.program == _MEMO]
    system = [step for step in steps if step.program == _SYSTEM]
    created = [step for step in system if step.tag == _CREATE_WITH_SEED]
    moved = [step for step in system if step.tag == _TRANSFER]
    if len(memos) != 1 or len(created) != 1 or not moved:
        raise _Foreign
    if len(memos) + len(created) + len(moved) != len(steps):
        raise _Foreign
    receipt, seed, lamports = _created(created[0], payer)
    if len({step.accounts[0] for step in moved}) != 1:
        raise _Foreign
    return Payment(
        signature=signature,
        payer=str(payer),
        blockhash=blockhash,
        source=str(moved[0].accounts[0]),
        receipt=receipt,
        receipt_seed=seed,
        receipt_lamports=lamports,
        memo=memos[0],
        transfers=tuple(
            Moved(destination=str(step.accounts[1]), lamports=_moved_lamports(step))
            for step in moved
        ),
    )


def _moved_lamports(step: _Step) -> int:
    _, lamports = struct.unpack("<IQ", step.data)
    return int(lamports)


def _created(step: _Step, payer: Pubkey) -> tuple[str, str, int]:
    """Address, seed and lamports of the receipt: an empty account of the payer's making."""
    base, seed, rest = _seeded(step.data[_TAG_BYTES:], has_base=True)
    lamports, space = struct.unpack("<QQ", rest[:16])
    owner = _address(rest[16:])
    expected = Pubkey.create_with_seed(payer, seed, _SYSTEM)
    if (base, owner, space) != (payer, _SYSTEM, 0) or step.accounts[:2] != (payer, expected):
        raise _Foreign
    return str(expected), seed, int(lamports)


def _reclaim(signature: str, payer: Pubkey, blockhash: str, steps: Sequence[_Step]) -> Reclaim:
    emptied: list[Emptied] = []
    for step in steps:
        if step.program != _SYSTEM or step.tag != _TRANSFER_WITH_SEED:
            raise _Foreign
        (lamports,) = struct.unpack("<Q", step.data[4:12])
        _, seed, owner = _seeded(step.data[12:], has_base=False)
        receipt = Pubkey.create_with_seed(payer, seed, _SYSTEM)
        if _address(owner) != _SYSTEM or step.accounts != (receipt, payer, payer):
            raise _Foreign
        emptied.append(Emptied(receipt=str(receipt), seed=seed, lamports=int(lamports)))
    return Reclaim(
        signature=signature, payer=str(payer), blockhash=blockhash, receipts=tuple(emptied)
    )


def _extension(signature: str, payer: Pubkey, blockhash: str, steps: Sequence[_Step]) -> Extension:
    created, rent, *tables = steps
    if (created.program, created.tag) != (_SYSTEM, _CREATE_WITH_SEED):
        raise _Foreign
    receipt, seed, lamports = _created(created, payer)
    table = rent.accounts[1]
    if (rent.program, rent.tag, rent.accounts) != (_SYSTEM, _TRANSFER, (payer, table)):
        raise _Foreign
    recent_slot = _table_slot(tables.pop(0), table, payer) if len(tables) > 1 else None
    (extended,) = tables
    if (extended.program, extended.tag) != (_TABLES, _EXTEND_TABLE):
        raise _Foreign
    (count,) = struct.unpack("<Q", extended.data[4:12])
    listed = extended.data[12:]
    if extended.accounts != (table, payer) or len(listed) != count * 32 or not count:
        raise _Foreign
    return Extension(
        signature=signature,
        payer=str(payer),
        blockhash=blockhash,
        receipt=receipt,
        receipt_seed=seed,
        receipt_lamports=lamports,
        table=str(table),
        recent_slot=recent_slot,
        rent_lamports=_moved_lamports(rent),
        addresses=tuple(
            str(Pubkey.from_bytes(listed[start : start + 32]))
            for start in range(0, len(listed), 32)
        ),
    )


def _table_slot(step: _Step, table: Pubkey, payer: Pubkey) -> int:
    """The slot that a new table is named after."""
    tag, slot, bump = struct.unpack("<IQB", step.data)
    expected = Pubkey.find_program_address([bytes(payer), struct.pack("<Q", slot)], _TABLES)
    if (step.program, tag, step.accounts) != (
        _TABLES,
        _CREATE_TABLE,
        (table, payer, payer, _SYSTEM),
    ):
        raise _Foreign
    if expected != (table, bump):
        raise _Foreign
    return int(slot)


def _seeded(data: bytes, *, has_base: bool) -> tuple[Pubkey | None, str, bytes]:
    """Split ``[base 32] · length u64 · seed · rest``."""
    base = _address(data[:32]) if has_base else None
    data = data[32:] if has_base else data
    (length,) = struct.unpack("<Q", data[:8])
    if length > _SEED_BYTES_MAX:
        raise _Foreign
    return base, data[8 : 8 + length].decode(), data[8 + length :]


def _address(data: bytes) -> Pubkey:
    """An address of exactly 32 bytes: of any other length solders panics, past ``Exception``."""
    if len(data) != Pubkey.LENGTH:
        raise _Foreign
    return Pubkey.from_bytes(data)
