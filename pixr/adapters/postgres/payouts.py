"""Payouts: one user, one amount, one destination, paid at most once.

A payout is born with its amount reserved in the account it debits. Nothing but the
settler (``functions/batch``) takes it any further.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pixr.adapters.postgres import Database, Row, ledger, sql
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout
from pixr.domain.withdrawals import DAY, Asked


def request(
    db: Database,
    *,
    payout_id: UUID,
    kind: str,
    user_id: str | None,
    debit_account: str,
    credit_account: str,
    destination: str,
    lamports: int,
    investment_id: UUID | None = None,
    now: datetime,
) -> bool:
    """Reserve ``lamports`` and write down who is to get them. Call it inside a transaction.

    Returns:
        False when ``debit_account`` has less available; nothing is written then.
    """
    if not ledger.reserve(db, debit_account, lamports):
        return False
    ledger.open_account(db, credit_account)
    db.execute(
        sql("payouts/insert"),
        {
            "payout_id": payout_id,
            "kind": kind,
            "user_id": user_id,
            "debit_account": debit_account,
            "credit_account": credit_account,
            "destination": destination,
            "lamports": lamports,
            "investment_id": investment_id,
            "now": now,
        },
    )
    return True


def claim_due(db: Database, seed: UUID, *, limit: int, minimum_lamports: int, now: datetime) -> int:
    """Make a payout for each user who is owed the minimum, ``limit`` at most.

    A return that will not grow any more is paid from the rent-exempt minimum on. The ids follow
    from ``seed``, which nobody may use twice.

    Returns:
        How many were made.
    """
    parameters: dict[str, Any] = {
        "seed": seed,
        "limit": limit,
        "minimum_lamports": minimum_lamports,
        "final_minimum_lamports": min(RENT_EXEMPT_LAMPORTS, minimum_lamports),
        "now": now,
    }
    row = db.execute(sql("payouts/claim_due"), parameters).fetchone()
    assert row is not None
    return int(row["payouts"])


def patient(db: Database) -> Row:
    """Return ``{payouts, oldest_at}`` of what may wait for a quiet minute."""
    row = db.execute(sql("payouts/patient")).fetchone()
    assert row is not None
    return row


def list_pending(db: Database, *, limit: int, patient_max: int) -> list[Payout]:
    """Lock and return up to ``limit`` payouts that wait for a batch, oldest first.

    Of those that may wait for a quiet minute (earnings, returns) the ``patient_max`` oldest.
    """
    parameters = {"limit": limit, "patient_max": min(patient_max, limit)}
    rows = db.execute(sql("payouts/list_pending"), parameters).fetchall()
    return [Payout(**row) for row in rows]


def get(db: Database, payout_id: UUID) -> Row | None:
    """Return one payout with its carrying transaction, or None when there is none such."""
    return db.execute(sql("payouts/get"), {"payout_id": payout_id}).fetchone()


def list_of_user(
    db: Database,
    user_id: str,
    *,
    kinds: Sequence[str] = ("earnings", "return", "withdrawal", "investment", "refund"),
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Row]:
    """Return a user's payouts, newest first, strictly older than ``before`` when given."""
    before_at, before_id = before if before is not None else (None, None)
    return db.execute(
        sql("payouts/list_of_user"),
        {
            "user_id": user_id,
            "kinds": list(kinds),
            "limit": limit,
            "before_at": before_at,
            "before_id": before_id,
        },
    ).fetchall()


def withdrawn(db: Database, user_id: str, *, now: datetime) -> list[Asked]:
    """Return a user's withdrawals of the last day, and whether where they went was trusted."""
    rows = db.execute(sql("payouts/withdrawn"), {"user_id": user_id, "since": now - DAY})
    return [Asked(**row) for row in rows]
