"""Goal: the bulk path is worth what a few lines of Python say, to the lamport.

Method: hypothesis sends views of all kinds in any order, with repeats, over any number of drains.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixr.domain.views import ViewEvent
from tests.functions.batch.drain.conftest import RULES, Bench

_numbers = count(1)

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
