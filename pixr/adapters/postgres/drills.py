"""What a drill (``pixr drill``) asks the database: where to aim, what is open, how all ended.

Reads only, but for the films of a crowd. The sums are taken from the rows of payouts and events,
not from the ledger, so that ``verify`` and a drill do not share a mistake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, Row, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Aims:
    """What goes on, and what has happened since a moment."""

    draining: bool
    """Now: inside the transaction of a drain."""
    planned: bool
    signed: bool
    in_flight: bool
    closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """How many of each are left to do."""

    payouts: int
    batches: int
    held: int
    """Batches that wait for a person."""
    dues: int
    """Users to whom enough for a payout is due."""
    upgrades: int
    messages: int

    @property
    def is_paid(self) -> bool:
        """Whether no money is under way or due; upgrades may go on."""
        return not (self.payouts or self.batches or self.dues)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtKill:
    """Batches that are planned, and the signatures of all attempts that are stored and open."""

    planned: int
    signatures: list[str]


def aims(db: Database, *, since: datetime) -> Aims:
    """Tell what work came how far since ``since``."""
    return Aims(**_one(db, "drill/aims", {"since": since}))


def at_kill(db: Database) -> AtKill:
    """Tell what is under way now."""
    return AtKill(**_one(db, "drill/at_kill", {}))


def unfinished(db: Database, *, minimum_lamports: int) -> Unfinished:
    """Tell how much is left to do; sums below ``minimum_lamports`` are not due yet."""
    return Unfinished(**_one(db, "drill/unfinished", {"minimum_lamports": minimum_lamports}))


def payouts(db: Database) -> list[Row]:
    """Return ``{kind, state, payouts, lamports}``."""
    return db.execute(sql("drill/payouts")).fetchall()


def stuck(db: Database) -> list[Row]:
    """Return payouts that ended in no final state."""
    return db.execute(sql("drill/stuck")).fetchall()


def reasons(db: Database) -> list[Row]:
    """Return ``{state, kind, reason, number}`` of all that waits for a person."""
    return db.execute(sql("drill/reasons")).fetchall()


def attempts(db: Database) -> dict[str, int]:
    """Return how many signed transactions ended in which state."""
    return {row["state"]: row["attempts"] for row in db.execute(sql("drill/attempts"))}


def views(db: Database) -> list[Row]:
    """Return ``{request, content_id, events, earned}``."""
    return db.execute(sql("drill/views")).fetchall()


def accrued(db: Database) -> list[Row]:
    """Return ``{content_id, user_id, views, lamports}`` of all creators' earnings."""
    return db.execute(sql("drill/accrued")).fetchall()


def withdrawals(db: Database) -> list[Row]:
    """Return ``{id, user_id, destination, lamports, state}``."""
    return db.execute(sql("drill/withdrawals")).fetchall()


def wallets(db: Database) -> list[Row]:
    """Return ``{user_id, address, received_lamports, sent_lamports, is_moving}``."""
    return db.execute(sql("drill/wallets")).fetchall()


def expiries(db: Database) -> dict[str, int]:
    """Return "2 of 3 nodes" → how many attempts were declared dead on the word of so many."""
    return {
        f"{row['nodes']} of {row['asked']} nodes": row["attempts"]
        for row in db.execute(sql("drill/expiries"))
    }


def tabled(db: Database) -> Row:
    """Return ``{payments, payees_most}`` of what was paid with a lookup table."""
    return _one(db, "drill/tabled", {})


def insert_crowd(
    db: Database, content_ids: Sequence[str], creator_ids: Sequence[str], *, now: datetime
) -> None:
    """Write one film for each creator that can be viewed and is nowhere."""
    values = {"content_ids": content_ids, "creator_ids": creator_ids, "now": now}
    db.execute(sql("drill/insert_crowd"), values)


def _one(db: Database, name: str, params: Mapping[str, object]) -> Row:
    row = db.execute(sql(name), params).fetchone()
    assert row is not None
    return row
