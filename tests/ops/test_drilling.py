"""Goal: a drill that says "clean" has looked, and one seed means one schedule.

The comparisons are shown to bite: books that are true pass, and each lie in them is found.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from solders.keypair import Keypair

from functions.batch import plan
from pixr.adapters.postgres import Database, pauses, payouts
from pixr.domain.views import ViewEvent, watched_ms
from pixr.local.chain import running_chain
from pixr.ops.drilling import reckoning
from pixr.ops.drilling.logged import complaints
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.drilling.people import Asked
from pixr.ops.drilling.schedule import (
    AIMS,
    CRASHES,
    FAULTS,
    SILENCING,
    Aim,
    Fault,
    Moment,
    Victim,
    Weakness,
    draw,
)
from pixr.ops.drilling.views import Sent, make_events
from tests.functions.batch.conftest import Settler

CREATORS = {"film-a": "alice", "film-b": "bob"}
ALL_DECKS = len(AIMS) * len(FAULTS) * len(CRASHES)


def test_a_seed_draws_one_schedule_and_a_longer_drill_begins_like_a_shorter_one() -> None:
    assert draw(7, 30) == draw(7, 30)
    assert draw(7, 30)[:12] == draw(7, 12)
    assert draw(7, 30) != draw(8, 30)


def test_every_kind_of_trouble_is_in_a_drill_of_useful_length() -> None:
    episodes = draw(1, max(len(AIMS), len(FAULTS), len(CRASHES)))
    assert {episode.aim for episode in episodes} == set(Aim)
    assert {episode.fault for episode in episodes} == set(Fault)
    assert {episode.victim for episode in episodes} == set(Victim)
    assert {episode.crash.value for episode in episodes} == {"none", "Valkey", "PostgreSQL"}


@pytest.mark.parametrize("seed", range(5))
def test_no_kill_waits_for_work_that_its_own_fault_makes_impossible(seed: int) -> None:
    for episode in draw(seed, 200):
        if episode.fault in SILENCING and episode.fault_at is Moment.BEFORE:
            assert episode.aim in (Aim.ANY, Aim.DRAINING)
        if episode.victim is not Victim.DEPLOYED:
            assert episode.has_rival


def test_several_nodes_change_who_is_broken_and_nothing_else() -> None:
    alone, many = draw(7, 60), draw(7, 60, nodes=3)
    assert many == draw(7, 60, nodes=3)
    assert many[:12] == draw(7, 12, nodes=3)
    for one, same in zip(alone, many, strict=True):
        alike = replace(same, nodes=(0,), weak=0, weakness=Weakness.NONE, has_storm=False)
        assert alike == one
    assert {len(episode.nodes) for episode in many} == {1, 2, 3}
    assert {episode.weakness for episode in many} == set(Weakness)
    assert {episode.weak for episode in many} == {0, 1, 2}
    assert {(e.has_storm, e.weakness is Weakness.NONE) for e in many} >= {(True, False)}


def test_a_node_is_weak_for_longer_than_one_fault_and_the_others_are_well() -> None:
    with running_chain() as chain:
        nodes = Nodes(",".join([chain.url, chain.node_url(2), chain.node_url(3)]))
        drawn = next(e for e in draw(7, 99, nodes=3) if e.fault is Fault.DROP_SENDS)
        episode = replace(drawn, nodes=(0, 2), weak=1, weakness=Weakness.HTTP_429)
        episode = replace(episode, has_storm=False)
        nodes.weaken(episode)
        nodes.break_as(episode)
        found = [httpx.get(f"{url}/faults", timeout=9).json() for url in nodes.urls]
        assert [item["http_429"] for item in found] == [n == episode.weak for n in range(3)]
        assert [item["drop_sends"] for item in found] == [n in episode.nodes for n in range(3)]
        # The drill itself still sees the chain.
        assert nodes.balances_lamports([str(Keypair().pubkey())]) == [0]
        lag = replace(episode, fault=Fault.NONE, weakness=Weakness.LAG, has_storm=True)
        nodes.break_as(lag)
        found = [httpx.get(f"{url}/faults", timeout=9).json() for url in nodes.urls]
        assert [item["lag_blocks"] > 0 for item in found] == [n == lag.weak for n in range(3)]
        assert all(item["drop_sends"] for item in found)
        nodes.recover()
        found = [httpx.get(f"{url}/faults", timeout=9).json() for url in nodes.urls]
        assert not any(any(item.values()) for item in found)
        nodes.close()


def test_a_request_can_be_made_again_event_by_event() -> None:
    now = datetime.now(UTC)
    assert make_events(3, 5, "film-a", now=now) == make_events(3, 5, "film-a", now=now)
    events, expected = make_events(3, 5, "film-a", now=now)
    ids = Counter(event["event_id"] for event in events)
    assert len(ids) == expected.events < len(events) <= 1_000
    assert {event_id.split(":")[0] for event_id in ids} == {"000005"}
    assert 0 < expected.earning < expected.events


def test_views_around_midnight_count_for_their_own_day() -> None:
    """A fan's five views earn three in one day, and more only where midnight parts them."""
    midnight = datetime(2030, 1, 2, tzinfo=UTC)
    _, whole = make_events(3, 5, "film-a", now=midnight + timedelta(hours=1))
    _, parted = make_events(3, 5, "film-a", now=midnight + timedelta(seconds=30))
    assert whole.earning < parted.earning


