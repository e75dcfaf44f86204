"""Find money that came to an address of ours from outside, and put it into the ledger.

Walks the address's finalized signatures since the last walk, leaves out what the settler
sent itself (the ledger gets that from the batch), and posts the rest. A balance alone
could not tell a deposit from a payout that is final on chain but not yet in the ledger.

Anybody may send dust to any address, at 5,000 lamports a transaction. So a walk is short:
it reads the oldest few that are unseen and leaves the others to the next walk, and a flooded
address keeps what the ledger knows of it rather than stopping anybody's payment.

What the treasury paid for is no deposit, whoever got it. When the database does not know
such a transaction, it was restored to an older point, or somebody else has the key: the
walk stops before it.
"""

from datetime import datetime
from typing import Final, Protocol

from pixr.adapters.postgres import Database, deposits, house
from pixr.adapters.solana import (
    ChainUnreachable,
    HistoryTooLong,
    SignatureRecord,
    TransactionView,
)
from pixr.domain.decoding import decode

TRANSACTIONS_PER_WALK: Final = 100
"""Each is one call to a node: a second or two in all."""


class UnknownPayment(Exception):
    """The treasury paid for a transaction that the database does not know."""


class Walk(Protocol):
    """What a walk asks of the chain. Never called inside a database transaction."""

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions after ``until``, oldest first."""
        ...

    def transaction(self, signature: str) -> TransactionView | None:
        """One finalized transaction; None when no node can read it."""
        ...


def observe_deposits(
    db: Database, chain: Walk, *, account: str, address: str, now: datetime
) -> int:
    """Post every new deposit to ``account`` and return how many lamports came in.

    For those who read a balance: a payment that the database does not know is left to the
    settler, and nothing is posted until it is explained.

    Raises:
        ChainUnreachable: A node failed half way; nothing of this walk was posted.
    """
    try:
        return walk(db, chain, account=account, address=address, now=now)
    except UnknownPayment:
        return 0


def walk(db: Database, chain: Walk, *, account: str, address: str, now: datetime) -> int:
    """Post every new deposit to ``account`` and return how many lamports came in.

    Two walkers at once post nothing twice: the cursor moves for one of them only. Reads at
    most ``TRANSACTIONS_PER_WALK``, oldest first.

    Raises:
        ChainUnreachable: A node failed half way; nothing of this walk was posted.
        UnknownPayment: A transaction here was paid for by the treasury, and the database does
            not know it; nothing of this walk was posted.
    """
    since = deposits.cursor(db, address)
    try:
        records = chain.signatures(address, until=since)[:TRANSACTIONS_PER_WALK]
    except HistoryTooLong:
        return 0
    if not records:
        return 0
    own = deposits.ours(db, [record.signature for record in records])
    treasury = house.addresses(db).get("treasury")
    found: list[deposits.Deposit] = []
    for record in records:
        if record.signature in own:
            continue
        view = _read(chain, record.signature)
        if _is_ours(view, treasury):
            raise UnknownPayment(record.signature)
        change = view.changes.get(address, 0)
        if change > 0 and not record.is_failed:
            found.append(
                deposits.Deposit(signature=record.signature, lamports=change, slot=record.slot)
            )
    walked = (since, records[-1].signature)
    if deposits.record(db, found, account=account, address=address, walked=walked, now=now):
        return sum(deposit.lamports for deposit in found)
    return 0


def _is_ours(view: TransactionView, treasury: str | None) -> bool:
    """Whether the treasury paid for it; by its form, while the treasury is not known.

    A database that was restored to a point before its first tick knows no treasury.
    """
    if treasury is None:
        return decode(view.raw, view.accounts) is not None
    return view.accounts[0] == treasury


def _read(chain: Walk, signature: str) -> TransactionView:
    view = chain.transaction(signature)
    if view is None:
        raise ChainUnreachable(f"{signature} is listed but cannot be read yet")
    return view
