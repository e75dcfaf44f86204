"""Money from outside: what was found at an address, and how far it was walked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pixr.adapters.postgres import Database, ledger, sql


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """``lamports`` > 0 that a finalized transaction of somebody else's brought in."""

    signature: str
    lamports: int
    slot: int


def cursor(db: Database, address: str) -> str | None:
    """Return the last walked signature of ``address``; None when it was never walked."""
    row = db.execute(sql("deposits/cursor"), {"address": address}).fetchone()
    return None if row is None else str(row["signature"])


def known(db: Database, signatures: Sequence[str], *, account: str) -> set[str]:
    """Return those that the settler signed, or that are posted to ``account``."""
    parameters = {"signatures": list(signatures), "account": account}
    rows = db.execute(sql("deposits/known"), parameters)
    return {row["signature"] for row in rows}


def record(
    db: Database,
    found: Sequence[Deposit],
    *,
    account: str,
    address: str,
    walked: tuple[str | None, str | None],
    now: datetime,
) -> bool:
    """Post ``found`` and move the cursor from ``walked[0]`` to ``walked[1]``, all or nothing.

    Where both are the same nothing is moved.

    Returns:
        False when somebody else walked the address meanwhile; nothing is written then.
    """
    expected, newest = walked
    parameters = {"address": address, "signature": newest, "expected": expected, "now": now}
    with db.transaction():
        is_moving = newest != expected
        if is_moving and db.execute(sql("deposits/move_cursor"), parameters).fetchone() is None:
            return False
        ledger.open_account(db, account)
        for deposit in found:
            values = {
                "signature": deposit.signature,
                "account": account,
                "lamports": deposit.lamports,
                "slot": deposit.slot,
                "now": now,
            }
            if db.execute(sql("deposits/insert"), values).fetchone() is not None:
                ledger.post(
                    db,
                    f"deposit:{account}:{deposit.signature}",
                    {account: deposit.lamports, "world": -deposit.lamports},
                    now=now,
                )
    return True
