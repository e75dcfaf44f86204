"""What each function is given: exactly this, in every stage."""

from __future__ import annotations

import json
import re

import pytest

from infra.choices import DEFAULTS, environment
from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

COMMON = {
    "STAGE",
    "POWERTOOLS_SERVICE_NAME",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_TRACE_DISABLED",
}

ENVIRONMENTS = {
    "functions.wallet.handler.handler": {
        "DATABASE_URL",
        "REDIS_URL",
        "SOLANA_RPC_URL",
        "MASTER_SEED_ARN",
        "SETTLE_QUEUE_URL",
        "REQUIRE_2FA",
        "NETWORK",
        "TREASURY_ADDRESS",
        "SECOND_FACTOR_KEY_ARN",
        "OIDC_ISSUER",
        *environment("wallet", DEFAULTS),
    },
    "functions.api.handler.handler": {
        "DATABASE_URL",
        "REDIS_URL",
        "SOLANA_RPC_URL",
        "SETTLE_QUEUE_URL",
        "S3_BUCKET",
        "NETWORK",
        "SOL_USD",
        "SOL_USD_AS_OF",
        "REQUIRE_2FA",
        "TREASURY_ADDRESS",
        "SECOND_FACTOR_KEY_ARN",
        "OIDC_ISSUER",
        *environment("api", DEFAULTS),
    },
    "functions.batch.handler.handler": {
        "DATABASE_URL",
        "REDIS_URL",
        "SOLANA_RPC_URL",
        "MASTER_SEED_ARN",
        "TREASURY_PRIVATE_KEY_ARN",
        "PLAN_QUEUE_URL",
        "BATCH_INTERVAL",
        "NETWORK",
        *environment("batch", DEFAULTS),
    },
    "functions.reprocess.plan.handler": {
        "DATABASE_URL",
        "S3_BUCKET",
        "ENCODE_QUEUE_URL",
        "FALLBACK_QUEUE_URL",
        "FFMPEG",
    },
    "functions.reprocess.encode.handler": {
        "DATABASE_URL",
        "S3_BUCKET",
        "ENCODE_QUEUE_URL",
        "ASSEMBLE_QUEUE_URL",
        "FALLBACK_QUEUE_URL",
        "FFMPEG",
    },
    "functions.reprocess.assemble.handler": {
        "DATABASE_URL",
        "S3_BUCKET",
        "SETTLE_QUEUE_URL",
        "FFMPEG",
    },
    "functions.reprocess.fallback.handler": {
        "DATABASE_URL",
        "S3_BUCKET",
        "ASSEMBLE_QUEUE_URL",
        "MEDIACONVERT_ROLE_ARN",
        "MEDIACONVERT_QUEUE_ARN",
    },
}

# What only one machine says.
LOCAL = {"functions.reprocess.fallback.handler": {"AWS_ENDPOINT_URL_MEDIACONVERT"}}


@pytest.mark.parametrize("handler", ENVIRONMENTS)
def test_a_function_gets_exactly_its_variables(templates: Templates, handler: str) -> None:
    variables = templates.function(handler)[1]["Environment"]["Variables"]
    here = LOCAL.get(handler, set()) if templates.stage == "local" else set()
    assert set(variables) == ENVIRONMENTS[handler] | COMMON | here
    assert variables["STAGE"] == templates.stage
    assert variables["POWERTOOLS_METRICS_NAMESPACE"] == "Pixr"


def test_there_are_seven_functions_of_ours(templates: Templates) -> None:
    handlers = {function["Handler"] for function in templates.properties("AWS::Lambda::Function")}
    # index.handler is CDK's own, which sets the bucket's notification during a deployment.
    assert handlers == {*ENVIRONMENTS, "index.handler"}


def test_no_environment_holds_a_secret(templates: Templates) -> None:
    for handler in ENVIRONMENTS:
        variables = templates.function(handler)[1]["Environment"]["Variables"]
        text = json.dumps(variables)
        assert "{{resolve:" not in text
        assert "PASSWORD" not in text.upper()
        assert not re.search(r"://[^/\"@]*:[^/\"@]*@", text), "a URL with a password"
        for name in variables:
            is_secret = re.search(r"SEED|PRIVATE|SECRET", name)
            assert not is_secret or name.endswith("_ARN"), name


def test_every_function_runs_what_the_bundles_hold(templates: Templates) -> None:
    for handler in ENVIRONMENTS:
        function = templates.function(handler)[1]
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == ["arm64"]


def test_only_one_machine_may_do_without_the_second_factor(
    synthesized: dict[str, Templates],
) -> None:
    for stage in ("dev", "prod"):
        for handler in ("functions.wallet.handler.handler", "functions.api.handler.handler"):
            variables = synthesized[stage].function(handler)[1]["Environment"]["Variables"]
            assert variables["REQUIRE_2FA"] == "true"


def test_the_video_functions_carry_ffmpeg(cloud: Templates) -> None:
    layers = list(cloud.of("AWS::Lambda::LayerVersion"))
    assert len(layers) == 1
    for step in ("plan", "encode", "assemble"):
        function = cloud.function(f"functions.reprocess.{step}.handler")[1]
        assert function["Layers"] == [{"Ref": layers[0]}]
        assert function["Environment"]["Variables"]["FFMPEG"] == "/opt/bin/ffmpeg"


def test_functions_run_in_private_subnets(cloud: Templates) -> None:
    for handler in ENVIRONMENTS:
        subnets = cloud.function(handler)[1]["VpcConfig"]["SubnetIds"]
        assert len(subnets) == 2
        assert all("FunctionsSubnet" in json.dumps(subnet) for subnet in subnets)


def test_logs_do_not_stay_for_ever(templates: Templates) -> None:
    for log in templates.properties("AWS::Logs::LogGroup"):
        assert log["RetentionInDays"] <= 92
