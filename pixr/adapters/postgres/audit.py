"""The audit log: who did what to what. Append-only, and each row hashes the row before."""

import json
from collections.abc import Mapping
from datetime import datetime

from pixr.adapters.postgres import Database, Row, sql


def append(
    db: Database,
    *,
    at: datetime,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, object],
) -> None:
    """Write one line in the transaction that it speaks of, as its last statement.

    Args:
        db: Inside a transaction.
        at: When it happened.
        actor: User id, or the name of a program.
        action: ``noun.past-tense``, such as ``withdrawal.requested``.
        subject: Id of what was acted on.
        detail: Plain values; lamports as text. No key, code or token.
    """
    db.execute(
        sql("audit_log/append"),
        {
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": json.dumps(detail, sort_keys=True),
        },
    )


def head(db: Database) -> str | None:
    """Return the newest line as ``number:hash``, to be noted elsewhere; None: there is none."""
    row = db.execute(sql("audit_log/head")).fetchone()
    return None if row is None else f"{row['seq']}:{row['hash']}"


def newest(db: Database, *, about: str | None, limit: int) -> list[Row]:
    """Return the newest lines, of one actor or subject when one is named."""
    return db.execute(sql("audit_log/list"), {"about": about, "limit": limit}).fetchall()
