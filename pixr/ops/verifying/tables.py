"""Lookup tables: each stands on chain with its rent, and nobody's place has changed."""

from __future__ import annotations

from collections.abc import Sequence

from pixr.adapters.postgres import house, lookup_tables
from pixr.adapters.postgres.lookup_tables import Booked
from pixr.adapters.solana import AccountContent
from pixr.domain import lookup_tables as rules
from pixr.domain.lookup_tables import NotATable
from pixr.ops.verifying.check import LOOKS_MAX, PAUSE_S, Check, Look, Tally

TABLES = "every lookup table stands on chain as it was written"


def compare(look: Look) -> Sequence[Check]:
    """Compare every table; one that differs is looked at again, because a node may lag."""
    tally = Tally()
    differences: list[str] = []
    for number in range(LOOKS_MAX):
        if number:
            look.pause(PAUSE_S)
        differences = _differences(look, tally)
        if not differences:
            break
    tally.differences += differences
    return [tally.check(TABLES)]


def _differences(look: Look, tally: Tally) -> list[str]:
    booked = lookup_tables.list_booked(look.db)
    tally.compared = len(booked)
    if not booked:
        return []
    authority = house.addresses(look.db).get("treasury", "")
    contents = look.chain.contents([item.table.address for item in booked])
    faults = [
        (item.table.address, _fault(item, account, authority))
        for item, account in zip(booked, contents, strict=True)
    ]
    return [f"lookup table {address}: {fault}" for address, fault in faults if fault is not None]


def _fault(item: Booked, account: AccountContent | None, authority: str) -> str | None:
    if account is None:
        return "it is not there"
    try:
        content = rules.read(account.owner, account.data)
    except NotATable as fault:
        return str(fault)
    if reason := rules.contradiction(content, item.table, authority=authority):
        return reason
    if rules.is_short(content, item.table):
        return f"it has {len(content.addresses)} of {len(item.table.addresses)} entries"
    needed = rules.rent_lamports(len(item.table.addresses))
    if account.lamports < needed:
        return f"it holds {account.lamports} lamports, {needed} were locked in it"
    return None
