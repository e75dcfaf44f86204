"""PostgreSQL: the record of everything.

``connect`` opens a connection, ``sql`` reads one statement from its file, and each module
beside this one speaks for one family of tables. No function here calls the network
while a transaction is open, and none opens a connection of its own.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from pixr.domain.errors import Outage

Database = psycopg.Connection[DictRow]
"""An autocommit connection that returns rows as dicts; ``db.transaction()`` groups statements."""

Row = dict[str, Any]

_NAME = re.compile(r"[a-z_]+/[a-z_]+")


class DatabaseUnreachable(Outage):
    """The database did not answer in time. What was not committed did not happen."""

    part = "database"


@contextmanager
def connect(database_url: str, *, connect_timeout_s: int = 5) -> Generator[Database]:
    """Open one connection for one invocation and close it.

    A statement may take 20 s and wait 5 s for a lock: longer is a fault that the next
    invocation retries, not something to sit out inside a Lambda.

    Raises:
        DatabaseUnreachable: No connection within ``connect_timeout_s``, or it was lost, or a
            statement or a lock took too long.
    """
    try:
        db = psycopg.Connection[DictRow].connect(
            database_url,
            autocommit=True,
            connect_timeout=connect_timeout_s,
            row_factory=dict_row,
            options="-c statement_timeout=20000 -c lock_timeout=5000 -c timezone=UTC",
        )
    except psycopg.OperationalError as error:
        raise DatabaseUnreachable(str(error).strip()) from error
    try:
        with db:
            yield db
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        raise DatabaseUnreachable(str(error).strip()) from error


@cache
def sql(name: str) -> bytes:
    """Return the statement in ``sql/<name>.sql``, for example ``payouts/claim``.

    Bytes, because psycopg takes a ``str`` only when it is a literal; names are literals in
    our own code and the files are ours.
    """
    assert _NAME.fullmatch(name), name
    return files("pixr.adapters.postgres").joinpath("sql", f"{name}.sql").read_bytes()
