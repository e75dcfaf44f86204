"""The signer's own look: decode the bytes that are about to be signed and compare.

It shares no code with the builder in ``packing.py``. Whatever went wrong before (a
swapped row, a wrong join, a planted payout) is a mismatch here, and nothing is signed. What a
message takes from a lookup table is read from the table as the chain has it, not as our
books say.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from solders.message import Message, MessageV0, MessageV1, from_bytes_versioned
from solders.pubkey import Pubkey

from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import (
    COMPUTE_BUDGET_PROGRAM,
    LEADING_INSTRUCTIONS,
    MEMO_PROGRAM,
    SYSTEM_PROGRAM,
    V1_LEADING_INSTRUCTIONS,
    Intent,
)

_SET_LIMIT = 2
_SET_PRICE = 3
_TRANSFER = 2
_CREATE_WITH_SEED = 3


class IntentMismatch(Exception):
    """The bytes say something else than the batch: refuse to sign and wake a person."""


NO_TABLES: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


def check(
    raw_message: bytes,
    intent: Intent,
    *,
    price: int,
    tables: Mapping[str, Sequence[str]] = NO_TABLES,
) -> None:
    """Refuse anything but exactly ``intent``.

    Args:
        raw_message: What is about to be signed, version byte included.
        intent: What the batch says.
        price: Micro-lamports per unit that were to be offered.
        tables: What stands in each lookup table on chain, by its address.

    Raises:
        IntentMismatch: Names the first difference.
    """
    decoded = from_bytes_versioned(raw_message)
    keys = _keys(decoded, intent, tables)
    signers = [str(key) for key in keys[: decoded.header.num_required_signatures]]
    expected = [intent.treasury] + [intent.source] * (intent.source != intent.treasury)
    _same("signers", signers, expected)
    leading = V1_LEADING_INSTRUCTIONS if intent.is_v1 else LEADING_INSTRUCTIONS
    _same("instructions", len(decoded.instructions), leading + len(intent.transfers))

    named = {index for item in decoded.instructions for index in bytes(item.accounts)}
    named |= {item.program_id_index for item in decoded.instructions}
    if max(named) >= len(keys):
        raise IntentMismatch("the message names an account that is not there")
    parts = [
        (keys[item.program_id_index], bytes(item.data), [keys[index] for index in item.accounts])
        for item in decoded.instructions
    ]
    *budget, receipt, memo = parts[:leading]
    if isinstance(decoded, MessageV1):
        config = decoded.config
        _same("compute limit", config.compute_unit_limit, intent.compute_units)
        _same("priority fee", (config.priority_fee, price), (None, 0))
        _same(
            "heap and data", (config.heap_size, config.loaded_accounts_data_size_limit), (None,) * 2
        )
    else:
        _check_budget(budget, intent, price=price)
    _same("memo program", memo[0], MEMO_PROGRAM)
    _same("memo", memo[1], intent.memo.encode())
    _check_receipt(receipt, intent)
    _check_transfers(parts[leading:], intent)


def _check_transfers(parts: Sequence[tuple[Pubkey, bytes, list[Pubkey]]], intent: Intent) -> None:
    source, tag = Pubkey.from_string(intent.source), _u32(_TRANSFER)
    for number, (part, item) in enumerate(zip(parts, intent.transfers, strict=True)):
        said = tag + item.lamports.to_bytes(8, "little")
        if part == (SYSTEM_PROGRAM, said, [source, Pubkey.from_string(item.destination)]):
            continue
        # Only a difference is put into words.
        program, data, accounts = part
        _same(f"transfer {number} program", program, SYSTEM_PROGRAM)
        _same(f"transfer {number} data", data, said)
        named = [str(key) for key in accounts]
        _same(f"transfer {number}", named, [intent.source, item.destination])
        raise IntentMismatch(f"transfer {number} differs")


def _keys(decoded: object, intent: Intent, tables: Mapping[str, Sequence[str]]) -> Sequence[Pubkey]:
    """All accounts in the order that instructions count them; or a version that was not meant."""
    if intent.table is None:
        form = MessageV1 if intent.is_v1 else Message
        if not isinstance(decoded, form):
            raise IntentMismatch(f"a {type(decoded).__name__}, the batch is a {form.__name__}")
        return decoded.account_keys
    if not isinstance(decoded, MessageV0):
        raise IntentMismatch(f"the message is a {type(decoded).__name__}, the batch has a table")
    lookups = decoded.address_table_lookups
    _same("tables", [str(item.account_key) for item in lookups], [intent.table.address])
    _same("entries that are only read", bytes(lookups[0].readonly_indexes), b"")
    listed = tables.get(intent.table.address, ())
    wanted = bytes(lookups[0].writable_indexes)
    if any(index >= len(listed) for index in wanted):
        raise IntentMismatch(f"table {intent.table.address} has {len(listed)} entries on chain")
    return [*decoded.account_keys, *(Pubkey.from_string(listed[index]) for index in wanted)]


def _check_budget(
    parts: Sequence[tuple[Pubkey, bytes, list[Pubkey]]], intent: Intent, *, price: int
) -> None:
    limit, bid = parts
    units = intent.compute_units.to_bytes(4, "little")
    _same("limit program", limit[0], COMPUTE_BUDGET_PROGRAM)
    _same("compute limit", limit[1], bytes([_SET_LIMIT]) + units)
    _same("price program", bid[0], COMPUTE_BUDGET_PROGRAM)
    _same("compute price", bid[1], bytes([_SET_PRICE]) + price.to_bytes(8, "little"))


def _check_receipt(part: tuple[Pubkey, bytes, list[Pubkey]], intent: Intent) -> None:
    program, data, accounts = part
    base = bytes(Pubkey.from_string(intent.treasury))
    seed = intent.receipt_seed.encode()
    _same("receipt program", program, SYSTEM_PROGRAM)
    _same(
        "receipt accounts", [str(key) for key in accounts], [intent.treasury, str(intent.receipt)]
    )
    _same(
        "receipt data",
        data,
        _u32(_CREATE_WITH_SEED)
        + base
        + len(seed).to_bytes(8, "little")
        + seed
        + RENT_EXEMPT_LAMPORTS.to_bytes(8, "little")
        + (0).to_bytes(8, "little")
        + bytes(SYSTEM_PROGRAM),
    )


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _same(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise IntentMismatch(f"{what}: the message says {found!r}, the batch says {expected!r}")
