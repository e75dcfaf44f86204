"""From a view to SOL in a wallet, through the real settler."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from functions.batch import drain, plan
from functions.batch.drain import TooSlow
from pixr.adapters.postgres import Database, DatabaseUnreachable, batches, connect, ledger, sql
from tests.adapters.postgres.test_states import a_batch
from tests.functions.batch.conftest import Settler

DRAIN = "00000000-0000-0000-0000-000000000001"


def test_views_become_sol_in_the_creators_wallet(settler: Settler) -> None:
    address = settler.user("alice")
    settler.content("film", "alice")
    events = settler.watch("film", 1_000)
    settler.stream.append(events[:100])

    report = settler.tick()

    # 1,000 views × 20,000 less 5 %; the hundred repeats earn nothing.
    assert report.events_new == 1_000
    assert settler.balance(address) == 19_000_000
    assert settler.account("owed:alice") == 0
    assert settler.account("wallet:alice") == 19_000_000
    assert settler.account("platform") == 1_000_000
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)
    assert settler.account("receipts") == 890_880


def test_seventeen_creators_take_two_transactions(settler: Settler) -> None:
    addresses = [settler.user(f"creator-{number}") for number in range(17)]
    for number in range(17):
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", 600)

    report = settler.tick()

    assert report.batches_sent == 2
    assert {settler.balance(address) for address in addresses} == {11_400_000}


def test_less_than_the_minimum_waits(settler: Settler) -> None:
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 100)
    assert settler.tick().payouts_made == 0
    assert settler.balance(address) == 0
    assert settler.account("owed:alice") == 1_900_000


def test_a_short_treasury_pays_nobody_and_says_so(settler: Settler) -> None:
    settler.user("alice")
    settler.content("film", "alice")
    settler.tick()
    settler.db.execute(
        "INSERT INTO ledger_transactions (reference, posted_at) VALUES ('test', now())"
    )
    settler.db.execute(
        "INSERT INTO ledger_entries SELECT max(id), a, l FROM ledger_transactions,"
        " (VALUES ('treasury', -99990000000), ('world', 99990000000)) AS e (a, l) GROUP BY a, l"
    )
    settler.watch("film", 1_000)
    report = settler.tick()
    assert (report.payouts_made, report.payouts_short, report.batches_sent) == (1, 1, 0)


def test_another_drain_delays_views_and_nothing_else(settler: Settler, database_url: str) -> None:
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    settler.db.execute("SET lock_timeout = '50ms'")
    with connect(database_url) as rival, rival.transaction():
        rival.execute("SELECT begin_drain()")
        report = settler.tick()
        assert report.stream_outage == "AnotherDrain: it holds the lock"
        assert report.outage is None
    assert settler.tick().events_new == 1_000
    assert settler.balance(address) == 19_000_000


def test_a_tick_makes_the_next_day_before_it_begins(settler: Settler) -> None:
    settler.tick()
    today = datetime.now(UTC).date()
    days = [row["day"] for row in settler.db.execute(sql("view_days/list_kept"))]
    assert days[-2:] == [today, today + timedelta(days=1)]


@pytest.mark.parametrize("fault", [TooSlow("20 s"), DatabaseUnreachable("the shares changed")])
def test_views_that_cannot_be_counted_keep_nobody_from_being_paid(
    settler: Settler, fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    with monkeypatch.context() as patch:
        # The first drain goes well, and from then on each fails.
        drain_once = drain.drain_once
        calls = itertools.count()

        def once(*arguments: Any, **rest: Any) -> drain.Drained:
            if next(calls):
                raise fault
            return drain_once(*arguments, **rest)

        patch.setattr(drain, "drain_once", once)
        report = settler.tick()
    assert report.stream_outage == f"{type(fault).__name__}: {fault}"
    assert settler.balance(address) == 19_000_000


def test_a_drain_that_is_too_slow_is_halved_only_while_there_is_time(
    settler: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    monkeypatch.setattr(drain, "SLOW_MAX", 10)
    tried: list[int] = []

    def slow(_db: object, lines: Any, *_: object, **__: object) -> None:
        tried.append(lines.count)
        raise TooSlow("20 s")

    monkeypatch.setattr(drain, "_drain_lines", slow)
    settler.tick(seconds=10)
    assert tried == [1_000]
    settler.tick(seconds=40)
    assert len(tried) > 2


def owe(db: Database, **lamports: int) -> None:
    """Let alice be owed so much, as ``owed`` and as ``return``."""
    db.execute(
        "INSERT INTO contents (content_id, creator_id, created_at) VALUES ('c', 'alice', now())"
    )
    db.execute("INSERT INTO drains VALUES (%s, 2, 2, 2, 2, now())", (DRAIN,))
    for kind, amount in lamports.items():
        db.execute(
            "INSERT INTO pending_earnings (drain_id, content_id, user_id, kind, views, lamports,"
            " accrued_at) VALUES (%s, 'c', 'alice', %s, 1, %s, now())",
            (DRAIN, {"owed": "earnings"}.get(kind, kind), amount),
        )
    entries = {f"{kind}:alice": amount for kind, amount in lamports.items()}
    ledger.post(db, "views", entries | {"views": -sum(lamports.values())}, now=datetime.now(UTC))


@pytest.mark.parametrize(
    ("amounts", "kinds"),
    [
        ({"owed": 6_000_000, "return": 4_000_000}, ["earnings", "return"]),
        # Nothing she put in can earn any more, so her return is final (ADR-0008).
        ({"owed": 6_000_000, "return": 3_999_999}, ["return"]),
        ({"owed": 9_500_000, "return": 600_000}, ["earnings"]),
        ({"owed": 9_999_999}, []),
        ({"return": 10_000_000}, ["return"]),
    ],
)
def test_what_a_user_is_owed_is_one_sum(
    settler: Settler, amounts: dict[str, int], kinds: list[str]
) -> None:
    """As a creator and as an investor; a part that is too small to open an account stays."""
    settler.user("alice")
    owe(settler.db, **amounts)
    plan.make_payouts(settler.db, minimum_lamports=10_000_000, new_id=uuid4, now=datetime.now(UTC))
    rows = settler.db.execute("SELECT kind FROM payouts ORDER BY kind")
    assert [row["kind"] for row in rows] == kinds


def test_what_is_stuck_hides_nothing(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "OPEN_MAX", 2)
    planned = [a_batch(db) for _ in range(4)]
    signed = [a_batch(db, "SIGNED") for _ in range(2)]
    stuck = [str(batch_id) for batch_id in planned[:2]]
    found = [batch.id for batch in batches.list_open(db, stuck=stuck)]
    assert set(found) == {*planned[2:], *signed}
