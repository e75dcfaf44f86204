"""A table that is not as booked is not used; a payee in it who cannot be paid is named."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from pixr.adapters.solana import AccountContent, Solana
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler
from tests.functions.batch.regulars import (
    REGULARS,
    Careless,
    earn,
    empty,
    honest,
    is_clean,
    make_tabled,
    make_town,
    paid_in_all,
    sizes,
    table_address,
    table_states,
    url,
)


@pytest.fixture
def town(settler: Settler) -> Settler:
    return make_town(settler)


@pytest.fixture
def tabled(town: Settler, monkeypatch: pytest.MonkeyPatch) -> Settler:
    return make_tabled(town, monkeypatch)


# ── what a table may be found as ─────────────────────────────────────────────


class Altered(Solana):
    """A node that shows a lookup table otherwise than it is."""

    def __init__(
        self,
        settler: Settler,
        alter: Callable[[AccountContent], AccountContent | None],
        after: int = 0,
    ) -> None:
        super().__init__([url(settler)])
        self.alter = alter
        self.honest_looks = after

    def contents(self, addresses: Sequence[str]) -> list[AccountContent | None]:
        found = super().contents(addresses)
        self.honest_looks -= 1
        if self.honest_looks >= 0:
            return found
        return [None if item is None else self.alter(item) for item in found]


def gone(_: AccountContent) -> None:
    """It is not there."""


def behind(found: AccountContent) -> AccountContent:
    """Its last extension is not there yet."""
    return replace(found, data=found.data[:-32])


def swapped(found: AccountContent) -> AccountContent:
    """Two payees have changed places."""
    head, first, second, rest = (
        found.data[:56],
        found.data[56:88],
        found.data[88:120],
        found.data[120:],
    )
    return replace(found, data=head + second + first + rest)


def anothers(found: AccountContent) -> AccountContent:
    """Somebody else may extend it."""
    return replace(found, data=found.data[:22] + bytes(32) + found.data[54:])


def deactivated(found: AccountContent) -> AccountContent:
    """It is about to be closed."""
    return replace(found, data=found.data[:4] + (5).to_bytes(8, "little") + found.data[12:])


def no_table(found: AccountContent) -> AccountContent:
    """Another program's account."""
    return replace(found, owner="11111111111111111111111111111111")


@pytest.mark.parametrize("alter", [gone, behind, swapped, anothers, deactivated, no_table])
def test_a_table_that_looks_wrong_is_not_planned_with(
    tabled: Settler, alter: Callable[[AccountContent], AccountContent | None]
) -> None:
    tabled.chain = Altered(tabled, alter)
    earn(tabled, "c")
    tabled.tick()
    assert table_states(tabled) == ["DOUBTED"]
    assert sizes(tabled)[6:] == [("legacy", PAYEES_FULL, "FINALIZED")] * 3
    assert paid_in_all(tabled, 3)
    tabled.chain = honest(tabled)
    tabled.tick()
    assert table_states(tabled) == ["USABLE"]


@pytest.mark.parametrize("alter", [gone, behind])
def test_a_batch_whose_table_is_missing_is_planned_anew_without_it(
    tabled: Settler, alter: Callable[[AccountContent], AccountContent | None]
) -> None:
    """It was there when the batch was planned."""
    tabled.chain = Altered(tabled, alter, after=1)
    earn(tabled, "c")
    tabled.tick()
    assert sorted(sizes(tabled)[6:]) == [
        ("legacy", REGULARS - PAYEES_FULL_WITH_TABLE, "FINALIZED"),
        ("legacy", PAYEES_FULL_WITH_TABLE - 2 * PAYEES_FULL, "FINALIZED"),
        ("legacy", PAYEES_FULL, "FINALIZED"),
        ("legacy", PAYEES_FULL, "FINALIZED"),
        ("v0", PAYEES_FULL_WITH_TABLE, "FAILED"),
    ]
    assert paid_in_all(tabled, 3)
    tabled.chain = honest(tabled)
    assert is_clean(tabled)


