"""Chain = ledger = accruals, to the lamport.

Three witnesses that share no code with the settler: the tables compared with each other,
every address's finalized balance compared with the ledger, and every payment's bytes, as
the chain kept them, decoded and compared with what the batch says. Reads only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pixr.adapters.postgres import Database, Row, deposits, recovery, verification
from pixr.adapters.solana import ChainUnreachable, HistoryTooLong, Solana, TransactionView
from pixr.domain import proofs
from pixr.domain.decoding import Payment, decode
from pixr.domain.money import RENT_EXEMPT_LAMPORTS

LOOKS_MAX: Final = 5
"""A balance and the list behind it are two calls; money may move between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was compared: how many of it, and every difference found."""

    name: str
    compared: int | None
    """How many on chain; None when whole tables were compared."""
    differences: tuple[str, ...]


def verify(
    db: Database, chain: Solana, *, progress: Callable[[str], None] = lambda _: None
) -> Iterator[Check]:
    """Yield one result per check; a difference in any of them means that money is wrong."""
    for name, statement in verification.CHECKS.items():
        progress(name)
        rows = verification.offenders(db, statement)
        yield Check(name=name, compared=None, differences=tuple(_sentence(row) for row in rows))
    for name, compare in (
        ("every balance on chain is what the ledger says", _balances),
        ("every receipt stands on chain", _receipts),
        ("every payment on chain says what its batch says", _payments),
    ):
        progress(name)
        compared, differences = compare(db, chain)
        yield Check(name=name, compared=compared, differences=tuple(differences))


def _sentence(row: Row) -> str:
    return f"{row['subject']}: expected {row['expected']}, found {row['found']}"


def _balances(db: Database, chain: Solana) -> tuple[int, list[str]]:
    """Compare each address; a difference is looked at again, because money may be moving."""
    differing = {row["account"] for row in verification.addresses(db)}
    compared = len(differing)
    differences: list[str] = []
    for look in range(LOOKS_MAX):
        rows = [row for row in verification.addresses(db) if row["account"] in differing]
        if not rows:
            break
        if look:
            time.sleep(1)
        views = chain.accounts([row["address"] for row in rows])
        differences = []
        differing = set()
        for row, view in zip(rows, views, strict=True):
            on_chain = view.lamports if view else 0
            try:
                expected = row["lamports"] + _not_posted_yet(
                    db, chain, row["account"], row["address"]
                )
            except HistoryTooLong as flood:
                differences.append(f"{row['account']}: cannot be compared, {flood}")
                continue
            if on_chain != expected:
                differing.add(row["account"])
                differences.append(
                    f"{row['account']} ({row['address']}): ledger {expected}, chain {on_chain}"
                )
    return compared, differences


def _not_posted_yet(db: Database, chain: Solana, account: str, address: str) -> int:
    """Lamports that finalized transactions moved but the ledger does not have yet.

    Somebody else's transaction may only bring money. One that takes it was signed with a key
    of ours by somebody who is not the settler: that is the difference to be found.
    """
    records = chain.signatures(address, until=deposits.cursor(db, address))
    known = recovery.known(db, [record.signature for record in records], account=account)
    moved = 0
    for record in records:
        if record.signature not in known:
            moved += max(0, chain.balance_change(record.signature, address))
    for signature in verification.live_attempts(db):
        try:
            moved += chain.balance_change(signature, address)
        except (ChainUnreachable, KeyError):
            # Not finalized yet, or it does not touch this address.
            continue
    return moved


def _receipts(db: Database, chain: Solana) -> tuple[int, list[str]]:
    rows = verification.receipts(db)
    views = chain.accounts([row["receipt_address"] for row in rows])
    return len(rows), [
        f"batch {row['id']}: no receipt of {RENT_EXEMPT_LAMPORTS} lamports at"
        f" {row['receipt_address']}"
        for row, view in zip(rows, views, strict=True)
        if view is None or view.lamports < RENT_EXEMPT_LAMPORTS
    ]


def _payments(db: Database, chain: Solana) -> tuple[int, list[str]]:
    rows = verification.landed(db)
    differences = [
        f"{row['signature']}: {difference}"
        for row in rows
        for difference in _compare_payment(row, chain.transaction(row["signature"]))
    ]
    return len(rows), differences


def _compare_payment(row: Row, found: TransactionView | None) -> list[str]:
    if found is None:
        return ["the chain does not have it"]
    if found.error is not None:
        return [f"it failed on chain: {found.error}"]
    payment = decode(found.raw, found.accounts)
    if not isinstance(payment, Payment):
        return ["it is not of a form that the settler makes"]
    paid = [(item.destination, item.lamports) for item in payment.transfers]
    expected = list(zip(row["destinations"], row["lamports"], strict=True))
    differences: list[str] = []
    if paid != expected:
        differences.append(f"the chain paid {paid}, the batch says {expected}")
    if payment.memo != proofs.memo(row["merkle_root"]):
        differences.append(f"the memo is {payment.memo!r}")
    if (found.slot, found.fee_lamports) != (row["slot"], row["fee_lamports"]):
        differences.append(f"slot and fee are {found.slot} and {found.fee_lamports}")
    return differences
