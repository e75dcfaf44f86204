"""Find money that came to an address of ours from outside, and put it into the ledger.

Walks the address's finalized signatures since the last walk, leaves out what the ledger has
already (what the settler sent it gets from the batch), and posts the rest. A balance alone
could not tell a deposit from a payout that is final on chain but not yet in the ledger.

Anybody may send dust to any address, at 5,000 lamports a transaction. So a walk is short:
it reads the oldest few that are unknown and leaves the others to the next walk, and a flooded
address keeps what the ledger knows of it rather than stopping anybody's payment.

What the treasury paid for is no deposit, whoever got it. When the database does not know
such a transaction, it was restored to an older point, or somebody else has the key: the
walk stops before it. Every node's list counts. For treasury and escrow nothing may hide such a
payment: some are read of what has to wait, and a walk that does not see everything says so.

A node may lack blocks for good. What all of them lacked when the walk came by is found when the
address holds more than the ledger knows: then it is listed once more, from its end.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from pixr.adapters.postgres import Database, deposits, house, ledger
from pixr.adapters.solana import (
    AccountView,
    Listing,
    SignatureRecord,
    TransactionView,
)
from pixr.domain.decoding import decode

TRANSACTIONS_PER_WALK: Final = 100
"""Each is one call to a node: a second or two in all. What the ledger knows costs none."""

PROBES_PER_WALK: Final = 20
"""So many of those that have to wait are read all the same, for what the treasury paid for."""

PAGES_PER_WALK: Final = 20
"""20,000 transactions a node: more than a quarter of an hour of the busiest treasury."""


class UnknownPayment(Exception):
    """The treasury paid for a transaction that the database does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What a walk of the settler's posted, and what it did not see."""

    lamports: int = 0
    unseen: str | None = None
    """Why it could not see everything that happened; None: it did."""


class Chain(Protocol):
    """What a walk asks. Never called inside a database transaction."""

    def transaction(self, signature: str) -> TransactionView | None:
        """One finalized transaction; None when no node can read it."""
        ...

    def listing(self, address: str, *, until: str | None, pages_max: int) -> Listing:
        """What all nodes together list after ``until``."""
        ...

    def account(self, address: str) -> AccountView | None:
        """The finalized account; None when there is none."""
        ...


def observe_deposits(
    db: Database,
    chain: Chain,
    *,
    account: str,
    address: str,
    held_lamports: int | None = None,
    now: datetime,
) -> int:
    """Post every new deposit to ``account`` and return how many lamports came in.

    For those who read a balance: a payment that the database does not know is left to the
    settler, and nothing is posted until it is explained. Nor while the address is flooded.

    Args:
        db: Outside a transaction.
        chain: The nodes.
        account: Of the ledger.
        address: On chain.
        held_lamports: What the address held a moment ago, from whoever has asked already.
        now: The time.

    Raises:
        ChainUnreachable: No node answered; nothing of this walk was posted.
    """
    since = deposits.cursor(db, address)
    listing = chain.listing(address, until=since, pages_max=PAGES_PER_WALK)
    known = deposits.known(db, [record.signature for record in listing.records], account=account)
    seen, _ = _divide(listing.records, known)
    came = 0
    try:
        found, read = _read_deposits(db, chain, seen, known, address=address)
        passed = seen[: min(read, listing.settled)]
        came += _post(db, found, passed, account=account, address=address, since=since, now=now)
        if held_lamports is None:
            held = chain.account(address)
            held_lamports = 0 if held is None else held.lamports
        if held_lamports > ledger.read(db, account).posted_lamports:
            came += look_again(db, chain, account=account, address=address, now=now)
    except UnknownPayment:
        return came
    return came


def look_again(db: Database, chain: Chain, *, account: str, address: str, now: datetime) -> int:
    """Post what earlier walks have passed by, because every node lacked it then.

    For an address that holds more than the ledger knows of. Lists it from the newest backwards as
    far as a walk goes, and leaves the cursor where it is.

    Raises:
        ChainUnreachable: Nobody lists anything; nothing was posted.
        UnknownPayment: As for ``walk``.
    """
    listing = chain.listing(address, until=None, pages_max=PAGES_PER_WALK)
    listed = [*listing.records, *reversed(listing.strays)]
    known = deposits.known(db, [record.signature for record in listed], account=account)
    unknown = [record for record in listed if record.signature not in known]
    found: list[deposits.Deposit] = []
    for record in unknown[:TRANSACTIONS_PER_WALK]:
        found += _read_deposits(db, chain, [record], known, address=address)[0]
    since = deposits.cursor(db, address)
    return _post(db, found, (), account=account, address=address, since=since, now=now)


