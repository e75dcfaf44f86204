"""A drain in a test's hands: real Valkey, real PostgreSQL, and contents to watch."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis

from functions.batch.drain import Drained, drain_once
from pixr.adapters.postgres import Database, ledger
from pixr.adapters.postgres.verification import CHECKS, offenders
from pixr.adapters.redis import DeadLetters, ViewStream
from pixr.domain.earnings import Rules
from pixr.domain.views import ViewEvent

RULES = Rules(
    view_rate_lamports=20_001,
    platform_fee_bps=333,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)
PER_VIEW = 20_001
CREATOR_VIEW = 20_001 - 20_001 * 333 // 10_000


@dataclass(kw_only=True)
class Bench:
    """A drain in a test's hands."""

    db: Database
    stream: ViewStream
    raw: redis.Redis
    dead: DeadLetters
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(hour=12))
    """Not the edge of a day."""

    def drain(self) -> Drained:
        return drain_once(
            self.db, self.stream, rules=RULES, drain_id=uuid4(), consumer="test", now=self.now
        )

    def content(
        self, content_id: str, creator_id: str, *, rung: int = 480, duration_ms: int = 600_000
    ) -> None:
        self.db.execute(
            "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms,"
            " best_rung, manifest_key, created_at)"
            " VALUES (%s, %s, 'live', 'originals/x', %s, %s, 'media/x', now())",
            (content_id, creator_id, duration_ms, rung),
        )

    def invest(self, content_id: str, user_id: str, lamports: int, cap: int | None) -> UUID:
        investment_id = uuid4()
        self.db.execute(
            "INSERT INTO user_wallets VALUES (%s, %s, 1, now()) ON CONFLICT DO NOTHING",
            (user_id, f"{user_id:x<40}"),
        )
        self.db.execute(
            "INSERT INTO fundings (content_id, rung, price_lamports, quote, opened_at)"
            " VALUES (%s, 1080, 1000000, '{}', now()) ON CONFLICT DO NOTHING",
            (content_id,),
        )
        self.db.execute(
            "INSERT INTO content_investments (id, content_id, rung, user_id, lamports, state,"
            " return_cap_lamports, created_at, live_at)"
            " VALUES (%s, %s, 1080, %s, %s, 'LIVE', %s, now(), now())",
            (investment_id, content_id, user_id, lamports, cap),
        )
        return investment_id

    def view(self, number: int, content_id: str = "film", **changed: Any) -> ViewEvent:
        event = ViewEvent(
            event_id=f"e{number}",
            content_id=content_id,
            viewer_id=f"viewer-{number}",
            watched_ms=40_000,
            occurred_at=self.now - timedelta(seconds=number),
        )
        return replace(event, **changed)

    def outcomes(self) -> dict[str, str]:
        rows = self.db.execute("SELECT event_id, outcome FROM view_events")
        return {row["event_id"]: row["outcome"] for row in rows}

    def differences(self) -> list[Any]:
        """What `pixr verify` would say; these investments were never in escrow."""
        statements = set(CHECKS.values()) - {"verify/escrow"}
        return [row for statement in statements for row in offenders(self.db, statement)]

    def owed(self, user_id: str) -> int:
        return ledger.read(self.db, f"owed:{user_id}").posted_lamports


@pytest.fixture
def bench(db: Database, redis_url: str) -> Iterator[Bench]:
    stream, dead = ViewStream(redis_url, idle_ms=0), DeadLetters(redis_url)
    with redis.Redis.from_url(redis_url) as raw:
        yield Bench(db=db, stream=stream, raw=raw, dead=dead)
    stream.close()
    dead.close()
