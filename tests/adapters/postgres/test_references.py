"""What refers to something refers to what is there: asked once a statement, by a trigger."""

from datetime import UTC, datetime

import psycopg
import pytest

from pixr.adapters.postgres import Database, ledger

DRAIN = "00000000-0000-0000-0000-000000000001"
NO_DRAIN = "00000000-0000-0000-0000-000000000002"


@pytest.fixture(autouse=True)
def referred_to(db: Database) -> None:
    db.execute("INSERT INTO contents (content_id, creator_id, created_at) VALUES ('c', 'a', now())")
    db.execute("INSERT INTO drains VALUES (%s, 1, 1, 1, 1, now())", (DRAIN,))


def accrue(db: Database, drain_id: str, *content_ids: str) -> None:
    db.execute(
        "INSERT INTO pending_earnings (drain_id, content_id, user_id, kind, views, lamports,"
        " accrued_at) SELECT %s, content_id, 'a', 'earnings', 1, 1, now()"
        " FROM unnest(%s::text[]) AS content_id",
        (drain_id, list(content_ids)),
    )


def test_an_accrual_is_of_a_content_and_a_drain(db: Database) -> None:
    accrue(db, DRAIN, "c")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="to content gone"):
        accrue(db, DRAIN, "gone")
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match=f"to drain {NO_DRAIN}"):
        accrue(db, NO_DRAIN, "c")
    assert db.execute("SELECT count(*) AS n FROM pending_earnings").fetchone() == {"n": 1}


def test_one_missing_among_many_is_found(db: Database) -> None:
    db.execute(
        "INSERT INTO contents (content_id, creator_id, created_at)"
        " SELECT 'c' || n, 'a', now() FROM generate_series(1, 500) AS n"
    )
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="to content gone"):
        accrue(db, DRAIN, *(f"c{n}" for n in range(1, 500)), "gone")


def test_an_epoch_is_of_a_content(db: Database) -> None:
    epoch = "INSERT INTO content_epochs VALUES (%s, 1, 0, 0, 0, 0, 0, true, now())"
    db.execute(epoch, ("c",))
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="to content gone"):
        db.execute(epoch, ("gone",))


def test_entries_are_of_a_ledger_transaction(db: Database) -> None:
    with pytest.raises(psycopg.errors.ForeignKeyViolation, match="no ledger transaction 999"):
        db.execute("INSERT INTO ledger_entries VALUES (999, 'world', -1), (999, 'treasury', 1)")
    found = db.execute(
        "SELECT sum(posted_lamports) AS n FROM ledger_accounts WHERE account = 'world'"
    )
    assert found.fetchone() == {"n": 0}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM contents",
        "UPDATE contents SET content_id = 'd'",
        "TRUNCATE contents CASCADE",
        "DELETE FROM drains",
        "UPDATE drains SET id = gen_random_uuid()",
        "TRUNCATE drains",
        "DELETE FROM ledger_transactions",
        "UPDATE ledger_transactions SET id = DEFAULT",
        "UPDATE ledger_transactions SET reference = 'another'",
        "TRUNCATE ledger_transactions",
        "DELETE FROM ledger_accounts WHERE account = 'tables'",
        "UPDATE ledger_accounts SET account = 'escrow' WHERE account = 'tables'",
        "TRUNCATE ledger_accounts CASCADE",
        "UPDATE pending_earnings SET content_id = 'd'",
        "UPDATE pending_earnings SET drain_id = gen_random_uuid()",
        "UPDATE content_epochs SET content_id = 'd'",
    ],
)
def test_what_is_referred_to_stays(db: Database, statement: str) -> None:
    accrue(db, DRAIN, "c")
    ledger.post(
        db, "in", {"wallet:alice": 100, "world": -100}, now=datetime(2030, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(psycopg.errors.RestrictViolation, match=r"refer to|append-only"):
        db.execute(statement.encode())
