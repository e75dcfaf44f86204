"""The wallet function: a user's address, balance, withdrawals, second factor and history.

It derives addresses and writes intents. It holds no treasury key and sends nothing.
"""

import os
import time
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from typing import Annotated, Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header, Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.caller import needs
from functions.guard import Guard, guard_of
from functions.http import PREFIX, Http
from functions.nodes import nodes_of
from functions.once import IdempotencyKey, claim_of
from functions.second_factor import IN_BODY, IN_HEADER, CodeHeader, Demand, demand_code
from functions.settings import WalletSettings, in_lamports
from functions.telemetry import count_one, make_logger
from functions.values import PAGE_LIMIT_MAX, Amount, explorer_url, read_cursor, read_id
from functions.wake import wake_settler
from functions.wallet import allowlist, two_factor
from functions.wallet.answers import (
    BalanceView,
    CodeRequest,
    Enrolment,
    ListedPage,
    ListedView,
    ListRequest,
    MovementPage,
    RecoveryCodes,
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
from pixr.adapters.keys import AnySeed, Vault, load_master_seed
from pixr.adapters.postgres import Database, connect
from pixr.adapters.solana import Solana
from pixr.domain.withdrawals import Rules

logger = make_logger("wallet")


@cache
def settings() -> WalletSettings:
    """The environment, read at the first request."""
    return WalletSettings.read(os.environ)


@cache
def guard() -> Guard:
    """What stands before every route."""
    return guard_of(settings(), clock_s=time.time)


app = Http(logger, guard)

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT_MAX)]
CursorText = Annotated[str | None, Query(max_length=200)]
RecoveryCodeHeader = Annotated[
    str | None,
    Header(
        alias="Recovery-Code",
        max_length=64,
        description="a recovery code, where the authenticator is lost",
    ),
]


@cache
def seed() -> AnySeed:
    """The master seed, or the way to it, found once per container."""
    return load_master_seed(settings().master_seed_at)


@cache
def vault() -> Vault:
    """What seals the secrets of second factors; KMS is first asked when one is used."""
    return Vault(settings().second_factor_key_arn)


def chain(db: Database) -> Solana:
    """The nodes, held to the chain that the settler has pinned."""
    return nodes_of(db, settings().rpc_urls, settings().network)


def _link(kind: str, name: str) -> str:
    return explorer_url(settings().network, settings().rpc_urls[0], kind=kind, name=name)


@cache
def house() -> dict[str, str]:
    """Addresses of the house → what each is; the escrow's is derived once per container."""
    return {
        settings().treasury_address: "the treasury",
        seed().escrow().address: "the escrow of investments",
    }


def _rules() -> Rules:
    chosen = settings()
    return Rules(
        hour_lamports_max=in_lamports(chosen.withdraw_limit_1h_sol),
        day_lamports_max=in_lamports(chosen.withdraw_limit_24h_sol),
        hour_max=chosen.withdrawals_1h_max,
        day_max=chosen.withdrawals_24h_max,
        small_lamports=chosen.small_lamports,
    )


def _demand(db: Database, code: str | None, *, where: str = IN_BODY, now: datetime) -> Demand:
    return partial(
        demand_code,
        db,
        vault(),
        app.caller.user_id,
        code,
        is_required=settings().require_2fa,
        where=where,
        now=now,
    )


