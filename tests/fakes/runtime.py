"""The part of Solana's runtime that our transactions meet, small enough to read.

    payer and fee ─▶ instructions, all or none ─▶ rent of every written account

Fees, compute limits, lookup tables and rent are here, the instructions in ``steps.py``.
Measured on LiteSVM, and held to it by ``tests/contract``.

Source:
    solana-facts.md §3 and §4; agave svm/src/account_loader.rs (validate_fee_payer) and
    svm/src/rent_calculator.rs; programs/system/src/system_instruction.rs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from solders.pubkey import Pubkey

from tests.fakes import tables
from tests.fakes.steps import Bench
from tests.fakes.values import BEGINNING, Account, Moment, rent_exempt_lamports
from tests.fakes.wire import COMPUTE_BUDGET, LOOKUP_TABLES, MEMO, SYSTEM, Wire

SIGNATURE_FEE_LAMPORTS: Final = 5_000
MICRO: Final = 1_000_000
NATIVE_LIMIT_UNITS: Final = 3_000
"""What an instruction of a native program adds to the limit when none is asked for."""
PROGRAM_LIMIT_UNITS: Final = 200_000
LIMIT_UNITS_MAX: Final = 1_400_000
ACCOUNT_LOCKS_MAX: Final = 64
CLOCK: Final = "SysvarC1ock11111111111111111111111111111111"
RESERVED: Final = frozenset({SYSTEM, COMPUTE_BUDGET, CLOCK})
"""Addresses that nobody may write; those of them that transactions of ours could name."""


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
        LOOKUP_TABLES: Account(
            lamports=1_141_440,
            owner="BPFLoaderUpgradeab1e11111111111111111111111",
            data=bytes(36),
            executable=True,
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


def execute(
    wire: Wire,
    read: Read,
    *,
    reserved: frozenset[str] = RESERVED,
    moment: Moment = BEGINNING,
) -> Outcome:
    """Run a transaction on the accounts that ``read`` finds.

    Args:
        wire: What to run; blockhash, repetition and signatures are not looked at.
        read: The accounts before it.
        reserved: Addresses that count as read-only whatever the message says.
        moment: When it runs.
    """
    keys, writable, error = _resolve(wire, read, reserved, moment)
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
    bench = Bench(
        wire=wire,
        keys=keys,
        writable=writable,
        accounts=list(charged),
        moment=moment,
        limit=unit_limit(wire),
    )
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
    wire: Wire, read: Read, reserved: frozenset[str], moment: Moment
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
        listed = tables.usable(table.data, moment)
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
