"""What settlement does to investments: escrowed, funded, live, refunded."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql

DECIDED_MAX: Final = 100


def after_payment(db: Database, batch_id: UUID, *, job_id: UUID, now: datetime) -> None:
    """Move on the investments that a finalized batch carried. Inside its transaction.

    When one completes a funding, the upgrade job and its message are written as well.
    """
    for row in db.execute(sql("investments/escrowed"), {"batch_id": batch_id}).fetchall():
        funding: dict[str, Any] = {**row, "job_id": job_id, "now": now}
        full = db.execute(sql("investments/add_escrow"), funding).fetchone()
        if full is not None and full["is_full"]:
            db.execute(sql("investments/start_job"), funding)
    db.execute(sql("investments/refunded"), {"batch_id": batch_id})


def list_decided(db: Database) -> list[Row]:
    """Return ``{content_id, rung, is_published}`` of paid-for upgrades whose job has ended."""
    return db.execute(sql("investments/list_decided"), {"limit": DECIDED_MAX}).fetchall()


def list_overdue(db: Database, *, before: datetime) -> list[Row]:
    """Return ``{content_id, rung}`` of upgrades opened ``before`` that are not fully funded.

    One with a part still on its way to escrow is left out until that is settled.
    """
    parameters = {"before": before, "limit": DECIDED_MAX}
    return db.execute(sql("investments/list_overdue"), parameters).fetchall()


def close_overdue(db: Database, content_id: str, rung: int, *, now: datetime) -> list[Row] | None:
    """Give up a funding; as ``close_funding`` with 'FAILED'. Call it inside a transaction."""
    parameters: dict[str, Any] = {"content_id": content_id, "rung": rung, "now": now}
    if db.execute(sql("investments/close_overdue"), parameters).fetchone() is None:
        return None
    return _move_escrowed(db, parameters, "REFUNDING")


def close_funding(
    db: Database, content_id: str, rung: int, *, state: str, now: datetime
) -> list[Row] | None:
    """Decide a funding: 'LIVE' or 'FAILED'. Call it inside a transaction.

    Returns:
        ``{id, user_id, lamports, address}`` of each investment, now LIVE or REFUNDING; None
        when somebody decided it before.
    """
    parameters: dict[str, Any] = {"content_id": content_id, "rung": rung, "now": now}
    decided = db.execute(sql("investments/close_funding"), {**parameters, "state": state})
    if decided.fetchone() is None:
        return None
    return _move_escrowed(db, parameters, "LIVE" if state == "LIVE" else "REFUNDING")


def _move_escrowed(db: Database, parameters: dict[str, Any], state: str) -> list[Row]:
    moved = db.execute(sql("investments/move_escrowed"), {**parameters, "state": state})
    return moved.fetchall()
