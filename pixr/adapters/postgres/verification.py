"""What must hold between the tables, and what the chain is to be compared with.

Each check is a statement that returns offenders only: ``{subject, expected, found}``. One
statement sees one moment, so a check holds while the system runs. What is compared with the
chain comes in pages, so that a large database fits a small memory.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql
from pixr.adapters.postgres.batches import Batch

CHECKS: Final[Mapping[str, str]] = {
    "the ledger sums to zero": "verify/ledger_sums",
    "every balance is the sum of its entries": "verify/account_entries",
    "what is owed is what accrued less what was paid": "verify/accruals",
    "drains, views, accruals and epochs agree": "verify/drains",
    "reserved is what is under way": "verify/reservations",
    "each payout is the sum of its accruals": "verify/claims",
    "escrow is the sum of its investments": "verify/escrow",
    "batches, attempts and payouts agree": "verify/states",
    "every attempt is in the ledger as it ended": "verify/posted_attempts",
    "every deposit is in the ledger": "verify/posted_deposits",
    "the rent is that of the receipts that stand": "verify/rent",
    "every request has its answer, every paid upgrade its message": "verify/requests",
}

ROWS_PER_PAGE: Final = 2_000
_NOBODY: Final = UUID(int=0)


def offenders(db: Database, statement: str) -> list[Row]:
    """Run one of ``CHECKS`` and return what breaks it."""
    return db.execute(sql(statement)).fetchall()


def addresses(db: Database) -> Iterator[list[Row]]:
    """Yield pages of ``{account, address, lamports}``: everything we hold on chain."""
    return _pages(db, "verify/addresses", after="")


def of_accounts(db: Database, accounts: Sequence[str]) -> list[Row]:
    """Return ``{account, address, lamports}`` of these accounts as they are now."""
    return db.execute(sql("verify/of_accounts"), {"accounts": list(accounts)}).fetchall()


def receipts(db: Database) -> Iterator[list[Row]]:
    """Yield pages of ``{key, receipt_address, receipt_state, is_leaving}``, by batch."""
    return _pages(db, "verify/receipts", after=_NOBODY)


def attempts(db: Database, state: str) -> Iterator[list[Row]]:
    """Yield pages of attempts in a state, with their bytes; see the statement."""
    return _pages(db, "verify/attempts", after="", state=state)


def batches_of(db: Database, batch_ids: Sequence[UUID]) -> dict[UUID, tuple[Batch, str | None]]:
    """Return each batch with the address that its transfers leave."""
    found: dict[UUID, tuple[Batch, str | None]] = {}
    for row in db.execute(sql("verify/batches"), {"batch_ids": list(batch_ids)}):
        source = row.pop("source_address")
        found[row["id"]] = (Batch(**row), source)
    return found


def roots(db: Database) -> Iterator[list[Row]]:
    """Yield pages of payments with their root and everything that it is made of."""
    return _pages(db, "verify/roots", after=_NOBODY)


def audit_log(db: Database) -> Iterator[list[Row]]:
    """Yield pages of the audit log with the texts that were hashed, oldest first."""
    return _pages(db, "verify/audit_log", after=0)


def _pages(db: Database, statement: str, *, after: Any, **parameters: Any) -> Iterator[list[Row]]:
    while True:
        values = {**parameters, "after": after, "limit": ROWS_PER_PAGE}
        rows = db.execute(sql(statement), values).fetchall()
        if rows:
            yield rows
        if len(rows) < ROWS_PER_PAGE:
            return
        after = rows[-1]["key"]


def landed(db: Database) -> list[Row]:
    """Return every payment that landed, with its batch's destinations and amounts in order."""
    return db.execute(sql("verify/landed")).fetchall()


def live_attempts(db: Database) -> list[str]:
    """Return the signatures that may have landed without the ledger knowing."""
    return [row["signature"] for row in db.execute(sql("verify/live_attempts"))]


def dumps(db: Database) -> Iterator[tuple[str, bytes]]:
    """Yield each table with all of its rows, as COPY writes them: bytes are hexadecimal there."""
    for table in db.execute(sql("verify/dumps")).fetchall():
        with db.cursor().copy(table["statement"].encode()) as rows:
            yield table["name"], b"".join(map(bytes, rows))
