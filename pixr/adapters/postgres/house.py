"""The pinned addresses of the treasury and the escrow."""

from datetime import datetime

from pixr.adapters.postgres import Database, sql


class AddressChanged(Exception):
    """A key derives another address than the one that holds the money: stop."""


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
