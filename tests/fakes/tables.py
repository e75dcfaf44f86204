"""The lookup table program, as far as settlement calls it: create a table, extend it.

     0  type (1) · 4  slot of deactivation · 12  slot of the last extension
    20  entries before that extension · 21  authority · 56  addresses, 32 bytes each

What was written in a slot can be used from the next slot on.

Source:
    https://github.com/solana-program/address-lookup-table (processor.rs, state.rs)
"""

import hashlib
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from solders.pubkey import Pubkey

from tests.fakes.values import Account, Moment, NotImitated, Stop, rent_exempt_lamports, u64
from tests.fakes.wire import LOOKUP_TABLES, SYSTEM, Step

if TYPE_CHECKING:
    from tests.fakes.steps import Bench

HEADER_BYTES: Final = 56
ADDRESS_BYTES: Final = 32
ENTRIES_MAX: Final = 256
FOREVER: Final = (1 << 64) - 1
INVALID_SEEDS: Final = {"Custom": 1}
"""The program passes the error of the address library on as its own."""
CREATE: Final = 0
EXTEND: Final = 2

# Measured, to within two in a hundred.
STANDING_UNITS: Final = 2_960
CREATING_UNITS: Final = 8_650
EXTENDING_UNITS: Final = 3_790
ADDRESS_UNITS: Final = 290
PAYING_UNITS: Final = 1_850

_HEADER: Final = struct.Struct("<IQQBB32sH")


def header(*, authority: str | None, extended_slot: int = 0, entries_before: int = 0) -> bytes:
    """The first 56 bytes of a table that is in use."""
    key = bytes(Pubkey.from_string(authority)) if authority else bytes(ADDRESS_BYTES)
    has_one = int(authority is not None)
    return _HEADER.pack(1, FOREVER, extended_slot, entries_before, has_one, key, 0)


def usable(data: bytes, moment: Moment) -> bytes:
    """The addresses of a table that a transaction may look up at that moment."""
    _, _, extended_slot, entries_before, _, _, _ = _HEADER.unpack_from(data)
    listed = data[HEADER_BYTES:]
    return listed if moment.slot > extended_slot else listed[: entries_before * ADDRESS_BYTES]


def units(bench: "Bench", step: Step) -> int:
    """Compute units that an instruction takes if it succeeds."""
    table = bench.accounts[step.accounts[0]] if step.accounts else Account(lamports=0)
    if step.data[:1] == bytes([CREATE]):
        if table.owner == LOOKUP_TABLES:
            return STANDING_UNITS
        return CREATING_UNITS + PAYING_UNITS * (table.lamports < rent_exempt_lamports(HEADER_BYTES))
    added_bytes = max(len(step.data) - 12, 0)
    pays = table.lamports < rent_exempt_lamports(len(table.data) + added_bytes)
    return EXTENDING_UNITS + added_bytes // ADDRESS_BYTES * ADDRESS_UNITS + PAYING_UNITS * pays


def run(bench: "Bench", step: Step) -> None:
    """Run one instruction of the program."""
    tag = int.from_bytes(step.data[:4], "little")
    if tag == CREATE:
        _create(bench, step)
    elif tag == EXTEND:
        _extend(bench, step)
    else:
        raise NotImitated(f"lookup table instruction {tag}")


def _create(bench: "Bench", step: Step) -> None:
    """Accounts: table, authority, payer, System program."""
    slot = u64(step.data, 4)
    bump = step.data[12:13]
    if not bump:
        raise Stop("InvalidInstructionData")
    if len(step.accounts) <= 2:
        raise Stop("NotEnoughAccountKeys")
    index, authority, payer = step.accounts[:3]
    if not bench.signs(payer):
        raise Stop("MissingRequiredSignature")
    if not bench.moment.is_recent_slot(slot):
        raise Stop("InvalidInstructionData")
    seeds = [bytes(Pubkey.from_string(bench.keys[authority])), slot.to_bytes(8, "little"), bump]
    if _derived(seeds) != bench.keys[index]:
        raise Stop("InvalidArgument")
    if bench.accounts[index].owner == LOOKUP_TABLES:
        return
    _pay_rent(bench, index, HEADER_BYTES, payer=payer, step=step)
    made = header(authority=bench.keys[authority])
    bench.accounts[index] = replace(bench.accounts[index], owner=LOOKUP_TABLES, data=made)


def _extend(bench: "Bench", step: Step) -> None:
    """Accounts: table, authority and, if the rent is not there yet, payer and System program."""
    count = u64(step.data, 4)
    added = step.data[12 : 12 + count * ADDRESS_BYTES]
    if len(added) < count * ADDRESS_BYTES:
        raise Stop("InvalidInstructionData")
    if len(step.accounts) < 2:
        raise Stop("NotEnoughAccountKeys")
    index, authority = step.accounts[:2]
    table = bench.accounts[index]
    if table.owner != LOOKUP_TABLES:
        raise Stop("InvalidAccountOwner")
    if not bench.signs(authority):
        raise Stop("MissingRequiredSignature")
    _, _, extended_slot, entries_before, has_one, key, _ = _HEADER.unpack_from(table.data)
    if not has_one:
        raise Stop("Immutable")
    if str(Pubkey.from_bytes(key)) != bench.keys[authority]:
        raise Stop("IncorrectAuthority")
    entries = (len(table.data) - HEADER_BYTES) // ADDRESS_BYTES
    if entries >= ENTRIES_MAX:
        raise Stop("InvalidArgument")
    if not count or entries + count > ENTRIES_MAX:
        raise Stop("InvalidInstructionData")
    payer = step.accounts[2] if len(step.accounts) > 2 else None
    _pay_rent(bench, index, len(table.data) + len(added), payer=payer, step=step)
    if bench.moment.slot != extended_slot:
        extended_slot, entries_before = bench.moment.slot, entries
    head = header(
        authority=bench.keys[authority],
        extended_slot=extended_slot,
        entries_before=entries_before,
    )
    data = head + table.data[HEADER_BYTES:] + added
    bench.accounts[index] = replace(bench.accounts[index], data=data)


def _pay_rent(
    bench: "Bench", index: int, data_bytes: int, *, payer: int | None, step: Step
) -> None:
    """Let the payer add what the table does not hold yet."""
    missing = rent_exempt_lamports(data_bytes) - bench.accounts[index].lamports
    if missing > 0 and payer is None:
        raise Stop("NotEnoughAccountKeys")
    if missing > 0 and payer is not None and not bench.signs(payer):
        raise Stop("MissingRequiredSignature")
    calls_system = missing > 0 or bench.accounts[index].owner == SYSTEM
    if calls_system and not any(bench.keys[number] == SYSTEM for number in step.accounts):
        raise Stop("MissingAccount")
    if missing > 0 and payer is not None:
        bench.move(payer, index, missing)


def _derived(seeds: list[bytes]) -> str:
    """The program's own address of these seeds; one that has a private key is none."""
    program = bytes(Pubkey.from_string(LOOKUP_TABLES))
    digest = hashlib.sha256(b"".join([*seeds, program, b"ProgramDerivedAddress"])).digest()
    found = Pubkey.from_bytes(digest)
    if found.is_on_curve():
        raise Stop(INVALID_SEEDS)
    return str(found)