@pytest.mark.parametrize("alter", [swapped, anothers, deactivated, no_table])
def test_a_batch_whose_table_is_another_is_held(
    tabled: Settler, alter: Callable[[AccountContent], AccountContent | None]
) -> None:
    tabled.chain = Altered(tabled, alter, after=1)
    earn(tabled, "c")
    tabled.tick()
    row = tabled.db.execute("SELECT hold_reason FROM batches WHERE state = 'HOLD'").fetchone()
    assert row is not None
    assert f"lookup table {table_address(tabled)}" in row["hold_reason"]
    states = [state for form, _, state in sizes(tabled) if form == "v0"]
    assert states == ["HOLD"]
    attempts = tabled.db.execute(
        "SELECT count(*) AS n FROM transactions JOIN batches ON batches.id = batch_id"
        " WHERE table_address IS NOT NULL AND kind = 'earnings'"
    ).fetchone()
    assert attempts == {"n": 0}


@pytest.mark.parametrize(
    ("alter", "said"),
    [
        (gone, "it is not there"),
        (behind, "it has 45 of 46 entries"),
        (swapped, "entry 0 is"),
        (deactivated, "it was deactivated"),
        (no_table, "it is an account of"),
    ],
)
def test_verify_finds_a_table_that_is_not_what_was_written(
    tabled: Settler, alter: Callable[[AccountContent], AccountContent | None], said: str
) -> None:
    altered = Altered(tabled, alter)
    checks = verify(tabled.db, altered, pause=lambda _: None)
    wrong = {check.name: check.differences for check in checks if check.differences}
    assert list(wrong) == ["every lookup table stands on chain as it was written"]
    assert said in wrong["every lookup table stands on chain as it was written"][0]


def test_verify_finds_rent_that_is_not_in_the_books(tabled: Settler) -> None:
    tabled.db.execute("UPDATE batches SET lamports = lamports + 1 WHERE kind = 'table'")
    wrong = {check.name for check in verify(tabled.db, tabled.chain) if check.differences}
    assert "the rent is that of the receipts that stand" in wrong
    assert "every payment on chain says what its batch says" in wrong


def test_places_that_the_books_have_wrong_are_found_by_the_signer(tabled: Settler) -> None:
    """Two rows were swapped by hand: the message would pay one payee what is the other's."""
    earn(tabled, "c")
    tabled.chain = Swapping(tabled)
    tabled.tick()
    row = tabled.db.execute("SELECT hold_reason FROM batches WHERE state = 'HOLD'").fetchone()
    assert row is not None
    assert "on chain and" in row["hold_reason"]


class Swapping(Solana):
    """The true nodes; after the first look at the table somebody swaps two rows."""

    def __init__(self, settler: Settler) -> None:
        super().__init__([url(settler)])
        self.db = settler.db
        self.is_swapped = False

    def contents(self, addresses: Sequence[str]) -> list[AccountContent | None]:
        if not self.is_swapped:
            self.is_swapped = True
            move = "UPDATE lookup_entries SET position = %s WHERE position = %s"
            for target, source in ((255, 0), (0, 1), (1, 255)):
                self.db.execute(move, (target, source))
        return super().contents(addresses)


# ── poison ───────────────────────────────────────────────────────────────────


def test_a_payee_in_the_table_who_cannot_be_paid_is_named(tabled: Settler) -> None:
    """The error counts the accounts on, after the message's own, into those that were looked up."""
    listed = tabled.db.execute("SELECT address FROM lookup_entries ORDER BY position").fetchall()
    names = {
        tabled.keyring.seed.wallet(f"creator-{number}").address: f"creator-{number}"
        for number in range(REGULARS)
    }
    regulars = [names[row["address"]] for row in listed]
    user, poor = regulars[17], str(listed[17]["address"])
    empty(tabled, user)
    tabled.terms = replace(tabled.terms, minimum_lamports=100_000)
    tabled.chain = Careless(tabled, poor)
    # Ten views are far less than a wallet that is gone needs to open again. As many as fill one
    # transaction, whose order nobody knows before.
    for name in regulars[:PAYEES_FULL_WITH_TABLE]:
        tabled.watch(name.replace("creator", "film"), 10, day="c")
    tabled.tick()
    rows = tabled.db.execute("SELECT user_id, reason FROM payouts WHERE state = 'QUARANTINED'")
    quarantined = [(row["user_id"], row["reason"]) for row in rows]
    assert [name for name, _ in quarantined] == [user]
    assert "InsufficientFundsForRent" in quarantined[0][1]
    failed = [size for size in sizes(tabled) if size[2] == "FAILED"]
    assert failed == [("v0", PAYEES_FULL_WITH_TABLE, "FAILED")]
    pending = tabled.db.execute("SELECT count(*) AS n FROM payouts WHERE state = 'PENDING'")
    assert pending.fetchone() == {"n": 0}
