"""What signed bytes say, and what they do to balances: read from the bytes alone.

Shares nothing with the code that packs, signs and checks: an error there must not be repeated
here. Knows the five instructions that the settler may use and refuses every other.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

BASE_FEE_LAMPORTS = 5_000
SYSTEM = "11111111111111111111111111111111"
COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"

_TRANSFER, _CREATE_WITH_SEED, _TRANSFER_WITH_SEED = 2, 3, 11
_UNIT_LIMIT, _UNIT_PRICE = 2, 3


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

    def effects(self, *, is_failed: bool) -> Counter[str]:
        """Lamports that it adds to each address when it lands; a failure costs the fee only."""
        changes: Counter[str] = Counter()
        changes[self.signers[0]] -= self.fee_lamports
        if not is_failed:
            created = () if self.receipt is None else (self.receipt,)
            for move in (*created, *self.transfers, *self.reclaims):
                changes[move.source] -= move.lamports
                changes[move.target] += move.lamports
        return changes


class Unreadable(AssertionError):
    """The bytes say something that a settler never says."""


@functools.lru_cache(maxsize=1_000)
def decode(raw: bytes) -> Said:
    """Read signed bytes.

    Raises:
        Unreadable: An instruction that the settler has no business with.
    """
    transaction = VersionedTransaction.from_bytes(raw)
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    signers = tuple(keys[: message.header.num_required_signatures])
    units = price = 0
    receipt: Move | None = None
    memo: str | None = None
    transfers: list[Move] = []
    reclaims: list[Move] = []
    for item in message.instructions:
        program, body = keys[item.program_id_index], bytes(item.data)
        accounts = [keys[index] for index in item.accounts]
        tag = body[0] if program == COMPUTE_BUDGET else _u32(body)
        if (program, tag) == (COMPUTE_BUDGET, _UNIT_LIMIT):
            units = int.from_bytes(body[1:], "little")
        elif (program, tag) == (COMPUTE_BUDGET, _UNIT_PRICE):
            price = int.from_bytes(body[1:], "little")
        elif program == MEMO and memo is None:
            memo = body.decode()
        elif (program, tag) == (SYSTEM, _TRANSFER):
            transfers.append(_move(accounts[0], accounts[1], body[4:12]))
        elif (program, tag) == (SYSTEM, _CREATE_WITH_SEED) and receipt is None:
            receipt = _created(body, accounts)
        elif (program, tag) == (SYSTEM, _TRANSFER_WITH_SEED):
            reclaims.append(_move(accounts[0], accounts[2], body[4:12]))
        else:
            raise Unreadable(f"{program} {body.hex()}")
    return Said(
        signature=str(transaction.signatures[0]),
        signers=signers,
        fee_lamports=len(signers) * BASE_FEE_LAMPORTS - (-units * price // 1_000_000),
        receipt=receipt,
        transfers=tuple(transfers),
        reclaims=tuple(reclaims),
        memo=memo,
    )


def _u32(body: bytes) -> int:
    return int.from_bytes(body[:4], "little")


def _move(source: str, target: str, lamports: bytes) -> Move:
    return Move(source=source, target=target, lamports=int.from_bytes(lamports, "little"))


def _created(body: bytes, accounts: list[str]) -> Move:
    """The receipt: its address must follow from its base and its seed."""
    base = Pubkey.from_bytes(body[4:36])
    length = int.from_bytes(body[36:44], "little")
    seed = body[44 : 44 + length].decode()
    rest = body[44 + length :]
    owner = Pubkey.from_bytes(rest[16:48])
    address = str(Pubkey.create_with_seed(base, seed, owner))
    if (address, str(owner), rest[8:16]) != (accounts[1], SYSTEM, bytes(8)):
        raise Unreadable(f"a receipt at {accounts[1]} that is not {address}")
    return _move(accounts[0], accounts[1], rest[:8])
