"""Real servers for every test: one PostgreSQL and one Valkey for the session.

They start when the first test asks for them and die with pytest, however it ends. Each test gets
a database of its own, copied from a migrated template, and an empty Valkey.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Final

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql

from pixr.adapters.postgres import Database, connect
from pixr.local.postgres import Postgres, running_postgres
from pixr.local.valkey import Valkey, running_valkey

TEMPLATE = "pixr_template"

LONG: Final = (
    *("tests/ops/test_drill.py", "tests/benchmarks", "tests/e2e", "tests/ops/reserving"),
    *("tests/functions/reprocess", "tests/simulation", "tests/player", "tests/corpus"),
)
"""What takes a minute a file or more comes first: begun last, it would leave all processes but one
without work."""

# A neighbour on the machine makes any test slow, and slow is not wrong.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files that take long in front, and leave the order as it was drawn otherwise."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """The session's server; its own database is not migrated."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """The session's server; use ``redis_url`` to find it empty."""
    with running_valkey() as server:
        yield server


@pytest.fixture(scope="session")
def make_database(postgres: Postgres) -> Iterator[Callable[[str], str]]:
    """Create a database from a template's name, answering its address."""
    server = postgres.url.rpartition("/")[0]
    with psycopg.connect(postgres.url, autocommit=True) as admin:

        def make(template: str) -> str:
            name = f"test_{next(_numbers)}"
            statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY"
            admin.execute(sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(template)))
            return f"{server}/{name}"

        yield make


@pytest.fixture(scope="session")
def migrated_template(postgres: Postgres) -> str:
    """The name of a database with every migration applied; nobody stays connected to it."""
    from pixr.adapters.postgres.migrate import migrate  # noqa: PLC0415 -- only when asked for

    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
    migrate(f"{postgres.url.rpartition('/')[0]}/{TEMPLATE}")
    return TEMPLATE


def _drop(postgres: Postgres, url: str) -> None:
    name = sql.Identifier(url.rpartition("/")[2])
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def empty_database_url(postgres: Postgres, make_database: Callable[[str], str]) -> Iterator[str]:
    """A new database without any table."""
    url = make_database("template0")
    yield url
    _drop(postgres, url)


@pytest.fixture
def database_url(
    postgres: Postgres, make_database: Callable[[str], str], migrated_template: str
) -> Iterator[str]:
    """A new, migrated database."""
    url = make_database(migrated_template)
    yield url
    _drop(postgres, url)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A connection to the test's own database, as the functions open it: rows are dicts."""
    with connect(database_url) as connection:
        yield connection


@pytest.fixture
def redis_url(valkey: Valkey) -> str:
    """The address of an empty Valkey."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
    return valkey.url
