"""Addresses that a user trusts; each is usable for any sum a day after it was listed."""

from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, Row, audit, second_factors, sql
from pixr.domain.errors import AllowlistFull, AlreadyListed
from pixr.domain.withdrawals import ALLOWLIST_MAX, COOL_OFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One address on a user's list."""

    destination: str
    label: str
    added_at: datetime
    usable_at: datetime


def check_new(db: Database, user_id: str, destination: str) -> None:
    """Refuse an address that is listed, and one for which there is no room.

    Raises:
        AlreadyListed: It is there; its date stays.
        AllowlistFull: There are ``ALLOWLIST_MAX``.
    """
    listed_at = usable_at(db, user_id, destination)
    if listed_at is not None:
        raise AlreadyListed(destination, listed_at)
    row = db.execute(sql("allowlist/count"), {"user_id": user_id}).fetchone()
    assert row is not None
    if row["listed"] >= ALLOWLIST_MAX:
        raise AllowlistFull(ALLOWLIST_MAX)


def add(db: Database, user_id: str, destination: str, label: str, *, now: datetime) -> Entry:
    """List an address.

    Raises:
        AlreadyListed: It is there; its date stays.
        AllowlistFull: There are ``ALLOWLIST_MAX``.
    """
    entry = Entry(destination=destination, label=label, added_at=now, usable_at=now + COOL_OFF)
    with db.transaction():
        # One after the other, or two could both find room for one more.
        second_factors.guard(db, user_id)
        check_new(db, user_id, destination)
        db.execute(
            sql("allowlist/add"),
            {
                "user_id": user_id,
                "destination": destination,
                "label": label,
                "now": now,
                "usable_at": entry.usable_at,
            },
        )
        _write_down(db, user_id, "allowlist.added", destination, now=now)
    return entry


def remove(db: Database, user_id: str, destination: str, *, now: datetime) -> bool:
    """Take an address off the list; False when it was not there."""
    with db.transaction():
        gone = db.execute(
            sql("allowlist/remove"), {"user_id": user_id, "destination": destination}
        ).fetchone()
        if gone is None:
            return False
        _write_down(db, user_id, "allowlist.removed", destination, now=now)
        return True


def usable_at(db: Database, user_id: str, destination: str) -> datetime | None:
    """From when on any sum may go there; None when it is not listed."""
    row = db.execute(
        sql("allowlist/usable_at"), {"user_id": user_id, "destination": destination}
    ).fetchone()
    return None if row is None else row["usable_at"]


def list_entries(
    db: Database, user_id: str, *, limit: int, before: tuple[datetime, str] | None
) -> list[Row]:
    """Return a user's addresses, newest first, strictly older than ``before`` when given."""
    before_at, before_key = before if before is not None else (None, None)
    return db.execute(
        sql("allowlist/list"),
        {"user_id": user_id, "limit": limit, "before_at": before_at, "before_key": before_key},
    ).fetchall()


def _write_down(
    db: Database, user_id: str, action: str, destination: str, *, now: datetime
) -> None:
    audit.append(
        db,
        at=now,
        actor=user_id,
        action=action,
        subject=destination,
        detail={},
    )