@app.get(f"{PREFIX}/wallet", security=needs("wallet:read"), tags=["wallet"])
def get_wallet() -> WalletView:
    """Get the caller's wallet; the first call makes it."""
    now = datetime.now(UTC)
    with connect(str(settings().database_url)) as db:
        wallet = open_wallet(db, seed(), app.caller.user_id, now=now)
        second_factor = two_factor.show(
            db, wallet.user_id, is_required=settings().require_2fa, now=now
        )
    if wallet.created_at == now:
        logger.info("wallet.created", address=wallet.address)
        count_one("WalletsCreated", service="wallet")
    return WalletView(
        user_id=wallet.user_id,
        address=wallet.address,
        created_at=wallet.created_at,
        network=settings().network,
        explorer_url=_link("address", wallet.address),
        two_factor=second_factor,
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
    now = datetime.now(UTC)
    asked = Withdrawal(
        id=uuid4(),
        user_id=app.caller.user_id,
        lamports=lamports,
        destination=body.destination,
        house=house(),
    )
    claim = claim_of(app.caller, idempotency_key, "POST /withdraw", body)
    with connect(str(settings().database_url)) as db:
        answer = withdraw(
            db,
            chain(db),
            asked,
            claim=claim,
            rules=_rules(),
            demand=_demand(db, body.totp_code, now=now),
            now=now,
        )
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


@app.post(f"{PREFIX}/2fa/enroll", security=needs("wallet:withdraw"), tags=["second factor"])
def post_enroll() -> Enrolment:
    """Get a new second factor to scan; it counts once it is confirmed with a code."""
    with connect(str(settings().database_url)) as db:
        return two_factor.enroll(
            db, vault(), app.caller.user_id, factor_id=uuid4(), now=datetime.now(UTC)
        )


@app.post(f"{PREFIX}/2fa/confirm", security=needs("wallet:withdraw"), tags=["second factor"])
def post_confirm(body: CodeRequest) -> RecoveryCodes:
    """Let the second factor count from now on, and get its recovery codes, this once."""
    with connect(str(settings().database_url)) as db:
        return two_factor.confirm(
            db, vault(), app.caller.user_id, body.totp_code, now=datetime.now(UTC)
        )


@app.post(f"{PREFIX}/2fa/recovery-codes", security=needs("wallet:withdraw"), tags=["second factor"])
def post_recovery_codes(body: CodeRequest) -> RecoveryCodes:
    """Get new recovery codes; the old ones open nothing any more."""
    with connect(str(settings().database_url)) as db:
        return two_factor.renew_recovery_codes(
            db, vault(), app.caller.user_id, body.totp_code, now=datetime.now(UTC)
        )


@app.delete(
    f"{PREFIX}/2fa",
    security=needs("wallet:withdraw"),
    status_code=HTTPStatus.NO_CONTENT,
    tags=["second factor"],
)
def delete_second_factor(
    code: CodeHeader = None, recovery_code: RecoveryCodeHeader = None
) -> Response[None]:
    """Remove the second factor, for a code of either kind; withdrawals freeze for a day."""
    with connect(str(settings().database_url)) as db:
        two_factor.remove(
            db,
            vault(),
            app.caller.user_id,
            code=code,
            recovery_code=recovery_code,
            now=datetime.now(UTC),
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


@app.get(f"{PREFIX}/allowlist", security=needs("wallet:withdraw"), tags=["allow-list"])
def get_allowlist(limit: Limit = 50, cursor: CursorText = None) -> ListedPage:
    """List the addresses that the caller trusts, newest first."""
    with connect(str(settings().database_url)) as db:
        return allowlist.list_page(db, app.caller.user_id, limit=limit, cursor=read_cursor(cursor))


@app.post(
    f"{PREFIX}/allowlist",
    security=needs("wallet:withdraw"),
    status_code=HTTPStatus.CREATED,
    tags=["allow-list"],
)
def post_allowlist(body: ListRequest) -> ListedView:
    """Trust an address; in a day it may get any sum."""
    now = datetime.now(UTC)
    with connect(str(settings().database_url)) as db:
        return allowlist.add(
            db,
            app.caller.user_id,
            body,
            house=house(),
            demand=_demand(db, body.totp_code, now=now),
            now=now,
        )


@app.delete(
    f"{PREFIX}/allowlist/<destination>",
    security=needs("wallet:withdraw"),
    status_code=HTTPStatus.NO_CONTENT,
    tags=["allow-list"],
)
def delete_allowlist(destination: str, code: CodeHeader = None) -> Response[None]:
    """Trust an address no more."""
    now = datetime.now(UTC)
    with connect(str(settings().database_url)) as db:
        allowlist.remove(
            db,
            app.caller.user_id,
            destination,
            demand=_demand(db, code, where=IN_HEADER, now=now),
            now=now,
        )
    return Response(status_code=HTTPStatus.NO_CONTENT)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload 2.0)."""
    return app.resolve(event, context)
