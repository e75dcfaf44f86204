"""Goal: whatever arrives, however often, in whatever slices, each view earns once or is named.

Method: real Valkey and PostgreSQL. A model in a few lines of Python says what a set of views is
worth; hypothesis sends it in any order, with repeats, over any number of drains.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.batch import drain
from functions.batch.drain import REFUSED_MAX, Drained, drain_once
from pixr.adapters.postgres import Database, DatabaseUnreachable, connect, earnings, ledger
from pixr.adapters.postgres.earnings import AnotherDrain, LinesRefused, TooSlow
from pixr.adapters.postgres.verification import CHECKS, offenders
from pixr.adapters.redis import PACKS, STREAM, DeadLetters, StreamUnreachable, ViewStream
from pixr.domain.earnings import Rules
from pixr.domain.view_lines import write_lines
from pixr.domain.views import VIEW_RETENTION_DAYS, ViewEvent

RULES = Rules(
    view_rate_lamports=20_001,
    platform_fee_bps=333,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)
OLDER_DRAIN = (Path(__file__).parent / "older_drain.sql").read_bytes()
_numbers = count(1)


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


PER_VIEW = 20_001
CREATOR_VIEW = 20_001 - 20_001 * 333 // 10_000


# What is sent: a view is drawn once, delivered in any order, perhaps often.
VIEWERS = ("ann", "ben", "creator")
FILMS = ("small", "large", "shared", "awaiting", "unknown")
drawn_views = st.lists(
    st.tuples(
        st.sampled_from(FILMS),
        st.sampled_from(VIEWERS),
        st.sampled_from([0, 29_999, 30_000, 60_000]),
        st.integers(0, 2),  # days ago
        st.integers(0, 5),  # seconds into the day: many happen at once
    ),
    min_size=1,
    max_size=40,
)


@dataclass(frozen=True)
class Sent:
    event: ViewEvent
    film: str


def expected_counts(sent: list[Sent]) -> tuple[Counter[str], Counter[str]]:
    """How many views of each film are recorded, and how many of them earn."""
    recorded: Counter[str] = Counter()
    qualified: Counter[tuple[str, str, Any]] = Counter()
    for one in sent:
        event, film = one.event, one.film
        recorded[film] += 1
        least_ms = 5_000 if film == "small" else 30_000
        is_others = film in {"small", "large", "shared"} and not event.viewer_id.endswith("creator")
        if is_others and event.watched_ms >= least_ms:
            qualified[film, event.viewer_id, event.occurred_at.date()] += 1
    earning: Counter[str] = Counter()
    for (film, _, _), number in qualified.items():
        earning[film] += min(number, RULES.views_per_viewer_day)
    return recorded, earning


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(views=drawn_views, data=st.data())
def test_the_bulk_path_is_the_model_however_views_are_drained(
    bench: Bench, views: list[tuple[str, str, int, int, int]], data: st.DataObject
) -> None:
    """Same recorded views, same accruals to the lamport, over any slices with any repeats."""
    mark = f"x{next(_numbers)}"
    noon = bench.now.replace(hour=0, minute=0, second=0, microsecond=0)
    bench.content(f"{mark}-small", f"{mark}-creator", duration_ms=10_000)
    bench.content(f"{mark}-large", f"{mark}-creator", rung=1440)
    bench.content(f"{mark}-shared", f"{mark}-creator")
    bench.db.execute(
        "INSERT INTO contents (content_id, creator_id, created_at) VALUES (%s, 'x', now())",
        (f"{mark}-awaiting",),
    )
    bench.invest(f"{mark}-shared", f"{mark}-ida", 700_000, None)
    bench.invest(f"{mark}-shared", f"{mark}-jon", 300_000, 2_000)
    sent = [
        Sent(
            event=ViewEvent(
                event_id=f"{mark}-{number}",
                content_id=f"{mark}-{film}",
                viewer_id=f"{mark}-{viewer}",
                watched_ms=watched_ms,
                occurred_at=noon - timedelta(days=days, seconds=-seconds),
            ),
            film=film,
        )
        for number, (film, viewer, watched_ms, days, seconds) in enumerate(views)
    ]
    deliveries = data.draw(
        st.lists(st.sampled_from(sent), max_size=2 * len(sent)).map(lambda more: [*sent, *more])
    )
    deliveries = data.draw(st.permutations(deliveries))
    while deliveries:
        size = data.draw(st.integers(1, len(deliveries)))
        bench.stream.append([one.event for one in deliveries[:size]])
        deliveries = deliveries[size:]
        bench.drain()

    recorded, earning = expected_counts(sent)
    rows = bench.db.execute(
        "SELECT content_id, count(*) AS views, count(*) FILTER (WHERE outcome = 'earned') AS earned"
        " FROM view_events WHERE content_id LIKE %s GROUP BY 1",
        (f"{mark}-%",),
    ).fetchall()
    assert {row["content_id"].split("-")[1]: row["views"] for row in rows} == dict(recorded)
    assert +Counter({row["content_id"].split("-")[1]: row["earned"] for row in rows}) == earning
    accrued: Counter[str] = Counter()
    for film, number in earning.items():
        gross = number * (20_001 * 14 // 10 if film == "large" else 20_001)
        ida = jon = 0
        if film == "shared":
            ida = gross * 2_000 * 7 // 100_000
            jon = min(gross * 2_000 * 3 // 100_000, 2_000)
        accrued["creator"] += gross - gross * 333 // 10_000 - ida - jon
        accrued["ida"] += ida
        accrued["jon"] += jon
    rows = bench.db.execute(
        "SELECT user_id, sum(lamports)::bigint AS lamports FROM pending_earnings"
        " WHERE user_id LIKE %s GROUP BY 1",
        (f"{mark}-%",),
    ).fetchall()
    assert {row["user_id"].split("-")[1]: row["lamports"] for row in rows} == dict(+accrued)
    totals = bench.db.execute(
        "SELECT sum(views)::int AS views, sum(qualified_views)::int AS qualified"
        " FROM content_epochs WHERE content_id LIKE %s",
        (f"{mark}-%",),
    ).fetchone()
    assert totals == {
        "views": sum(number for film, number in recorded.items() if film != "unknown") or None,
        "qualified": sum(earning.values()) if set(recorded) - {"unknown"} else None,
    }
    assert bench.differences() == []
    assert (bench.stream.depth(), bench.stream.dead_depth()) == (0, 0)


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