def walk(db: Database, chain: Chain, *, account: str, address: str, now: datetime) -> Walked:
    """Post what came to ``account`` of the house, and look for what the books do not know.

    Two walkers at once post nothing twice: the cursor moves for one of them only. Posts at
    most ``TRANSACTIONS_PER_WALK`` transactions, oldest first, and none past a gap.

    Raises:
        ChainUnreachable: No node answered; nothing of this walk was posted.
        UnknownPayment: A transaction here was paid for by the treasury, and the database does
            not know it; nothing of this walk was posted.
    """
    since = deposits.cursor(db, address)
    listing = chain.listing(address, until=since, pages_max=PAGES_PER_WALK)
    names = [record.signature for record in (*listing.records, *listing.strays)]
    known = deposits.known(db, names, account=account)
    seen, later = _divide(listing.records, known)
    found, read = _read_deposits(db, chain, seen, known, address=address)
    later = [*seen[read:], *later]
    strays = [record for record in listing.strays if record.signature not in known]
    _probe(db, chain, [*reversed(later), *strays], known, now=now)
    passed = seen[: min(read, listing.settled)]
    came = _post(db, found, passed, account=account, address=address, since=since, now=now)
    if listing.gap is not None:
        return Walked(lamports=came, unseen=f"{account}: {listing.gap}")
    return Walked(
        lamports=came,
        unseen=f"{account}: {len(later)} transactions wait to be read" if later else None,
    )


def _divide(
    records: Sequence[SignatureRecord], known: set[str]
) -> tuple[Sequence[SignatureRecord], Sequence[SignatureRecord]]:
    """What this walk gets through, oldest first, and what has to wait for the next."""
    unknown = 0
    for position, record in enumerate(records):
        unknown += record.signature not in known
        if unknown > TRANSACTIONS_PER_WALK:
            return records[:position], records[position:]
    return records, ()


def _read_deposits(
    db: Database,
    chain: Chain,
    records: Sequence[SignatureRecord],
    known: set[str],
    *,
    address: str,
) -> tuple[list[deposits.Deposit], int]:
    """Read what is not known, up to what one node lists and nobody can read: it may be made up.

    Returns:
        What came in, and how many of ``records`` that is the account of.
    """
    treasury = house.addresses(db).get("treasury")
    found: list[deposits.Deposit] = []
    for position, record in enumerate(records):
        if record.signature in known:
            continue
        view = chain.transaction(record.signature)
        if view is None:
            return found, position
        _refuse_ours(view, treasury)
        change = view.changes.get(address, 0)
        if change > 0 and not record.is_failed:
            found.append(
                deposits.Deposit(signature=record.signature, lamports=change, slot=record.slot)
            )
    return found, len(records)


def _probe(
    db: Database,
    chain: Chain,
    waiting: Sequence[SignatureRecord],
    known: set[str],
    *,
    now: datetime,
) -> None:
    """Look at some of what has to wait, newest first: dust must not hide a lost payment.

    Spread over all of them, and others at each tick. What nobody can read is left out.
    """
    unknown = [record.signature for record in waiting if record.signature not in known]
    if not unknown:
        return
    step = -(-len(unknown) // PROBES_PER_WALK)
    treasury = house.addresses(db).get("treasury")
    for signature in unknown[int(now.timestamp()) // 60 % step :: step]:
        view = chain.transaction(signature)
        if view is not None:
            _refuse_ours(view, treasury)


def _refuse_ours(view: TransactionView, treasury: str | None) -> None:
    """Stop before what the treasury paid for; told by its form, while it is not known.

    A database that was restored to a point before its first tick knows no treasury.
    """
    if treasury is None:
        is_ours = decode(view.raw, view.accounts) is not None
    else:
        is_ours = view.accounts[0] == treasury
    if is_ours:
        raise UnknownPayment(view.signature)


def _post(
    db: Database,
    found: Sequence[deposits.Deposit],
    passed: Sequence[SignatureRecord],
    *,
    account: str,
    address: str,
    since: str | None,
    now: datetime,
) -> int:
    """Post, and move the cursor over what two nodes have passed; 0 when somebody else moved it.

    What one node lists is posted, too. But to walk on from there would skip, for ever, what
    that node lacks and the other has not come to yet.
    """
    if not found and not passed:
        return 0
    walked = (since, passed[-1].signature if passed else since)
    if deposits.record(db, found, account=account, address=address, walked=walked, now=now):
        return sum(deposit.lamports for deposit in found)
    return 0
