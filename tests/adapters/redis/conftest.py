"""A real Valkey, and events to put on it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis

from pixr.adapters.redis import ViewStream
from pixr.domain.view_lines import write_lines
from pixr.domain.views import ViewEvent


def event(number: int) -> ViewEvent:
    return ViewEvent(
        event_id=f"e{number}",
        content_id="clip",
        viewer_id='zoë \x7f \\ "',
        watched_ms=30_000 + number,
        occurred_at=datetime(2030, 1, 1, 12, 0, 0, number, tzinfo=UTC),
    )


def line(number: int) -> bytes:
    """The same event as it lies in a pack, without its line feed."""
    return write_lines([event(number)]).each()[0]


def in_json(number: int) -> str:
    """The same event as it was written before packs."""
    us = (event(number).occurred_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    return json.dumps([f"e{number}", "clip", event(number).viewer_id, 30_000 + number, us])


@pytest.fixture
def stream(redis_url: str) -> Iterator[ViewStream]:
    """Of readers that are taken for dead as soon as they are silent."""
    opened = ViewStream(redis_url, idle_ms=0)
    yield opened
    opened.close()


@pytest.fixture
def patient(redis_url: str) -> Iterator[ViewStream]:
    """A stream whose unfinished entries are left alone for a minute."""
    opened = ViewStream(redis_url)
    yield opened
    opened.close()


@pytest.fixture
def raw(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client
