"""Money into and out of escrow whose reason was lost: which upgrade explains it, or whose it is.

    into escrow   the one upgrade that it completes ─▶ its investment
                  none, or several ─▶ a claim: a refund that waits for a person
    out of escrow a funding that is paid for ─▶ it was decided: LIVE or FAILED
                  a claim of this sum ─▶ released: the treasury owes it now, and a person decides

Nobody's money is silently kept, and none is given back twice.
"""

from __future__ import annotations

from typing import Any, Final

from psycopg import Rollback

from pixr.adapters.postgres import house, investments, investments_recovered
from pixr.adapters.postgres import payouts as requests
from pixr.domain.decoding import Moved
from pixr.domain.investments import return_cap
from pixr.domain.money import RENT_EXEMPT_LAMPORTS, Lamports
from pixr.domain.payouts import Payout
from pixr.ops.recovering.booking import Booking

DEBT: Final = (
    "an investment whose upgrade is not known any more, and whose money was released to the"
    " treasury. Retry pays it to the investor from the treasury"
)


def make_investment(booking: Booking, transfer: Moved, user_id: str, address: str) -> Payout | None:
    """An investment of ``user_id`` from ``address``; None when the wallet holds less."""
    payout: dict[str, Any] = {
        "kind": "investment",
        "user_id": user_id,
        "debit_account": f"wallet:{user_id}",
        "credit_account": "escrow",
        "destination": transfer.destination,
        "lamports": transfer.lamports,
    }
    found = investments_recovered.only_completable(booking.db, transfer.lamports)
    if found is None:
        made = booking.create(Payout(id=booking.new_id(), **payout))
        if made is not None:
            booking.claims.append(booking.claim_of(user_id, address, transfer.lamports))
        return made
    content_id, rung = found
    investment_id = booking.new_id()
    made = None
    with booking.db.transaction() as transaction:
        investments.promise(booking.db, content_id, rung, lamports=transfer.lamports)
        investments.insert(
            booking.db,
            investment_id=investment_id,
            content_id=content_id,
            rung=rung,
            user_id=user_id,
            lamports=transfer.lamports,
            return_cap_lamports=return_cap(
                Lamports(transfer.lamports), cap_bps=booking.return_cap_bps
            ),
            now=booking.now,
        )
        made = booking.create(Payout(id=booking.new_id(), investment_id=investment_id, **payout))
        if made is None:
            raise Rollback(transaction)
    return made


def make_refund(booking: Booking, transfer: Moved, target: str | None) -> Payout | None:
    """The upgrade had failed, or was not paid for in time: this investor has been refunded."""
    if target is None or not target.startswith("wallet:"):
        return None
    user_id = target.removeprefix("wallet:")
    moved = investments_recovered.decide(
        booking.db, [transfer.lamports], user_id=user_id, now=booking.now
    )
    if moved is None:
        return None
    for row in moved:
        _request(booking, row, "refund")
    return booking.find("escrow", transfer)


def make_release(booking: Booking, transfer: Moved, target: str | None) -> Payout | None:
    """The upgrade was live: all of its investments go to the treasury, this one has gone."""
    if target != "treasury":
        return None
    moved = investments_recovered.decide(booking.db, booking.amounts, user_id=None, now=booking.now)
    if moved is not None:
        for row in moved:
            _request(booking, row, "release")
        found = booking.find("escrow", transfer)
        if found is not None:
            return found
    # Last of all: no investment is smaller than the rent, so a stranger's dust was swept out.
    is_dust = transfer.lamports < RENT_EXEMPT_LAMPORTS
    if _owe_claim(booking, transfer.lamports) or is_dust:
        return _release(booking, transfer)
    return None


def _release(booking: Booking, transfer: Moved) -> Payout | None:
    """Escrow's money for a claim, or dust, went to the treasury."""
    return booking.create(
        Payout(
            id=booking.new_id(),
            kind="release",
            user_id=None,
            debit_account="escrow",
            credit_account="treasury",
            destination=transfer.destination,
            lamports=transfer.lamports,
        )
    )


def _owe_claim(booking: Booking, lamports: int) -> bool:
    if investments_recovered.turn_into_debt(booking.db, lamports, reason=DEBT, now=booking.now):
        return True
    # Or an investment that is known, in an upgrade of which only a part is.
    given_up = investments_recovered.give_up(booking.db, lamports)
    if given_up is None:
        return False
    booking.put_aside(booking.claim_of(given_up["user_id"], given_up["address"], lamports))
    turned = investments_recovered.turn_into_debt(
        booking.db, lamports, reason=DEBT, now=booking.now
    )
    return turned is not None


def _request(booking: Booking, investment: dict[str, Any], kind: str) -> None:
    """What ``functions/batch/upgrades.py`` asks for when an upgrade is decided."""
    is_release = kind == "release"
    user_id = str(investment["user_id"])
    requested = requests.request(
        booking.db,
        payout_id=booking.new_id(),
        kind=kind,
        user_id=None if is_release else user_id,
        debit_account="escrow",
        credit_account="treasury" if is_release else f"wallet:{user_id}",
        destination=house.addresses(booking.db)["treasury"]
        if is_release
        else str(investment["address"]),
        lamports=int(investment["lamports"]),
        investment_id=investment["id"],
        now=booking.now,
    )
    assert requested, "an escrowed investment is in escrow"
