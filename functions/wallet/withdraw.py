"""Take a withdrawal: judge it, reserve it, write it down. The settler sends it.

    seen before? ─▶ destination ─▶ chain ─▶ [ claim key · lock · reserve · answer · audit ]
                                            └──────── one database transaction ────────────┘

So a key without a withdrawal, a withdrawal without a reservation, and a second withdrawal
under one key cannot exist, wherever this stops.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from functions.deposits import observe_deposits
from functions.values import Amount
from functions.wallet.answers import WithdrawalAccepted
from pixr.adapters.postgres import Database, audit, idempotency, payouts, wallets
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.solana import Solana
from pixr.domain.errors import BadDestination, WalletMissing
from pixr.domain.money import Lamports, spend
from pixr.domain.wallets import (
    check_arrival,
    check_destination,
    check_destination_account,
    check_withdrawal,
)

ACCEPTED_STATUS = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """What is asked for. ``lamports`` None asks for everything."""

    id: UUID
    user_id: str
    lamports: Lamports | None
    destination: str
    house: Mapping[str, str]
    """Addresses of the house → what each is, in words."""


def withdraw(
    db: Database, chain: Solana, asked: Withdrawal, *, claim: Claim, now: datetime
) -> dict[str, Any]:
    """Accept a withdrawal once and return its answer; a repetition returns the first answer.

    Raises:
        WalletMissing: The user never asked for a wallet.
        BadDestination: Money sent there would be lost, is not allowed, or would not arrive.
        TooSmall: Not worth a transaction of its own.
        Overdrawn: More than is available, or what remains would be dust.
        KeyReused: The key came with another body before.
        StillRunning: The first request under this key has not ended.
        ChainUnreachable: The destination cannot be looked at; nothing was written.
    """
    known = idempotency.find(db, claim)
    if known is not None:
        return known
    wallet = wallets.get(db, asked.user_id)
    if wallet is None:
        raise WalletMissing
    present_lamports = _check_destination(db, chain, asked, own_address=wallet.address)
    account = f"wallet:{asked.user_id}"
    observe_deposits(db, chain, account=account, address=wallet.address, now=now)
    with db.transaction():
        known = idempotency.take(db, claim, now=now)
        if known is not None:
            return known
        lamports = spend(asked.lamports, wallets.lock_available(db, asked.user_id))
        check_arrival(asked.destination, lamports, present_lamports=present_lamports)
        check_withdrawal(lamports)
        is_reserved = payouts.request(
            db,
            payout_id=asked.id,
            kind="withdrawal",
            user_id=asked.user_id,
            debit_account=account,
            credit_account="world",
            destination=asked.destination,
            lamports=lamports,
            now=now,
        )
        # The account is locked, so what was available still is.
        assert is_reserved
        return _write_down(db, asked, claim, lamports=lamports, now=now)


def _check_destination(db: Database, chain: Solana, asked: Withdrawal, *, own_address: str) -> int:
    """Judge the destination and return what it holds on chain."""
    ours = {own_address: "your own wallet here", **asked.house}
    check_destination(asked.destination, ours=ours)
    if wallets.is_ours(db, asked.destination):
        raise BadDestination(asked.destination, "is a wallet of this platform, not an outside one")
    view = chain.account(asked.destination)
    if view is None:
        return 0
    check_destination_account(
        asked.destination,
        owner=view.owner,
        is_executable=view.is_executable,
        data_bytes=view.data_bytes,
    )
    return view.lamports


def _write_down(
    db: Database, asked: Withdrawal, claim: Claim, *, lamports: Lamports, now: datetime
) -> dict[str, Any]:
    answer = WithdrawalAccepted(
        withdrawal_id=str(asked.id),
        state="PENDING",
        destination=asked.destination,
        amount=Amount.of(lamports),
        fee=Amount.of(0),
        created_at=now,
    ).model_dump(mode="json")
    idempotency.keep(db, claim, status=ACCEPTED_STATUS, answer=answer)
    audit.append(
        db,
        at=now,
        actor=asked.user_id,
        action="withdrawal.requested",
        subject=str(asked.id),
        detail={"lamports": str(lamports), "destination": asked.destination},
    )
    return answer
