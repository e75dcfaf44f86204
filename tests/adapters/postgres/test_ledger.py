"""The ledger refuses what does not balance, what is not there, and what was posted before."""

from datetime import UTC, datetime

import psycopg
import pytest

from pixr.adapters.postgres import Database, ledger

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def deposit(db: Database, lamports: int, reference: str = "deposit") -> bool:
    return ledger.post(db, reference, {"wallet:alice": lamports, "world": -lamports}, now=NOW)


def test_a_posting_moves_both_balances(db: Database) -> None:
    assert deposit(db, 100)
    assert ledger.read(db, "wallet:alice").available_lamports == 100
    assert ledger.read(db, "world").posted_lamports == -100


def test_one_event_is_posted_once(db: Database) -> None:
    assert deposit(db, 100)
    assert not deposit(db, 100)
    assert ledger.read(db, "wallet:alice").posted_lamports == 100


def test_entries_that_do_not_sum_to_zero_never_reach_the_database(db: Database) -> None:
    with pytest.raises(ValueError, match="sum to 1, not to zero"):
        ledger.post(db, "event", {"treasury": 1}, now=NOW)


def test_the_database_refuses_them_too(db: Database) -> None:
    db.execute("INSERT INTO ledger_transactions (reference, posted_at) VALUES ('x', now())")
    entry = "INSERT INTO ledger_entries SELECT max(id), 'treasury', 1 FROM ledger_transactions"
    with pytest.raises(psycopg.errors.CheckViolation, match="does not sum to zero"):
        db.execute(entry)


def test_nobody_spends_what_is_not_there(db: Database) -> None:
    deposit(db, 100)
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
        ledger.post(db, "out", {"wallet:alice": -101, "world": 101}, now=NOW)
    assert ledger.read(db, "wallet:alice").posted_lamports == 100


def test_a_promise_cannot_be_spent_by_anybody_else(db: Database) -> None:
    deposit(db, 100)
    assert ledger.reserve(db, "wallet:alice", 60)
    assert not ledger.reserve(db, "wallet:alice", 41)
    assert ledger.read(db, "wallet:alice").available_lamports == 40
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
        ledger.post(db, "out", {"wallet:alice": -41, "world": 41}, now=NOW)
    ledger.release(db, {"wallet:alice": 60})
    assert ledger.read(db, "wallet:alice").available_lamports == 100


def test_more_than_was_promised_cannot_be_released(db: Database) -> None:
    deposit(db, 100)
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.release(db, {"wallet:alice": 1})


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_entries SET lamports = 1",
        "DELETE FROM ledger_entries",
        "TRUNCATE ledger_entries",
    ],
)
def test_entries_are_for_ever(db: Database, statement: str) -> None:
    deposit(db, 100)
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        db.execute(statement.encode())


def test_entries_are_of_a_ledger_transaction_that_there_is(db: Database) -> None:
    deposit(db, 100)
    begun = ledger.begin(db, ["out"], now=NOW)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        db.execute(
            "INSERT INTO ledger_entries VALUES (%(id)s, 'wallet:alice', -1), (%(id)s, 'world', 1)",
            {"id": begun["out"] + 1},
        )
    assert ledger.read(db, "world").posted_lamports == -100


@pytest.mark.parametrize("entry", ["-1, 0", "1, 1"], ids=["pays", "releases"])
def test_an_account_that_an_entry_opens_has_neither_money_nor_promises(
    db: Database, entry: str
) -> None:
    begun = ledger.begin(db, ["out"], now=NOW)
    lamports = -int(entry.partition(",")[0])
    with pytest.raises(psycopg.errors.CheckViolation):
        db.execute(
            f"INSERT INTO ledger_entries VALUES (%(id)s, 'wallet:nobody', {entry}),"
            f" (%(id)s, 'world', {lamports}, 0)".encode(),
            {"id": begun["out"]},
        )
    assert ledger.read(db, "world").posted_lamports == 0


def release_with_an_entry(db: Database, lamports: int) -> None:
    begun = ledger.begin(db, ["out"], now=NOW)
    db.execute(
        "INSERT INTO ledger_entries VALUES (%(id)s, 'wallet:alice', -60, %(lamports)s),"
        " (%(id)s, 'world', 60, 0)",
        {"id": begun["out"], "lamports": lamports},
    )


def test_an_entry_keeps_a_promise(db: Database) -> None:
    deposit(db, 100)
    assert ledger.reserve(db, "wallet:alice", 100)
    release_with_an_entry(db, 60)
    assert ledger.read(db, "wallet:alice") == ledger.Account(
        posted_lamports=40, reserved_lamports=40
    )


@pytest.mark.parametrize("lamports", [0, 59, 101, -1])
def test_an_entry_releases_neither_too_little_nor_too_much(db: Database, lamports: int) -> None:
    deposit(db, 100)
    assert ledger.reserve(db, "wallet:alice", 100)
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
        release_with_an_entry(db, lamports)
    assert ledger.read(db, "wallet:alice").reserved_lamports == 100


@pytest.mark.parametrize(
    "account", ["wallet", "wallet:", "treasury:alice", "nonsense", "nonsense:alice"]
)
def test_an_account_is_named_by_its_kind(db: Database, account: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.open_account(db, account)
