"""What must hold between the tables, and what the chain is to be compared with.

Each check is a statement that returns offenders only: ``{subject, expected, found}``.
"""

from collections.abc import Mapping
from typing import Final

from pixr.adapters.postgres import Database, Row, sql

CHECKS: Final[Mapping[str, str]] = {
    "the ledger sums to zero": "verify/ledger_sums",
    "every balance is the sum of its entries": "verify/account_entries",
    "what is owed is what accrued less what was paid": "verify/accruals",
    "drains, views, accruals and epochs agree": "verify/drains",
    "reserved is what is under way": "verify/reservations",
    "each payout is the sum of its accruals": "verify/claims",
    "escrow is the sum of its investments": "verify/escrow",
}


def offenders(db: Database, statement: str) -> list[Row]:
    """Run one of ``CHECKS`` and return what breaks it."""
    return db.execute(sql(statement)).fetchall()


def addresses(db: Database) -> list[Row]:
    """Return ``{account, address, lamports}`` of everything we hold on chain."""
    return db.execute(sql("verify/addresses")).fetchall()


def receipts(db: Database) -> list[Row]:
    """Return ``{id, receipt_address}`` of every locked receipt."""
    return db.execute(sql("verify/receipts")).fetchall()


def landed(db: Database) -> list[Row]:
    """Return every attempt that paid, with its batch's destinations and amounts in order."""
    return db.execute(sql("verify/landed")).fetchall()


def live_attempts(db: Database) -> list[str]:
    """Return the signatures that may have landed without the ledger knowing."""
    return [row["signature"] for row in db.execute(sql("verify/live_attempts"))]