Sender = Callable[[int, str], Sent]


@pytest.fixture
def send(settler: Settler) -> Sender:
    """Puts a request of a drill on the stream, as the API would."""
    for content_id, creator_id in CREATORS.items():
        settler.content(content_id, creator_id)
        settler.user(creator_id)

    def put(number: int, content_id: str) -> Sent:
        now = datetime.now(UTC) - timedelta(seconds=1)
        events, expected = make_events(1, number, content_id, now=now)
        settler.stream.append([_view(event) for event in events])
        return Sent(number=number, made_at=now, expected=expected, begun_s=100.0 + number)

    return put


def _view(event: dict[str, Any]) -> ViewEvent:
    return ViewEvent(
        event_id=event["event_id"],
        content_id=event["content_id"],
        viewer_id=event["viewer_id"],
        watched_ms=watched_ms(Decimal(event["watched_seconds"])),
        occurred_at=datetime.fromisoformat(event["occurred_at"]),
    )


def _compare(db: Database, sent: list[Sent], *losses_s: float) -> reckoning.Views:
    return reckoning.compare_views(db, sent, losses_s, creators=CREATORS, for_sale=())


def test_true_books_pass_and_the_drill_counts_as_the_rules_do(
    settler: Settler, send: Sender
) -> None:
    sent = [send(1, "film-a"), send(2, "film-b"), send(1, "film-a")][:2]
    settler.tick()
    views = _compare(settler.db, sent)
    assert views.differences == []
    assert views.sent == views.recorded == sum(item.expected.events for item in sent)
    assert views.earned == sum(item.expected.earning for item in sent)
    assert reckoning.compare_ends(settler.db) == []


@pytest.mark.parametrize(
    ("lie", "found"),
    [
        ("DELETE FROM view_events WHERE event_id LIKE '000001:0000:%'", "request 000001"),
        ("UPDATE view_events SET outcome = 'too_short' WHERE outcome = 'earned'", "request 000001"),
        ("UPDATE pending_earnings SET lamports = lamports + 1", "lamports are due"),
        ("UPDATE pending_earnings SET views = views + 1", "accrued were"),
    ],
)
def test_a_lie_about_views_is_found(settler: Settler, send: Sender, lie: str, found: str) -> None:
    sent = [send(1, "film-a")]
    settler.tick()
    settler.db.execute(lie.encode())
    assert any(found in difference for difference in _compare(settler.db, sent).differences)


def test_what_died_with_redis_is_lost_only_if_it_was_not_sent_since(
    settler: Settler, send: Sender
) -> None:
    sent = [send(1, "film-a"), send(2, "film-b")]
    settler.stream._client.flushall()
    settler.tick()
    lost = _compare(settler.db, sent, 200.0)
    assert lost.differences == []
    assert lost.lost_with_redis == sum(item.expected.events for item in sent)
    # The first had been acknowledged by the Redis that came after.
    assert any("request 000002" in text for text in _compare(settler.db, sent, 101.5).differences)


