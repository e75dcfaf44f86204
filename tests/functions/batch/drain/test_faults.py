"""Goal: whatever dies, hangs, refuses or races, each view earns once and none is given up.

Method: deaths are exceptions that no handler sees; rivals have connections of their own.
"""

import threading
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from functions.batch import drain
from functions.batch.drain import REFUSED_MAX, AnotherDrain, LinesRefused, TooSlow, drain_once
from pixr.adapters.postgres import Database, DatabaseUnreachable, connect, earnings, ledger
from pixr.adapters.redis import StreamUnreachable, ViewStream
from tests.functions.batch.drain.conftest import CREATOR_VIEW, PER_VIEW, RULES, Bench


class Death(BaseException):
    """What no handler sees: kill −9 in a test."""


def die(*_args: object, **_kwargs: object) -> None:
    raise Death


@pytest.mark.parametrize(
    "place",
    [
        (earnings, "take_in"),
        (earnings, "record_day"),
        (earnings, "add_totals"),
        (earnings, "accrue"),
        (ledger, "post"),
        (ViewStream, "finish"),
    ],
    ids=lambda place: place[1],
)
def test_a_death_anywhere_costs_nothing_and_pays_nothing_twice(
    bench: Bench, place: tuple[Any, str]
) -> None:
    bench.content("film", "alice")
    bench.stream.append([bench.view(number) for number in range(10)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*place, die)
        with pytest.raises(Death):
            bench.drain()
    bench.drain()
    assert bench.owed("alice") == 10 * PER_VIEW - 10 * PER_VIEW * 333 // 10_000
    assert (bench.stream.depth(), bench.differences()) == (0, [])


def test_an_acknowledgement_that_is_lost_changes_nothing(bench: Bench) -> None:
    bench.content("film", "alice")
    bench.stream.append([bench.view(1)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench.stream, "finish", unreachable)
        with pytest.raises(StreamUnreachable):
            bench.drain()
    assert bench.drain().events_new == 0
    assert bench.owed("alice") == CREATOR_VIEW


def unreachable(*_args: object, **_kwargs: object) -> None:
    raise StreamUnreachable("ConnectionError")


def test_waiting_for_another_drain_sends_nothing_to_the_dead_letters(
    bench: Bench, database_url: str
) -> None:
    """Another drain holds the lock for longer than we wait; ten times."""
    bench.content("film", "alice")
    bench.stream.append([bench.view(1)])
    bench.db.execute("SET lock_timeout = '10ms'")
    with connect(database_url) as rival:
        with rival.transaction():
            rival.execute("SELECT begin_drain()")
            for _ in range(10):
                with pytest.raises(AnotherDrain):
                    bench.drain()
        assert bench.stream.dead_depth() == 0
    assert bench.drain().events_new == 1


def refuse(bench: Bench, rule: str) -> None:
    """Let the database refuse events by a rule that the drain does not know."""
    bench.db.execute(f"ALTER TABLE view_events ADD CONSTRAINT refuses CHECK (NOT ({rule}))")


def test_the_one_view_that_the_database_refuses_is_found(bench: Bench) -> None:
    bench.content("film", "alice")
    refuse(bench, "event_id IN ('e17', 'e60')")
    bench.stream.append([bench.view(number) for number in range(100)])
    drained = bench.drain()
    assert (drained.events_read, drained.events_new, drained.events_bad) == (100, 98, 2)
    assert bench.owed("alice") == 98 * PER_VIEW - 98 * PER_VIEW * 333 // 10_000
    letters = list(bench.dead.list())
    assert [letter.position for letter in letters] == [17, 60]
    assert all('violates check constraint "refuses"' in letter.reason for letter in letters)
    assert bench.differences() == []


def test_a_database_that_refuses_everything_is_not_the_fault_of_the_views(bench: Bench) -> None:
    bench.content("film", "alice")
    refuse(bench, "true")
    bench.stream.append([bench.view(number) for number in range(10 * REFUSED_MAX)])
    with pytest.raises(LinesRefused, match="refuses"):
        bench.drain()
    assert bench.stream.dead_depth() == 0
    bench.db.execute("ALTER TABLE view_events DROP CONSTRAINT refuses")
    assert bench.drain().events_new == 10 * REFUSED_MAX


def test_a_database_that_is_slow_gets_fewer_views_at_a_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.content("film", "alice")
    bench.stream.append([bench.view(number) for number in range(40)])
    monkeypatch.setattr(drain, "SLOW_MAX", 5)
    bench.db.execute(
        "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF (SELECT count(*) FROM arrived) > 10 THEN PERFORM pg_sleep(10); END IF;"
        " RETURN NULL; END $$;"
        "CREATE TRIGGER dawdles AFTER INSERT ON view_events REFERENCING NEW TABLE AS arrived"
        " FOR EACH STATEMENT EXECUTE FUNCTION dawdle();"
        "SET statement_timeout = '200ms'"
    )
    assert bench.drain().events_new == 40
    row = bench.db.execute("SELECT count(*) AS n, sum(events_new)::int AS new FROM drains")
    assert row.fetchone() == {"n": 4, "new": 40}
    bench.stream.append([bench.view(number) for number in range(40, 60)])
    monkeypatch.setattr(drain, "SLOW_MAX", 20)
    with pytest.raises(TooSlow):
        bench.drain()
    bench.db.execute("DROP TRIGGER dawdles ON view_events")
    assert bench.drain().events_new == 20
    assert (bench.differences(), bench.stream.dead_depth()) == ([], 0)


def test_an_epoch_that_closes_under_the_drain_makes_it_drain_again(
    bench: Bench, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade goes live between reading the shares and adding to them."""
    bench.content("film", "alice")
    bench.stream.append([bench.view(1)])
    bench.drain()
    bench.stream.append([bench.view(2)])
    bench.invest("film", "ida", 1_000_000, None)
    read = earnings.shares

    def read_too_early(db: Database, content_ids: list[str]) -> Any:
        found = read(db, content_ids)
        with connect(database_url) as other:
            earnings.start_new_epoch(other, "film", rules=RULES, now=bench.now)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(earnings, "shares", read_too_early)
        with pytest.raises(DatabaseUnreachable, match="changed during the drain"):
            bench.drain()
    bench.drain()
    assert bench.owed("alice") == 2 * CREATOR_VIEW - PER_VIEW * 2_000 // 10_000
    assert bench.differences() == []


def test_an_epoch_that_another_begins_makes_it_drain_again(
    bench: Bench, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade goes live before the first view of a content is counted."""
    bench.content("film", "alice")
    bench.stream.append([bench.view(1)])
    bench.invest("film", "ida", 1_000_000, None)
    bench.db.execute("UPDATE content_investments SET state = 'ESCROWED', live_at = NULL")
    read = earnings.shares

    def read_too_early(db: Database, content_ids: list[str]) -> Any:
        found = read(db, content_ids)
        with connect(database_url) as other:
            other.execute("UPDATE content_investments SET state = 'LIVE', live_at = now()")
            earnings.start_new_epoch(other, "film", rules=RULES, now=bench.now)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(earnings, "shares", read_too_early)
        with pytest.raises(DatabaseUnreachable, match="changed during the drain"):
            bench.drain()
    bench.drain()
    assert bench.owed("alice") == CREATOR_VIEW - PER_VIEW * 2_000 // 10_000
    assert bench.differences() == []


def test_rivals_count_a_viewers_last_view_once(
    bench: Bench, database_url: str, redis_url: str
) -> None:
    bench.content("film", "alice")
    events = [bench.view(number, viewer_id=f"v{number % 20}") for number in range(400)]
    for event in [*events, *reversed(events)]:
        bench.stream.append([event])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drain, "EVENTS_PER_DRAIN", 30)
        patch.setattr("pixr.adapters.redis.stream.ENTRIES_PER_READ", 10)
        rivals = [
            threading.Thread(target=drain_all, args=(database_url, redis_url, name, bench.now))
            for name in ("one", "two")
        ]
        for rival in rivals:
            rival.start()
        for rival in rivals:
            rival.join(timeout=60)
    assert Counter(bench.outcomes().values()) == {"earned": 60, "daily_limit": 340}
    assert bench.owed("alice") == 60 * PER_VIEW - 60 * PER_VIEW * 333 // 10_000
    assert (bench.stream.depth(), bench.differences()) == (0, [])


def drain_all(database_url: str, redis_url: str, consumer: str, now: datetime) -> None:
    stream = ViewStream(redis_url)
    with connect(database_url) as db:
        for _ in range(1_000):
            drained = drain_once(
                db, stream, rules=RULES, drain_id=uuid4(), consumer=consumer, now=now
            )
            if not drained.events_read:
                break
    stream.close()
