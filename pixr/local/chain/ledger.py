"""What the chain remembers: blocks, transactions and accounts, in one SQLite file.

    chain.sqlite
    ├── facts          genesis hash, faucet seed: written once
    ├── blocks         one row per block; skipped slots have none
    ├── transactions   what landed, failed ones included, with its metadata
    ├── appearances    which address appears in which transaction
    └── accounts       every account that a transaction changed, as it is now

One block is one SQLite transaction, so after a crash or kill -9 the file ends
with the last complete block: SQLite drops a half-written tail by itself. Losing
the machine's power may cost the last blocks, never the file. Without a
directory everything is in memory and gone at the end.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from solders.account import Account
from solders.pubkey import Pubkey

FILE_NAME: Final = "chain.sqlite"
BLOCKHASH_AGE_MAX: Final = 150

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS blocks (
    slot INTEGER PRIMARY KEY,
    height INTEGER NOT NULL UNIQUE,
    blockhash TEXT NOT NULL UNIQUE,
    parent_slot INTEGER NOT NULL,
    parent_hash TEXT NOT NULL,
    time_s INTEGER NOT NULL,
    prices TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS transactions (
    signature TEXT PRIMARY KEY,
    -- The same message under another signature is still the same transaction.
    message_hash TEXT NOT NULL UNIQUE,
    slot INTEGER NOT NULL,
    position INTEGER NOT NULL,
    wire BLOB NOT NULL,
    meta TEXT NOT NULL,
    memo TEXT,
    UNIQUE (slot, position)
);
CREATE TABLE IF NOT EXISTS appearances (
    address BLOB NOT NULL,
    slot INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (address, slot, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS accounts (address BLOB PRIMARY KEY, account BLOB NOT NULL);
"""


class LedgerInUse(Exception):
    """Another chain has this directory open."""


class LedgerUnreadable(Exception):
    """The file in this directory is not a ledger, or is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block without its transactions."""

    slot: int
    height: int
    """Counts blocks; smaller than ``slot`` once any slot was skipped."""
    blockhash: str
    parent_slot: int
    parent_hash: str
    time_s: int
    """Unix time, in seconds."""
    prices: "BlockPrices"

    @property
    def last_valid_height(self) -> int:
        """The height up to which this block's hash counts as recent."""
        return self.height + BLOCKHASH_AGE_MAX


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockPrices:
    """The cheapest bids that got into one block, in micro-lamports per compute unit."""

    minimum: int
    """0 for a block without transactions."""
    minimum_of_account: Mapping[str, int]
    """Per account that was locked for writing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A transaction in a block."""

    signature: str
    message_hash: str
    slot: int
    position: int
    wire_bytes: bytes
    meta: dict[str, Any]
    """Agave's ``meta`` object, with instructions in compiled form."""
    memo: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """As much of a landed transaction as a list or a status shows."""

    signature: str
    slot: int
    error: Any
    memo: str | None


