"""From a view to SOL in a wallet, through the real settler."""

from datetime import UTC, datetime, timedelta

from pixr.adapters.postgres import connect, sql
from tests.functions.batch.conftest import Settler


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
