"""Figures of the whole system, straight from the record."""

from datetime import datetime, timedelta

from pixr.adapters.postgres import Database, Row, sql


def now(db: Database) -> Row:
    """Return the state of the whole, as of now."""
    row = db.execute(sql("stats/now")).fetchone()
    assert row is not None
    return row


def window(db: Database, *, since: datetime) -> Row:
    """Return what happened since a moment; averages are None where nothing did."""
    row = db.execute(sql("stats/window"), {"since": since}).fetchone()
    assert row is not None
    return row


def series(db: Database, *, since: datetime, until: datetime, step: timedelta) -> list[Row]:
    """Return equal steps from ``since`` up to ``until``, oldest first."""
    return db.execute(sql("stats/series"), {"since": since, "now": until, "step": step}).fetchall()


def batches_held(db: Database) -> int:
    """Return how many batches wait for a person: a sign of life with a meaning."""
    row = db.execute(sql("stats/ping")).fetchone()
    assert row is not None
    return int(row["batches_held"])
