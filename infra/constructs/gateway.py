"""The front door: an HTTP API, its token check, and the two functions behind it."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.choices import environment
from infra.constructs.function import DERIVE, OPEN, PARTS, SEAL, WRITE, PixrFunction
from infra.constructs.platform import Platform
from infra.constructs.queues import Queues
from infra.routes import ROUTES

AUDIENCE: Final = "pixr"
# API Gateway gives up after 30 s; a function that runs longer works for nobody.
TIMEOUT_S: Final = 29
# One caller's storm must not drain the database's connections; views come in batches of 1,000.
REQUESTS_PER_SECOND: Final = 500
REQUESTS_BURST: Final = 1000

ACCESS_LOG_FIELDS: Final = {
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "at": "$context.requestTime",
    "route": "$context.routeKey",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "refused": "$context.authorizer.error",
}


class Gateway(Construct):
    """Signature, issuer, audience and expiry are checked here, scopes in the functions.

    No function behind it holds a treasury key: they write intents and wake the settler.
    """

    def __init__(self, scope: Construct, id_: str, *, platform: Platform, queues: Queues) -> None:
        super().__init__(scope, id_)
        self.wallet = self._wallet(platform, queues)
        self.api = self._api(platform, queues)
        self.http_api = apigateway.HttpApi(self, "Http", create_default_stage=False)
        self._stage()
        self._routes(platform.settings.issuer)

    def _wallet(self, platform: Platform, queues: Queues) -> PixrFunction:
        places, settings = platform.places, platform.settings
        function = PixrFunction(
            self,
            "Wallet",
            platform=platform,
            group="wallet",
            handler="functions.wallet.handler.handler",
            service="wallet",
            environment={
                "DATABASE_URL": places.database_url,
                "REDIS_URL": places.redis_url,
                "SOLANA_RPC_URL": settings.solana_rpc_url,
                "MASTER_SEED_ARN": places.master_seed_arn,
                "SETTLE_QUEUE_URL": queues.settle.queue.queue_url,
                "REQUIRE_2FA": settings.require_2fa,
                "NETWORK": settings.network,
                "TREASURY_ADDRESS": settings.treasury_address,
                "OIDC_ISSUER": settings.issuer,
                "SECOND_FACTOR_KEY_ARN": places.second_factor_key_arn,
                **environment("wallet", settings.chosen),
            },
            timeout_s=TIMEOUT_S,
            memory_mib=1024,
        )
        function.may_use_key(places.master_seed_arn, DERIVE)
        function.may_for_users(SEAL, places.second_factor_key_arn)
        queues.settle.queue.grant_send_messages(function.role)
        return function

    def _api(self, platform: Platform, queues: Queues) -> PixrFunction:
        places, settings = platform.places, platform.settings
        function = PixrFunction(
            self,
            "Api",
            platform=platform,
            group="api",
            handler="functions.api.handler.handler",
            service="api",
            environment={
                "DATABASE_URL": places.database_url,
                "REDIS_URL": places.redis_url,
                "SOLANA_RPC_URL": settings.solana_rpc_url,
                "SETTLE_QUEUE_URL": queues.settle.queue.queue_url,
                "S3_BUCKET": places.bucket.bucket_name,
                "NETWORK": settings.network,
                "SOL_USD": settings.sol_usd,
                "SOL_USD_AS_OF": settings.sol_usd_as_of,
                "REQUIRE_2FA": settings.require_2fa,
                "TREASURY_ADDRESS": settings.treasury_address,
                "OIDC_ISSUER": settings.issuer,
                "SECOND_FACTOR_KEY_ARN": places.second_factor_key_arn,
                **environment("api", settings.chosen),
            },
            timeout_s=TIMEOUT_S,
            memory_mib=1024,
        )
        # It judges codes and enrols nobody.
        function.may_for_users(OPEN, places.second_factor_key_arn)
        queues.settle.queue.grant_send_messages(function.role)
        # What it presigns is done in its name: parts are put with the right to put.
        function.may_with_objects((*WRITE, *PARTS), ("originals/",))
        return function

    def _stage(self) -> None:
        log_group = logs.LogGroup(
            self,
            "AccessLog",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=REQUESTS_PER_SECOND, burst_limit=REQUESTS_BURST
            ),
        )
        # Set on the resource itself: the stage wants a class of JavaScript's for two plain values.
        resource = self.stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=log_group.log_group_arn, format=json.dumps(ACCESS_LOG_FIELDS)
        )

    def _routes(self, issuer: str) -> None:
        authorizer = authorizers.HttpJwtAuthorizer("Token", issuer, jwt_audience=[AUDIENCE])
        answers = {
            name: integrations.HttpLambdaIntegration(
                name, function.function, scope_permission_to_route=False
            )
            for name, function in (("Wallet", self.wallet), ("Api", self.api))
        }
        for route in ROUTES:
            self.http_api.add_routes(
                path=route.path,
                methods=[apigateway.HttpMethod(route.method)],
                integration=answers[route.function],
                authorizer=apigateway.HttpNoneAuthorizer() if route.public else authorizer,
            )
        fallback = apigateway.HttpRoute(
            self,
            "Unknown",
            http_api=self.http_api,
            route_key=apigateway.HttpRouteKey.DEFAULT,
            integration=answers["Api"],
            authorizer=apigateway.HttpNoneAuthorizer(),
        )
        reason = "Public on purpose: infra/routes.py says which routes answer without a token."
        for construct in (self.http_api, fallback):
            acknowledge(construct, "AwsSolutions-APIG4", reason)
