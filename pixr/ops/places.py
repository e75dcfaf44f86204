"""Which database and which chain a word speaks to.

    an option  ▷  the environment (DATABASE_URL, SOLANA_RPC_URL)  ▷  the machine that runs here

An explicit --data asks for that machine, whatever the environment says. No value is ever
printed whole: a URL may carry a password.
"""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
from typer import Option

from pixr.adapters.postgres import Database, DatabaseUnreachable, connect, house, sessions
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.local.errors import LocalError
from pixr.local.home import DEFAULT, Description, Home, running_home

Data = Annotated[
    Path | None, Option(help=f"A running machine's directory; {DEFAULT} unless the rest is given.")
]
DatabaseUrl = Annotated[str | None, Option(help="PostgreSQL; DATABASE_URL by default.")]
RpcUrl = Annotated[str | None, Option("--rpc", help="Solana nodes; SOLANA_RPC_URL by default.")]
Actor = Annotated[str | None, Option(help="Who does it, for the audit log; your user name.")]

_DATABASE: Final = re.compile(r"postgres(ql)?://\S+")
_RPC_RULE: Final = "http(s) URLs with commas between them and no spaces"
_RPC: Final = re.compile(r"https?://[^\s,]+(,https?://[^\s,]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a word looks."""

    database_url: str
    rpc_urls: tuple[str, ...]
    machine: Description | None
    """The machine on this computer that they belong to; None: somewhere else."""
    home: Path | None
    """Its directory."""

    @property
    def name(self) -> str:
        """Database and nodes without user names, passwords or keys."""
        database = urlsplit(self.database_url)
        place = f"{database.hostname or 'local'}{database.path}"
        nodes = ", ".join(urlsplit(url).hostname or "?" for url in self.rpc_urls)
        return f"{place} and {nodes}"


def find(
    data: Path | None,
    *,
    database_url: str | None = None,
    rpc: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Places:
    """Decide where to look.

    Raises:
        LocalError: A value is malformed, or something is missing and no machine runs.
    """
    given = {} if data is not None else environ
    database_url = database_url or given.get("DATABASE_URL")
    rpc = rpc or given.get("SOLANA_RPC_URL")
    machine: Description | None = None
    home: Path | None = None
    if database_url is None or rpc is None:
        home, machine = _machine(data or DEFAULT)
        database_url = database_url or machine.database_url
        rpc = rpc or machine.solana_rpc_url
    elif (running := Home(path=DEFAULT.resolve())).is_running():
        # `eval "$(pixr env)"` names the machine by its addresses.
        described = running.description()
        if described is not None and described.database_url == database_url:
            home, machine = running.path, described
    _require(_DATABASE, database_url, "DATABASE_URL", "postgresql://host/database")
    _require(_RPC, rpc, "SOLANA_RPC_URL", _RPC_RULE)
    return Places(
        database_url=database_url, rpc_urls=tuple(rpc.split(",")), machine=machine, home=home
    )


@contextmanager
def opened(places: Places, *, statement_timeout_s: int = 60) -> Iterator[tuple[Database, Solana]]:
    """The database, and the nodes of the chain that it speaks of, for one command.

    Args:
        places: Where they are.
        statement_timeout_s: Most seconds for one statement; a check may read whole tables.

    Raises:
        LocalError: One of them does not answer, or the database is not one of ours.
    """
    try:
        with connect(places.database_url) as db:
            sessions.allow_long_statements(db, timeout_s=statement_timeout_s)
            yield db, Solana(places.rpc_urls, genesis_hash=house.chain(db))
    except DatabaseUnreachable as error:
        raise LocalError(
            f"The database does not answer ({error}).",
            mend="Set DATABASE_URL, with its password where it has one.",
        ) from error
    except psycopg.errors.UndefinedTable as error:
        raise LocalError(
            "The database has no schema of this version.", mend="Migrate it first, or name another."
        ) from error
    except ChainUnreachable as error:
        raise LocalError(
            f"No node of the chain gives a usable answer ({error}).",
            mend="Set SOLANA_RPC_URL to nodes that do.",
        ) from error


def rpc_urls_of(rpc: str) -> tuple[str, ...]:
    """Read the value of --rpc.

    Raises:
        LocalError: It is malformed.
    """
    _require(_RPC, rpc, "--rpc", _RPC_RULE)
    return tuple(rpc.split(","))


def parse_id(text: str, what: str) -> UUID:
    """Read an id that somebody typed.

    Raises:
        LocalError: It is none.
    """
    try:
        return UUID(text)
    except ValueError as error:
        raise LocalError(
            f"{text[:64]!r} is not the id of {what}.",
            mend="An id has 32 hexadecimal digits, such as 00000000-0000-0000-0000-000000000000.",
        ) from error


def read(name: str, *, bytes_max: int) -> str:
    """Read a text file, or the standard input for ``-``.

    Raises:
        LocalError: It cannot be read, is longer than ``bytes_max``, or is no text.
    """
    try:
        if name == "-":
            content = sys.stdin.buffer.read(bytes_max + 1)
        else:
            with Path(name).open("rb") as file:
                content = file.read(bytes_max + 1)
        if len(content) > bytes_max:
            raise LocalError(f"{name} has more than {bytes_max} bytes.", mend="Name another file.")
        return content.decode()
    except OSError as error:
        raise LocalError(
            f"{name} cannot be read: {error.strerror}.", mend="Name another file."
        ) from error
    except UnicodeDecodeError as error:
        raise LocalError(f"{name} is not UTF-8 text.", mend="Name another file.") from error


def write(path: Path, text: str, *, is_new: bool = False) -> None:
    """Write a text file.

    Args:
        path: Which.
        text: What is to stand in it.
        is_new: Overwrite nothing.

    Raises:
        LocalError: It cannot be written, or is there already.
    """
    try:
        with path.open("x" if is_new else "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise LocalError(
            f"{path} cannot be written: {error.strerror}.", mend="Name another with --out."
        ) from error


def actor_of(name: str | None) -> str:
    """Who acts: the name given, or that of the user who typed the command.

    Raises:
        LocalError: There is no name, or it is none that a terminal may be shown.
    """
    try:
        actor = (name if name is not None else getpass.getuser()).strip()
    except (KeyError, OSError):
        actor = ""
    if not is_name(actor):
        raise LocalError("Nobody is named as the actor.", mend="Say who you are with --actor.")
    return actor


def is_name(text: str) -> bool:
    """Whether a text can name somebody: printable, and as long as a user id may be."""
    return 1 <= len(text) <= 128 and text.isprintable()  # noqa: PLR2004 -- as said


def _machine(data: Path) -> tuple[Path, Description]:
    try:
        home, description = running_home(data)
    except LocalError as error:
        raise LocalError(
            error.what,
            mend="Start one with `pixr up`, name it with --data, or set DATABASE_URL and"
            " SOLANA_RPC_URL.",
        ) from error
    return home.path, description


def _require(form: re.Pattern[str], value: str, name: str, rule: str) -> None:
    if form.fullmatch(value) is None:
        # Not the value: it may hold a password.
        raise LocalError(f"{name} is malformed.", mend=f"It must be {rule}.")
