"""The part of Solana's runtime that our transactions meet, small enough to read.

    payer and fee ─▶ instructions, all or none ─▶ rent of every written account

System transfers, accounts made with a seed, transfers out of them, memos and compute
budgets; errors in the JSON form of the real RPC. Anything else is ``NotImitated``: the
fake would rather stop the run than guess. Measured on LiteSVM, and held to it by
``tests/contract``.

Source:
    solana-facts.md §3 and §4; agave svm/src/account_loader.rs (validate_fee_payer) and
    svm/src/rent_calculator.rs; programs/system/src/system_instruction.rs.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from solders.pubkey import Pubkey

from tests.fakes.wire import COMPUTE_BUDGET, LOOKUP_TABLES, MEMO, SYSTEM, Step, Wire

SIGNATURE_FEE_LAMPORTS: Final = 5_000
MICRO: Final = 1_000_000
RENT_LAMPORTS_PER_BYTE: Final = 6_960
ACCOUNT_OVERHEAD_BYTES: Final = 128
NATIVE_UNITS: Final = 150
NATIVE_LIMIT_UNITS: Final = 3_000
"""What an instruction of a native program adds to the limit when none is asked for."""
PROGRAM_LIMIT_UNITS: Final = 200_000
LIMIT_UNITS_MAX: Final = 1_400_000
ACCOUNT_LOCKS_MAX: Final = 64
LOOKUP_HEADER_BYTES: Final = 56
CLOCK: Final = "SysvarC1ock11111111111111111111111111111111"
RESERVED: Final = frozenset({SYSTEM, COMPUTE_BUDGET, CLOCK})
"""Addresses that nobody may write; those of them that transactions of ours could name."""

CREATE_WITH_SEED: Final = 3
TRANSFER: Final = 2
TRANSFER_WITH_SEED: Final = 11

ALREADY_IN_USE: Final = {"Custom": 0}
NEGATIVE_LAMPORTS: Final = {"Custom": 1}
SEED_MISMATCH: Final = {"Custom": 5}


class NotImitated(Exception):
    """The fake was sent something that it does not know how to run: teach it first."""


class _Stop(Exception):
    """An instruction failed; ``cause`` is the instruction error in JSON form."""

    def __init__(self, cause: Any) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account that exists: it holds at least one lamport."""

    lamports: int
    owner: str = SYSTEM
    data: bytes = b""
    executable: bool = False


EMPTY: Final = Account(lamports=0)
_NATIVE: Final = "NativeLoader1111111111111111111111111111111"
_LOADER: Final = "BPFLoader2111111111111111111111111111111111"
BUILT_IN: Final[Mapping[str, Account]] = MappingProxyType(
    {
        SYSTEM: Account(lamports=1, owner=_NATIVE, data=b"system_program", executable=True),
        COMPUTE_BUDGET: Account(
            lamports=1, owner=_NATIVE, data=b"compute_budget_program", executable=True
        ),
        CLOCK: Account(
            lamports=1, owner="Sysvar1111111111111111111111111111111111111", data=bytes(40)
        ),
        MEMO: Account(lamports=16_926_720, owner=_LOADER, data=bytes(2_304), executable=True),
    }
)
"""What is there before the first block, as far as transactions of ours name it."""
Read = Callable[[str], Account | None]
"""Looks an account up; None where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What running one transaction did."""

    error: Any
    """None, or the transaction error in JSON form."""
    landed: bool
    """Whether the fee was taken. What did not land leaves no trace on the chain."""
    fee_lamports: int
    units: int
    keys: tuple[str, ...]
    """All accounts: the message's, then writable and read-only ones of lookup tables."""
    writable: tuple[bool, ...]
    before: tuple[int, ...]
    """Lamports of ``keys``."""
    after: tuple[int, ...]
    changes: Mapping[str, Account | None]
    """The accounts that are different now; None: gone."""


def rent_exempt_lamports(data_bytes: int) -> int:
    """The least that an account of that size may hold, other than nothing."""
    return (ACCOUNT_OVERHEAD_BYTES + data_bytes) * RENT_LAMPORTS_PER_BYTE


def execute(wire: Wire, read: Read, *, reserved: frozenset[str] = RESERVED) -> Outcome:
    """Run a transaction on the accounts that ``read`` finds.

    Args:
        wire: What to run; blockhash, repetition and signatures are not looked at.
        read: The accounts before it.
        reserved: Addresses that count as read-only whatever the message says.
    """
    keys, writable, error = _resolve(wire, read, reserved)
    accounts = [read(key) or EMPTY for key in keys]
    before = tuple(account.lamports for account in accounts)
    fee_lamports = fee(wire)
    error = error or _refuse_payer(accounts[0], fee_lamports)
    if error is not None:
        return Outcome(
            error=error,
            landed=False,
            fee_lamports=fee_lamports,
            units=0,
            keys=keys,
            writable=writable,
            before=before,
            after=before,
            changes={},
        )
    payer_charged = replace(accounts[0], lamports=accounts[0].lamports - fee_lamports)
    charged = [payer_charged, *accounts[1:]]
    bench = _Bench(wire=wire, keys=keys, writable=writable, accounts=list(charged))
    error = bench.run() or _refuse_rent(accounts, bench.accounts, writable)
    final = charged if error is not None else bench.accounts
    return Outcome(
        error=error,
        landed=True,
        fee_lamports=fee_lamports,
        units=bench.units,
        keys=keys,
        writable=writable,
        before=before,
        after=tuple(account.lamports for account in final),
        changes={
            key: now if now.lamports else None
            for key, was, now in zip(keys, accounts, final, strict=True)
            if now is not was and now != was
        },
    )


