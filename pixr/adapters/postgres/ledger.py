"""The double-entry ledger: post, reserve, release, read.

``post`` is the only way a balance moves, and one event is posted once: its reference is a
unique key. A reservation is a promise on an account; available = posted − reserved, and
the database refuses to let it go below zero.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, sql


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
    db.execute(sql("ledger/open_accounts"), {"accounts": list(accounts)})


def reserve(db: Database, account: str, lamports: int) -> bool:
    """Promise ``lamports`` of ``account``; False when that much is not available."""
    found = db.execute(sql("ledger/reserve"), {"account": account, "lamports": lamports})
    return found.fetchone() is not None


def release(db: Database, account: str, lamports: int) -> None:
    """Take a promise back."""
    db.execute(sql("ledger/release"), {"account": account, "lamports": lamports})


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
    moved = {account: lamports for account, lamports in sorted(entries.items()) if lamports}
    if sum(moved.values()) != 0:
        raise ValueError(f"entries of {reference} sum to {sum(moved.values())}, not to zero")
    begun = db.execute(sql("ledger/begin"), {"reference": reference, "now": now}).fetchone()
    if begun is None:
        return False
    _insert(db, begun["id"], list(moved), list(moved.values()))
    return True


def _insert(
    db: Database, transaction_id: int, accounts: Sequence[str], lamports: Sequence[int]
) -> None:
    if not accounts:
        return
    open_account(db, *accounts)
    db.execute(
        sql("ledger/post"),
        {"transaction_id": transaction_id, "accounts": accounts, "lamports": lamports},
    )
