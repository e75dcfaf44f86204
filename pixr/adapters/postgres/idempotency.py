"""A request that moves money happens once, however often it is sent.

    claim the key ─▶ do the work ─▶ keep the answer        one database transaction

So there is no state in between: a crash leaves no key behind, and a key that is there has its
answer. A refusal rolls everything back; nothing happened, and the key is free again.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.errors import LockNotAvailable

from pixr.adapters.postgres import Database, sql
from pixr.domain.errors import KeyReused, StillRunning

KEPT: Final = timedelta(days=30)
"""How long a key is known: longer than any client tries again."""

PRUNED_TOGETHER: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who asks for what under which key."""

    user_id: str
    key: str
    route: str
    body_sha256: bytes


def find(db: Database, claim: Claim) -> dict[str, Any] | None:
    """Return the first answer to this request, or None when it was never done.

    Raises:
        KeyReused: The key was used for another route or body.
        StillRunning: The key is taken and has no answer.
    """
    row = db.execute(
        sql("idempotency/get"), {"user_id": claim.user_id, "key": claim.key}
    ).fetchone()
    if row is None:
        return None
    if (row["route"], bytes(row["body_sha256"])) != (claim.route, claim.body_sha256):
        raise KeyReused(claim.key)
    if row["response"] is None:
        raise StillRunning(claim.key)
    answer: dict[str, Any] = row["response"]
    return answer


def take(db: Database, claim: Claim, *, now: datetime) -> dict[str, Any] | None:
    """Claim the key as the first statement of the transaction that does the work.

    Returns:
        None when the work is ours to do; otherwise the first answer.

    Raises:
        KeyReused: The key was used for another route or body.
        StillRunning: Somebody is at work under this key and did not end in time.
    """
    assert db.info.transaction_status.name == "INTRANS"
    try:
        fresh = db.execute(
            sql("idempotency/claim"),
            {
                "user_id": claim.user_id,
                "key": claim.key,
                "route": claim.route,
                "body_sha256": claim.body_sha256,
                "now": now,
            },
        ).fetchone()
    except LockNotAvailable:
        raise StillRunning(claim.key) from None
    return None if fresh is not None else find(db, claim)


def keep(db: Database, claim: Claim, *, status: int, answer: Mapping[str, Any]) -> None:
    """Keep the answer, in the same transaction."""
    db.execute(
        sql("idempotency/answer"),
        {
            "user_id": claim.user_id,
            "key": claim.key,
            "status": status,
            "response": json.dumps(answer),
        },
    )


def prune(db: Database, *, now: datetime) -> int:
    """Forget ``PRUNED_TOGETHER`` keys older than ``KEPT`` at most, and say how many."""
    parameters = {"now": now, "kept": KEPT, "limit": PRUNED_TOGETHER}
    return db.execute(sql("idempotency/prune"), parameters).rowcount
