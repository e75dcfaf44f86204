"""What the stacks give is what the functions take: every environment passes its settings model."""

from __future__ import annotations

import re
from typing import Any

import pytest

from functions.settings import (
    ApiSettings,
    AssembleSettings,
    BatchSettings,
    EncodeSettings,
    PlanSettings,
    Settings,
    WalletSettings,
)
from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

MODELS: dict[str, type[Settings]] = {
    "functions.wallet.handler.handler": WalletSettings,
    "functions.api.handler.handler": ApiSettings,
    "functions.batch.handler.handler": BatchSettings,
    "functions.reprocess.plan.handler": PlanSettings,
    "functions.reprocess.encode.handler": EncodeSettings,
    "functions.reprocess.assemble.handler": AssembleSettings,
}

# What CloudFormation would put in, by a word of the name that stands for it.
DEPLOYED = {
    "EndpointPort": "6379",
    "Endpoint": "data.us-east-1.example",
    "MasterSeed": "arn:aws:secretsmanager:us-east-1:111111111111:secret:seed-AbCdEf",
    "TreasuryKey": "arn:aws:secretsmanager:us-east-1:111111111111:secret:key-AbCdEf",
    "Queue": "https://sqs.us-east-1.amazonaws.com/111111111111/queue",
    "Media": "pixr-media",
    # The parameters of one machine.
    "DatabaseUrl": "postgresql://postgres@127.0.0.1:5432/pixr",
    "RedisUrl": "redis://127.0.0.1:6379",
    "SolanaRpcUrl": "http://127.0.0.1:8899",
    "TreasuryAddress": "5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G",
    "Require2fa": "false",
    "Network": "localnet",
    "SolUsdAsOf": "2026-11-01T00:00:00Z",
    "SolUsd": "150",
    "Ffmpeg": "/usr/bin/ffmpeg",
}


def resolved(value: Any) -> str:
    """A template's value as the function would see it."""
    if isinstance(value, str):
        return value
    ((function, argument),) = value.items()
    if function == "Fn::Join":
        return str(argument[0]).join(resolved(part) for part in argument[1])
    name = re.sub(r"[^A-Za-z0-9]", "", str(argument).rpartition(":")[2])
    for word, deployed in DEPLOYED.items():
        if word in name:
            return deployed
    raise AssertionError(f"what is {value}?")


@pytest.mark.parametrize("handler", MODELS)
def test_an_environment_passes_its_settings_model(templates: Templates, handler: str) -> None:
    variables = templates.function(handler)[1]["Environment"]["Variables"]
    environment = {name: resolved(value) for name, value in variables.items()}
    settings = MODELS[handler].read(environment)
    assert settings.stage == templates.stage


@pytest.mark.parametrize("handler", MODELS)
def test_every_variable_has_a_reader(templates: Templates, handler: str) -> None:
    variables = templates.function(handler)[1]["Environment"]["Variables"]
    ours = {name.lower() for name in variables if not name.startswith("POWERTOOLS_")}
    assert ours <= set(MODELS[handler].model_fields)
