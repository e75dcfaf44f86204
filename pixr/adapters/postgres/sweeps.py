"""Upgrade jobs that stand still: pushed again, and given up when that does not help.

    open, not moved for too long ─▶ pushed ⟲ ─▶ moved: the count begins anew
                                      └─ as often as one may be ─▶ FAILED

Whatever a worker moves or closes meanwhile is left alone.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql, upgrades


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a job may stand still, and how often it is pushed."""

    still: timedelta
    """In every state but one, before the first push; twice as long before each further one."""
    converting: timedelta
    """While MediaConvert makes it, which has a queue of its own."""
    restarts_max: int
    jobs_max: int
    """In one pass."""


def push(db: Database, patience: Patience, *, now: datetime) -> list[UUID]:
    """Promise a message for each job that stands still; return their ids, longest first."""
    rows = db.execute(sql("sweeps/push"), _parameters(patience, now)).fetchall()
    return [row["job_id"] for row in rows]


def give_up(db: Database, patience: Patience, *, now: datetime) -> dict[UUID, str]:
    """Close what was pushed in vain, as any job that failed; return why, by the job's id."""
    given_up: dict[UUID, str] = {}
    with db.transaction():
        rows = db.execute(sql("sweeps/take_stalled"), _parameters(patience, now)).fetchall()
        for row in rows:
            reason = (
                f"it stalled in {row['state']}, and to push it {row['restarts']} times did not help"
            )
            if upgrades.close(db, row["id"], "FAILED", reason, now=now):
                given_up[row["id"]] = reason
    return given_up


def retry(db: Database, job_id: UUID, *, now: datetime) -> bool:
    """Promise an open job's message because a person asks for it.

    Returns:
        False when there is no such job, or it is closed.
    """
    return db.execute(sql("sweeps/retry"), {"job_id": job_id, "now": now}).rowcount == 1


def list_jobs(db: Database, *, is_all: bool, limit: int) -> list[Row]:
    """Return open jobs, those that stand still longest first, or all; see the statement."""
    return db.execute(sql("sweeps/list"), {"is_all": is_all, "limit": limit}).fetchall()


def _parameters(patience: Patience, now: datetime) -> dict[str, object]:
    return {
        "restarts_max": patience.restarts_max,
        "still": patience.still,
        "converting": patience.converting,
        "limit": patience.jobs_max,
        "now": now,
    }
