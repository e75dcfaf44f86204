"""What signed bytes say, and what they do to balances: read from the bytes alone.

Shares nothing with the code that packs, signs and checks: an error there must not be repeated
here. Knows the instructions that the settler may use and refuses every other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

BASE_FEE_LAMPORTS = 5_000
SYSTEM = "11111111111111111111111111111111"
COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
TABLES = "AddressLookupTab1e1111111111111111111111111"

_TRANSFER, _CREATE_WITH_SEED, _TRANSFER_WITH_SEED = 2, 3, 11
_UNIT_LIMIT, _UNIT_PRICE = 2, 3
_CREATE_TABLE, _EXTEND_TABLE = 0, 2
_KEY_BYTES = 32

ReadTable = Callable[[str], Sequence[str]]
"""Address of a lookup table → what stands in it on chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """``lamports`` from one address to another."""

    source: str
    target: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A transaction in our words."""

    signature: str
    signers: tuple[str, ...]
    fee_lamports: int
    receipt: Move | None
    transfers: tuple[Move, ...]
    reclaims: tuple[Move, ...]
    memo: str | None
    written: tuple[str, ...] = ()
    """What it writes into a lookup table."""
    extended: str | None = None
    """The table that it extends."""
    is_creating: bool = False
    """It makes that table first."""


class Unreadable(AssertionError):
    """The bytes say something that a settler never says."""


def decode(raw: bytes, read_table: ReadTable) -> Said:
    """Read signed bytes.

    Raises:
        Unreadable: An instruction that the settler has no business with.
    """
    transaction = VersionedTransaction.from_bytes(raw)
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    signers = tuple(keys[: message.header.num_required_signatures])
    if isinstance(message, MessageV0):
        keys += _looked_up(message, read_table)
    reading = _Reading()
    for item in message.instructions:
        accounts = [keys[index] for index in item.accounts]
        reading.take(keys[item.program_id_index], bytes(item.data), accounts)
    priority = -(-reading.units * reading.price // 1_000_000)
    return Said(
        signature=str(transaction.signatures[0]),
        signers=signers,
        fee_lamports=len(signers) * BASE_FEE_LAMPORTS + priority,
        receipt=reading.receipt,
        transfers=tuple(reading.transfers),
        reclaims=tuple(reading.reclaims),
        memo=reading.memo,
        written=tuple(reading.written),
        extended=reading.extended,
        is_creating=reading.is_creating,
    )


@dataclass(kw_only=True)
class _Reading:
    """A transaction, as far as it was read."""

    units: int = 0
    price: int = 0
    receipt: Move | None = None
    transfers: list[Move] = field(default_factory=list)
    reclaims: list[Move] = field(default_factory=list)
    memo: str | None = None
    written: list[str] = field(default_factory=list)
    extended: str | None = None
    is_creating: bool = False

    def take(self, program: str, body: bytes, accounts: list[str]) -> None:
        """Read one instruction."""
        if program == MEMO:
            _once(self.memo, "memo")
            self.memo = body.decode()
            return
        tag = body[0] if program == COMPUTE_BUDGET else int.from_bytes(body[:4], "little")
        readers = {
            (COMPUTE_BUDGET, _UNIT_LIMIT): self._limit,
            (COMPUTE_BUDGET, _UNIT_PRICE): self._bid,
            (SYSTEM, _TRANSFER): self._transfer,
            (SYSTEM, _CREATE_WITH_SEED): self._make_receipt,
            (SYSTEM, _TRANSFER_WITH_SEED): self._reclaim,
            (TABLES, _CREATE_TABLE): self._create_table,
            (TABLES, _EXTEND_TABLE): self._extend_table,
        }
        reader = readers.get((program, tag))
        if reader is None:
            raise Unreadable(f"{program} {body.hex()}")
        reader(body, accounts)

    def _limit(self, body: bytes, _accounts: list[str]) -> None:
        self.units = int.from_bytes(body[1:], "little")

    def _bid(self, body: bytes, _accounts: list[str]) -> None:
        self.price = int.from_bytes(body[1:], "little")

    def _transfer(self, body: bytes, accounts: list[str]) -> None:
        self.transfers.append(_move(accounts[0], accounts[1], body[4:12]))

    def _reclaim(self, body: bytes, accounts: list[str]) -> None:
        self.reclaims.append(_move(accounts[0], accounts[2], body[4:12]))

    def _make_receipt(self, body: bytes, accounts: list[str]) -> None:
        """A receipt: its address must follow from its base and its seed."""
        _once(self.receipt, "receipt")
        base = Pubkey.from_bytes(body[4:36])
        length = int.from_bytes(body[36:44], "little")
        seed = body[44 : 44 + length].decode()
        rest = body[44 + length :]
        owner = Pubkey.from_bytes(rest[16:48])
        address = str(Pubkey.create_with_seed(base, seed, owner))
        if (address, str(owner), rest[8:16]) != (accounts[1], SYSTEM, bytes(8)):
            raise Unreadable(f"a receipt at {accounts[1]} that is not {address}")
        self.receipt = _move(accounts[0], accounts[1], rest[:8])

    def _create_table(self, _body: bytes, _accounts: list[str]) -> None:
        self.is_creating = True

    def _extend_table(self, body: bytes, accounts: list[str]) -> None:
        _once(self.extended, "extension")
        self.extended = accounts[0]
        listed = body[12:]
        self.written = [
            str(Pubkey.from_bytes(listed[start : start + _KEY_BYTES]))
            for start in range(0, len(listed), _KEY_BYTES)
        ]


def _once(found: object, what: str) -> None:
    if found is not None:
        raise Unreadable(f"a second {what}")


def _move(source: str, target: str, lamports: bytes) -> Move:
    return Move(source=source, target=target, lamports=int.from_bytes(lamports, "little"))


def _looked_up(message: MessageV0, read_table: ReadTable) -> list[str]:
    """What lookup tables add to the keys: all writable ones, then all others."""
    writable: list[str] = []
    only_read: list[str] = []
    for lookup in message.address_table_lookups:
        listed = read_table(str(lookup.account_key))
        writable += [listed[index] for index in lookup.writable_indexes]
        only_read += [listed[index] for index in lookup.readonly_indexes]
    return writable + only_read
