"""Whether the settler may plan and sign, and if not, why."""

from datetime import datetime

from pixr.adapters.postgres import Database, Row, sql


def read(db: Database) -> Row | None:
    """Return ``{reason, paused_at}``, or None while settlement goes on."""
    return db.execute(sql("pauses/read")).fetchone()


def pause(db: Database, reason: str, *, now: datetime) -> bool:
    """Stop planning and signing until a person resumes; False when it was paused before."""
    found = db.execute(sql("pauses/pause"), {"reason": reason, "now": now})
    return found.fetchone() is not None


def resume(db: Database) -> Row | None:
    """Go on; returns ``{reason, paused_at}`` of the pause that ended, None when there was none."""
    return db.execute(sql("pauses/resume")).fetchone()
