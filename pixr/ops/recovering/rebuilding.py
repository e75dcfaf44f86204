"""One transaction of a forgotten time, booked as if the settler had planned it.

    transfer ─▶ a payout that waits and says the same ─▶ or one is made:
        treasury → wallet    earnings or a return: what is unclaimed, and the rest as recovered
        wallet   → outside   a withdrawal
        wallet   → escrow    an investment: of the one upgrade it completes, or a claim to refund
        escrow   → wallet    a refund: its upgrade had failed
        escrow   → treasury  a release: its upgrade was live

All of it in one database transaction, closed by the same code that closes any batch that
landed. What cannot be explained is not booked at all: a person must look.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pixr.adapters.postgres import Database, Row, adoption, batches, recovery
from pixr.adapters.postgres.adoption import Seen
from pixr.adapters.postgres.batches import Batch, LockedReceipt
from pixr.domain.decoding import Extension, Moved, Payment, Reclaim
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout
from pixr.ops.recovering.booking import Booking
from pixr.ops.recovering.escrow import make_investment, make_refund, make_release
from pixr.ops.recovering.walking import Found

SLOT_S: Final = 0.4
"""To estimate when something was signed; nothing is decided by it."""

ROOT_BYTES: Final = 32
WALLET: Final = "wallet:"
OVERTAKEN_MAX: Final = 1_000
OVERTAKEN: Final = "what was in the wallet had left already, as the chain shows"


class Unexplained(Exception):
    """The transaction is not booked: a person must look. The message says why."""


class NotYet(Exception):
    """An account holds too little for it so far; a deposit or another payment may be missing."""


@dataclass(kw_only=True)
class Desk:
    """What booking needs, and what it counts."""

    db: Database
    accounts: Mapping[str, str]
    """Address → ledger account, of everything that is ours."""
    held: Counter[tuple[str, str, int]]
    """(source, destination, lamports) of payouts in batches that could not be decided."""
    height: int
    slot: int
    """Last finalized block height and slot, as of now."""
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    counts: Counter[str] = field(default_factory=Counter[str])

    def seen(self, found: Found) -> Seen:
        """The transaction as a row wants it."""
        return seen_of(found, height=self.height, slot=self.slot, now=self.now())


def seen_of(found: Found, *, height: int, slot: int, now: datetime) -> Seen:
    """A transaction as a row wants it; ``height`` and ``slot`` are the last finalized ones."""
    assert found.decoded is not None
    age_s = max(0, slot - found.view.slot) * SLOT_S
    return Seen(
        signature=found.view.signature,
        slot=found.view.slot,
        fee_lamports=found.view.fee_lamports,
        raw=found.view.raw,
        blockhash=found.decoded.blockhash,
        last_valid_block_height=height,
        signed_at=now - timedelta(seconds=age_s),
        error=found.view.error,
    )


def book(desk: Desk, found: Found) -> None:
    """Book one transaction that the database does not know, in one database transaction.

    Raises:
        Unexplained: A person must look; nothing was written.
        NotYet: An account holds too little; nothing was written.
    """
    trial = replace(desk, counts=Counter())
    match found.decoded:
        case Payment() as payment:
            with desk.db.transaction():
                _book_payment(trial, found, payment)
        case Reclaim() as reclaim:
            with desk.db.transaction():
                _book_reclaim(trial, found, reclaim)
        case Extension():
            raise Unexplained("it extends a lookup table that the database does not know")
        case None:
            raise Unexplained(
                "it is not of a form that the settler makes: a key may be stolen, or a person has"
                " used it"
            )
    desk.counts.update(trial.counts)


def _book_payment(desk: Desk, found: Found, payment: Payment) -> None:
    source = desk.accounts.get(payment.source)
    if source is None:
        raise Unexplained(f"it pays from {payment.source}, which is nobody's wallet here")
    if payment.receipt_lamports != RENT_EXEMPT_LAMPORTS:
        raise Unexplained(f"its receipt holds {payment.receipt_lamports} lamports")
    batch = Batch(
        id=desk.new_id(),
        kind=_kind(source, desk.accounts.get(payment.transfers[0].destination)),
        state="PLANNED",
        version=0,
        receipt_address=payment.receipt,
        receipt_seed=payment.receipt_seed,
        merkle_root=_root(payment.memo),
        lamports=payment.lamports,
        treasury_reserved_lamports=0,
    )
    seen = desk.seen(found)
    recovery.insert_batch(
        desk.db,
        batch,
        state="PLANNED" if found.view.error is None else "FAILED",
        payees=len(payment.transfers),
        planned_at=seen.signed_at,
        now=desk.now(),
    )
    if found.view.error is not None:
        adoption.record_failure(desk.db, batch.id, seen, now=desk.now())
        desk.counts["failed"] += 1
        return
    booking = Booking(
        db=desk.db,
        batch_id=batch.id,
        signature=seen.signature,
        amounts=[item.lamports for item in payment.transfers],
        accounts=desk.accounts,
        new_id=desk.new_id,
        now=desk.now(),
    )
    payouts = [_payout(desk, batch, payment, transfer, booking) for transfer in payment.transfers]
    recovery.load(desk.db, batch.id, [payout.id for payout in payouts])
    is_adopted = adoption.adopt(desk.db, batch, seen, job_id=desk.new_id(), now=desk.now())
    assert is_adopted, "it was made in this transaction"
    for claim in booking.claims:
        booking.put_aside(claim)
    desk.counts["rebuilt"] += 1


def _kind(source: str, first_target: str | None) -> str:
    if source == "treasury":
        return "earnings"
    if source == "escrow":
        return "release" if first_target == "treasury" else "refund"
    return "investment" if first_target == "escrow" else "withdrawal"


def _root(memo: str) -> bytes:
    try:
        root = base64.b64decode(memo, validate=True)
    except (binascii.Error, ValueError):
        root = b""
    if len(root) != ROOT_BYTES:
        raise Unexplained(f"its memo {memo[:64]!r} is not the root of a batch")
    return root


def _payout(
    desk: Desk, batch: Batch, payment: Payment, transfer: Moved, booking: Booking
) -> Payout:
    """Find or make the payout that a transfer was, pending and reserved."""
    source = desk.accounts[payment.source]
    found = booking.find(source, transfer)
    if found is not None:
        desk.counts["matched"] += 1
        return found
    if desk.held[source, transfer.destination, transfer.lamports]:
        raise Unexplained(
            f"it pays {transfer.lamports} lamports to {transfer.destination}, and so does a batch"
            " on hold of which no node can tell whether it landed"
        )
    target = desk.accounts.get(transfer.destination)
    makers: dict[str, Callable[[], Payout | None]] = {
        "earnings": lambda: _make_earnings(desk, booking, transfer, target),
        "withdrawal": lambda: _make_leaving(desk, batch, payment, transfer, booking),
        "investment": lambda: _make_leaving(desk, batch, payment, transfer, booking),
        "refund": lambda: make_refund(booking, transfer, target),
        "release": lambda: make_release(booking, transfer, target),
    }
    made = makers[batch.kind]()
    if made is None:
        raise Unexplained(
            f"nothing explains {transfer.lamports} lamports from {source} to"
            f" {target or transfer.destination}"
        )
    desk.counts["created"] += 1
    return made


def _make_earnings(
    desk: Desk, booking: Booking, transfer: Moved, target: str | None
) -> Payout | None:
    if target is None or not target.startswith(WALLET):
        return None
    user_id = target.removeprefix(WALLET)
    kind, rows = _choose(desk.db, user_id, transfer.lamports)
    payout = Payout(
        id=desk.new_id(),
        kind=kind,
        user_id=user_id,
        debit_account=f"{'owed' if kind == 'earnings' else 'return'}:{user_id}",
        credit_account=target,
        destination=transfer.destination,
        lamports=transfer.lamports,
    )
    accrual: dict[str, Any] = {"user_id": user_id, "kind": kind, "now": booking.now}
    lost = transfer.lamports - sum(row["lamports"] for row in rows)
    if lost:
        recovery.owe(desk.db, payout.id, lamports=lost, **accrual)
        desk.counts["lamports of lost accruals"] += lost
    if booking.create(payout) is None:
        raise NotYet(f"{payout.debit_account} is owed less than {payout.lamports} lamports")
    recovery.claim(desk.db, payout.id, rows, user_id=user_id, kind=kind)
    if lost:
        recovery.record_accrual(desk.db, payout.id, lamports=lost, **accrual)
    return payout


def _choose(db: Database, user_id: str, lamports: int) -> tuple[str, Sequence[Row]]:
    """Which accruals a payment was made of: everything of one kind, up to some moment.

    The kind of which a beginning comes to exactly the sum; else the one of which more fits
    below it; else what the user can have earned at all.
    """
    unclaimed = recovery.unclaimed(db, user_id)
    beginnings: dict[str, tuple[int, Sequence[Row]]] = {}
    for kind in ("earnings", "return"):
        rows = [row for row in unclaimed if row["kind"] == kind]
        total = taken = 0
        for row in rows:
            if total + row["lamports"] > lamports:
                break
            total += row["lamports"]
            taken += 1
        beginnings[kind] = (total, rows[:taken])
    role = recovery.role(db, user_id)
    if beginnings["earnings"][0] == beginnings["return"][0]:
        kind = "return" if role["is_investor"] and not role["is_creator"] else "earnings"
    else:
        kind = max(beginnings, key=lambda name: beginnings[name][0])
    return kind, beginnings[kind][1]


def _make_leaving(
    desk: Desk, batch: Batch, payment: Payment, transfer: Moved, booking: Booking
) -> Payout | None:
    """A withdrawal or an investment: whatever waits to leave the same wallet makes room."""
    source = desk.accounts[payment.source]
    user_id = source.removeprefix(WALLET)
    for _ in range(OVERTAKEN_MAX):
        payout = (
            make_investment(booking, transfer, user_id, payment.source)
            if batch.kind == "investment"
            else _make_withdrawal(booking, transfer, source)
        )
        if payout is not None:
            return payout
        if not recovery.put_aside_newest(desk.db, source, batch_id=batch.id, reason=OVERTAKEN):
            break
        desk.counts["overtaken"] += 1
    raise NotYet(f"{source} holds less than {transfer.lamports} lamports in the ledger")


def _make_withdrawal(booking: Booking, transfer: Moved, source: str) -> Payout | None:
    return booking.create(
        Payout(
            id=booking.new_id(),
            kind="withdrawal",
            user_id=source.removeprefix(WALLET),
            debit_account=source,
            credit_account=booking.accounts.get(transfer.destination, "world"),
            destination=transfer.destination,
            lamports=transfer.lamports,
        )
    )


def _book_reclaim(desk: Desk, found: Found, reclaim: Reclaim) -> None:
    receipts = [item.receipt for item in reclaim.receipts]
    paid = recovery.by_receipt(desk.db, receipts)
    if missing := [receipt for receipt in receipts if receipt not in paid]:
        raise NotYet(f"it empties {missing[0]}, which is no batch's receipt so far")
    seen = desk.seen(found)
    batch_id = desk.new_id()
    if found.view.error is not None:
        total = sum(item.lamports for item in reclaim.receipts)
        recovery.insert_batch(
            desk.db,
            _reclaim_batch(batch_id, total),
            state="FAILED",
            payees=len(receipts),
            planned_at=seen.signed_at,
            now=desk.now(),
        )
        adoption.record_failure(desk.db, batch_id, seen, now=desk.now())
        desk.counts["failed"] += 1
        return
    locked = [
        LockedReceipt(
            paid_batch_id=paid[item.receipt]["id"],
            receipt_address=item.receipt,
            receipt_seed=item.seed,
            lamports=item.lamports,
        )
        for item in reclaim.receipts
    ]
    if any(row["receipt_state"] != "LOCKED" for row in paid.values()):
        raise NotYet("it empties receipts of batches that are not known to be paid")
    is_planned = batches.insert_reclaim(
        desk.db, batch_id, locked, fee_lamports_max=seen.fee_lamports, now=desk.now()
    )
    if not is_planned:
        raise NotYet("the treasury holds less than its fee in the ledger, or a rival empties it")
    batch = batches.reread(desk.db, batch_id)
    is_adopted = adoption.adopt(desk.db, batch, seen, job_id=desk.new_id(), now=desk.now())
    assert is_adopted, "it was made in this transaction"
    desk.counts["reclaims"] += 1


def _reclaim_batch(batch_id: UUID, lamports: int) -> Batch:
    return Batch(
        id=batch_id,
        kind="reclaim",
        state="FAILED",
        version=0,
        receipt_address=None,
        receipt_seed=None,
        merkle_root=None,
        lamports=lamports,
        treasury_reserved_lamports=0,
    )
