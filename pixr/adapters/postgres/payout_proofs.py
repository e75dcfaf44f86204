"""What a proof of payout is made of: the batch that paid it, leaf by leaf."""

from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql


def batch_of(db: Database, payout_id: UUID) -> list[Row]:
    """Return the batch's items in order, each with root, signature and slot; empty: not paid."""
    return db.execute(sql("proofs/batch_of_payout"), {"payout_id": payout_id}).fetchall()
