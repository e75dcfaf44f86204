"""What follows when a paid-for upgrade is done or has failed, or could not begin.

job PUBLISHED → investments LIVE, a new epoch shares their returns, escrow → treasury
job FAILED    → every investor is refunded in full, on chain
not fully funded in time → likewise
paid for, while another job made that rung → begun when that job failed, refunded when it did not
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, earnings, investments_settled, ledger, payouts
from pixr.domain.costs import error_percent
from pixr.domain.earnings import Rules
from pixr.domain.investments import blocking_dust


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """What was decided."""

    decided: int
    """How many fundings."""
    cost_errors_percent: list[int]
    """How far the estimate of each that went live was off, where both figures were kept."""


def advance(
    db: Database,
    *,
    treasury_address: str,
    rules: Rules,
    new_id: Callable[[], UUID],
    now: datetime,
) -> Advanced:
    """Decide every funding whose job has ended, or that no job is needed for any more.

    What could not begin when its money landed begins here, as soon as it can.
    """
    for row in investments_settled.list_startable(db):
        investments_settled.start(db, row["content_id"], row["rung"], job_id=new_id(), now=now)
    decided = _give_back(db, investments_settled.list_made(db), new_id=new_id, now=now)
    errors_percent: list[int] = []
    for row in investments_settled.list_decided(db):
        state = "LIVE" if row["is_published"] else "FAILED"
        with db.transaction():
            investments = investments_settled.close_funding(
                db, row["content_id"], row["rung"], state=state, now=now
            )
            if investments is None:
                continue
            decided += 1
            for investment in investments:
                _move_escrow(
                    db,
                    investment,
                    treasury_address=treasury_address if state == "LIVE" else None,
                    payout_id=new_id(),
                    now=now,
                )
            if state == "LIVE":
                earnings.start_new_epoch(db, row["content_id"], rules=rules, now=now)
        off_percent = error_percent(row["estimate"], row["actual"]) if state == "LIVE" else None
        if off_percent is not None:
            errors_percent.append(off_percent)
    return Advanced(decided=decided, cost_errors_percent=errors_percent)


def give_up(
    db: Database, *, opened_before: datetime, new_id: Callable[[], UUID], now: datetime
) -> int:
    """Refund the parts of upgrades that did not begin in time; return how many upgrades."""
    overdue = investments_settled.list_overdue(db, before=opened_before)
    return _give_back(db, overdue, new_id=new_id, now=now)


def _give_back(
    db: Database, fundings: Sequence[Row], *, new_id: Callable[[], UUID], now: datetime
) -> int:
    """Refund every part of upgrades that have not begun; return how many upgrades."""
    given_up = 0
    for row in fundings:
        with db.transaction():
            investments = investments_settled.close_open(
                db, row["content_id"], row["rung"], now=now
            )
            if investments is None:
                continue
            given_up += 1
            for investment in investments:
                _move_escrow(db, investment, treasury_address=None, payout_id=new_id(), now=now)
    return given_up


def sweep_dust(
    db: Database, *, treasury_address: str, new_id: Callable[[], UUID], now: datetime
) -> int:
    """Take what a stranger sent out of the escrow before it blocks the last way out.

    The chain lets no account keep more than nothing and less than its rent. One lamport in the
    escrow, whose address everybody knows, would so keep the last refund or release in it. Only
    then, and once at a time: each sweep costs a fee and locks a receipt's rent, and the one
    lamport that causes it costs a stranger less.

    Returns:
        The lamports that go to the treasury, 0 for none.
    """
    with db.transaction():
        ledger.lock(db, ["escrow"])
        escrow = ledger.read(db, "escrow")
        leaving = investments_settled.leaving_escrow(db)
        dust = blocking_dust(
            escrow.posted_lamports,
            available_lamports=escrow.available_lamports,
            leaving_lamports=leaving["leaving_lamports"],
            undecided_lamports=leaving["undecided_lamports"],
        )
        if not dust or not leaving["is_waiting"] or leaving["is_sweeping"]:
            return 0
        requested = payouts.request(
            db,
            payout_id=new_id(),
            kind="release",
            user_id=None,
            debit_account="escrow",
            credit_account="treasury",
            destination=treasury_address,
            lamports=dust,
            now=now,
        )
        assert requested, "the escrow was locked while it was read"
    return dust


def _move_escrow(
    db: Database,
    investment: dict[str, object],
    *,
    treasury_address: str | None,
    payout_id: UUID,
    now: datetime,
) -> None:
    """Release one investment to the treasury, or refund it to its owner."""
    user_id = str(investment["user_id"])
    is_release = treasury_address is not None
    requested = payouts.request(
        db,
        payout_id=payout_id,
        kind="release" if is_release else "refund",
        user_id=None if is_release else user_id,
        debit_account="escrow",
        credit_account="treasury" if is_release else f"wallet:{user_id}",
        destination=treasury_address or str(investment["address"]),
        lamports=int(str(investment["lamports"])),
        investment_id=UUID(str(investment["id"])),
        now=now,
    )
    assert requested, "an escrowed investment is in escrow"