def test_what_was_acknowledged_is_on_a_stream_or_in_the_books(
    settler: Settler, send: Sender
) -> None:
    sent = [send(1, "film-a"), send(2, "film-b")]
    waiting = {f"{item.number:06d}": item.expected.events for item in sent}
    assert reckoning.compare_promises(settler.db, sent, waiting) == []
    settler.tick()
    assert reckoning.compare_promises(settler.db, sent, {}) == []
    settler.db.execute("DELETE FROM view_events WHERE event_id LIKE '000002:0007:%'")
    (difference,) = reckoning.compare_promises(settler.db, sent, {})
    assert difference.startswith("request 000002: ")


@pytest.fixture
def nodes(settler: Settler) -> Iterator[Nodes]:
    nodes = Nodes(settler.chain.nodes[0].url)
    yield nodes
    nodes.close()


@pytest.fixture
def withdrawn(settler: Settler, send: Sender) -> Asked:
    """A withdrawal by somebody who earned, promised and paid."""
    send(1, "film-a")
    settler.tick()
    destination, payout_id = str(Keypair().pubkey()), uuid4()
    assert payouts.request(
        settler.db,
        payout_id=payout_id,
        kind="withdrawal",
        user_id="alice",
        debit_account="wallet:alice",
        credit_account="world",
        destination=destination,
        lamports=2_000_000,
        now=datetime.now(UTC),
    )
    settler.tick()
    return Asked(
        user_id="alice",
        key="first",
        body={"destination": destination},
        status=202,
        answer={"withdrawal_id": str(payout_id)},
    )


def test_a_withdrawal_that_arrived_once_passes(
    settler: Settler, nodes: Nodes, withdrawn: Asked
) -> None:
    assert reckoning.compare_withdrawals(settler.db, nodes, [withdrawn]) == []
    assert reckoning.compare_wallets(settler.db, nodes, {}) == []


def test_a_withdrawal_that_arrived_twice_is_found(
    settler: Settler, nodes: Nodes, withdrawn: Asked
) -> None:
    settler.airdrop(withdrawn.body["destination"], 2_000_000)
    (difference,) = reckoning.compare_withdrawals(settler.db, nodes, [withdrawn])
    assert "4000000 arrived" in difference


def test_a_promise_that_nobody_knows_is_found(settler: Settler, nodes: Nodes) -> None:
    asked = Asked(
        user_id="alice",
        key="first",
        body={"destination": str(Keypair().pubkey())},
        status=202,
        answer={"withdrawal_id": str(uuid4())},
    )
    (difference,) = reckoning.compare_withdrawals(settler.db, nodes, [asked])
    assert "accepted, but nobody knows it" in difference


def test_money_that_came_to_a_wallet_unseen_is_found(
    settler: Settler, nodes: Nodes, send: Sender
) -> None:
    send(1, "film-a")
    settler.tick()
    address = settler.user("alice")
    assert reckoning.compare_wallets(settler.db, nodes, {}) == []
    settler.airdrop(address, 1_000_000)
    assert reckoning.compare_wallets(settler.db, nodes, {"alice": 1_000_000}) == []
    (difference,) = reckoning.compare_wallets(settler.db, nodes, {})
    assert difference.startswith("alice: ")


def test_a_payout_that_nobody_finishes_is_found(settler: Settler, send: Sender) -> None:
    send(1, "film-a")
    pauses.pause(settler.db, "a drill of a test", now=datetime.now(UTC))
    settler.tick()
    plan.make_payouts(settler.db, minimum_lamports=1, new_id=uuid4, now=datetime.now(UTC))
    assert any("ended PENDING" in text for text in reckoning.compare_ends(settler.db))


def test_the_settlers_complaints_are_counted_and_nobody_elses(tmp_path: Path) -> None:
    def line(**fields: str) -> str:
        return json.dumps({"level": "ERROR", "service": "batch", **fields})

    log = tmp_path / "emulator.log"
    log.write_text(
        "\n".join(
            [
                line(message="batch.broken", fault="Error: batch 17 is gone"),
                "12:00 INFO " + line(message="batch.broken", fault="Error: batch 9 is gone"),
                line(level="INFO", message="settle.tick"),
                line(service="wallet", message="request.failed"),
                line(message="settlement.paused", reason="by hand")[:-4],
                "--- Logging error ---",
            ]
        )
    )
    assert complaints([log]) == {
        "batch.broken: Error: batch # is gone": 2,
        "a line that could not be written": 1,
    }
