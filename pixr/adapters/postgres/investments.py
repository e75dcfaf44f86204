"""Fundings and investments, up to the moment when the settler takes the money along."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """How an upgrade stands after a promise, in lamports."""

    price_lamports: int
    funded_lamports: int


def get_funding(db: Database, content_id: str, rung: int) -> Row | None:
    """Return one upgrade's funding, or None when nobody has invested in it."""
    parameters = {"content_id": content_id, "rung": rung}
    return db.execute(sql("fundings/get"), parameters).fetchone()


def list_fundings(db: Database, content_id: str) -> list[Row]:
    """Return every funding of a content, lowest rung first."""
    return db.execute(sql("fundings/list"), {"content_id": content_id}).fetchall()


def open_funding(
    db: Database,
    content_id: str,
    rung: int,
    *,
    price_lamports: int,
    quote: Mapping[str, object],
    now: datetime,
) -> None:
    """Fix the price of an upgrade, unless somebody has done so before."""
    db.execute(
        sql("fundings/open"),
        {
            "content_id": content_id,
            "rung": rung,
            "price_lamports": price_lamports,
            "quote": json.dumps(quote),
            "now": now,
        },
    )


def count(db: Database, content_id: str) -> int:
    """Return how many investments share, or are about to share, in a content."""
    row = db.execute(sql("content_investments/count"), {"content_id": content_id}).fetchone()
    assert row is not None
    return int(row["investors"])


def invested(db: Database, user_id: str, *, since: datetime) -> int:
    """Return the lamports that a user has asked to invest since then, whatever became of them."""
    parameters = {"user_id": user_id, "since": since}
    row = db.execute(sql("content_investments/invested"), parameters).fetchone()
    assert row is not None
    return int(row["lamports"])


def promise(db: Database, content_id: str, rung: int, *, lamports: int) -> Promised | None:
    """Promise ``lamports`` to an upgrade and keep its row locked.

    Returns:
        None when that is more than is open, or nothing is open any more.
    """
    parameters = {"content_id": content_id, "rung": rung, "lamports": lamports}
    row = db.execute(sql("fundings/promise"), parameters).fetchone()
    return None if row is None else Promised(**row)


def insert(
    db: Database,
    *,
    investment_id: UUID,
    content_id: str,
    rung: int,
    user_id: str,
    lamports: int,
    return_cap_lamports: int | None,
    now: datetime,
) -> None:
    """Write down an investment, in state RESERVED."""
    db.execute(
        sql("content_investments/insert"),
        {
            "investment_id": investment_id,
            "content_id": content_id,
            "rung": rung,
            "user_id": user_id,
            "lamports": lamports,
            "return_cap_lamports": return_cap_lamports,
            "now": now,
        },
    )


def list_of_user(
    db: Database, user_id: str, *, limit: int, before: tuple[datetime, UUID] | None
) -> list[Row]:
    """Return a user's investments, newest first, strictly older than ``before`` when given."""
    before_at, before_id = before if before is not None else (None, None)
    return db.execute(
        sql("content_investments/list_of_user"),
        {"user_id": user_id, "limit": limit, "before_at": before_at, "before_id": before_id},
    ).fetchall()


def list_live(db: Database, content_id: str) -> list[Row]:
    """Return ``{rung, investments, lamports, returned_lamports}`` of what earns."""
    return db.execute(sql("content_investments/list_live"), {"content_id": content_id}).fetchall()
