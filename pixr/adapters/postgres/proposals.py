"""What the members of the reserve were asked to sign, and what of it became final."""

from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, audit, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """A proposal that was not seen on chain. Addresses are base58."""

    deed: str
    nonce_account: str
    nonce: str
    proposed_by: str
    proposed_at: datetime


def insert(
    db: Database,
    *,
    digest: str,
    deed: str,
    nonce_account: str,
    nonce: str,
    actor: str,
    now: datetime,
) -> None:
    """Write down a proposal, once: SHA-256 of its message, and what it does in words."""
    values = {
        "digest": digest,
        "deed": deed,
        "nonce_account": nonce_account,
        "nonce": nonce,
        "proposed_by": actor,
        "now": now,
    }
    with db.transaction():
        if db.execute(sql("reserve_proposals/insert"), values).rowcount:
            audit.append(
                db,
                at=now,
                actor=actor,
                action="reserve.proposed",
                subject=digest,
                detail={"deed": deed, "nonce_account": nonce_account, "nonce": nonce},
            )


def unsent(db: Database) -> list[Unsent]:
    """Return the newest proposals that were not seen on chain, the newest first."""
    return [Unsent(**row) for row in db.execute(sql("reserve_proposals/list_unsent"))]


def mark_final(
    db: Database, *, digest: str, signature: str, deed: str, actor: str, now: datetime
) -> bool:
    """Note that the chain has done it; tell whether that was news."""
    values = {"digest": digest, "signature": signature}
    with db.transaction():
        if db.execute(sql("reserve_proposals/mark_final"), values).fetchone() is None:
            return False
        audit.append(
            db,
            at=now,
            actor=actor,
            action="reserve.done",
            subject=digest,
            detail={"deed": deed, "signature": signature},
        )
        return True
