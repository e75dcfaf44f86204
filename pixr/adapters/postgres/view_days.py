"""Days of views: made before they begin, dropped when nobody may send a view of them any more.

Dropping a partition takes no time that depends on its size, which deleting its rows would. What a
day came to stays in ``view_days``, kept there by the drains, so nothing is counted either.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import psycopg

from pixr.adapters.postgres import Database, sql
from pixr.domain.views import VIEW_RETENTION_DAYS, kept_days

DROPS_MAX: Final = 3
"""In one call: a settler that was away for a month must not spend its minute here."""


def keep(db: Database, *, now: datetime) -> int:
    """Make today's and tomorrow's partition, drop those that are too old; return how many.

    To be called once a tick. What somebody stands in the way of stays for the next time: a drop
    takes a lock on all of ``view_events``, and waits a second for it. (DETACH CONCURRENTLY would
    need no such lock, but cannot be part of the transaction that keeps the day's totals.)

    A day goes only when the database's own clock agrees: a clock that is a month ahead must not
    cost a month of views.
    """
    oldest, newest = kept_days(now)
    found = db.execute(sql("view_days/list_kept")).fetchall()
    kept = {row["day"] for row in found}
    spent = [
        row["day"]
        for row in found
        if row["day"] < min(oldest, row["today"] - timedelta(days=VIEW_RETENTION_DAYS))
    ]
    dropped = 0
    # A lock that is not had in time.
    with suppress(psycopg.errors.LockNotAvailable):
        for day in (newest - timedelta(days=1), newest):
            if day not in kept:
                db.execute(sql("earnings/ensure_day"), {"day": day})
        for day in spent[:DROPS_MAX]:
            with db.transaction():
                db.execute(sql("earnings/begin_drain"))
                db.execute(sql("view_days/drop"), {"day": day, "now": now})
            dropped += 1
    return dropped
