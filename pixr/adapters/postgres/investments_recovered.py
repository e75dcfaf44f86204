"""Investments whose intent or decision was lost: what escrow's movements on chain still tell.

What came into escrow paid for something; what left it was a decision. Where one upgrade alone
explains a movement it is taken for that; where none does, the money becomes a claim of the
investor that waits for a person. It is never silently kept.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, investments_settled, ledger, recovery, sql


def only_completable(db: Database, lamports: int) -> tuple[str, int] | None:
    """Lock and return (content, rung) of the one upgrade that ``lamports`` would complete."""
    rows = db.execute(sql("recovery/completable"), {"lamports": lamports}).fetchall()
    if len(rows) != 1:
        return None
    return str(rows[0]["content_id"]), int(rows[0]["rung"])


def decide(
    db: Database, amounts: Sequence[int], *, user_id: str | None, now: datetime
) -> list[Row] | None:
    """Decide the funding that explains money leaving escrow. Inside a transaction.

    Args:
        db: The database.
        amounts: What left escrow and no payout explains, in lamports.
        user_id: To whom it went: a refund, so the upgrade failed or was not paid for in time;
            None: to the treasury, so it is live.
        now: The time.

    Returns:
        ``{id, user_id, lamports, address}`` of each investment, now LIVE or REFUNDING; None
        when no funding explains it.
    """
    parameters = {"lamports": list(amounts), "user_id": user_id}
    row = db.execute(sql("recovery/decidable"), parameters).fetchone()
    if row is None:
        return None
    state = "LIVE" if user_id is None else "FAILED"
    if row["state"] == "OPEN":
        return investments_settled.close_open(db, row["content_id"], row["rung"], now=now)
    moved = investments_settled.close_funding(
        db, row["content_id"], row["rung"], state=state, now=now
    )
    if moved is not None and state == "LIVE":
        # The next drain opens an epoch that they share in.
        db.execute(sql("earnings/close_epoch"), {"content_id": row["content_id"]})
    return moved


def turn_into_debt(
    db: Database, lamports: int, *, reason: str, now: datetime
) -> tuple[UUID, str] | None:
    """A claim on escrow whose money went to the treasury is owed by the treasury from now on.

    Returns:
        The claim's payout and its user; None when no claim is of exactly this sum.
    """
    found = db.execute(sql("recovery/claim_in_escrow"), {"lamports": lamports}).fetchone()
    if found is None:
        return None
    payout_id, user_id = found["id"], str(found["user_id"])
    debt = f"return:{user_id}"
    ledger.release(db, {"escrow": lamports})
    recovery.owe(db, payout_id, user_id=user_id, kind="return", lamports=lamports, now=now)
    recovery.record_accrual(
        db, payout_id, user_id=user_id, kind="return", lamports=lamports, now=now
    )
    is_reserved = ledger.reserve(db, debt, lamports)
    assert is_reserved, "it was posted in this transaction"
    db.execute(sql("recovery/move_claim"), {"payout_id": payout_id, "reason": reason})
    return payout_id, user_id


def give_up(db: Database, lamports: int) -> Row | None:
    """Cancel an investment in an open upgrade whose money has left escrow.

    Returns:
        ``{user_id, address}`` of the investor; None when there is no such investment.
    """
    return db.execute(sql("recovery/give_up_investment"), {"lamports": lamports}).fetchone()
