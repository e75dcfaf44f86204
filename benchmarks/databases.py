"""A PostgreSQL server that waits for its disk, and a fresh migrated database per repetition."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from pixr.adapters.postgres import Database, connect
from pixr.adapters.postgres.migrate import migrate
from pixr.local import process
from pixr.local.postgres import Postgres, running_postgres

TEMPLATE = "bench_template"
COPY = "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """A server with a migrated template."""

    server: Postgres

    @property
    def _root(self) -> str:
        return self.server.url.rpartition("/")[0]

    def settings(self) -> dict[str, str]:
        """The server's version, and whether a commit is on disk when it returns."""
        with psycopg.connect(self.server.url, autocommit=True) as admin:
            shown = {
                name: admin.execute(f"SHOW {name}").fetchone()
                for name in ("server_version", "fsync", "synchronous_commit")
            }
        return {
            name.replace("server_version", "PostgreSQL"): str(row[0])
            for name, row in shown.items()
            if row
        }

    @property
    def url(self) -> str:
        """Where the fresh database is, while there is one."""
        return f"{self._root}/{COPY}"

    @contextlib.contextmanager
    def fresh(self) -> Iterator[Database]:
        """A connection to a new migrated database, which is dropped afterwards."""
        with psycopg.connect(self.server.url, autocommit=True) as admin:
            name, template = sql.Identifier(COPY), sql.Identifier(TEMPLATE)
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
            try:
                with connect(self.url) as db:
                    yield db
            finally:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@contextlib.contextmanager
def durable_databases(settings: Sequence[str] = ()) -> Iterator[Databases]:
    """Start a server whose commits are on disk: fsync on, commits waited for.

    Args:
        settings: More of them, such as ``shared_buffers=1GB``.
    """
    with (
        process.temporary_directory("pixr-bench-") as folder,
        running_postgres(folder / "postgres", settings=settings) as server,
    ):
        databases = Databases(server=server)
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {TEMPLATE}")
        migrate(f"{server.url.rpartition('/')[0]}/{TEMPLATE}")
        yield databases
