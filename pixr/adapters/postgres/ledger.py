"""The double-entry ledger: post, reserve, release, read.

``post`` is the only way a balance moves, and one event is posted once: its reference is a
unique key. A reservation is a promise on an account; available = posted − reserved, and
the database refuses to let it go below zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, arrays, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A balance in lamports."""

    posted_lamports: int
    reserved_lamports: int

    @property
    def available_lamports(self) -> int:
        """What nobody has a promise on."""
        return self.posted_lamports - self.reserved_lamports


def read(db: Database, account: str) -> Account:
    """Return the balance of ``account``; zeros when it was never opened."""
    row = db.execute(sql("ledger/read"), {"account": account}).fetchone()
    if row is None:
        return Account(posted_lamports=0, reserved_lamports=0)
    return Account(**row)


def open_account(db: Database, *accounts: str) -> None:
    """Make sure that each account exists; repeating it changes nothing."""
    db.execute(sql("ledger/open_accounts"), {"accounts": arrays.texts(accounts)})


def reserve(db: Database, account: str, lamports: int) -> bool:
    """Promise ``lamports`` of ``account``; False when that much is not available."""
    found = db.execute(sql("ledger/reserve"), {"account": account, "lamports": lamports})
    return found.fetchone() is not None


def lock(db: Database, accounts: Iterable[str]) -> None:
    """Keep ``accounts`` from others until the transaction ends; take them all at once."""
    db.execute(sql("ledger/lock"), {"accounts": sorted(set(accounts))})


def release(db: Database, promises: Mapping[str, int]) -> None:
    """Take promises back (account → lamports)."""
    parameters = {"accounts": list(promises), "lamports": list(promises.values())}
    db.execute(sql("ledger/release"), parameters)


def post(db: Database, reference: str, entries: Mapping[str, int], *, now: datetime) -> bool:
    """Post ``entries`` (account → lamports, summing to zero) for the event ``reference``.

    Accounts that do not exist yet are opened. Zero entries are left out. Call it inside
    the transaction that records the event itself.

    Returns:
        False when this event was posted before; nothing changes then.

    Raises:
        psycopg.errors.CheckViolation: The entries do not sum to zero, or an account would
            hold less than is reserved on it.
    """
    return bool(post_all(db, {reference: entries}, now=now))


def post_all(db: Database, events: Mapping[str, Mapping[str, int]], *, now: datetime) -> set[str]:
    """Post several events (reference → entries) at once, each as ``post`` does.

    Returns:
        The references that were posted; the others had been before.
    """
    for reference, entries in events.items():
        if sum(entries.values()) != 0:
            raise ValueError(f"entries of {reference} sum to {sum(entries.values())}, not to zero")
    begun = begin(db, list(events), now=now)
    rows = [
        (transaction_id, account, lamports)
        for reference, transaction_id in begun.items()
        for account, lamports in sorted(events[reference].items())
        if lamports
    ]
    if rows:
        db.execute(
            sql("ledger/post"),
            {
                "transaction_ids": arrays.numbers(row[0] for row in rows),
                "accounts": arrays.texts([row[1] for row in rows]),
                "lamports": arrays.numbers(row[2] for row in rows),
            },
        )
    return set(begun)


def begin(db: Database, references: Sequence[str], *, now: datetime) -> dict[str, int]:
    """Open a ledger transaction for each event; the caller posts all of its entries at once.

    Returns:
        The reference of each event that had not been posted before → its ledger transaction.
    """
    parameters = {"references": arrays.texts(references), "now": now}
    return {row["reference"]: row["id"] for row in db.execute(sql("ledger/begin"), parameters)}
