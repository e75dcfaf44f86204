"""Lookup tables of a forgotten time: their rent is booked, and payments go on looking them up."""

import pytest

from pixr.adapters.postgres import pauses
from pixr.domain import lookup_tables as rules
from pixr.domain.packing import PAYEES_FULL_WITH_TABLE
from pixr.ops.recovering import walking
from tests.functions.batch.regulars import (
    earn,
    entries,
    make_tabled,
    make_town,
    paid_in_all,
    sizes,
    table_states,
)
from tests.ops.timeline import Timeline


@pytest.fixture(autouse=True)
def _nothing_is_in_the_air(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was signed has landed or is long dead: the wait shows nothing."""
    monkeypatch.setattr(walking, "BLOCKHASH_BLOCKS", 1)
    monkeypatch.setattr(walking, "EXPIRY_MARGIN_BLOCKS", 0)


@pytest.fixture
def paid_twice(timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> Timeline:
    """Two paydays: an extension is due. Capital costs nothing here, or it would take eight."""
    monkeypatch.setattr(rules, "CAPITAL_BPS_PER_YEAR", 0)
    town = make_town(timeline.settler)
    for day in ("a", "b"):
        earn(town, day)
        town.tick()
    return timeline


def read_back(timeline: Timeline) -> dict[str, int]:
    report = timeline.recover()
    assert report.is_clean, (report.unexplained, report.differences)
    assert pauses.read(timeline.settler.db) is None
    return dict(report.counts)


def pay_with_the_table(timeline: Timeline, times: int) -> None:
    """The next payday looks regulars up, everybody is paid, every lamport agrees."""
    town = timeline.settler
    earn(town, "z")
    town.tick()
    assert ("v0", PAYEES_FULL_WITH_TABLE, "FINALIZED") in sizes(town)[-2:]
    assert paid_in_all(town, times)
    assert timeline.differences() == []


def test_a_table_that_was_made_since_is_used_again(paid_twice: Timeline) -> None:
    town = paid_twice.settler
    backup = paid_twice.backup()
    for _ in range(2):
        town.tick()
    earn(town, "c")
    town.tick()
    assert entries(town) == 46
    paid_twice.restore(backup)
    assert "paid for by the treasury" in str(town.tick().paused)
    counts = read_back(paid_twice)
    assert counts["extensions"] == 2
    assert (entries(town), table_states(town)) == (46, ["USABLE"])
    assert town.account("tables") == rules.rent_lamports(46)
    pay_with_the_table(paid_twice, 4)


def test_an_extension_that_was_on_its_way_is_the_one_that_landed(paid_twice: Timeline) -> None:
    town = paid_twice.settler
    paid_twice.begin()
    backup = paid_twice.backup()
    for _ in range(2):
        town.tick()
    assert entries(town) == 46
    paid_twice.restore(backup)
    counts = read_back(paid_twice)
    assert (counts["adopted"], counts["extensions"]) == (1, 1)
    pay_with_the_table(paid_twice, 3)


def test_an_extension_that_never_landed_gives_its_places_back(paid_twice: Timeline) -> None:
    town = paid_twice.settler
    paid_twice.begin()
    paid_twice.outlive()
    backup = paid_twice.backup()
    paid_twice.restore(backup)
    assert read_back(paid_twice) == {"dissolved": 1}
    assert table_states(town) == ["ABANDONED"]
    for _ in range(2):
        town.tick()
    assert table_states(town) == ["ABANDONED", "USABLE"]
    pay_with_the_table(paid_twice, 3)


def test_a_table_of_before_stays_what_it_was(
    timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Payments that looked it up are read as what they paid."""
    town = make_tabled(make_town(timeline.settler), monkeypatch)
    earn(town, "c")
    town.tick()
    timeline.restore(timeline.backup())
    assert read_back(timeline) == {}
    pay_with_the_table(timeline, 4)
