"""Receipts: those that should stand do, and those whose rent came home are gone.

Anybody may send dust to an address where a receipt was. Only one that the treasury made anew
would mean that a batch was paid again.
"""

from __future__ import annotations

from collections.abc import Sequence

from pixr.adapters.postgres import Row, house, verification
from pixr.adapters.solana import HistoryTooLong
from pixr.domain.decoding import Payment, decode
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.ops.verifying.check import LOOKS_MAX, PAUSE_S, Check, Look, Tally

RECEIPTS = "every receipt stands on chain until its rent comes home"


def compare(look: Look) -> Sequence[Check]:
    """Compare every receipt; what differs is looked at again, because a reclaim may land."""
    tally = Tally()
    for page in verification.receipts(look.db):
        tally.compared += len(page)
        differing = _differing(look, page)
        for _ in range(LOOKS_MAX - 1):
            if not differing:
                break
            look.pause(PAUSE_S)
            keys = {row["key"] for row in differing}
            again = [
                row for rows in verification.receipts(look.db) for row in rows if row["key"] in keys
            ]
            differing = _differing(look, again)
        tally.differences += [_sentence(row) for row in differing]
    return [tally.check(RECEIPTS)]


def _differing(look: Look, rows: Sequence[Row]) -> list[Row]:
    views = look.chain.accounts([row["receipt_address"] for row in rows])
    found: list[Row] = []
    for row, view in zip(rows, views, strict=True):
        lamports = view.lamports if view else 0
        if row["receipt_state"] == "LOCKED":
            if lamports < RENT_EXEMPT_LAMPORTS and not row["is_leaving"]:
                found.append(row)
        elif lamports and _is_made_again(look, row["receipt_address"]):
            found.append(row)
    return found


def _is_made_again(look: Look, receipt: str) -> bool:
    treasury = house.addresses(look.db).get("treasury")
    try:
        records = look.chain.signatures(receipt, until=None)
    except HistoryTooLong:
        # Somebody's joke: ours would be among the first.
        return False
    good = [record.signature for record in records if not record.is_failed]
    views = look.chain.transactions(good)
    made = [
        view
        for view in views
        if view is not None
        and view.accounts[0] == treasury
        and isinstance(decode(view.raw, view.accounts), Payment)
    ]
    return len(made) > 1


def _sentence(row: Row) -> str:
    if row["receipt_state"] == "LOCKED":
        return (
            f"batch {row['key']}: no receipt of {RENT_EXEMPT_LAMPORTS} lamports at"
            f" {row['receipt_address']}"
        )
    return f"batch {row['key']}: its receipt {row['receipt_address']} was made again"
