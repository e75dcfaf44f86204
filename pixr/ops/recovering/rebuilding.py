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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pixr.adapters.postgres import Row, adoption, recovery
from pixr.adapters.postgres.batches import Batch
from pixr.domain.decoding import Extension, Moved, Payment, Reclaim
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout
from pixr.ops.recovering.booking import Booking
from pixr.ops.recovering.desk import Desk, NotYet, Unexplained
from pixr.ops.recovering.escrow import make_investment, make_refund, make_release
from pixr.ops.recovering.upkeep import book_extension, book_reclaim
from pixr.ops.recovering.walking import Found

ROOT_BYTES: Final = 32
WALLET: Final = "wallet:"
OVERTAKEN_MAX: Final = 1_000
CLAIMED_AGAIN: Final = (
    "the chain shows that a part of it was paid already: the database was restored. What is still"
    " owed is paid anew"
)
OVERTAKEN: Final = "what was in the wallet had left already, as the chain shows"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """So much of an unclaimed accrual."""

    row: Row
    lamports: int


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
                book_reclaim(trial, found, reclaim)
        case Extension() as extension:
            with desk.db.transaction():
                book_extension(trial, found, extension)
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
        return_cap_bps=desk.return_cap_bps,
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
    kind, parts = _choose(desk, user_id, transfer.lamports)
    if sum(part.lamports for part in parts) < transfer.lamports:
        # What it was made of may have been claimed again, together with what came later.
        given_back = recovery.give_back(
            desk.db,
            user_id,
            batch_id=booking.batch_id,
            excluding=booking.taken,
            reason=CLAIMED_AGAIN,
            now=booking.now,
        )
        if given_back:
            desk.counts["given back"] += given_back
            kind, parts = _choose(desk, user_id, transfer.lamports)
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
    lost = transfer.lamports - sum(part.lamports for part in parts)
    if lost:
        recovery.owe(desk.db, payout.id, lamports=lost, **accrual)
        desk.counts["lamports of lost accruals"] += lost
    if booking.create(payout) is None:
        raise NotYet(f"{payout.debit_account} is owed less than {payout.lamports} lamports")
    _claim(desk, payout, parts)
    if lost:
        recovery.record_accrual(desk.db, payout.id, lamports=lost, **accrual)
    return payout


def _choose(desk: Desk, user_id: str, lamports: int) -> tuple[str, Sequence[_Part]]:
    """Which accruals a payment was made of: everything of one kind, up to some moment.

    The kind of which more fits, and what the user can have earned at all where neither does.
    The last accrual may be claimed in part: what was delivered once more came in other drains.
    """
    unclaimed = recovery.unclaimed(desk.db, user_id)
    parts = {
        kind: _parts(desk, [row for row in unclaimed if row["kind"] == kind], lamports)
        for kind in ("earnings", "return")
    }
    sums = {kind: sum(part.lamports for part in found) for kind, found in parts.items()}
    if sums["earnings"] == sums["return"]:
        role = recovery.role(desk.db, user_id)
        kind = "return" if role["is_investor"] and not role["is_creator"] else "earnings"
    else:
        kind = max(sums, key=lambda name: sums[name])
    return kind, parts[kind]


def _parts(desk: Desk, rows: Sequence[Row], lamports: int) -> list[_Part]:
    found: list[_Part] = []
    left = lamports
    for row in rows:
        taken = min(left, desk.lost_time.eligible_lamports(row))
        if taken:
            found.append(_Part(row=row, lamports=taken))
            left -= taken
    return found


def _claim(desk: Desk, payout: Payout, parts: Sequence[_Part]) -> None:
    assert payout.user_id is not None
    for part in parts:
        if part.lamports < part.row["lamports"]:
            recovery.split(
                desk.db,
                part.row,
                user_id=payout.user_id,
                lamports=part.lamports,
                new_id=desk.new_id(),
                now=desk.now(),
            )
    rows = [part.row for part in parts]
    recovery.claim(desk.db, payout.id, rows, user_id=payout.user_id, kind=payout.kind)


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
