"""Goal: an event that was taken is counted or put aside, whatever reader dies.

Method: a real Valkey; readers that never acknowledge stand for those that died.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from pixr.adapters.redis import (
    DEAD_STREAM,
    DELIVERIES_MAX,
    STREAM,
    BadEntry,
    StreamUnreachable,
    ViewStream,
)
from pixr.domain.views import ViewEvent


def event(number: int) -> ViewEvent:
    return ViewEvent(
        event_id=f"e{number}",
        content_id="clip",
        viewer_id="zoë \x7f",
        watched_ms=30_000 + number,
        occurred_at=datetime(2030, 1, 1, 12, 0, 0, number, tzinfo=UTC),
    )


@pytest.fixture
def stream(redis_url: str) -> Iterator[ViewStream]:
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


def test_what_is_appended_is_read_in_order_and_once(patient: ViewStream) -> None:
    patient.append([event(1), event(2), event(3)])
    first, second = patient.read(2, "a"), patient.read(10, "b")
    assert [item for _, item in first + second] == [event(1), event(2), event(3)]
    assert patient.read(10, "a") == []
    assert patient.depth() == 3
    patient.ack([entry_id for entry_id, _ in first + second])
    assert patient.depth() == 0


def test_a_reader_that_waits_for_nothing_comes_back_empty(patient: ViewStream) -> None:
    assert patient.read(10, "a", block_ms=1) == []
    assert patient.read(10, "a") == []


def test_what_a_dead_reader_left_comes_before_new_events(stream: ViewStream) -> None:
    stream.append([event(1)])
    (left,) = stream.read(10, "dead")
    stream.append([event(2)])
    taken = stream.read(10, "alive")
    assert taken[0] == left
    assert [item for _, item in taken] == [event(1), event(2)]


def test_an_entry_that_nobody_finishes_is_put_aside(stream: ViewStream) -> None:
    stream.append([event(1)])
    for _ in range(DELIVERIES_MAX):
        assert [item for _, item in stream.read(10, "clumsy")] == [event(1)]
    stream.append([event(2)])
    assert [item for _, item in stream.read(10, "clumsy")] == [event(2)]
    assert (stream.depth(), stream.dead_depth()) == (1, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "1"},
        {"e": "not json"},
        {"e": "[1,2]"},
        {"e": '["e","c","v","1",1]'},
        {"e": '["e","c","v",1,true]'},
        {"e": '["e","c","v",1,99999999999999999999999]'},
        {"e": b"\xff"},
    ],
)
def test_what_is_not_an_event_is_told_and_can_be_put_aside(
    patient: ViewStream, raw: redis.Redis, fields: dict[Any, Any]
) -> None:
    raw.xadd(STREAM, {**fields})
    ((entry_id, entry),) = patient.read(10, "a")
    assert isinstance(entry, BadEntry)
    patient.dead_letter({entry_id: entry})
    assert (patient.depth(), patient.dead_depth()) == (0, 1)
    letters: Any = raw.xrange(DEAD_STREAM)
    ((_, letter),) = letters
    assert letter[b"reason"] == b"not a view event"
    assert letter[b"entry"].decode() == entry_id


def test_a_redis_that_lost_everything_is_used_again(patient: ViewStream, raw: redis.Redis) -> None:
    patient.append([event(1)])
    patient.read(10, "a")
    raw.flushall()
    assert patient.read(10, "a") == []
    patient.append([event(2)])
    assert [item for _, item in patient.read(10, "a")] == [event(2)]


def test_too_few_replicas_are_an_outage(redis_url: str) -> None:
    stream = ViewStream(redis_url, replicas_min=1, timeout_s=1.0)
    with pytest.raises(StreamUnreachable, match="0 of 1 replicas"):
        stream.append([event(1)])
    stream.close()


def test_a_full_redis_takes_nothing_at_all(patient: ViewStream, raw: redis.Redis) -> None:
    raw.config_set("maxmemory", "1")
    try:
        with pytest.raises(StreamUnreachable):
            patient.append([event(1), event(2)])
    finally:
        raw.config_set("maxmemory", "0")
    assert patient.depth() == 0


def test_an_absent_redis_is_an_outage_that_names_no_address() -> None:
    stream = ViewStream("redis://:secret@127.0.0.1:1/0", timeout_s=0.2)
    for ask in (stream.ping, stream.depth, stream.dead_depth, lambda: stream.read(1, "a")):
        with pytest.raises(StreamUnreachable) as caught:
            ask()
        assert "secret" not in str(caught.value)
    stream.close()


def test_nothing_is_nothing(patient: ViewStream) -> None:
    patient.append([])
    patient.ack([])
    patient.dead_letter({})
    patient.ping()
    assert (patient.depth(), patient.dead_depth()) == (0, 0)
