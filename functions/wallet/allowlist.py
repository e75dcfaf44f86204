"""The addresses that a user trusts: add, list, remove."""

from collections.abc import Mapping
from datetime import datetime

from functions.second_factor import Demand
from functions.values import Cursor, next_cursor
from functions.wallet.answers import ListedPage, ListedView, ListRequest
from functions.wallet.destinations import check_outside
from pixr.adapters.postgres import Database, allowlist, second_factors
from pixr.domain.errors import NotFound


def add(
    db: Database,
    user_id: str,
    asked: ListRequest,
    *,
    house: Mapping[str, str],
    demand: Demand,
    now: datetime,
) -> ListedView:
    """List an address; in a day it is usable for any sum.

    Raises:
        WithdrawalsFrozen: The second factor was removed within the last day.
        BadDestination: Money sent there would be lost or is not allowed.
        AlreadyListed: It is there; its date stays.
        AllowlistFull: There are as many as there may be.
    """
    # Or the freeze and the cool-off of whoever removed the factor would end together.
    second_factors.check_frozen(db, user_id, now=now)
    check_outside(db, user_id, asked.destination, house=house)
    # Judged behind the lock again; here, so that a refusal costs nobody a code.
    allowlist.check_new(db, user_id, asked.destination)
    demand()
    entry = allowlist.add(db, user_id, asked.destination, asked.label, now=now)
    return ListedView(
        destination=entry.destination,
        label=entry.label,
        added_at=entry.added_at,
        usable_at=entry.usable_at,
    )


def remove(db: Database, user_id: str, destination: str, *, demand: Demand, now: datetime) -> None:
    """Take an address off the list.

    Raises:
        NotFound: It is not there.
    """
    if allowlist.usable_at(db, user_id, destination) is None:
        raise _not_listed()
    demand()
    if not allowlist.remove(db, user_id, destination, now=now):
        raise _not_listed()


def list_page(db: Database, user_id: str, *, limit: int, cursor: Cursor | None) -> ListedPage:
    """Return a page of the list, newest first."""
    before = None if cursor is None else (cursor.at, cursor.key)
    rows = allowlist.list_entries(db, user_id, limit=limit + 1, before=before)
    page = rows[:limit]
    return ListedPage(
        items=[ListedView.model_validate(row) for row in page],
        next_cursor=next_cursor(rows, page, at="added_at", key="destination"),
    )


def _not_listed() -> NotFound:
    return NotFound("that address is not on your allow-list")
