"""What was pinned at the first tick: the addresses of the house, and the chain."""

from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, sql


class AddressChanged(Exception):
    """A key derives another address than the one that holds the money: stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the treasury must hold on chain if the books know all that it did."""

    least_lamports: int
    """Whatever has landed of all that is signed."""
    known_slot: int
    """The slot of the youngest that is posted: an older balance may lack it."""


class ChainChanged(Exception):
    """The nodes speak of another chain than the database: stop."""


def pin_chain(db: Database, genesis_hash: str, network: str, *, now: datetime) -> None:
    """Pin the chain at first use and compare at every later one.

    Raises:
        ChainChanged: Another chain was pinned before.
    """
    db.execute(
        sql("house/pin_chain"), {"genesis_hash": genesis_hash, "network": network, "now": now}
    )
    pinned = chain(db)
    if pinned != genesis_hash:
        raise ChainChanged(f"the database is of chain {pinned}, the nodes are of {genesis_hash}")


def chain(db: Database) -> str | None:
    """Return the genesis hash of the database's chain; None before the first tick."""
    row = db.execute(sql("house/chain")).fetchone()
    return None if row is None else str(row["genesis_hash"])


def pin(db: Database, account: str, address: str, *, now: datetime) -> None:
    """Pin ``address`` at first use and compare at every later one.

    Raises:
        AddressChanged: Another address was pinned before.
    """
    db.execute(sql("house/pin"), {"account": account, "address": address, "now": now})
    pinned = addresses(db).get(account)
    if pinned != address:
        raise AddressChanged(f"{account} is pinned to {pinned}, the key gives {address}")


def addresses(db: Database) -> dict[str, str]:
    """Return account → address of the house; empty before the settler's first run."""
    return {row["account"]: row["address"] for row in db.execute(sql("house/list"))}


def bounds(db: Database) -> Bounds:
    """Return what the treasury holds at least, by the books of this moment."""
    row = db.execute(sql("house/bounds")).fetchone()
    assert row is not None
    return Bounds(**row)
