"""What happened to a user's money: withdrawals with their states, and every movement."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from functions.values import Amount, Cursor, next_cursor
from functions.wallet.answers import (
    MovementPage,
    MovementView,
    WithdrawalPage,
    WithdrawalView,
)
from pixr.adapters.postgres import Database, Row, payouts, wallets
from pixr.domain.errors import NotFound

Link = Callable[[str], str]
"""Makes an explorer's address of a signature."""

OUTGOING: Final = frozenset({"withdrawal", "investment"})


def get_withdrawal(
    db: Database, user_id: str, withdrawal_id: UUID, *, link: Link
) -> WithdrawalView:
    """Return one withdrawal of the user.

    Raises:
        NotFound: There is none by that id, or it is somebody else's.
    """
    row = payouts.get(db, withdrawal_id)
    if row is None or row["user_id"] != user_id or row["kind"] != "withdrawal":
        raise NotFound("there is no withdrawal of yours by that id")
    return _withdrawal(row, link=link)


def list_withdrawals(
    db: Database, user_id: str, *, limit: int, cursor: Cursor | None, link: Link
) -> WithdrawalPage:
    """Return a page of withdrawals, newest first."""
    before = None if cursor is None else (cursor.at, cursor.uuid)
    rows = payouts.list_of_user(db, user_id, kinds=("withdrawal",), limit=limit + 1, before=before)
    page = rows[:limit]
    return WithdrawalPage(
        items=[_withdrawal(row, link=link) for row in page],
        next_cursor=next_cursor(rows, page, at="created_at", key="id"),
    )


def list_movements(
    db: Database, user_id: str, *, limit: int, cursor: Cursor | None, link: Link
) -> MovementPage:
    """Return a page of everything that moved the user's money, newest first."""
    before = None if cursor is None else (cursor.at, cursor.key)
    rows = wallets.list_movements(db, user_id, limit=limit + 1, before=before)
    page = rows[:limit]
    return MovementPage(
        items=[_movement(row, link=link) for row in page],
        next_cursor=next_cursor(rows, page, at="at", key="key"),
    )


def _carrier(row: Row, *, link: Link) -> dict[str, Any]:
    signature: str | None = row["signature"]
    return {
        "signature": signature,
        "explorer_url": None if signature is None else link(signature),
        # A slot is told when it is final.
        "slot": row["slot"] if row["state"] == "PAID" else None,
    }


def _withdrawal(row: Row, *, link: Link) -> WithdrawalView:
    return WithdrawalView(
        withdrawal_id=str(row["id"]),
        state=row["state"],
        destination=row["destination"],
        amount=Amount.of(row["lamports"]),
        fee=Amount.of(0),
        created_at=row["created_at"],
        paid_at=row["paid_at"],
        reason=row["reason"],
        **_carrier(row, link=link),
    )


def _movement(row: Row, *, link: Link) -> MovementView:
    return MovementView(
        id=row["key"],
        kind=row["kind"],
        direction="out" if row["kind"] in OUTGOING else "in",
        state=row["state"],
        amount=Amount.of(row["lamports"]),
        address=row["address"],
        at=row["at"],
        **_carrier(row, link=link),
    )
