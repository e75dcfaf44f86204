"""Keep lookup tables: compare each with the chain, and write regular payees into them.

    once a tick   every table as the chain shows it ─▶ usable, or doubted until the next look
                  who was paid often lately, is it worth it? ─▶ one extension, like any batch

A table is an economy, never a need: whatever speaks against one, payees travel without it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.batch.chain import Chain
from functions.batch.keyring import Keyring
from pixr.adapters.postgres import Database, ledger, lookup_tables
from pixr.adapters.postgres.lookup_tables import TABLES_MAX, Booked, Extension, Plan
from pixr.adapters.solana import AccountContent
from pixr.domain import fees, packing
from pixr.domain import lookup_tables as rules
from pixr.domain.extensions import ExtensionIntent
from pixr.domain.lookup_tables import NotATable
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import PAYEES_FULL

TREASURY_BPS_MAX: Final = 100
"""Of what is available an extension locks at most 1 %: paying people comes first."""

_BPS: Final = 10_000


def look_after(
    db: Database, chain: Chain, keyring: Keyring, *, new_id: Callable[[], UUID], now: datetime
) -> bool:
    """Look at every table, and plan an extension when one is worth it and none is under way."""
    booked = lookup_tables.list_booked(db)
    contents = chain.contents([item.table.address for item in booked]) if booked else []
    sound: list[Booked] = []
    for item, account in zip(booked, contents, strict=True):
        doubt, is_extendable = _judge(item, account, keyring.treasury.address)
        lookup_tables.looked_at(db, item.table.address, doubt)
        if is_extendable:
            sound.append(item)
    if lookup_tables.is_extending(db):
        return False
    return _extend(db, chain, keyring, booked, sound, new_id=new_id, now=now)


def _judge(item: Booked, account: AccountContent | None, authority: str) -> tuple[str | None, bool]:
    """What speaks against using a table, and whether more may be written into it."""
    if account is None:
        return "a node does not show it", False
    try:
        content = rules.read(account.owner, account.data)
    except NotATable as fault:
        return str(fault), False
    if reason := rules.contradiction(content, item.table, authority=authority):
        return reason, False
    if rules.is_short(content, item.table):
        return "a node does not show all of its entries", False
    # Of entries that nobody booked (a restored database) the places are taken all the same.
    has_room = item.entries < rules.ENTRIES_MAX
    return None, has_room and len(content.addresses) == item.entries


def _extend(
    db: Database,
    chain: Chain,
    keyring: Keyring,
    booked: Sequence[Booked],
    sound: Sequence[Booked],
    *,
    new_id: Callable[[], UUID],
    now: datetime,
) -> bool:
    """Plan to write the most regular payees that stand in no table, if it pays."""
    target = sound[0] if sound else None
    if target is None and len(booked) >= TABLES_MAX:
        return False
    entries = target.entries if target else 0
    found = lookup_tables.regulars(
        db,
        since=now - rules.HORIZON,
        payees_min=PAYEES_FULL,
        payments_min=rules.payments_needed(rules.ADDRESSES_PER_EXTENSION),
    )
    chosen = rules.worth_writing(found, entries_usable=entries, room=rules.ENTRIES_MAX - entries)
    if not chosen:
        return False
    treasury = keyring.treasury.address
    slot = target.recent_slot if target else _finalized_slot(chain, treasury)
    batch_id = new_id()
    intent = ExtensionIntent(
        treasury=treasury,
        receipt_seed=packing.receipt_seed(keyring.receipt_key, batch_id),
        recent_slot=slot,
        first_position=entries,
        addresses=tuple(item.address for item in chosen),
    )
    needed = (
        intent.rent_lamports
        + RENT_EXEMPT_LAMPORTS
        + fees.fee_lamports_max(signatures=intent.signatures)
    )
    if needed * _BPS > ledger.read(db, "treasury").available_lamports * TREASURY_BPS_MAX:
        return False
    plan = Plan(
        batch_id=batch_id,
        receipt_address=str(intent.receipt),
        rent_lamports=intent.rent_lamports,
        treasury_reserved_lamports=needed,
        extension=Extension(
            table_address=intent.table,
            recent_slot=slot,
            first_position=entries,
            addresses=intent.addresses,
        ),
    )
    return lookup_tables.insert_extension(db, plan, now=now)


def _finalized_slot(chain: Chain, treasury: str) -> int:
    """A slot to name a table after: final, so that no fork can lose it."""
    (view,) = chain.accounts([treasury])
    return view.slot if view else 0
