"""Migrations apply once, prove themselves, and refuse what they do not know."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from pixr.adapters.postgres import DatabaseUnreachable, connect
from pixr.adapters.postgres.migrate import MigrationRefused, migrate, migrations


def test_all_once(empty_database_url: str) -> None:
    assert migrate(empty_database_url) == [name for name, _ in migrations()]
    assert migrate(empty_database_url) == []


def test_four_at_once_apply_each_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(lambda _: migrate(empty_database_url), range(4)))
    assert sorted(map(len, applied)) == [0, 0, 0, len(migrations())]


def test_a_changed_file_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("UPDATE schema_migrations SET sha256 = 'x' WHERE name = '0001_ledger.sql'")
    with pytest.raises(MigrationRefused, match=r"0001_ledger\.sql was changed after"):
        migrate(database_url)


def test_a_newer_schema_is_refused(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as db:
        db.execute("INSERT INTO schema_migrations (name, sha256) VALUES ('9999_later.sql', 'x')")
    with pytest.raises(MigrationRefused, match=r"9999_later\.sql, which this code does not know"):
        migrate(database_url)


def test_every_file_bounds_its_waiting() -> None:
    for name, text in migrations():
        assert "SET LOCAL lock_timeout" in text, name


def test_a_database_that_is_not_there_is_named_without_its_password() -> None:
    with (
        pytest.raises(DatabaseUnreachable) as refusal,
        connect("postgresql://me:hunter2@127.0.0.1:9/pixr", connect_timeout_s=1),
    ):
        pass
    assert "127.0.0.1" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)
