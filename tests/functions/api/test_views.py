"""Goal: a producer's events are all on the stream, or it was told which one is wrong."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.values import rfc3339
from pixr.adapters.redis import ViewStream
from pixr.domain.view_lines import write_lines
from pixr.domain.views import ViewEvent
from tests.house import Answer, House, forget


@pytest.fixture
def stream(redis_url: str) -> Iterator[ViewStream]:
    opened = ViewStream(redis_url)
    yield opened
    opened.close()


def view(number: int = 1, **changed: Any) -> dict[str, Any]:
    good = {
        "event_id": f"e{number}",
        "content_id": "clip",
        "viewer_id": "zoë",
        "watched_seconds": 31.25,
        "occurred_at": rfc3339(datetime.now(UTC)),
    }
    return {name: value for name, value in (good | changed).items() if value is not ...}


def send(house: House, *events: Any) -> Answer:
    return house.post("/views", {"events": list(events)})


def test_events_are_on_the_stream_when_the_answer_comes(house: House, stream: ViewStream) -> None:
    answer = send(house, view(1), view(2, watched_seconds=0, occurred_at="2999-01-01T00:00:00Z"))
    assert answer.problem == (400, "malformed")
    sent = view(1, occurred_at=rfc3339(datetime.now(UTC)))
    answer = send(house, sent, view(2, watched_seconds=30))
    assert answer.status == 202
    assert answer.body == {"accepted": 2, "duplicates_possible": True}
    first, second = [line for entry in stream.read(10, "test") for line in entry.lines.each()]
    assert [first] == write_lines(
        [
            ViewEvent(
                event_id="e1",
                content_id="clip",
                viewer_id="zoë",
                watched_ms=31_250,
                occurred_at=datetime.fromisoformat(sent["occurred_at"]),
            )
        ]
    ).each()
    assert second.startswith("e2\tclip\tzoë\t30000\t".encode())


def test_a_thousand_events_are_taken_and_one_more_is_not(house: House, stream: ViewStream) -> None:
    events = [view(number, event_id="x" * 120 + str(number)) for number in range(1001)]
    assert send(house, *events).problem == (400, "malformed")
    assert stream.depth() == 0
    assert send(house, *events[:1000]).body["accepted"] == 1000
    assert stream.depth() == 1000


BAD_EVENTS: list[tuple[dict[str, Any], str]] = [
    ({"event_id": ...}, "event_id"),
    ({"event_id": ""}, "event_id"),
    ({"event_id": "x" * 129}, "event_id"),
    ({"event_id": "a\u0000"}, "event_id"),
    ({"event_id": 7}, "event_id"),
    ({"event_id": None}, "event_id"),
    ({"content_id": "../x"}, "content_id"),
    ({"content_id": "x" * 65}, "content_id"),
    ({"content_id": "clip\n"}, "content_id"),
    ({"viewer_id": ""}, "viewer_id"),
    ({"viewer_id": "x" * 129}, "viewer_id"),
    ({"watched_seconds": -1}, "watched_seconds"),
    ({"watched_seconds": -0.001}, "watched_seconds"),
    ({"watched_seconds": 86_401}, "watched_seconds"),
    ({"watched_seconds": 1e300}, "watched_seconds"),
    ({"watched_seconds": "31"}, "watched_seconds"),
    ({"watched_seconds": True}, "watched_seconds"),
    ({"watched_seconds": None}, "watched_seconds"),
    ({"watched_seconds": ...}, "watched_seconds"),
    ({"watched_ms": 5}, "watched_ms"),
    ({"occurred_at": "yesterday"}, "occurred_at"),
    ({"occurred_at": "2030-01-01"}, "occurred_at"),
    ({"occurred_at": "2030-01-01T00:00:00"}, "occurred_at"),
    ({"occurred_at": "2030-13-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": "٢٠٣٠-01-01T00:00:00Z"}, "occurred_at"),
    ({"occurred_at": 1_700_000_000}, "occurred_at"),
    ({"occurred_at": "1700000000"}, "occurred_at"),
    ({"surprise": 1}, "surprise"),
]


def test_one_bad_event_is_named_and_nothing_is_queued(house: House, stream: ViewStream) -> None:
    now = datetime.now(UTC)
    wrong = (now + timedelta(minutes=30), now - timedelta(days=8))
    times = [({"occurred_at": rfc3339(time)}, "occurred_at") for time in wrong]
    for changed, field in [*BAD_EVENTS, *times]:
        answer = send(house, view(0), view(1), view(2, **changed))
        assert answer.problem == (400, "malformed"), changed
        named = [error["field"] for error in answer.body["errors"]]
        assert named == [f"events.2.{field}"], changed
        assert answer.body["errors"][0]["rule"], changed
    assert stream.depth() == 0


def test_what_is_no_list_of_events_is_refused(house: House, stream: ViewStream) -> None:
    bodies: list[dict[str, Any]] = [
        {},
        {"events": []},
        {"events": None},
        {"events": {}},
        {"events": [7]},
        {"event": []},
    ]
    for body in bodies:
        assert house.post("/views", body).problem == (400, "malformed"), body
    assert stream.depth() == 0


def test_a_thousand_bad_events_get_a_short_answer(house: House) -> None:
    answer = send(house, *[{} for _ in range(1000)])
    assert answer.problem == (400, "malformed")
    assert len(answer.body["errors"]) == 20
    assert len(json.dumps(answer.body)) < 5_000


def test_without_the_stream_nothing_is_promised(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    forget()
    answer = send(house, view())
    assert answer.problem == (503, "unavailable")
    assert "stream of views" in answer.body["detail"]


def test_without_the_replica_that_is_asked_for_nothing_is_promised(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_REPLICAS_MIN", "1")
    forget()
    assert send(house, view()).problem == (503, "unavailable")


def test_only_a_trusted_producer_may_send(house: House) -> None:
    answer = house.post("/views", {"events": [view()]}, scope="wallet:read")
    assert answer.problem == (403, "forbidden")