class Ledger:
    """The store. Single-threaded, like its only user."""

    def __init__(self, data: Path | None) -> None:
        """Open or create the ledger.

        Raises:
            LedgerInUse: Another process has it open.
            LedgerUnreadable: The file is not an intact ledger.
        """
        self.first_slot_shown = 0
        """History older than this is hidden; a fault sets it (``faults.py``)."""
        if data is not None:
            data.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _open(data)
        except sqlite3.DatabaseError as error:
            in_use = getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY")
            raise (LedgerInUse if in_use else LedgerUnreadable)(f"{data}: {error}") from error

    def close(self) -> None:
        """Close the file; the next start finds everything."""
        self._database.close()

    @contextmanager
    def one_block(self) -> Iterator[None]:
        """Make everything written inside atomic."""
        with self._database:  # commits, or rolls back on any error
            self._database.execute("BEGIN IMMEDIATE")
            yield

    def fact(self, name: str) -> str | None:
        """Read a value that was written once."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Write a value once."""
        self._database.execute("INSERT INTO facts VALUES (?, ?)", (name, value))

    def add_block(self, block: Block) -> None:
        """Append ``block``."""
        prices = json.dumps([block.prices.minimum, dict(block.prices.minimum_of_account)])
        self._database.execute(
            "INSERT INTO blocks VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                block.slot,
                block.height,
                block.blockhash,
                block.parent_slot,
                block.parent_hash,
                block.time_s,
                prices,
            ),
        )

    def add_transaction(self, landed: Landed, addresses: Iterable[Pubkey]) -> None:
        """Append ``landed`` and index it under each of ``addresses``."""
        self._database.execute(
            "INSERT INTO transactions VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                landed.signature,
                landed.message_hash,
                landed.slot,
                landed.position,
                landed.wire_bytes,
                json.dumps(landed.meta),
                landed.memo,
            ),
        )
        self._database.executemany(
            "INSERT OR IGNORE INTO appearances VALUES (?, ?, ?)",
            ((bytes(address), landed.slot, landed.position) for address in addresses),
        )

    def put_accounts(self, accounts: Mapping[Pubkey, Account | None]) -> None:
        """Store the new state of ``accounts``; None deletes."""
        self._database.executemany(
            "DELETE FROM accounts WHERE address = ?",
            ((bytes(address),) for address, account in accounts.items() if account is None),
        )
        self._database.executemany(
            "INSERT OR REPLACE INTO accounts VALUES (?, ?)",
            (
                (bytes(address), bytes(account))
                for address, account in accounts.items()
                if account is not None
            ),
        )

    def accounts(self) -> Iterator[tuple[Pubkey, Account]]:
        """Every stored account."""
        for address, account in self._database.execute("SELECT address, account FROM accounts"):
            yield Pubkey.from_bytes(address), Account.from_bytes(account)

    def newest_blocks(self, count: int) -> list[Block]:
        """The last ``count`` blocks, oldest first."""
        rows = self._database.execute(
            "SELECT * FROM blocks ORDER BY slot DESC LIMIT ?", (count,)
        ).fetchall()
        return [_block(row) for row in reversed(rows)]

    def block(self, slot: int) -> Block | None:
        """The block of ``slot``, if it has one."""
        row = self._database.execute("SELECT * FROM blocks WHERE slot = ?", (slot,)).fetchone()
        return None if row is None else _block(row)

    def first_slot(self) -> int:
        """The oldest block that this node still has."""
        row = self._database.execute(
            "SELECT min(slot) FROM blocks WHERE slot >= ?", (self.first_slot_shown,)
        ).fetchone()
        return self.first_slot_shown if row[0] is None else int(row[0])

    def slots_between(self, first: int, last: int) -> list[int]:
        """The slots of ``first`` to ``last``, both included, that have a block."""
        rows = self._database.execute(
            "SELECT slot FROM blocks WHERE slot BETWEEN ? AND ? ORDER BY slot",
            (max(first, self.first_slot_shown), last),
        )
        return [int(slot) for (slot,) in rows]

    def transaction_count(self) -> int:
        """How many transactions ever landed."""
        return int(self._database.execute("SELECT count(*) FROM transactions").fetchone()[0])

    def has_message(self, message_hash: str, *, slot_max: int) -> bool:
        """Whether this message landed by ``slot_max``, under whatever signature."""
        query = "SELECT 1 FROM transactions WHERE message_hash = ? AND slot <= ?"
        return self._database.execute(query, (message_hash, slot_max)).fetchone() is not None

    def transaction(self, signature: str) -> Landed | None:
        """Find a landed transaction by its signature, hidden history included."""
        row = self._database.execute(
            "SELECT * FROM transactions WHERE signature = ?", (signature,)
        ).fetchone()
        return None if row is None else _landed(row)

    def mentions(self, signatures: Sequence[str]) -> dict[str, Mention]:
        """Those of ``signatures`` that landed, hidden history included."""
        rows = self._database.execute(
            "SELECT signature, slot, json_quote(json_extract(meta, '$.err')), memo"
            " FROM transactions WHERE signature IN (SELECT value FROM json_each(?))",
            (json.dumps(list(signatures)),),
        )
        return {row[0]: _mention(row) for row in rows}

    def height(self, slot: int) -> int | None:
        """The height of the block of ``slot``, if it has one."""
        return self._block_column("height", slot)

    def time_s(self, slot: int) -> int | None:
        """The time of the block of ``slot``, if it has one."""
        return self._block_column("time_s", slot)

    def _block_column(self, name: str, slot: int) -> int | None:
        row = self._database.execute(
            f"SELECT {name} FROM blocks WHERE slot = ?",  # noqa: S608 -- a column named above
            (slot,),
        ).fetchone()
        return None if row is None else int(row[0])

    def transactions_in(self, slot: int) -> list[Landed]:
        """The transactions of one block in their order."""
        rows = self._database.execute(
            "SELECT * FROM transactions WHERE slot = ? ORDER BY position", (slot,)
        )
        return [_landed(row) for row in rows]

    def transactions_of(
        self,
        address: Pubkey,
        *,
        before: tuple[int, int],
        until: tuple[int, int],
        count_max: int,
    ) -> list[Mention]:
        """The transactions that mention ``address``, newest first.

        Args:
            address: The address to look for.
            before: (slot, position); only what is older, itself excluded.
            until: (slot, position); only what is newer, itself excluded.
            count_max: How many at most.
        """
        rows = self._database.execute(
            "SELECT signature, slot, json_quote(json_extract(meta, '$.err')), memo"
            " FROM appearances JOIN transactions USING (slot, position)"
            " WHERE address = ? AND (slot, position) < (?, ?) AND (slot, position) > (?, ?)"
            " AND slot >= ? ORDER BY slot DESC, position DESC LIMIT ?",
            (bytes(address), *before, *until, self.first_slot_shown, count_max),
        )
        return [_mention(row) for row in rows]


def _open(data: Path | None) -> sqlite3.Connection:
    path = ":memory:" if data is None else data / FILE_NAME
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        # Exclusive mode keeps the lock from the first write until the process ends.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _block(row: tuple[Any, ...]) -> Block:
    slot, height, blockhash, parent_slot, parent_hash, time_s, prices = row
    minimum, minimum_of_account = json.loads(prices)
    return Block(
        slot=slot,
        height=height,
        blockhash=blockhash,
        parent_slot=parent_slot,
        parent_hash=parent_hash,
        time_s=time_s,
        prices=BlockPrices(minimum=minimum, minimum_of_account=minimum_of_account),
    )


def _mention(row: tuple[Any, ...]) -> Mention:
    signature, slot, error, memo = row
    return Mention(signature=signature, slot=slot, error=json.loads(error), memo=memo)


def _landed(row: tuple[Any, ...]) -> Landed:
    signature, message_hash, slot, position, wire, meta, memo = row
    return Landed(
        signature=signature,
        message_hash=message_hash,
        slot=slot,
        position=position,
        wire_bytes=wire,
        meta=json.loads(meta),
        memo=memo,
    )
