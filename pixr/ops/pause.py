"""``pixr pause``: stop planning and signing, or go on.

Nothing is lost while settlement is paused: views are drained, deposits found, and what is
under way is looked at to its end. A pause by hand is lifted by hand only.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from typer import Exit, Option

from pixr.adapters.postgres import Database, audit, pauses
from pixr.local.errors import LocalError
from pixr.ops import places

BY_HAND: Final = "by hand"
"""How the reason of a pause begins that a person asked for."""

REASON_CHARACTERS_MAX: Final = 1_000
NOTHING_CHANGED: Final = 1


def command(
    *,
    reason: Annotated[str, Option(help="Why, for whoever finds it paused.")] = "no reason given",
    resume: Annotated[bool, Option("--resume", help="Go on planning and signing.")] = False,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: done. 1: it was so already. 2: it could not be tried."""
    if not 1 <= len(reason.strip()) <= REASON_CHARACTERS_MAX:
        raise LocalError(
            f"The reason has {len(reason.strip())} characters.",
            mend=f"Give --reason with 1 to {REASON_CHARACTERS_MAX}.",
        )
    who = places.actor_of(actor)
    where = places.find(data, database_url=database_url, rpc=rpc)
    now = datetime.now(UTC)
    with places.opened(where) as (db, _):
        said = _resume(db, who, now) if resume else _pause(db, who, reason.strip(), now)
    print(said)


def _pause(db: Database, who: str, reason: str, now: datetime) -> str:
    with db.transaction():
        if pauses.pause(db, f"{BY_HAND} ({who}): {reason}", now=now):
            _audit(db, who, "settlement.paused", reason, now)
            return (
                "Settlement is paused: nothing is planned or signed. `pixr pause --resume` ends it."
            )
    found = pauses.read(db)
    print(f"Settlement was paused before: {found['reason'] if found else 'just now'}")
    raise Exit(NOTHING_CHANGED)


def _resume(db: Database, who: str, now: datetime) -> str:
    with db.transaction():
        ended = pauses.resume(db)
        if ended is not None:
            reason = str(ended["reason"])
            _audit(db, who, "settlement.resumed", reason, now)
            return f"Settlement goes on. It was paused: {reason}"
    print("Settlement was not paused.")
    raise Exit(NOTHING_CHANGED)


def _audit(db: Database, who: str, action: str, reason: str, now: datetime) -> None:
    audit.append(
        db, at=now, actor=who, action=action, subject="settlement", detail={"reason": reason}
    )
