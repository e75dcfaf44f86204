"""Lookup tables for regular payees: what stands in one on chain, and when an entry pays for itself.

    8 bytes  type and deactivation slot      what a table of ours says of itself
    …        last extension, authority
    32 × n   addresses, appended, never changed, never taken out

A payee in a table costs a transaction 18 bytes instead of 49, so 41 of them share a fee that
16 share otherwise. For that the treasury pays a share of the extension's transaction once, and
lends 32 bytes of rent for as long as the table stands. ADR-0019 has the arithmetic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from solders.pubkey import Pubkey

from pixr.domain.fees import BASE_FEE_LAMPORTS
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE, Table
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM, RETENTION

TABLE_PROGRAM: Final = "AddressLookupTab1e1111111111111111111111111"
HEADER_BYTES: Final = 56
ADDRESS_BYTES: Final = 32
ENTRIES_MAX: Final = 256
"""An entry is named by one byte."""

RENT_LAMPORTS_PER_BYTE: Final = 6_960
ACCOUNT_OVERHEAD_BYTES: Final = 128
"""What every account pays rent for besides its data."""

NOT_DEACTIVATED: Final = 2**64 - 1

ADDRESSES_PER_EXTENSION: Final = 23
"""As many as fit into 1,232 bytes beside receipt and creation: 1,218 bytes, 19,710 compute units
(measured). Without the creation one more would fit; one number is simpler."""

HORIZON: Final = timedelta(days=30)
"""A payee is expected to be paid as often in the next so many days as in the last."""

CAPITAL_BPS_PER_YEAR: Final = 700
"""What a locked lamport would earn elsewhere: about what staking pays, in hundredths of a
percent a year."""

_BPS: Final = 10_000
_DAYS_PER_YEAR: Final = 365
_CLOSING_TRANSACTIONS: Final = 2
"""Deactivate, and close after the cool-down: one day the rent comes back."""


class NotATable(Exception):
    """The bytes are not those of a lookup table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a table's account says. ``authority`` is base58; None: nobody may extend it."""

    authority: str | None
    deactivation_slot: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regular:
    """A payee's address, and how many full transactions of the last ``HORIZON`` paid it."""

    address: str
    payments: int


def read(owner: str, data: bytes) -> Content:
    """Read a table's account.

    Args:
        owner: The program that the account belongs to, base58.
        data: Its bytes, all of them.

    Raises:
        NotATable: It belongs to another program, or is not laid out as that program does.

    Source:
        https://github.com/solana-program/address-lookup-table (state.rs)
    """
    if owner != TABLE_PROGRAM:
        raise NotATable(f"it is an account of {owner}")
    listed = data[HEADER_BYTES:]
    if len(data) < HEADER_BYTES or data[:4] != _u32(1) or len(listed) % ADDRESS_BYTES:
        raise NotATable(f"{len(data)} bytes that are no table")
    authority = Pubkey.from_bytes(data[22:54]) if data[21] == 1 else None
    return Content(
        authority=None if authority is None else str(authority),
        deactivation_slot=int.from_bytes(data[4:12], "little"),
        addresses=tuple(
            str(Pubkey.from_bytes(listed[start : start + ADDRESS_BYTES]))
            for start in range(0, len(listed), ADDRESS_BYTES)
        ),
    )


def contradiction(content: Content, table: Table, *, authority: str) -> str | None:
    """Why a table on chain is not the one that is booked; None: as far as it goes, it is.

    More entries than are booked do no harm: an entry never changes its place.
    """
    if content.authority != authority:
        return f"its authority is {content.authority}"
    if content.deactivation_slot != NOT_DEACTIVATED:
        return f"it was deactivated in slot {content.deactivation_slot}"
    both = zip(content.addresses, table.addresses, strict=False)
    for position, (found, booked) in enumerate(both):
        if found != booked:
            return f"entry {position} is {found} on chain and {booked} in the books"
    return None


def is_short(content: Content | None, table: Table) -> bool:
    """Whether entries are missing that are booked as final: the node lags, or has lost them."""
    return content is None or len(content.addresses) < len(table.addresses)


def rent_lamports(entries: int) -> int:
    """What a table with so many entries has to hold."""
    data_bytes = HEADER_BYTES + entries * ADDRESS_BYTES
    return (ACCOUNT_OVERHEAD_BYTES + data_bytes) * RENT_LAMPORTS_PER_BYTE


def capital_lamports(lamports: int, period: timedelta) -> int:
    """What it costs to lock ``lamports`` for whole days, rounded up."""
    return _up(lamports * CAPITAL_BPS_PER_YEAR * period.days, _BPS * _DAYS_PER_YEAR)


def transaction_lamports() -> int:
    """What a transaction of ours costs all in, in a quiet minute: 5,727 lamports.

    Its fee, its part of the reclaim that brings the rent of its receipt home, and the rent
    itself, lent for the retention time. A price for priority only adds to what is saved.
    """
    return (
        BASE_FEE_LAMPORTS
        + _up(BASE_FEE_LAMPORTS, RECEIPTS_PER_RECLAIM)
        + capital_lamports(RENT_EXEMPT_LAMPORTS, RETENTION)
    )


def saved_lamports(payments: int) -> int:
    """What ``payments`` cost less as one of 41 than as one of 16, rounded against the table."""
    cost = transaction_lamports()
    return payments * (cost // PAYEES_FULL - _up(cost, PAYEES_FULL_WITH_TABLE))


def entry_lamports(extended_together: int) -> int:
    """What an entry costs over ``HORIZON`` when so many share the transaction that writes them.

    Its part of that transaction, of opening and one day closing the table, and the rent of its
    32 bytes (and of its part of the header), lent.
    """
    header = _up(rent_lamports(0), ENTRIES_MAX)
    closing = _up(_CLOSING_TRANSACTIONS * BASE_FEE_LAMPORTS, ENTRIES_MAX)
    locked = ADDRESS_BYTES * RENT_LAMPORTS_PER_BYTE + header
    written = _up(transaction_lamports(), extended_together)
    return written + closing + capital_lamports(locked, HORIZON)


def payments_needed(extended_together: int) -> int:
    """The fewest payments within ``HORIZON`` that pay for an entry: 8, in a full extension."""
    return _up(entry_lamports(extended_together), saved_lamports(1))


def worth_writing(found: Sequence[Regular], *, entries_usable: int, room: int) -> list[Regular]:
    """Choose who gets into a table now: each pays for itself, its part of the extension included.

    Args:
        found: Payees that stand in no table.
        entries_usable: How many stand in the table already.
        room: How many more it takes.

    Returns:
        At most ``ADDRESSES_PER_EXTENSION``, the most regular first. Nobody, while there are too
        few regular payees to fill one transaction: then no entry saves anything.
    """
    ranked = sorted(found, key=lambda item: (-item.payments, item.address))
    regulars = [
        item for item in ranked if item.payments >= payments_needed(ADDRESSES_PER_EXTENSION)
    ]
    if entries_usable + len(regulars) < PAYEES_FULL_WITH_TABLE:
        return []
    for together in range(min(len(regulars), ADDRESSES_PER_EXTENSION, room), 0, -1):
        if regulars[together - 1].payments >= payments_needed(together):
            return regulars[:together]
    return []


def _up(amount: int, parts: int) -> int:
    return -(-amount // parts)


def _u32(value: int) -> bytes:
    return value.to_bytes(4, "little")
