"""The api function: views, uploads, contents, investments, figures, and every unknown route.

It writes intents and reads the record. It holds no key of anybody's.
"""

import os
import time
from datetime import UTC, datetime
from functools import cache, partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.api.answers import (
    CompleteRequest,
    ContentView,
    EarningPage,
    InvestmentAccepted,
    InvestmentPage,
    InvestRequest,
    PartPage,
    UpgradeJobView,
    UpgradesView,
    UploadProgress,
    UploadRequest,
    UploadView,
    ViewsAccepted,
)
from functions.api.content import show_content, show_upgrades
from functions.api.figures import HealthView, StatsView, read_health, read_stats
from functions.api.invest import Investment, invest
from functions.api.portfolio import list_earnings, list_investments, show_job
from functions.api.proofs import ProofView, show_proof
from functions.api.uploads import (
    complete_upload,
    end_upload,
    expect_upload,
    list_parts,
    show_upload,
)
from functions.api.views import ViewsRequest, take_views
from functions.caller import needs
from functions.guard import Guard, guard_of
from functions.http import PREFIX, Http
from functions.nodes import nodes_of
from functions.once import IdempotencyKey, claim_of
from functions.second_factor import Demand, demand_code
from functions.settings import ApiSettings
from functions.telemetry import make_logger
from functions.values import PAGE_LIMIT_MAX, read_cursor, read_id
from functions.wake import wake_settler
from pixr.adapters.keys import Vault
from pixr.adapters.multipart import PartsBucket
from pixr.adapters.postgres import Database, connect, stats
from pixr.adapters.solana import Solana
from pixr.domain.quotes import SolPrice

if TYPE_CHECKING:
    from pixr.adapters.redis import ViewStream

HEALTH_TIMEOUT_S = 2
UPLOADERS = ("invest", "wallet:read")
"""Scopes of which one lets a caller upload."""

logger = make_logger("api")


@cache
def settings() -> ApiSettings:
    """The environment, read at the first request."""
    return ApiSettings.read(os.environ)


@cache
def guard() -> Guard:
    """What stands before every route."""
    return guard_of(settings(), clock_s=time.time)


app = Http(logger, guard)

Limit = Annotated[int, Query(ge=1, le=PAGE_LIMIT_MAX)]
CursorText = Annotated[str | None, Query(max_length=200)]


@cache
def stream() -> "ViewStream":
    """The stream of views; its connection is kept between requests."""
    from pixr.adapters.redis import ViewStream  # noqa: PLC0415 -- 0.7 s that few routes need

    return ViewStream(settings().redis_url, replicas_min=settings().redis_replicas_min)


def chain(db: Database) -> Solana:
    """The nodes, held to the chain that the settler has pinned."""
    return nodes_of(db, settings().rpc_urls, settings().network)


@cache
def bucket() -> PartsBucket:
    """Where originals go."""
    return PartsBucket(settings().s3_bucket)


@cache
def vault() -> Vault:
    """What opens the secrets of second factors; KMS is first asked when one is used."""
    return Vault(settings().second_factor_key_arn)


def _demand(db: Database, code: str | None, *, now: datetime) -> Demand:
    return partial(
        demand_code,
        db,
        vault(),
        app.caller.user_id,
        code,
        is_required=settings().require_2fa,
        now=now,
    )


def _sol_price() -> SolPrice | None:
    usd, as_of = settings().sol_usd, settings().sol_usd_as_of
    return None if usd is None or as_of is None else SolPrice(usd=usd, as_of=as_of)


@app.post(
    f"{PREFIX}/views",
    security=needs("views:write"),
    status_code=HTTPStatus.ACCEPTED,
    tags=["views"],
)
def post_views(body: ViewsRequest) -> ViewsAccepted:
    """Take up to a thousand view events; one bad event refuses all of them."""
    return ViewsAccepted(accepted=take_views(stream(), body.events, now=datetime.now(UTC)))


@app.post(
    f"{PREFIX}/uploads",
    security=needs(*UPLOADERS),
    status_code=HTTPStatus.CREATED,
    tags=["content"],
)
def post_upload(body: UploadRequest) -> UploadView:
    """Get a URL to put a video to, or one for each part of it; what arrives becomes the content."""
    with connect(str(settings().database_url)) as db:
        return expect_upload(
            db,
            bucket(),
            body,
            upload_id=uuid4(),
            fresh_content_id=uuid4().hex,
            user_id=app.caller.user_id,
            now=datetime.now(UTC),
        )


