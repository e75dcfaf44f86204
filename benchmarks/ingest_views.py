"""Views to measure the ingest with: as events for the stream, as rows for the baselines."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.domain.earnings import Rules
from pixr.domain.views import EVENTS_MAX, ViewEvent

RULES = Rules(
    view_rate_lamports=20_000,
    platform_fee_bps=500,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)
VIEWS_PER_VIEWER = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What kind of a crowd watches."""

    events: int
    creators: int
    """With one content each, watched equally often."""
    repeated: float
    """Share of the events that repeat an earlier one, any of them."""


def make_events(mix: Mix, *, seed: int) -> list[ViewEvent]:
    """Events of one day in a fixed disorder, with random UUIDs as ids: the worst for an index."""
    dice = random.Random(seed)
    # Not the edge of a day: all views belong to one partition.
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)
    viewers = max(1, mix.events // VIEWS_PER_VIEWER)
    events: list[ViewEvent] = []
    for number in range(mix.events):
        if events and dice.random() < mix.repeated:
            events.append(dice.choice(events))
            continue
        events.append(
            ViewEvent(
                event_id=str(UUID(int=dice.getrandbits(128), version=4)),
                content_id=f"content-{dice.randrange(mix.creators)}",
                viewer_id=f"viewer-{dice.randrange(viewers)}",
                watched_ms=dice.randrange(30_000, 600_000),
                occurred_at=noon + timedelta(milliseconds=number),
            )
        )
    return events


def publish(db: Database, creators: int) -> None:
    """A content for each creator, known to the planner as it would be in production."""
    db.execute(
        "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms, best_rung,"
        " manifest_key, created_at)"
        " SELECT 'content-' || n, 'creator-' || n, 'live', 'originals/x', 600000, 480, 'media/x',"
        " now() FROM generate_series(0, %s) AS n",
        (creators - 1,),
    )
    db.execute("ANALYZE contents")


def append(stream: ViewStream, events: Sequence[ViewEvent]) -> None:
    """Queue them as the API does, a full request at a time."""
    for start in range(0, len(events), EVENTS_MAX):
        stream.append(events[start : start + EVENTS_MAX])


def as_rows(views: Sequence[ViewEvent]) -> Iterator[tuple[object, ...]]:
    """What ``view_events`` would hold of them, as if all had earned."""
    drain_id = uuid4()
    for view in views:
        yield (
            view.event_id,
            view.occurred_at.date(),
            view.content_id,
            view.viewer_id,
            view.watched_ms,
            view.occurred_at,
            "earned",
            drain_id,
        )
