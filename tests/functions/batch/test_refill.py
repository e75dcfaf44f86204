"""Below its float the hot treasury asks for more, once, and stops asking when it has it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.batch import refill
from functions.batch.world import Report
from pixr.adapters.postgres import Database, refills
from tests.functions.batch.conftest import Settler

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
FLOAT = 5_000


def look(db: Database, held: int | None, *, minutes: int = 0, wanted: int = FLOAT) -> int | None:
    report = Report(hot_lamports=held)
    now = NOW + timedelta(minutes=minutes)
    refill.watch(db, report, float_lamports=wanted, now=now)
    return report.below_float_lamports


def requests(db: Database) -> list[tuple[int, bool]]:
    rows = db.execute("SELECT balance_lamports, closed_at FROM refill_requests ORDER BY id")
    return [(row["balance_lamports"], row["closed_at"] is not None) for row in rows]


def test_one_request_is_open_until_the_balance_is_back(db: Database) -> None:
    assert look(db, FLOAT) == 0
    assert requests(db) == []
    assert look(db, FLOAT - 1, minutes=1) == 1
    assert look(db, 0, minutes=2) == FLOAT
    assert requests(db) == [(FLOAT - 1, False)]
    assert look(db, FLOAT, minutes=3) == 0
    assert requests(db) == [(FLOAT - 1, True)]
    assert refills.read(db) is None
    look(db, 7, minutes=4)
    assert requests(db) == [(FLOAT - 1, True), (7, False)]


def test_a_clock_that_went_back_closes_it_all_the_same(db: Database) -> None:
    look(db, 1, minutes=5)
    look(db, FLOAT, minutes=0)
    assert requests(db) == [(1, True)]


def test_a_float_that_is_given_up_is_asked_for_no_more(db: Database) -> None:
    look(db, 1)
    assert look(db, 1, minutes=1, wanted=0) is None
    assert requests(db) == [(1, True)]


def test_a_float_that_is_changed_is_asked_for_as_it_is_now(db: Database) -> None:
    look(db, 4_000)
    look(db, 3_000, minutes=1, wanted=9_000)
    found = refills.read(db)
    assert found is not None
    assert (found.float_lamports, found.balance_lamports, found.opened_at) == (9_000, 3_000, NOW)
    # Below what it held when the request was opened, which no row may say.
    look(db, 1_000, minutes=2, wanted=2_000)
    look(db, 500, minutes=3, wanted=2_000)
    found = refills.read(db)
    assert found is not None
    assert (found.float_lamports, found.balance_lamports) == (2_000, 1_000)
    assert len(requests(db)) == 1


@pytest.mark.parametrize(("held", "wanted"), [(None, FLOAT), (0, 0)])
def test_what_is_not_known_or_not_watched_is_not_asked_for(
    db: Database, held: int | None, wanted: int
) -> None:
    assert look(db, held, wanted=wanted) is None
    assert requests(db) == []


def test_a_tick_asks_and_pays_all_the_same(settler: Settler) -> None:
    settler.terms = replace(settler.terms, hot_float_lamports=200 * 10**9)
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    report = settler.tick()
    assert report.hot_lamports == 100 * 10**9
    assert report.below_float_lamports == 100 * 10**9
    request = refills.read(settler.db)
    assert request is not None
    assert (request.float_lamports, request.balance_lamports) == (200 * 10**9, 100 * 10**9)
    assert settler.balance(address) == 19_000_000
    settler.airdrop(settler.keyring.treasury.address, 101 * 10**9)
    assert settler.tick().below_float_lamports == 0
    assert refills.read(settler.db) is None
