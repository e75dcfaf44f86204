"""The ledger read back from the chain, after the database was restored to an older point.

    pause ─▶ wait until nothing signed before can land ─▶ walk the treasury's history
      ─▶ decide every batch that was open: it landed, or it is dissolved
      ─▶ book what is unknown, oldest first ─▶ verify ─▶ resume, only if clean

Each step is one database transaction and finds its own work done when it is said again, so a
crash anywhere costs only time. Nothing is signed here and no key is needed: the chain says
what was paid, and what it does not say stays unpaid until the settler pays it.

Source:
    settlement.md "Database restored to an older point"; ADR-0018.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final
from uuid import UUID

import psycopg

from pixr.adapters.postgres import (
    Database,
    adoption,
    audit,
    deposits,
    pauses,
    recovery,
    wallets,
)
from pixr.adapters.postgres import house as houses
from pixr.adapters.postgres.deposits import Deposit
from pixr.adapters.postgres.recovery import Anchor
from pixr.adapters.solana import HistoryTooLong, Solana
from pixr.domain.decoding import Extension, Payment
from pixr.domain.reclaims import RETENTION
from pixr.domain.wallets import DERIVATION_VERSION
from pixr.ops import verification as tables_and_chain
from pixr.ops.pause import BY_HAND
from pixr.ops.recovering.deciding import decide_open
from pixr.ops.recovering.desk import Desk, NotYet, Unexplained
from pixr.ops.recovering.lost_time import lost_time
from pixr.ops.recovering.rebuilding import book
from pixr.ops.recovering.run import Recovered, Run
from pixr.ops.recovering.walking import (
    OVER,
    Found,
    RecoveryStuck,
    Walked,
    wait_until_decided,
    walk,
)

__all__ = ["Recovered", "RecoveryStuck", "recover"]

REASON: Final = "pixr recover reads back from the chain what was paid after the restore point"
ACTOR: Final = "pixr recover"
REASON_CHARACTERS_MAX: Final = 1_500
WALLET: Final = "wallet:"


def recover(
    db: Database,
    chain: Solana,
    *,
    now: Callable[[], datetime],
    new_id: Callable[[], UUID],
    return_cap_bps: int,
    pause: Callable[[float], None],
    since: datetime | None = None,
    house: Mapping[str, str] = MappingProxyType({}),
    wallet_address: Callable[[str], str] | None = None,
    users: Sequence[str] = (),
    verify: Callable[[], Sequence[str]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Recovered:
    """Bring the database up to what the chain shows, and resume settlement if all is clean.

    Args:
        db: The restored database. Nobody may sign for another copy of it any more.
        chain: Its nodes; enough of them must have the history back to the restore point.
        now: The time.
        new_id: Names for rows that are made.
        return_cap_bps: RETURN_CAP_BPS of the lost time, for investments that are made again: the
            chain does not show where their returns should stop.
        pause: Waits so many seconds between looks at the chain.
        since: A time before the restore point; None: ``RETENTION`` ago. Earlier is safer.
        house: Account → address of treasury and escrow, for a database older than its first tick.
        wallet_address: User id → address, to recognize wallets that were pinned after the restore
            point; None: such payments stay unexplained.
        users: User ids to try besides those that the database has heard of.
        verify: Says what differs afterwards; None: ``pixr verify``.
        say: Told what goes on, one line a step.

    Raises:
        RecoveryStuck: It cannot go on safely. Settlement stays paused.
        ChainUnreachable: No node answers. Settlement stays paused.
    """
    before = pauses.read(db)
    pauses.pause(db, REASON, now=now())
    treasury = _pin_house(db, house, now())
    anchor, older = _anchors(db, since or now() - RETENTION, new_id=new_id, now=now())
    say("waiting until nothing that was signed before can land any more")
    run = Run(
        db=db,
        chain=chain,
        treasury=treasury,
        height=wait_until_decided(chain, pause=pause),
        slot=chain.slot(),
        return_cap_bps=return_cap_bps,
        now=now,
        new_id=new_id,
        say=say,
    )
    walked = _walk(run, anchor, older)
    _book(run, walked, _accounts(run, walked, wallet_address, users))
    say("verifying")
    run.report.differences = list(verify() if verify is not None else _verify(db, chain))
    _end(run, by_hand=before is not None and str(before["reason"]).startswith(BY_HAND))
    return run.report


def _walk(run: Run, anchor: Anchor | None, older: Anchor | None) -> Walked:
    run.say("walking the treasury's transactions")
    walked = walk(run.db, run.chain, run.treasury, anchor, older)
    run.say(f"{walked.seen} listed, {len(walked.ours)} of ours not known to be over")
    return walked


def _book(run: Run, walked: Walked, accounts: Mapping[str, str]) -> None:
    """Decide what was open, and book what is unknown."""
    held = decide_open(run, walked)
    desk = Desk(
        db=run.db,
        accounts=accounts,
        lost_time=lost_time(run.db, run.chain, walked.ours, slot=run.slot, now=run.now()),
        held=held,
        height=run.height,
        slot=run.slot,
        return_cap_bps=run.return_cap_bps,
        new_id=run.new_id,
        now=run.now,
        counts=run.report.counts,
    )
    _book_deposits(run, walked, accounts)
    _book_unknown(run, walked, desk)
    _tell_contradictions(run, walked)


def _pin_house(db: Database, given: Mapping[str, str], now: datetime) -> str:
    for account, address in given.items():
        houses.pin(db, account, address, now=now)
    treasury = houses.addresses(db).get("treasury")
    if treasury is None:
        raise RecoveryStuck("the database does not know the treasury's address: it must be named")
    return treasury


def _anchors(
    db: Database, since: datetime, *, new_id: Callable[[], UUID], now: datetime
) -> tuple[Anchor | None, Anchor | None]:
    """What the lists of signatures must reach back to, and where they may end."""
    found = recovery.anchors(db, since=since)
    opened = recovery.unfinished(db)
    if opened is not None:
        # What was left unexplained then is as old as that.
        slot = -1 if opened["anchor_slot"] is None else int(opened["anchor_slot"])
        found = [item for item in found if item.slot <= slot]
    anchor = found[0] if found else None
    with db.transaction():
        recovery.begin(db, new_id(), anchor, now=now)
        audit.append(
            db,
            at=now,
            actor=ACTOR,
            action="recovery.began",
            subject="treasury",
            detail={"anchor": None if anchor is None else anchor.signature},
        )
    older = next((item for item in found if anchor and item.slot < anchor.slot), None)
    return anchor, older


def _accounts(
    run: Run,
    walked: Walked,
    wallet_address: Callable[[str], str] | None,
    users: Sequence[str],
) -> dict[str, str]:
    """Address → ledger account of everything ours in what is unknown."""
    payments = [found.decoded for found in walked.ours if isinstance(found.decoded, Payment)]
    addresses = {item.source for item in payments}
    addresses |= {moved.destination for item in payments for moved in item.transfers}
    known = recovery.accounts(run.db, sorted(addresses))
    missing = addresses - set(known)
    if not missing or wallet_address is None:
        return known
    for user_id in [*users, *recovery.users_without_wallet(run.db)]:
        address = wallet_address(user_id)
        if address in missing:
            wallets.pin(run.db, user_id, address, version=DERIVATION_VERSION, now=run.now())
            run.report.counts["wallets"] += 1
            known[address] = f"{WALLET}{user_id}"
    return known


def _book_deposits(run: Run, walked: Walked, accounts: Mapping[str, str]) -> None:
    """What came from outside must be there before it can be seen leaving."""
    for item in walked.incoming:
        deposit = Deposit(signature=item.signature, lamports=item.lamports, slot=item.slot)
        if recovery.book_deposit(run.db, "treasury", deposit, now=run.now()):
            run.report.counts["deposits"] += 1
    sources = {
        found.decoded.source
        for found in walked.ours
        if found.known is None and isinstance(found.decoded, Payment)
    }
    for address in sorted(sources - {run.treasury}):
        if address not in accounts:
            continue
        try:
            records = run.chain.signatures(address, until=deposits.cursor(run.db, address))
        except HistoryTooLong as flood:
            run.report.unexplained.append(f"deposits to {accounts[address]}: {flood}")
            continue
        good = [record.signature for record in records if not record.is_failed]
        for view in run.chain.transactions(good):
            if view is None or view.accounts[0] == run.treasury:
                continue
            change = view.changes.get(address, 0)
            deposit = Deposit(signature=view.signature, lamports=change, slot=view.slot)
            if change > 0 and recovery.book_deposit(
                run.db, accounts[address], deposit, now=run.now()
            ):
                run.report.counts["deposits"] += 1


def _book_unknown(run: Run, walked: Walked, desk: Desk) -> None:
    """Book what the database never heard of, oldest first; failures after what they follow."""
    unknown = [found for found in walked.ours if found.known is None]
    waiting = sorted(unknown, key=lambda found: found.view.error is not None)
    while waiting:
        reasons: dict[str, str] = {}
        later: list[Found] = []
        for found in waiting:
            try:
                _book_one(run, desk, found)
            except Unexplained as reason:
                run.report.unexplained.append(f"{found.view.signature}: {reason}")
            except (NotYet, psycopg.errors.IntegrityError) as reason:
                later.append(found)
                reasons[found.view.signature] = str(reason).splitlines()[0]
        if len(later) == len(waiting):
            run.report.unexplained += [f"{name}: {reason}" for name, reason in reasons.items()]
            return
        waiting = later


def _tell_contradictions(run: Run, walked: Walked) -> None:
    """What the database still calls live or dead though the chain has it."""
    told = [found.view.signature for found in walked.ours if found.known is not None]
    for signature, item in recovery.known(run.db, told, account="treasury").items():
        if item.state not in OVER:
            run.report.unexplained.append(
                f"{signature}: the database calls it {item.state}, and the chain has it"
            )


def _book_one(run: Run, desk: Desk, found: Found) -> None:
    """Book one transaction, unless a batch of the database has its receipt."""
    signature = found.view.signature
    if recovery.known(run.db, [signature], account="treasury"):
        # Its batch was open, and was decided by it.
        return
    owner = None
    if isinstance(found.decoded, Payment | Extension):
        receipt = found.decoded.receipt
        owner = recovery.by_receipt(run.db, [receipt]).get(receipt)
    if owner is None:
        book(desk, found)
    elif found.view.error is not None:
        adoption.record_failure(run.db, owner["id"], run.seen(found), now=run.now())
        run.report.counts["failed"] += 1
    else:
        raise Unexplained(
            f"it carries the receipt of batch {owner['id']}, which is {owner['state']}"
        )


def _verify(db: Database, chain: Solana) -> list[str]:
    return [
        f"{check.name}: {difference}"
        for check in tables_and_chain.verify(db, chain)
        for difference in check.differences
    ]


def _end(run: Run, *, by_hand: bool) -> None:
    """Resume if all is clean; else stay paused, and say why."""
    report, now = run.report, run.now()
    with run.db.transaction():
        if report.is_clean:
            recovery.finish(run.db, now=now)
            if not by_hand:
                pauses.resume(run.db)
        elif not by_hand:
            found = "; ".join([*report.unexplained, *report.differences])
            pauses.resume(run.db)
            reason = f"pixr recover found what it cannot explain: {found}"
            pauses.pause(run.db, reason[:REASON_CHARACTERS_MAX], now=now)
        audit.append(
            run.db,
            at=now,
            actor=ACTOR,
            action="recovery.ended",
            subject="treasury",
            detail={
                "counts": {name: str(count) for name, count in sorted(report.counts.items())},
                "unexplained": len(report.unexplained),
                "differences": len(report.differences),
                "on_hold": len(report.on_hold),
            },
        )
    pause = pauses.read(run.db)
    report.paused = None if pause is None else str(pause["reason"])
