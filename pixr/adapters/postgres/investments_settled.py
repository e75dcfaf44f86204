"""What settlement does to investments: escrowed, funded, live, refunded."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg import Rollback

from pixr.adapters.postgres import Database, Row, contents, sql

DECIDED_MAX: Final = 100


def after_payment(db: Database, batch_id: UUID, *, job_id: UUID, now: datetime) -> None:
    """Move on the investments that a finalized batch carried. Inside its transaction.

    When one completes a funding, the upgrade job and its message are written as well, unless
    the upgrade cannot begin now: then it waits, paid for, among ``list_startable``.
    """
    for row in db.execute(sql("investments/escrowed"), {"batch_id": batch_id}).fetchall():
        funding: dict[str, Any] = {**row, "job_id": job_id, "now": now}
        full = db.execute(sql("investments/add_escrow"), funding).fetchone()
        if full is not None and full["is_full"]:
            start(db, row["content_id"], row["rung"], job_id=job_id, now=now)
    db.execute(sql("investments/refunded"), {"batch_id": batch_id})


def start(db: Database, content_id: str, rung: int, *, job_id: UUID, now: datetime) -> bool:
    """Begin an upgrade that is paid for in full: FUNDED, with its job and its message.

    Returns:
        False when it cannot begin: a job makes that rung, or it has been published. Nothing
        is written then, and nothing raised: many payments share the transaction.
    """
    is_begun = False
    with db.transaction() as attempt:
        parameters: dict[str, Any] = {"content_id": content_id, "rung": rung}
        begun = db.execute(
            sql("investments/start_job"), {**parameters, "job_id": job_id, "now": now}
        )
        is_begun = begun.fetchone() is not None
        # Asked afterwards: the insertion has waited for a job that was just being published.
        if is_begun and rung in {row["rung"] for row in contents.list_renditions(db, content_id)}:
            is_begun = False
            raise Rollback(attempt)
    return is_begun


def leaving_escrow(db: Database) -> Row:
    """Return ``{leaving_lamports, is_waiting, is_sweeping, undecided_lamports}``; see there."""
    row = db.execute(sql("investments/leaving_escrow")).fetchone()
    assert row is not None
    return row


def list_startable(db: Database) -> list[Row]:
    """Return ``{content_id, rung}`` of upgrades that are paid for, did not begin, and now can."""
    return db.execute(sql("investments/list_startable"), {"limit": DECIDED_MAX}).fetchall()


def list_made(db: Database) -> list[Row]:
    """Return ``{content_id, rung}`` of upgrades that did not begin and that nobody needs now."""
    return db.execute(sql("investments/list_made"), {"limit": DECIDED_MAX}).fetchall()


def list_decided(db: Database) -> list[Row]:
    """Return paid-for upgrades whose job has ended.

    ``{content_id, rung, is_published, estimate, actual}`` of each; see ``pixr.domain.costs``.
    """
    return db.execute(sql("investments/list_decided"), {"limit": DECIDED_MAX}).fetchall()


def list_overdue(db: Database, *, before: datetime) -> list[Row]:
    """Return ``{content_id, rung}`` of upgrades opened ``before`` that have not begun.

    One with a part still on its way to escrow is left out until that is settled.
    """
    parameters = {"before": before, "limit": DECIDED_MAX}
    return db.execute(sql("investments/list_overdue"), parameters).fetchall()


def close_open(db: Database, content_id: str, rung: int, *, now: datetime) -> list[Row] | None:
    """Give up one that has not begun; as ``close_funding`` with 'FAILED'. Inside a transaction."""
    parameters: dict[str, Any] = {"content_id": content_id, "rung": rung, "now": now}
    if db.execute(sql("investments/close_open"), parameters).fetchone() is None:
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
