"""What waits for a person, everything that is known of it, and the edges that only a person takes.

Of the ways out of HOLD, "dissolve" is ``batch_edges.dissolve`` and "adopt" is
``adoption.adopt``; the two that nobody else needs are here.
"""

from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql
from pixr.adapters.postgres.batches import Batch


def list_batches(db: Database, *, limit: int) -> list[Row]:
    """Return held batches, those that wait longest first; see the statement."""
    return db.execute(sql("holds/list_batches"), {"limit": limit}).fetchall()


def list_quarantined(db: Database, *, limit: int) -> list[Row]:
    """Return payouts that were put aside and are still owed, oldest first."""
    return db.execute(sql("holds/list_quarantined"), {"limit": limit}).fetchall()


def batch(db: Database, batch_id: UUID) -> Row | None:
    """Return a batch's whole row; None when there is none such."""
    return db.execute(sql("holds/batch"), {"batch_id": batch_id}).fetchone()


def payout(db: Database, payout_id: UUID) -> Row | None:
    """Return a payout's row; None when there is none such."""
    return db.execute(sql("holds/payout"), {"payout_id": payout_id}).fetchone()


def batches_of(db: Database, payout_id: UUID) -> list[Row]:
    """Return every batch that has carried a payout, first to last."""
    return db.execute(sql("holds/batches_of_payout"), {"payout_id": payout_id}).fetchall()


def attempts(db: Database, batch_id: UUID) -> list[Row]:
    """Return every attempt at a batch, first to last, without its bytes."""
    return db.execute(sql("holds/attempts"), {"batch_id": batch_id}).fetchall()


def evidence(db: Database, batch_id: UUID) -> list[Row]:
    """Return ``{node, evidence, observed_at}`` of every judgement, first to last."""
    return db.execute(sql("holds/evidence"), {"batch_id": batch_id}).fetchall()


def look_again(db: Database, held: Batch, *, now: datetime) -> bool:
    """HOLD → INFLIGHT, so that the settler judges it once more.

    Returns:
        False when somebody moved it, or none of its attempts may still land.
    """
    parameters = {"batch_id": held.id, "version": held.version, "now": now}
    return db.execute(sql("holds/look_again"), parameters).fetchone() is not None


def retry(db: Database, payout_id: UUID) -> bool:
    """QUARANTINED → PENDING, to be paid alone.

    Returns:
        False when it is not in quarantine, or went back to its owner.
    """
    return db.execute(sql("holds/retry"), {"payout_id": payout_id}).fetchone() is not None
