"""The reserve: which multisig holds it, which is to follow, and which have held it.

PLANNED ──the chain says so──▶ LIVE ──the next one is──▶ RETIRED
   └──another was planned──▶ ABANDONED
"""

from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, audit, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """People who hold the reserve together. Addresses are base58."""

    multisig: str
    token_account: str
    """Where the wrapped SOL is."""
    members: tuple[str, ...]
    threshold: int
    """How many of them must sign."""
    state: str


def groups(db: Database) -> list[Group]:
    """Return every group there was, the oldest first."""
    return [
        Group(
            multisig=row["multisig"],
            token_account=row["token_account"],
            members=tuple(row["members"]),
            threshold=row["threshold"],
            state=row["state"],
        )
        for row in db.execute(sql("reserves/list"))
    ]


def in_state(db: Database, state: str) -> Group | None:
    """Return the group that is LIVE, or PLANNED; None when there is none."""
    assert state in ("LIVE", "PLANNED")
    return next((group for group in groups(db) if group.state == state), None)


def plan(db: Database, group: Group, *, actor: str, now: datetime) -> None:
    """Write down a group before anything of it stands on chain; any other plan is abandoned."""
    detail = {
        "members": list(group.members),
        "threshold": group.threshold,
        "token_account": group.token_account,
    }
    values = {**detail, "multisig": group.multisig, "now": now}
    with db.transaction():
        db.execute(sql("reserves/abandon"), {"but": group.multisig})
        if db.execute(sql("reserves/plan"), values).rowcount:
            audit.append(
                db,
                at=now,
                actor=actor,
                action="reserve.planned",
                subject=group.multisig,
                detail=detail,
            )


def make_live(db: Database, multisig: str, *, actor: str, now: datetime) -> bool:
    """Note that the chain has given the reserve to a group; whatever held it retires.

    Returns:
        Whether that was news.
    """
    with db.transaction():
        if any(group.multisig == multisig and group.state == "LIVE" for group in groups(db)):
            return False
        db.execute(sql("reserves/retire"), {"now": now})
        row = db.execute(sql("reserves/make_live"), {"multisig": multisig, "now": now}).fetchone()
        assert row is not None, f"{multisig} was never planned, or has retired"
        audit.append(
            db, at=now, actor=actor, action="reserve.handed-over", subject=multisig, detail={}
        )
        return True


def addresses(db: Database) -> dict[str, str]:
    """Return every address of the reserve, now and ever → what it is, for ``ours`` of a check."""
    found: dict[str, str] = {}
    for group in groups(db):
        found |= {
            group.multisig: "the multisig of the reserve",
            group.token_account: "the wrapped SOL of the reserve",
        }
    return found