def fee(wire: Wire) -> int:
    """What the network charges for a transaction, landed or failed, in lamports."""
    return wire.signers * SIGNATURE_FEE_LAMPORTS + -(-unit_limit(wire) * wire.price // MICRO)


def unit_limit(wire: Wire) -> int:
    """The compute units that a transaction may use and pays its price for."""
    if wire.unit_limit is not None:
        return min(wire.unit_limit, LIMIT_UNITS_MAX)
    keys = wire.keys
    native = sum(keys[step.program] in (SYSTEM, COMPUTE_BUDGET) for step in wire.steps)
    units = native * NATIVE_LIMIT_UNITS + (len(wire.steps) - native) * PROGRAM_LIMIT_UNITS
    return min(units, LIMIT_UNITS_MAX)


def _resolve(
    wire: Wire, read: Read, reserved: frozenset[str]
) -> tuple[tuple[str, ...], tuple[bool, ...], str | None]:
    """All accounts of a transaction, which of them it may write, and why it cannot load."""
    written: list[str] = []
    only_read: list[str] = []
    error: str | None = None
    for lookup in wire.lookups:
        table = read(lookup.table)
        if table is None:
            error = error or "AddressLookupTableNotFound"
            continue
        if table.owner != LOOKUP_TABLES:
            error = error or "InvalidAddressLookupTableOwner"
            continue
        listed = table.data[LOOKUP_HEADER_BYTES:]
        for indexes, found in ((lookup.writable, written), (lookup.readonly, only_read)):
            for index in indexes:
                entry = listed[index * 32 : index * 32 + 32]
                if len(entry) < len(bytes(Pubkey.default())):
                    error = error or "InvalidAddressLookupTableIndex"
                else:
                    found.append(str(Pubkey.from_bytes(entry)))
    keys = (*wire.keys, *written, *only_read)
    asked = (*wire.writable, *(True for _ in written), *(False for _ in only_read))
    programs = {keys[step.program] for step in wire.steps}
    allowed = tuple(
        flag and key not in reserved and key not in programs
        for key, flag in zip(keys, asked, strict=True)
    )
    if len(keys) > ACCOUNT_LOCKS_MAX:
        error = error or "TooManyAccountLocks"
    return keys, allowed, error


def _refuse_payer(payer: Account, fee_lamports: int) -> Any:
    if payer.lamports == 0:
        return "AccountNotFound"
    if payer.owner != SYSTEM or payer.data:
        return "InvalidAccountForFee"
    if payer.lamports < fee_lamports:
        return "InsufficientFundsForFee"
    after = replace(payer, lamports=payer.lamports - fee_lamports)
    return None if _may_become(payer, after) else _rent_error(0)


def _refuse_rent(
    before: Sequence[Account], after: Sequence[Account], writable: Sequence[bool]
) -> Any:
    """Name the first written account, in the order of the keys, that may not be left so."""
    for index, (was, now, may_write) in enumerate(zip(before, after, writable, strict=True)):
        if may_write and now is not was and not _may_become(was, now):
            return _rent_error(index)
    return None


def _may_become(was: Account, now: Account) -> bool:
    """Agave's rent states: an account may stay below the minimum but not get there."""
    if now.lamports == 0 or now.lamports >= rent_exempt_lamports(len(now.data)):
        return True
    was_below = 0 < was.lamports < rent_exempt_lamports(len(was.data))
    return was_below and len(was.data) == len(now.data) and now.lamports <= was.lamports


def _rent_error(index: int) -> dict[str, dict[str, int]]:
    return {"InsufficientFundsForRent": {"account_index": index}}


@functools.lru_cache(maxsize=10_000)
def with_seed(base: str, seed: str, owner: str) -> str:
    """The address that a base, a seed and an owner make."""
    derived = Pubkey.create_with_seed(Pubkey.from_string(base), seed, Pubkey.from_string(owner))
    return str(derived)


def memo_units(size_bytes: int) -> int:
    """Compute units of a memo without signers: what was measured, put into a formula.

    The program logs the memo's length, digit by digit, and then the memo.
    """
    if not size_bytes:
        return 232
    return 161 + 13 * len(str(size_bytes)) + max(100, size_bytes)


@dataclass(slots=True, kw_only=True)
class _Bench:
    """Where one transaction's instructions run, on copies that nobody else sees."""

    wire: Wire
    keys: tuple[str, ...]
    writable: tuple[bool, ...]
    accounts: list[Account]
    units: int = 0

    def run(self) -> Any:
        """Run every instruction; the transaction error of the first that fails."""
        limit = unit_limit(self.wire)
        for number, step in enumerate(self.wire.steps):
            program = self.keys[step.program]
            cost = memo_units(len(step.data)) if program == MEMO else NATIVE_UNITS
            if self.units + cost > limit:
                self.units = limit
                return {"InstructionError": [number, "ComputationalBudgetExceeded"]}
            self.units += cost
            try:
                if program == SYSTEM:
                    self._system(step)
                elif program not in (COMPUTE_BUDGET, MEMO):
                    raise NotImitated(f"a call of program {program}")
            except _Stop as stop:
                return {"InstructionError": [number, stop.cause]}
        return None

    def _system(self, step: Step) -> None:
        data = step.data
        tag = int.from_bytes(data[:4], "little")
        if tag == TRANSFER:
            self._need(step, data_bytes=12, accounts=2)
            self._transfer(step.accounts[0], step.accounts[1], _u64(data, 4))
        elif tag == CREATE_WITH_SEED:
            self._create_with_seed(step)
        elif tag == TRANSFER_WITH_SEED:
            self._transfer_with_seed(step)
        else:
            raise NotImitated(f"System instruction {tag}")

    @staticmethod
    def _need(step: Step, *, data_bytes: int, accounts: int) -> None:
        if len(step.data) < data_bytes:
            raise _Stop("InvalidInstructionData")
        if len(step.accounts) < accounts:
            raise _Stop("MissingAccount")

    def _signs(self, index: int) -> bool:
        return index < self.wire.signers

    def _transfer(self, source: int, target: int, lamports: int) -> None:
        if not self._signs(source):
            raise _Stop("MissingRequiredSignature")
        self._move(source, target, lamports)

    def _move(self, source: int, target: int, lamports: int) -> None:
        accounts = self.accounts
        giving = accounts[source]
        if giving.data:
            raise _Stop("InvalidArgument")
        if lamports > giving.lamports:
            raise _Stop(NEGATIVE_LAMPORTS)
        if lamports and giving.owner != SYSTEM:
            raise _Stop("ExternalAccountLamportSpend")
        if not self.writable[source]:
            raise _Stop("ReadonlyLamportChange")
        if lamports:
            accounts[source] = replace(giving, lamports=giving.lamports - lamports)
        if not self.writable[target]:
            raise _Stop("ReadonlyLamportChange")
        if lamports:
            taking = accounts[target]
            accounts[target] = replace(taking, lamports=taking.lamports + lamports)

    def _create_with_seed(self, step: Step) -> None:
        """Accounts: funder, new account, and the base when it is not the funder."""
        self._need(step, data_bytes=4 + 32 + 8, accounts=2)
        base, offset = _address(step.data, 4)
        seed, offset = _text(step.data, offset)
        lamports, space = _u64(step.data, offset), _u64(step.data, offset + 8)
        owner, _ = _address(step.data, offset + 16)
        funder, new = step.accounts[:2]
        if with_seed(base, seed, owner) != self.keys[new]:
            raise _Stop(SEED_MISMATCH)
        if self.accounts[new].lamports:
            raise _Stop(ALREADY_IN_USE)
        if not any(self.keys[index] == base and self._signs(index) for index in step.accounts):
            raise _Stop("MissingRequiredSignature")
        if self.accounts[new].data or self.accounts[new].owner != SYSTEM:
            raise _Stop(ALREADY_IN_USE)
        self.accounts[new] = Account(lamports=0, owner=owner, data=bytes(space))
        self._transfer(funder, new, lamports)

    def _transfer_with_seed(self, step: Step) -> None:
        """Accounts: source, its base, target."""
        self._need(step, data_bytes=4 + 8 + 8, accounts=3)
        lamports = _u64(step.data, 4)
        seed, offset = _text(step.data, 12)
        owner, _ = _address(step.data, offset)
        source, base, target = step.accounts[:3]
        if not self._signs(base):
            raise _Stop("MissingRequiredSignature")
        if with_seed(self.keys[base], seed, owner) != self.keys[source]:
            raise _Stop(SEED_MISMATCH)
        self._move(source, target, lamports)


def _u64(data: bytes, offset: int) -> int:
    if len(data) < offset + 8:
        raise _Stop("InvalidInstructionData")
    return int.from_bytes(data[offset : offset + 8], "little")


def _address(data: bytes, offset: int) -> tuple[str, int]:
    if len(data) < offset + 32:
        raise _Stop("InvalidInstructionData")
    return str(Pubkey.from_bytes(data[offset : offset + 32])), offset + 32


def _text(data: bytes, offset: int) -> tuple[str, int]:
    end = offset + 8 + _u64(data, offset)
    return data[offset + 8 : end].decode(), end
