"""Goal: whatever arrives, each view earns once or is named, and its neighbours earn."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from functions.batch import drain
from functions.batch.drain import Drained
from pixr.adapters.redis import PACKS, STREAM
from pixr.domain.view_lines import write_lines
from pixr.domain.views import VIEW_RETENTION_DAYS, ViewEvent
from tests.functions.batch.drain.conftest import PER_VIEW, Bench

OLDER_DRAIN = (Path(__file__).parent / "older_drain.sql").read_bytes()


def test_of_two_views_with_one_id_the_earlier_counts(bench: Bench) -> None:
    bench.content("film", "alice")
    late, early = bench.view(1), bench.view(1, occurred_at=bench.now - timedelta(minutes=2))
    bench.stream.append([late, replace(early, viewer_id="alice")])
    assert bench.drain().gross_lamports == 0
    assert bench.outcomes() == {"e1": "own_content"}


def test_the_daily_limit_takes_the_earliest_of_a_drain(bench: Bench) -> None:
    bench.content("film", "alice")
    events = [bench.view(number, viewer_id="ann") for number in range(1, 6)]
    bench.stream.append(events)
    assert bench.drain().gross_lamports == 3 * PER_VIEW
    assert bench.outcomes() == {
        "e1": "daily_limit",
        "e2": "daily_limit",
        "e3": "earned",
        "e4": "earned",
        "e5": "earned",
    }


def test_good_events_earn_beside_bad_ones(bench: Bench) -> None:
    bench.content("film", "alice")
    good = [line + b"\n" for line in write_lines([bench.view(n) for n in range(4)]).each()]
    bench.raw.xadd(PACKS, {"p": good[0] + b"garbage\n" + good[1], "n": 3})
    bench.raw.xadd(PACKS, {"p": b"\xff\n" + good[2], "n": 2})
    bench.raw.xadd(PACKS, {"hello": "world"})
    bench.raw.xadd(STREAM, {"e": "[]"})
    bench.raw.xadd(STREAM, {"p": good[3]})
    drained = bench.drain()
    assert (drained.events_read, drained.events_new, drained.events_bad) == (8, 4, 4)
    assert drained.gross_lamports == 4 * PER_VIEW
    assert [(letter.position, letter.payload) for letter in bench.dead.list()] == [
        (1, b"garbage"),
        (0, b"\xff"),
        (None, b'{"hello": "world"}'),
        (None, b"[]"),
    ]
    assert (bench.stream.depth(), bench.differences()) == (0, [])


def test_days_that_are_not_taken_are_put_aside_and_their_neighbours_earn(bench: Bench) -> None:
    bench.content("film", "alice")
    tomorrow = bench.now + timedelta(days=1)
    oldest = bench.now - timedelta(days=VIEW_RETENTION_DAYS)
    bench.stream.append(
        [
            bench.view(1),
            bench.view(2, occurred_at=oldest - timedelta(days=1)),
            bench.view(3, occurred_at=tomorrow + timedelta(days=1)),
            bench.view(4, occurred_at=datetime(1970, 1, 1, tzinfo=UTC), event_id="a\\b"),
            bench.view(5, occurred_at=datetime(2285, 1, 1, tzinfo=UTC)),
            bench.view(6, occurred_at=oldest),
            bench.view(7, occurred_at=tomorrow),
        ]
    )
    drained = bench.drain()
    assert (drained.events_new, drained.events_bad) == (3, 4)
    assert set(bench.outcomes()) == {"e1", "e6", "e7"}
    letters = list(bench.dead.list())
    assert sorted(letter.position or 0 for letter in letters) == [1, 2, 3, 4]
    assert all("not of a day from" in letter.reason for letter in letters)
    assert bench.differences() == []


def test_nothing_is_recorded_when_nothing_was_sound(bench: Bench) -> None:
    bench.raw.xadd(PACKS, {"p": "x"})
    assert bench.drain() == Drained(events_read=1, events_bad=1)
    assert bench.drain() == Drained()
    assert bench.differences() == []


def test_the_slice_is_not_the_last_while_more_is_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drain, "EVENTS_PER_DRAIN", 2)
    monkeypatch.setattr("pixr.adapters.redis.stream.ENTRIES_PER_READ", 1)
    for number in range(5):
        bench.stream.append([bench.view(number)])
    assert [bench.drain().is_last for _ in range(4)] == [False, False, True, True]
    bench.stream.append([bench.view(number) for number in range(5)])
    for _ in range(2):
        bench.stream.read(10, "dies")
    assert [bench.drain().is_last for _ in range(2)] == [False, True], "suspects come alone"


def older_drain(bench: Bench, events: list[ViewEvent]) -> None:
    """What a settler from before this schema does with views: its own statement, as it was."""
    for event in events:
        bench.db.execute("SELECT ensure_view_events_day(%s)", (event.occurred_at.date(),))
    drain_id = uuid4()
    with bench.db.transaction():
        rows = bench.db.execute(
            OLDER_DRAIN,
            {
                "event_ids": [event.event_id for event in events],
                "content_ids": [event.content_id for event in events],
                "viewer_ids": [event.viewer_id for event in events],
                "watched_ms": [event.watched_ms for event in events],
                "occurred_at": [event.occurred_at for event in events],
                "watched_ms_min": 30_000,
                "views_per_viewer_day": 3,
                "drain_id": drain_id,
            },
        ).fetchall()
        bench.db.execute(
            "INSERT INTO drains VALUES (%s, %s, %s, 0, 0, now())",
            (drain_id, len(events), sum(row["events_new"] for row in rows)),
        )


def test_an_older_settler_beside_this_one_counts_the_same_views(bench: Bench) -> None:
    """Its statement runs on this schema; each knows what the other has recorded."""
    bench.content("film", "alice")
    events = [bench.view(number, viewer_id="ann") for number in range(1, 6)]
    older_drain(bench, events[3:])
    bench.stream.append(events)
    assert bench.drain().gross_lamports == PER_VIEW
    older_drain(bench, events)
    assert Counter(bench.outcomes().values()) == {"earned": 3, "daily_limit": 2}


def test_an_entry_of_an_older_api_earns_as_any_other(bench: Bench) -> None:
    bench.content("film", "alice")
    us = int(bench.now.timestamp() * 1_000_000)
    bench.raw.xadd(STREAM, {"e": json.dumps(["e1", "film", "ann", 40_000, us])})
    bench.stream.append([bench.view(1, event_id="e2")])
    assert bench.drain().gross_lamports == 2 * PER_VIEW
    assert bench.stream.depth() == 0


@pytest.mark.parametrize("replays", [1, 2])
def test_a_replayed_letter_earns_once(bench: Bench, replays: int) -> None:
    """Also when it earned before, or is replayed twice."""
    bench.content("film", "alice")
    bench.stream.append([bench.view(1), bench.view(2)])
    for _ in range(6):
        bench.stream.read(10, "dies")
    letters = list(bench.dead.list())
    assert len(letters) == 1
    for _ in range(replays):
        bench.dead.replay(letters)
    bench.drain()
    assert bench.owed("alice") == 2 * PER_VIEW - 2 * PER_VIEW * 333 // 10_000
    assert (bench.stream.depth(), bench.stream.dead_depth()) == (0, 0)
