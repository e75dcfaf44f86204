"""Every route exists, and asks for a token unless the table of routes says that it is public."""

from __future__ import annotations

import re

import pytest

from infra.routes import ROUTES
from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

PUBLIC = {
    "GET /api/defi/content/{id}",
    "GET /api/defi/content/{id}/upgrades",
    "GET /api/defi/payouts/{id}/proof",
    "GET /api/defi/health",
    "GET /api/defi/openapi.json",
    "GET /api/defi/docs",
    "$default",
}
PRIVATE = {
    "GET /api/defi/wallet",
    "GET /api/defi/balance",
    "POST /api/defi/withdraw",
    "GET /api/defi/withdrawals",
    "GET /api/defi/withdrawals/{id}",
    "GET /api/defi/transactions",
    "POST /api/defi/2fa/enroll",
    "POST /api/defi/2fa/confirm",
    "POST /api/defi/2fa/recovery-codes",
    "DELETE /api/defi/2fa",
    "GET /api/defi/allowlist",
    "POST /api/defi/allowlist",
    "DELETE /api/defi/allowlist/{destination}",
    "POST /api/defi/views",
    "POST /api/defi/invest",
    "GET /api/defi/investments",
    "GET /api/defi/upgrades/{job_id}",
    "GET /api/defi/earnings",
    "GET /api/defi/stats",
    "POST /api/defi/uploads",
    "GET /api/defi/uploads/{upload_id}",
    "DELETE /api/defi/uploads/{upload_id}",
    "GET /api/defi/uploads/{upload_id}/parts",
    "POST /api/defi/uploads/{upload_id}/complete",
}


def test_every_route_is_there_with_or_without_a_token(templates: Templates) -> None:
    routes = templates.properties("AWS::ApiGatewayV2::Route")
    (authorizer,) = templates.of("AWS::ApiGatewayV2::Authorizer")
    assert {route["RouteKey"] for route in routes} == PUBLIC | PRIVATE
    for route in routes:
        if route["RouteKey"] in PUBLIC:
            assert route["AuthorizationType"] == "NONE"
        else:
            assert route["AuthorizationType"] == "JWT"
            assert route["AuthorizerId"] == {"Ref": authorizer}


def test_a_route_leads_to_the_function_of_the_table(templates: Templates) -> None:
    integrations = templates.of("AWS::ApiGatewayV2::Integration")
    wanted = {f"{route.method} {route.path}": route.function for route in ROUTES}
    for route in templates.properties("AWS::ApiGatewayV2::Route"):
        integration = route["Target"]["Fn::Join"][1][1]["Ref"]
        uri = integrations[integration]["Properties"]["IntegrationUri"]
        function = wanted.get(route["RouteKey"], "Api")
        assert uri["Fn::GetAtt"][0].startswith(f"Gateway{function}Function")
        assert integrations[integration]["Properties"]["PayloadFormatVersion"] == "2.0"


def test_tokens_are_for_us(templates: Templates) -> None:
    (authorizer,) = templates.properties("AWS::ApiGatewayV2::Authorizer")
    assert authorizer["AuthorizerType"] == "JWT"
    assert authorizer["JwtConfiguration"]["Audience"] == ["pixr"]
    assert authorizer["JwtConfiguration"]["Issuer"]
    assert authorizer["IdentitySource"] == ["$request.header.Authorization"]


def test_a_storm_is_slowed_down_and_every_request_logged(templates: Templates) -> None:
    (stage,) = templates.properties("AWS::ApiGatewayV2::Stage")
    assert stage["AutoDeploy"] is True
    assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 500
    assert stage["DefaultRouteSettings"]["ThrottlingBurstLimit"] == 1000
    assert "$context.requestId" in stage["AccessLogSettings"]["Format"]


def test_the_gateway_may_call_only_the_two_functions_behind_it(templates: Templates) -> None:
    callers = [
        permission["FunctionName"]["Fn::GetAtt"][0]
        for permission in templates.properties("AWS::Lambda::Permission")
        if permission["Principal"] == "apigateway.amazonaws.com"
    ]
    names = {re.sub(r"Function[0-9A-F]{8}$", "", caller) for caller in callers}
    assert names == {"GatewayWallet", "GatewayApi"}
    assert len(callers) == len(names)
