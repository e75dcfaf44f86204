"""The treasury's balance against the books: what is missing, and what only seems to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions.batch import guard
from functions.batch.world import Report
from pixr.adapters.postgres import Database, house, ledger, pauses
from pixr.adapters.postgres.deposits import Deposit, record
from pixr.adapters.solana import Balance, Listing
from tests.adapters.postgres.test_states import a_batch

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESSES = {"treasury": str(Pubkey.new_unique()), "escrow": str(Pubkey.new_unique())}
HELD = 10**9
SLOT = 1_000


@dataclass
class Nodes:
    """Nothing is listed; each tells a balance."""

    told: list[Balance | None]

    def listing(self, *_: Any, **__: Any) -> Listing:
        return Listing(records=(), strays=(), gap=None, settled=0)

    def balances(self, address: str) -> list[Balance | None]:
        assert address == ADDRESSES["treasury"]
        return self.told


@pytest.fixture
def books(db: Database) -> Database:
    """They say that the treasury holds a SOL since slot 1,000."""
    signature = str(Keypair().sign_message(b"any"))
    house.pin(db, "treasury", ADDRESSES["treasury"], now=NOW)
    record(
        db,
        [Deposit(signature=signature, lamports=HELD, slot=SLOT)],
        account="treasury",
        address=ADDRESSES["treasury"],
        walked=(None, signature),
        now=NOW,
    )
    return db


def told(lamports: int, slot: int = SLOT) -> Balance:
    return Balance(lamports=lamports, slot=slot)


def look(db: Database, *balances: Balance | None) -> Report:
    report = Report()
    world: Any = SimpleNamespace(db=db, chain=Nodes(list(balances)))
    guard.look_out(world, ADDRESSES, report, now=NOW)
    pause = pauses.read(db)
    report.paused = None if pause is None else str(pause["reason"])
    return report


def test_a_payment_that_no_list_shows_is_missed(books: Database) -> None:
    report = look(books, told(HELD - 900_000))
    assert report.missing_lamports == 900_000
    assert report.paused is not None
    assert "900000 lamports less than the books can explain" in report.paused
    assert "pixr recover" in report.paused


@pytest.mark.parametrize(
    "balances",
    [
        # As the books say, or more: a deposit that no walk has got to.
        [told(HELD)],
        [told(HELD + 5)],
        # Somebody's fee is no payment: that takes the rent of a receipt as well.
        [told(HELD - 890_879)],
        # One node that shows it is enough.
        [told(HELD), told(0)],
        [told(0), None, told(HELD, SLOT + 9)],
    ],
    ids=repr,
)
def test_a_healthy_system_is_not_stopped(books: Database, balances: list[Balance | None]) -> None:
    report = look(books, *balances)
    assert (report.paused, report.unseen) == (None, [])


@pytest.mark.parametrize(
    "balances",
    [
        # It lags: the deposit is not there yet.
        [told(0, SLOT - 1)],
        [told(0, SLOT - 1), told(0, SLOT - 1)],
        # One of several, alone: it may have turned to another chain.
        [told(0), None],
        [told(0), told(HELD, SLOT - 1), None],
        [None],
    ],
    ids=repr,
)
def test_who_cannot_tell_stops_nobody_and_is_reported(
    books: Database, balances: list[Balance | None]
) -> None:
    report = look(books, *balances)
    assert (report.paused, report.missing_lamports) == (None, None)
    assert report.unseen == ["treasury: too few nodes tell a balance as young as the books"]


@pytest.mark.parametrize("state", ["SIGNED", "INFLIGHT", "HOLD"])
def test_what_may_have_landed_is_not_missing(books: Database, state: str) -> None:
    a_batch(books, state)
    books.execute("UPDATE batches SET treasury_reserved_lamports = 50000000")
    if state != "SIGNED":
        reason = "who knows" if state == "HOLD" else None
        books.execute("UPDATE batches SET state = %s, hold_reason = %s", (state, reason))
    assert ledger.read(books, "treasury").posted_lamports == HELD
    assert look(books, told(HELD - 50_000_000)).paused is None
    assert look(books, told(HELD - 51_000_000)).missing_lamports == 1_000_000
