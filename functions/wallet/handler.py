"""The wallet function: a user's address, balance, withdrawals and history.

It derives addresses and writes intents. It holds no treasury key and sends nothing.
"""

import os
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.http import PREFIX, Http, needs
from functions.nodes import nodes_of
from functions.once import IdempotencyKey, claim_of
from functions.settings import WalletSettings
from functions.telemetry import count_one, make_logger
from functions.values import PAGE_LIMIT_MAX, Amount, explorer_url, read_cursor, read_id
from functions.wake import wake_settler
from functions.wallet.answers import (
    BalanceView,
    MovementPage,
    TwoFactor,
    WalletView,
    WithdrawalAccepted,
    WithdrawalPage,
    WithdrawalView,
    WithdrawRequest,
)
from functions.wallet.balance import read_balance
from functions.wallet.history import get_withdrawal, list_movements, list_withdrawals
from functions.wallet.wallet import open_wallet
from functions.wallet.withdraw import Withdrawal, withdraw
from pixr.adapters.keys import AnySeed, load_master_seed
from pixr.adapters.postgres import Database, connect
from pixr.adapters.solana import Solana
from pixr.domain.errors import SecondFactorMissing

logger = make_logger("wallet")
app = Http(logger)

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT_MAX)]
CursorText = Annotated[str | None, Query(max_length=200)]


@cache
def settings() -> WalletSettings:
    """The environment, read at the first request."""
    return WalletSettings.read(os.environ)


@cache
def seed() -> AnySeed:
    """The master seed, or the way to it, found once per container."""
    return load_master_seed(settings().master_seed_at)


def chain(db: Database) -> Solana:
    """The nodes, held to the chain that the settler has pinned."""
    return nodes_of(db, settings().rpc_urls, settings().network)


def _link(kind: str, name: str) -> str:
    return explorer_url(settings().network, settings().rpc_urls[0], kind=kind, name=name)


@app.get(f"{PREFIX}/wallet", security=needs("wallet:read"), tags=["wallet"])
def get_wallet() -> WalletView:
    """Get the caller's wallet; the first call makes it."""
    now = datetime.now(UTC)
    with connect(str(settings().database_url)) as db:
        wallet = open_wallet(db, seed(), app.caller.user_id, now=now)
    if wallet.created_at == now:
        logger.info("wallet.created", address=wallet.address)
        count_one("WalletsCreated", service="wallet")
    return WalletView(
        user_id=wallet.user_id,
        address=wallet.address,
        created_at=wallet.created_at,
        network=settings().network,
        explorer_url=_link("address", wallet.address),
        two_factor=TwoFactor(required=settings().require_2fa, enrolled=False),
    )


@app.get(f"{PREFIX}/balance", security=needs("wallet:read"), tags=["wallet"])
def get_balance() -> BalanceView:
    """Get what is on chain and what is due."""
    with connect(str(settings().database_url)) as db:
        balance = read_balance(db, chain(db), app.caller.user_id, now=datetime.now(UTC))
    return BalanceView(
        address=balance.address,
        on_chain=Amount.of(balance.on_chain_lamports),
        available=Amount.of(balance.available_lamports),
        reserved=Amount.of(balance.reserved_lamports),
        pending_earnings=Amount.of(balance.pending_lamports),
        paid_total=Amount.of(balance.paid_lamports),
        as_of_slot=balance.as_of_slot,
        stale=balance.is_stale,
    )


@app.post(
    f"{PREFIX}/withdraw",
    security=needs("wallet:withdraw"),
    status_code=HTTPStatus.ACCEPTED,
    tags=["wallet"],
)
def post_withdraw(body: WithdrawRequest, idempotency_key: IdempotencyKey) -> WithdrawalAccepted:
    """Ask for money to be sent to an outside address; "max" empties the wallet."""
    lamports = body.asked(is_max_allowed=True)
    if settings().require_2fa:
        raise SecondFactorMissing("withdrawals need a second factor and you have not set one up")
    house = {
        settings().treasury_address: "the treasury",
        seed().escrow().address: "the escrow of investments",
    }
    asked = Withdrawal(
        id=uuid4(),
        user_id=app.caller.user_id,
        lamports=lamports,
        destination=body.destination,
        house=house,
    )
    claim = claim_of(app.caller, idempotency_key, "POST /withdraw", body)
    with connect(str(settings().database_url)) as db:
        answer = withdraw(db, chain(db), asked, claim=claim, now=datetime.now(UTC))
    if answer["withdrawal_id"] == str(asked.id):
        logger.info("withdrawal.accepted", withdrawal_id=answer["withdrawal_id"])
        wake_settler(settings().settle_queue_url, "withdrawal", logger=logger)
    return WithdrawalAccepted.model_validate(answer)


@app.get(f"{PREFIX}/withdrawals", security=needs("wallet:read"), tags=["wallet"])
def get_withdrawals(limit: Limit = 50, cursor: CursorText = None) -> WithdrawalPage:
    """List the caller's withdrawals, newest first."""
    with connect(str(settings().database_url)) as db:
        return list_withdrawals(
            db,
            app.caller.user_id,
            limit=limit,
            cursor=read_cursor(cursor),
            link=partial(_link, "tx"),
        )


@app.get(f"{PREFIX}/withdrawals/<withdrawal_id>", security=needs("wallet:read"), tags=["wallet"])
def get_one_withdrawal(withdrawal_id: str) -> WithdrawalView:
    """Get one withdrawal: where it stands, its signature, its slot."""
    with connect(str(settings().database_url)) as db:
        return get_withdrawal(
            db, app.caller.user_id, read_id(withdrawal_id), link=partial(_link, "tx")
        )


@app.get(f"{PREFIX}/transactions", security=needs("wallet:read"), tags=["wallet"])
def get_transactions(limit: Limit = 50, cursor: CursorText = None) -> MovementPage:
    """List everything that moved the caller's money, newest first."""
    with connect(str(settings().database_url)) as db:
        return list_movements(
            db,
            app.caller.user_id,
            limit=limit,
            cursor=read_cursor(cursor),
            link=partial(_link, "tx"),
        )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload 2.0)."""
    return app.resolve(event, context)