@app.get(f"{PREFIX}/uploads/<upload_id>", security=needs(*UPLOADERS), tags=["content"])
def get_upload(upload_id: str) -> UploadProgress:
    """Get what became of one of the caller's uploads, and how far its job is."""
    with connect(str(settings().database_url)) as db:
        return show_upload(db, read_id(upload_id), user_id=app.caller.user_id)


@app.get(f"{PREFIX}/uploads/<upload_id>/parts", security=needs(*UPLOADERS), tags=["content"])
def get_parts(upload_id: str, limit: Limit = PAGE_LIMIT_MAX, cursor: CursorText = None) -> PartPage:
    """Get fresh URLs for the parts of an upload, and which parts are there."""
    with connect(str(settings().database_url)) as db:
        return list_parts(
            db,
            bucket(),
            read_id(upload_id),
            user_id=app.caller.user_id,
            limit=limit,
            cursor=read_cursor(cursor),
            now=datetime.now(UTC),
        )


@app.post(f"{PREFIX}/uploads/<upload_id>/complete", security=needs(*UPLOADERS), tags=["content"])
def post_complete(upload_id: str, body: CompleteRequest) -> UploadProgress:
    """Join the parts of an upload to the file; repeating it changes nothing."""
    with connect(str(settings().database_url)) as db:
        return complete_upload(
            db,
            bucket(),
            read_id(upload_id),
            body,
            user_id=app.caller.user_id,
            now=datetime.now(UTC),
        )


@app.delete(
    f"{PREFIX}/uploads/<upload_id>",
    security=needs(*UPLOADERS),
    status_code=HTTPStatus.NO_CONTENT,
    tags=["content"],
)
def delete_upload(upload_id: str) -> None:
    """End an upload before its file has arrived, and drop the parts of it."""
    with connect(str(settings().database_url)) as db:
        end_upload(db, bucket(), read_id(upload_id), user_id=app.caller.user_id)


@app.get(f"{PREFIX}/content/<content_id>", tags=["content"])
def get_content(content_id: str) -> ContentView:
    """Get a content: its source, its qualities, its analysis, what is invested in it."""
    with connect(str(settings().database_url)) as db:
        return show_content(db, content_id)


@app.get(f"{PREFIX}/content/<content_id>/upgrades", tags=["content"])
def get_upgrades(content_id: str) -> UpgradesView:
    """Get the price of every better quality, line by line, and how far it is funded."""
    with connect(str(settings().database_url)) as db:
        return show_upgrades(db, content_id, sol=_sol_price(), now=datetime.now(UTC))


@app.post(
    f"{PREFIX}/invest",
    security=needs("invest"),
    status_code=HTTPStatus.ACCEPTED,
    tags=["investing"],
)
def post_invest(body: InvestRequest, idempotency_key: IdempotencyKey) -> InvestmentAccepted:
    """Put money into a better quality of a content, for a share of what it earns then."""
    lamports = body.asked(is_max_allowed=False)
    assert lamports is not None
    rung = body.rung
    now = datetime.now(UTC)
    asked = Investment(
        id=uuid4(),
        payout_id=uuid4(),
        user_id=app.caller.user_id,
        content_id=body.content_id,
        rung=rung,
        lamports=lamports,
    )
    claim = claim_of(app.caller, idempotency_key, "POST /invest", body)
    with connect(str(settings().database_url)) as db:
        answer = invest(
            db,
            chain(db),
            asked,
            claim=claim,
            sol=_sol_price(),
            return_cap_bps=settings().return_cap_bps,
            small_lamports=settings().small_lamports,
            demand=_demand(db, body.totp_code, now=now),
            now=now,
        )
    if answer["investment_id"] == str(asked.id):
        logger.info("investment.accepted", investment_id=answer["investment_id"])
        wake_settler(settings().settle_queue_url, "investment", logger=logger)
    return InvestmentAccepted.model_validate(answer)


