"""Users' wallets: pinned at first use, compared at every later one; and what they hold."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, ledger, sql


class WalletChanged(Exception):
    """The master seed derives another address than the one that was pinned: sign nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    """A user's wallet as it was pinned."""

    user_id: str
    address: str
    derivation_version: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a user is owed and was paid, in lamports."""

    pending_lamports: int
    paid_lamports: int
    known_slot: int | None
    """Newest slot in which the wallet is known to have changed; None when it never did."""


def get(db: Database, user_id: str) -> Wallet | None:
    """Return the wallet, or None when the user never asked for one."""
    row = db.execute(sql("user_wallets/get"), {"user_id": user_id}).fetchone()
    return None if row is None else Wallet(**row)


def pin(db: Database, user_id: str, address: str, *, version: int, now: datetime) -> Wallet:
    """Pin ``address`` at first use and open its account; compare at every later use.

    Raises:
        WalletChanged: Another address was pinned before.
    """
    with db.transaction():
        db.execute(
            sql("user_wallets/pin"),
            {"user_id": user_id, "address": address, "derivation_version": version, "now": now},
        )
        ledger.open_account(db, f"wallet:{user_id}")
    wallet = get(db, user_id)
    assert wallet is not None
    if wallet.address != address:
        raise WalletChanged(f"{user_id!r} is pinned to {wallet.address}, the seed gives {address}")
    return wallet


def is_ours(db: Database, address: str) -> bool:
    """Whether ``address`` is the wallet of some user of ours."""
    row = db.execute(sql("user_wallets/has_address"), {"address": address}).fetchone()
    assert row is not None
    return bool(row["is_ours"])


def lock_available(db: Database, user_id: str) -> int:
    """Lock the wallet's account and return what it can spend. Call it inside a transaction."""
    row = db.execute(sql("user_wallets/lock_available"), {"user_id": user_id}).fetchone()
    return 0 if row is None else int(row["available_lamports"])


def totals(db: Database, user_id: str) -> Totals:
    """Return what a user is owed and was paid; zeros for somebody new."""
    row = db.execute(sql("user_wallets/totals"), {"user_id": user_id}).fetchone()
    assert row is not None
    return Totals(**row)


def list_movements(
    db: Database, user_id: str, *, limit: int, before: tuple[datetime, str] | None
) -> list[Row]:
    """Return payouts and deposits, newest first, strictly older than ``before`` when given."""
    before_at, before_key = before if before is not None else (None, None)
    return db.execute(
        sql("user_wallets/list_movements"),
        {"user_id": user_id, "limit": limit, "before_at": before_at, "before_key": before_key},
    ).fetchall()


def list_earnings(
    db: Database, user_id: str, *, limit: int, before: tuple[datetime, str] | None
) -> list[Row]:
    """Return what each content earned and the user's part of it, newest content first."""
    before_at, before_key = before if before is not None else (None, None)
    return db.execute(
        sql("contents_of_user/list_earnings"),
        {"user_id": user_id, "limit": limit, "before_at": before_at, "before_key": before_key},
    ).fetchall()


def get_job(db: Database, job_id: UUID, *, user_id: str) -> Row | None:
    """Return an upgrade job to its content's creator or an investor; None to anybody else."""
    return db.execute(
        sql("content_investments/get_job"), {"job_id": job_id, "user_id": user_id}
    ).fetchone()
