"""Regular payees come to stand in a lookup table and share a transaction; nobody is paid twice."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import AccountContent, Solana
from pixr.domain import lookup_tables as rules
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE, TRANSACTION_BYTES_MAX
from tests.functions.batch.conftest import Settler
from tests.functions.batch.regulars import (
    REGULARS,
    Crash,
    Deadly,
    Mute,
    earn,
    entries,
    extensions,
    honest,
    is_clean,
    make_tabled,
    make_town,
    paid_in_all,
    sizes,
    table_address,
    table_states,
)


@pytest.fixture
def town(settler: Settler) -> Settler:
    return make_town(settler)


@pytest.fixture
def tabled(town: Settler, monkeypatch: pytest.MonkeyPatch) -> Settler:
    return make_tabled(town, monkeypatch)


def test_after_eight_paydays_regulars_get_a_table_and_share_transactions(town: Settler) -> None:
    """The whole way with the real rule, to the lamport."""
    for number in range(7):
        earn(town, f"day-{number}")
        assert town.tick().tables_extended == 0
    earn(town, "day-7")
    assert town.tick().tables_extended == 0
    while town.tick().tables_extended:
        assert len(extensions(town)) < 10
    # The last two would have to share the third extension among themselves: not worth it.
    assert extensions(town) == ["FINALIZED"] * 2
    assert (entries(town), table_states(town)) == (46, ["USABLE"])
    earn(town, "day-8")
    town.tick()
    assert sizes(town)[-2:] == [
        ("v0", PAYEES_FULL_WITH_TABLE, "FINALIZED"),
        ("legacy", REGULARS - PAYEES_FULL_WITH_TABLE, "FINALIZED"),
    ]
    assert paid_in_all(town, 9)
    assert town.account("tables") == rules.rent_lamports(46)
    assert town.account("treasury") == town.balance(town.keyring.treasury.address)
    assert is_clean(town)


def test_what_is_sent_fits_and_looks_its_payees_up(tabled: Settler) -> None:
    earn(tabled, "c")
    tabled.tick()
    row = tabled.db.execute(
        "SELECT raw, fee_lamports_max, fee_lamports FROM transactions"
        " JOIN batches ON batches.id = batch_id"
        " WHERE kind = 'earnings' AND table_address IS NOT NULL"
    ).fetchone()
    assert row is not None
    assert len(row["raw"]) == 1_216 <= TRANSACTION_BYTES_MAX
    message = VersionedTransaction.from_bytes(row["raw"]).message
    assert isinstance(message, MessageV0)
    (lookup,) = message.address_table_lookups
    assert len(bytes(lookup.writable_indexes)) == PAYEES_FULL_WITH_TABLE
    assert row["fee_lamports_max"] == row["fee_lamports"] == 5_000
    assert is_clean(tabled)


def test_switched_off_nobody_looks_at_tables_and_everybody_is_paid(tabled: Settler) -> None:
    tabled.terms = replace(tabled.terms, lookup_tables=False)
    asked: list[Sequence[str]] = []

    class Watched(Solana):
        def contents(self, addresses: Sequence[str]) -> list[AccountContent | None]:
            asked.append(addresses)
            return super().contents(addresses)

    tabled.chain = Watched([tabled.chain.nodes[0].url])
    earn(tabled, "c")
    tabled.tick()
    assert sizes(tabled)[6:] == [("legacy", PAYEES_FULL, "FINALIZED")] * 3
    assert asked == []
    assert paid_in_all(tabled, 3)


def test_what_was_planned_with_a_table_is_paid_when_they_are_switched_off(tabled: Settler) -> None:
    earn(tabled, "c")
    tabled.chain = Mute(tabled)
    tabled.tick(seconds=3)
    tabled.terms = replace(tabled.terms, lookup_tables=False)
    tabled.chain = honest(tabled)
    tabled.tick()
    assert ("v0", PAYEES_FULL_WITH_TABLE, "FINALIZED") in sizes(tabled)
    assert paid_in_all(tabled, 3)


# ── crashes ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("sends", [False, True])
def test_a_crash_while_a_table_pays(tabled: Settler, sends: bool) -> None:  # noqa: FBT001 -- a case
    earn(tabled, "c")
    tabled.chain = Deadly(tabled, sends=sends)
    with pytest.raises(Crash):
        tabled.tick()
    tabled.chain = honest(tabled)
    tabled.tick()
    assert ("v0", PAYEES_FULL_WITH_TABLE, "FINALIZED") in sizes(tabled)
    assert paid_in_all(tabled, 3)
    assert is_clean(tabled)


@pytest.mark.parametrize("sends", [False, True])
def test_a_crash_while_a_table_is_made(
    town: Settler,
    monkeypatch: pytest.MonkeyPatch,
    sends: bool,  # noqa: FBT001 -- a case
) -> None:
    monkeypatch.setattr(rules, "CAPITAL_BPS_PER_YEAR", 0)
    for day in ("a", "b"):
        earn(town, day)
        town.tick()
    town.chain = Deadly(town, sends=sends)
    with pytest.raises(Crash):
        town.tick()
    assert extensions(town) == ["INFLIGHT"]
    town.chain = honest(town)
    town.tick()
    assert extensions(town)[0] == "FINALIZED"
    town.tick()
    assert entries(town) == 46
    on_chain = town.chain.contents([table_address(town)])[0]
    assert on_chain is not None
    assert len(rules.read(on_chain.owner, on_chain.data).addresses) == 46
    assert is_clean(town)


def test_a_creation_that_never_lands_gives_its_places_back(
    town: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its slot is too old after the proof of expiry; another table is made, in another's name."""
    monkeypatch.setattr(rules, "CAPITAL_BPS_PER_YEAR", 0)
    for day in ("a", "b"):
        earn(town, day)
        town.tick()
    before = town.account("treasury")
    town.chain = Mute(town)
    for _ in range(20):
        town.tick(seconds=4)
        if "FAILED" in extensions(town):
            break
    town.chain = honest(town)
    town.tick()
    town.tick()
    assert extensions(town)[0] == "FAILED"
    assert table_states(town) == ["ABANDONED", "USABLE"]
    assert entries(town) >= 23
    assert town.account("treasury") < before
    assert is_clean(town)


# ── when not ─────────────────────────────────────────────────────────────────


def test_a_treasury_that_is_not_rich_locks_nothing(
    town: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "CAPITAL_BPS_PER_YEAR", 0)
    for day in ("a", "b"):
        earn(town, day)
        town.tick()
    town.db.execute(
        "UPDATE ledger_accounts SET reserved_lamports = posted_lamports - 500000000"
        " WHERE account = 'treasury'"
    )
    assert town.tick().tables_extended == 0
    assert extensions(town) == []
