"""``pixr factor``: show a user's second factor, or remove one whose owner has lost everything.

For those who have neither their phone nor a recovery code, after somebody has made sure who they
are. Withdrawals freeze for a day, as after every removal, and the name of the operator and what
convinced them stand in the audit log.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from typer import Exit, Option

from pixr.adapters.postgres import Database, second_factors
from pixr.domain.errors import Malformed
from pixr.domain.users import check_user_id
from pixr.local.errors import LocalError
from pixr.ops import places

REASON_CHARACTERS_MAX = 1_000
NOTHING_CHANGED = 1


def command(
    *,
    user_id: Annotated[str, Option(help="The user, exactly as the token's sub has them.")],
    remove: Annotated[bool, Option("--remove", help="Forget the factor; freezes a day.")] = False,
    reason: Annotated[str, Option(help="How you know that it is the owner who asks.")] = "",
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: done. 1: there is no factor to remove. 2: it could not be tried."""
    try:
        check_user_id(user_id)
    except Malformed as error:
        raise LocalError(f"--user-id {error.rule}.", mend="Copy it from the token.") from error
    if remove and not 1 <= len(reason.strip()) <= REASON_CHARACTERS_MAX:
        raise LocalError(
            f"The reason has {len(reason.strip())} characters.",
            mend=f"Give --reason with 1 to {REASON_CHARACTERS_MAX}: it stays in the audit log.",
        )
    who = places.actor_of(actor) if remove else ""
    where = places.find(data, database_url=database_url, rpc=rpc)
    now = datetime.now(UTC)
    with places.opened(where) as (db, _):
        if remove:
            _remove(db, user_id, who, reason.strip(), now)
        print(_said(db, user_id, now))


def _remove(db: Database, user_id: str, who: str, reason: str, now: datetime) -> None:
    factor = second_factors.find(db, user_id)
    if factor is None or not second_factors.remove(db, factor, actor=who, reason=reason, now=now):
        print(f"{user_id!r} has no second factor.")
        raise Exit(NOTHING_CHANGED)


def _said(db: Database, user_id: str, now: datetime) -> str:
    shown = second_factors.show(db, user_id, now=now)
    has = "has a second factor" if shown.is_enrolled else "has no second factor"
    lines = [f"{user_id!r} {has}; {shown.recovery_codes_left} recovery codes are left."]
    if shown.frozen_until is not None:
        lines.append(f"Withdrawals are frozen until {shown.frozen_until:%Y-%m-%d %H:%M:%S} UTC.")
    return "\n".join(lines)
