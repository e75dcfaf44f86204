"""Every address's finalized balance against the ledger, and the treasury's transactions.

What is final on chain and not posted yet explains a difference: a deposit that nobody walked
to so far, or an attempt that is still live in the database. It is asked for only where a
balance differs.
"""

from __future__ import annotations

from collections.abc import Sequence

from pixr.adapters.postgres import Row, deposits, house, recovery, verification
from pixr.adapters.solana import ChainUnreachable, HistoryTooLong, TransactionView
from pixr.ops.verifying.check import LOOKS_MAX, PAUSE_S, Check, Look, Tally

BALANCES = "every balance on chain is what the ledger says"
TREASURY = "every transaction that the treasury paid for is known"


def compare(look: Look) -> Sequence[Check]:
    """Compare each address; what differs is looked at again, because money may be moving."""
    tally = Tally()
    for page in verification.addresses(look.db):
        tally.compared += len(page)
        differing = _differing(look, page)
        for number in range(LOOKS_MAX):
            if not differing:
                break
            if number:
                look.pause(PAUSE_S)
            live = _live(look)
            again = verification.of_accounts(look.db, list(differing))
            differing = {
                row["account"]: line
                for row in again
                if (line := _explain(look, row, live)) is not None
            }
        tally.differences += differing.values()
    return [tally.check(BALANCES)]


def _differing(look: Look, rows: Sequence[Row]) -> dict[str, str]:
    views = look.chain.accounts([row["address"] for row in rows])
    return {
        row["account"]: ""
        for row, view in zip(rows, views, strict=True)
        if (view.lamports if view else 0) != row["lamports"]
    }


def _explain(look: Look, row: Row, live: Sequence[TransactionView]) -> str | None:
    """Say how one balance differs after everything that is not posted yet; None: it does not."""
    name = f"{row['account']} ({row['address']})"
    view = look.chain.account(row["address"])
    on_chain = view.lamports if view else 0
    moved = sum(item.changes.get(row["address"], 0) for item in live)
    try:
        moved += _unposted_lamports(look, row["account"], row["address"])
    except (HistoryTooLong, ChainUnreachable) as reason:
        return f"{name}: cannot be compared, {reason}"
    expected = row["lamports"] + moved
    return None if on_chain == expected else f"{name}: ledger {expected}, chain {on_chain}"


def _live(look: Look) -> list[TransactionView]:
    """Attempts that are final on chain though the database does not know yet."""
    views = look.chain.transactions(verification.live_attempts(look.db))
    return [view for view in views if view is not None]


def _unposted_lamports(look: Look, account: str, address: str) -> int:
    """What somebody else's transactions brought that no walk has found yet.

    They may only bring money. One that takes it was signed with a key of ours by somebody who
    is not the settler: that is the difference to be found.
    """
    records = look.chain.signatures(address, until=deposits.cursor(look.db, address))
    names = [record.signature for record in records if not record.is_failed]
    known = recovery.known(look.db, names, account=account)
    views = look.chain.transactions([name for name in names if name not in known])
    return sum(max(0, view.changes.get(address, 0)) for view in views if view is not None)


def compare_treasury(look: Look) -> Sequence[Check]:
    """Find what the treasury paid for and the database does not know.

    Looked at from the last walk on; every walk before it made the same comparison.
    """
    tally = Tally()
    treasury = house.addresses(look.db).get("treasury")
    if treasury is None:
        return [tally.check(TREASURY)]
    try:
        records = look.chain.signatures(treasury, until=deposits.cursor(look.db, treasury))
    except (HistoryTooLong, ChainUnreachable) as reason:
        tally.differences.append(f"{treasury}: cannot be compared, {reason}")
        return [tally.check(TREASURY)]
    names = [record.signature for record in records]
    tally.compared = len(names)
    known = recovery.known(look.db, names, account="treasury")
    for view in look.chain.transactions([name for name in names if name not in known]):
        if view is not None and view.accounts[0] == treasury:
            tally.differences.append(
                f"{view.signature}: the database was restored (`pixr recover`), or somebody else"
                " has the key"
            )
    return [tally.check(TREASURY)]
