"""Take an investment: judge it, promise it, reserve it, write it down. The settler moves it.

    seen before? ─▶ gain, price ─▶ deposits ─▶ code of the second factor, above a small sum a day
                    ─▶ [ claim key · lock wallet · promise · reserve ]
                       └───────── one database transaction ──────────┘

The wallet is locked before the funding, as the settler does it, so that they cannot deadlock.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from functions.api.answers import InvestmentAccepted
from functions.api.content import get_content, priced_source, source_size
from functions.deposits import observe_deposits
from functions.second_factor import IN_BODY, Demand
from functions.values import Amount
from pixr.adapters.postgres import (
    Database,
    audit,
    contents,
    house,
    idempotency,
    investments,
    ledger,
    payouts,
    second_factors,
    upgrades,
    wallets,
)
from pixr.adapters.postgres.idempotency import Claim
from pixr.adapters.postgres.investments import Promised
from pixr.adapters.solana import Solana
from pixr.domain.errors import (
    NoGain,
    Overfunded,
    SecondFactorNeeded,
    SettlementNotStarted,
    WalletMissing,
)
from pixr.domain.investments import check_gain, check_investors, check_share, return_cap
from pixr.domain.money import Lamports, spend
from pixr.domain.quotes import Quote, SolPrice, quote
from pixr.domain.withdrawals import DAY

ACCEPTED_STATUS = 202


@dataclass(frozen=True, slots=True, kw_only=True)
class Investment:
    """What is asked for; ``payout_id`` is the transfer to escrow."""

    id: UUID
    payout_id: UUID
    user_id: str
    content_id: str
    rung: int
    lamports: Lamports


def invest(
    db: Database,
    chain: Solana,
    asked: Investment,
    *,
    claim: Claim,
    sol: SolPrice | None,
    return_cap_bps: int,
    small_lamports: int,
    demand: Demand,
    now: datetime,
) -> dict[str, Any]:
    """Accept an investment once and return its answer; a repetition returns the first answer.

    ``return_cap_bps`` says where its returns stop, for as long as it lives; 0: nowhere. What comes
    to ``small_lamports`` a day takes no code.

    Raises:
        WalletMissing: The user never asked for a wallet.
        NotFound: There is no such content.
        NoGain: The rung shows nothing new, or its upgrade is decided.
        BeingMade: A job makes the rung already.
        QuoteUnavailable: Nobody has fixed the price yet, and none can be made now.
        SettlementNotStarted: The escrow's address is not known yet.
        Overdrawn: More than is available, or what remains would be dust.
        TooSmall: Less than the least part, or less than that would remain open.
        Overfunded: More than is open.
        WithdrawalsFrozen: It takes a code, and the factor was removed within the last day.
        SecondFactorMissing: What ``demand`` raises, likewise the other refusals of a code.
        KeyReused: The key came with another body before.
        StillRunning: The first request under this key has not ended.
        ChainUnreachable: Deposits cannot be looked for; nothing was written.
    """
    known = idempotency.find(db, claim)
    if known is not None:
        return known
    wallet = wallets.get(db, asked.user_id)
    if wallet is None:
        raise WalletMissing
    quote = _fresh_quote(db, asked, sol=sol, now=now)
    escrow_address = _escrow(db)
    account = f"wallet:{asked.user_id}"
    observe_deposits(db, chain, account=account, address=wallet.address, now=now)
    # Judged behind the lock again; here, so that a refusal costs nobody a code.
    spend(asked.lamports, ledger.read(db, account).available_lamports)
    is_small = partial(_is_small, db, asked, small_lamports=small_lamports, now=now)
    was_small = is_small()
    if not was_small:
        _demand_of_large(db, asked, demand, now=now)
    with db.transaction():
        known = idempotency.take(db, claim, now=now)
        if known is not None:
            return known
        spend(asked.lamports, wallets.lock_available(db, asked.user_id))
        if was_small and not is_small():
            raise SecondFactorNeeded(IN_BODY)
        check_investors(investments.count(db, asked.content_id))
        promised = _promise(db, asked, quote=quote, now=now)
        _reserve(db, asked, destination=escrow_address, cap_bps=return_cap_bps, now=now)
        return _write_down(db, asked, claim, promised=promised, now=now)


def _escrow(db: Database) -> str:
    address = house.addresses(db).get("escrow")
    if address is None:
        raise SettlementNotStarted
    return address


def _is_small(db: Database, asked: Investment, *, small_lamports: int, now: datetime) -> bool:
    """Whether it is a small sum, together with all that was invested within the day."""
    before_lamports = investments.invested(db, asked.user_id, since=now - DAY)
    return before_lamports + asked.lamports <= small_lamports


def _demand_of_large(db: Database, asked: Investment, demand: Demand, *, now: datetime) -> None:
    """Whoever removed the factor and set up another has its codes, and waits all the same."""
    second_factors.check_frozen(db, asked.user_id, now=now)
    demand()


def _fresh_quote(
    db: Database, asked: Investment, *, sol: SolPrice | None, now: datetime
) -> Quote | None:
    """Judge the rung, and price it unless an investor has fixed the price already."""
    row = get_content(db, asked.content_id)
    present = {item["rung"] for item in contents.list_renditions(db, asked.content_id)}
    making = upgrades.list_making(db, asked.content_id)
    check_gain(
        asked.rung,
        source=source_size(row),
        detail=row["detail"],
        present=present,
        making=making,
    )
    funding = investments.get_funding(db, asked.content_id, asked.rung)
    if funding is None:
        source = priced_source(db, row)
        assert source is not None, "without one there is no gain"
        return quote(source, asked.rung, sol=sol, now=now)
    if funding["state"] == "FAILED":
        raise NoGain(f"an upgrade to {asked.rung}p failed before: it cannot be made of this source")
    return None


def _promise(db: Database, asked: Investment, *, quote: Quote | None, now: datetime) -> Promised:
    if quote is not None:
        investments.open_funding(
            db,
            asked.content_id,
            asked.rung,
            price_lamports=quote.lamports,
            quote=quote.document(),
            now=now,
        )
    promised = investments.promise(db, asked.content_id, asked.rung, lamports=asked.lamports)
    if promised is None:
        funding = investments.get_funding(db, asked.content_id, asked.rung)
        assert funding is not None
        is_open = funding["state"] == "OPEN"
        open_lamports = funding["price_lamports"] - funding["funded_lamports"] if is_open else 0
        raise Overfunded(asked.lamports, open_lamports)
    check_share(
        asked.lamports,
        open_lamports=promised.price_lamports - promised.funded_lamports + asked.lamports,
    )
    return promised


def _reserve(
    db: Database,
    asked: Investment,
    *,
    destination: str,
    cap_bps: int,
    now: datetime,
) -> None:
    investments.insert(
        db,
        investment_id=asked.id,
        content_id=asked.content_id,
        rung=asked.rung,
        user_id=asked.user_id,
        lamports=asked.lamports,
        return_cap_lamports=return_cap(asked.lamports, cap_bps=cap_bps),
        now=now,
    )
    is_reserved = payouts.request(
        db,
        payout_id=asked.payout_id,
        kind="investment",
        user_id=asked.user_id,
        debit_account=f"wallet:{asked.user_id}",
        credit_account="escrow",
        destination=destination,
        lamports=asked.lamports,
        investment_id=asked.id,
        now=now,
    )
    # The account is locked, so what was available still is.
    assert is_reserved


def _write_down(
    db: Database, asked: Investment, claim: Claim, *, promised: Promised, now: datetime
) -> dict[str, Any]:
    answer = InvestmentAccepted(
        investment_id=str(asked.id),
        state="RESERVED",
        content_id=asked.content_id,
        quality=f"{asked.rung}p",
        amount=Amount.of(asked.lamports),
        price=Amount.of(promised.price_lamports),
        funded=Amount.of(promised.funded_lamports),
        open=Amount.of(promised.price_lamports - promised.funded_lamports),
        created_at=now,
    ).model_dump(mode="json")
    idempotency.keep(db, claim, status=ACCEPTED_STATUS, answer=answer)
    audit.append(
        db,
        at=now,
        actor=asked.user_id,
        action="investment.requested",
        subject=str(asked.id),
        detail={
            "content_id": asked.content_id,
            "rung": asked.rung,
            "lamports": str(asked.lamports),
        },
    )
    return answer
