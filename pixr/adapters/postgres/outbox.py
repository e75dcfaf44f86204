"""Messages that a committed transaction promised, sent at least once, oldest first."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from pixr.adapters.postgres import Database, sql

MESSAGES_PER_ROUND: Final = 100


def flush(db: Database, send: Callable[[str, dict[str, Any]], None], *, now: datetime) -> int:
    """Send what is unsent through ``send(topic, payload)`` and return how many left.

    No transaction is open while sending. What fails stays, and so does all behind it.
    """
    rows = db.execute(sql("outbox/list_unsent"), {"limit": MESSAGES_PER_ROUND}).fetchall()
    for row in rows:
        send(row["topic"], row["payload"])
        db.execute(sql("outbox/mark_sent"), {"id": row["id"], "now": now})
    return len(rows)
