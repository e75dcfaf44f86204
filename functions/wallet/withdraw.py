"""Take a withdrawal: judge it, reserve it, write it down. The settler sends it.

    seen before? ─▶ frozen? ─▶ destination ─▶ chain ─▶ amount, pace ─▶ code of the second factor
                    ─▶ [ claim key · lock · amount, pace · reserve · answer · audit ]
                       └──────────────── one database transaction ──────────────────┘

So a key without a withdrawal, a withdrawal without a reservation, and a second withdrawal
under one key cannot exist, wherever this stops. Amount and pace are judged twice: before the code,
which a refusal must not cost anybody, and behind the lock, where nobody else can spend the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from functions.deposits import observe_deposits
from functions.second_factor import Demand
from functions.values import Amount
from functions.wallet.answers import WithdrawalAccepted
from functions.wallet.destinations import check_on_chain, check_outside
from pixr.adapters.postgres import (
    Database,
    allowlist,
    audit,
    idempotency,
    ledger,
    payouts,
    second_factors,
    wallets,
)
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.solana import Solana
from pixr.domain.errors import WalletMissing
from pixr.domain.money import Lamports, spend
from pixr.domain.wallets import check_arrival, check_withdrawal
from pixr.domain.withdrawals import Rules, check_pace

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
    db: Database,
    chain: Solana,
    asked: Withdrawal,
    *,
    claim: Claim,
    rules: Rules,
    demand: Demand,
    now: datetime,
) -> dict[str, Any]:
    """Accept a withdrawal once and return its answer; a repetition returns the first answer.

    Raises:
        WalletMissing: The user never asked for a wallet.
        WithdrawalsFrozen: The second factor was removed within the last day.
        BadDestination: Money sent there would be lost, is not allowed, or would not arrive.
        TooSmall: Not worth a transaction of its own.
        Overdrawn: More than is available, or what remains would be dust.
        WithdrawalLimit: More than an hour or a day lets go.
        NewDestination: More than a small sum to an address that is not trusted yet.
        SecondFactorMissing: What ``demand`` raises, likewise the other refusals of a code.
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
    second_factors.check_frozen(db, asked.user_id, now=now)
    check_outside(db, asked.user_id, asked.destination, house=asked.house)
    present_lamports = check_on_chain(chain, asked.destination)
    account = f"wallet:{asked.user_id}"
    observe_deposits(db, chain, account=account, address=wallet.address, now=now)
    judge = partial(_judge, db, asked, present_lamports=present_lamports, rules=rules, now=now)
    judge(available_lamports=ledger.read(db, account).available_lamports)
    demand()
    with db.transaction():
        known = idempotency.take(db, claim, now=now)
        if known is not None:
            return known
        lamports = judge(available_lamports=wallets.lock_available(db, asked.user_id))
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


def _judge(
    db: Database,
    asked: Withdrawal,
    *,
    available_lamports: int,
    present_lamports: int,
    rules: Rules,
    now: datetime,
) -> Lamports:
    """Decide how much leaves; what ``withdraw`` raises of amounts and pace is raised here."""
    lamports = spend(asked.lamports, available_lamports)
    check_arrival(asked.destination, lamports, present_lamports=present_lamports)
    check_withdrawal(lamports)
    check_pace(
        lamports,
        payouts.withdrawn(db, asked.user_id, now=now),
        rules=rules,
        destination=asked.destination,
        usable_at=allowlist.usable_at(db, asked.user_id, asked.destination),
        now=now,
    )
    return lamports


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