@app.get(f"{PREFIX}/investments", security=needs("invest"), tags=["investing"])
def get_investments(limit: Limit = 50, cursor: CursorText = None) -> InvestmentPage:
    """List the caller's investments, newest first."""
    with connect(str(settings().database_url)) as db:
        return list_investments(db, app.caller.user_id, limit=limit, cursor=read_cursor(cursor))


@app.get(f"{PREFIX}/upgrades/<job_id>", security=needs("invest"), tags=["investing"])
def get_job(job_id: str) -> UpgradeJobView:
    """Get how far an upgrade is; for the creator and the investors of it."""
    with connect(str(settings().database_url)) as db:
        return show_job(db, app.caller.user_id, read_id(job_id))


@app.get(f"{PREFIX}/payouts/<payout_id>/proof", tags=["operations"])
def get_proof(payout_id: str) -> ProofView:
    """Get what proves, without trusting us, that the chain committed to a payout."""
    with connect(str(settings().database_url)) as db:
        return show_proof(db, read_id(payout_id))


@app.get(f"{PREFIX}/earnings", security=needs("wallet:read"), tags=["wallet"])
def get_earnings(limit: Limit = 50, cursor: CursorText = None) -> EarningPage:
    """List what each content brought and the caller's part of it."""
    with connect(str(settings().database_url)) as db:
        return list_earnings(db, app.caller.user_id, limit=limit, cursor=read_cursor(cursor))


@app.get(f"{PREFIX}/stats", security=needs("stats:read"), tags=["operations"])
def get_stats() -> StatsView:
    """Get the figures of the whole: now, the last hour, the last day, and as points."""
    with connect(str(settings().database_url)) as db:
        return read_stats(db, stream(), now=datetime.now(UTC))


@app.get(
    f"{PREFIX}/health",
    tags=["operations"],
    responses={
        HTTPStatus.OK: {
            "description": "Money can move",
            "content": {"application/json": {"model": HealthView}},
        },
        HTTPStatus.SERVICE_UNAVAILABLE: {
            "description": "Money cannot move",
            "content": {"application/json": {"model": HealthView}},
        },
    },
)
def get_health() -> Response[HealthView]:
    """Get each dependency with its latency; 503 when money cannot move."""

    def ask_database() -> None:
        with connect(str(settings().database_url), connect_timeout_s=HEALTH_TIMEOUT_S) as db:
            stats.batches_held(db)

    health = read_health(
        {
            "database": ask_database,
            "chain": Solana(settings().rpc_urls, timeout_s=HEALTH_TIMEOUT_S).slot,
            "stream": lambda: stream().ping(),
        },
        needed=frozenset({"database", "chain"}),
        clock_s=time.monotonic,
    )
    is_down = health.status == "down"
    return Response(
        status_code=HTTPStatus.SERVICE_UNAVAILABLE if is_down else HTTPStatus.OK,
        content_type="application/json",
        body=health,
    )


@app.get(f"{PREFIX}/openapi.json", include_in_schema=False)
def get_openapi() -> Response[str]:
    """Get the OpenAPI document of every route, those of the wallet function included."""
    return Response(
        status_code=HTTPStatus.OK, content_type="application/vnd.oai.openapi+json", body=_openapi()
    )


@app.get(f"{PREFIX}/docs", include_in_schema=False)
def get_docs() -> Response[str]:
    """Get a page to read the document with, and to try things out."""
    # Only here: nobody else pays for reading 1.7 MB of page.
    ui = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
    from aws_lambda_powertools.event_handler.openapi.swagger_ui import (  # noqa: PLC0415 -- so
        generate_swagger_html,
    )

    page = generate_swagger_html(
        # A text in the document must not be able to end the script that holds it.
        spec=_openapi().replace("</", "<\\/"),
        swagger_js=ui.joinpath("swagger-ui-bundle.min.js").read_text(encoding="utf-8"),
        swagger_css=ui.joinpath("swagger-ui.min.css").read_text(encoding="utf-8"),
        swagger_base_url="",
        oauth2_config=None,
    )
    return Response(status_code=HTTPStatus.OK, content_type="text/html", body=page)


def _openapi() -> str:
    return files("functions.api").joinpath("openapi.json").read_text(encoding="utf-8")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of API Gateway (payload 2.0)."""
    return app.resolve(event, context)
