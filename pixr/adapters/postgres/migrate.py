"""Bring a database to the newest schema, once, whoever else tries at the same time.

Plain numbered SQL files, append-only: a file that was applied may not change, and its
SHA-256 proves it. Each runs in a transaction of its own with the row that records it.
The lock is polled, never waited on: a blocked ``pg_advisory_lock`` in one session and
``CREATE INDEX CONCURRENTLY`` in another are a deadlock (measured; ADR-0004).
"""

import hashlib
import time
from functools import cache
from importlib.resources import files
from typing import Final

import psycopg

from pixr.adapters.postgres import Database, sql

LOCK_KEY: Final = 0x50495852  # "PIXR"
LOCK_POLLS_MAX: Final = 600
LOCK_POLL_S: Final = 0.1


class MigrationRefused(Exception):
    """The database holds a schema that this code did not make."""


class SchemaAhead(Exception):
    """The database is newer than this code, which must not touch what it does not know."""


def refuse_newer(db: Database) -> None:
    """Stop code that is older than the database's schema.

    Raises:
        SchemaAhead: A migration was applied that this code does not have.
    """
    applied = {row["name"] for row in db.execute(sql("migrations/list"))}
    if unknown := sorted(applied - {name for name, _ in migrations()}):
        raise SchemaAhead(
            f"the database has {unknown[0]}, which this code does not know: deploy newer code"
        )


@cache
def migrations() -> list[tuple[str, str]]:
    """Return (file name, text) of every migration, in order."""
    folder = files("pixr.adapters.postgres").joinpath("migrations")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(name, folder.joinpath(name).read_text(encoding="utf-8")) for name in names]


def migrate(database_url: str) -> list[str]:
    """Apply what is missing and return the names that were applied now.

    Raises:
        MigrationRefused: An applied file has changed, or the database knows a file that
            this code does not (older code must not touch a newer schema).
        TimeoutError: Another migration held the lock for a minute.
    """
    with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as db:
        _take_lock(db)
        try:
            db.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations ("
                " name text PRIMARY KEY, sha256 text NOT NULL,"
                " applied_at timestamptz NOT NULL DEFAULT now())"
            )
            return _apply(db)
        finally:
            db.execute("SELECT pg_advisory_unlock(%s)", (LOCK_KEY,))


def _apply(db: psycopg.Connection) -> list[str]:
    rows = db.execute("SELECT name, sha256 FROM schema_migrations").fetchall()
    applied: dict[str, str] = dict(rows)
    known = migrations()
    if unknown := sorted(set(applied) - {name for name, _ in known}):
        raise MigrationRefused(f"the database has {unknown[0]}, which this code does not know")
    fresh: list[str] = []
    for name, text in known:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if name in applied:
            if applied[name] != digest:
                raise MigrationRefused(f"{name} was changed after it was applied")
            continue
        with db.transaction():
            db.execute(text.encode())
            db.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES (%s, %s)", (name, digest)
            )
        fresh.append(name)
    return fresh


def _take_lock(db: psycopg.Connection) -> None:
    for _ in range(LOCK_POLLS_MAX):
        row = db.execute("SELECT pg_try_advisory_lock(%s)", (LOCK_KEY,)).fetchone()
        if row is not None and row[0]:
            return
        time.sleep(LOCK_POLL_S)
    raise TimeoutError("another migration holds the lock")
