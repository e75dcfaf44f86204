"""What the stacks give is what the functions take: every environment passes its settings model."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest

from functions.settings import (
    ApiSettings,
    AssembleSettings,
    BadSettings,
    BatchSettings,
    EncodeSettings,
    FallbackSettings,
    PlanSettings,
    Settings,
    WalletSettings,
)
from infra.choices import BY_NAME, CHOICES, Choice
from tests.functions.test_settings import API, BATCH, WALLET
from tests.infra.chosen import CHOSEN
from tests.infra.conftest import Templates

synth = pytest.mark.synth

MODELS: dict[str, type[Settings]] = {
    "functions.wallet.handler.handler": WalletSettings,
    "functions.api.handler.handler": ApiSettings,
    "functions.batch.handler.handler": BatchSettings,
    "functions.reprocess.plan.handler": PlanSettings,
    "functions.reprocess.encode.handler": EncodeSettings,
    "functions.reprocess.assemble.handler": AssembleSettings,
    "functions.reprocess.fallback.handler": FallbackSettings,
}

# No stack puts a key itself into an environment: whoever can look at a function would see it.
KEYS_THEMSELVES = {"master_seed", "treasury_private_key"}

# Where another service is, which only one machine says.
OF_ONE_MACHINE = {"aws_endpoint_url_mediaconvert"}

# What CloudFormation would put in, by a word of the name that stands for it.
DEPLOYED = {
    "ServiceRole": "arn:aws:iam::111111111111:role/Pixr-Converter-ServiceRole",
    "Partition": "aws",
    "Region": "us-east-1",
    "AccountId": "111111111111",
    "MediaconvertUrl": "http://127.0.0.1:8800",
    "EndpointPort": "6379",
    "Endpoint": "data.us-east-1.example",
    "MasterSeed": "arn:aws:secretsmanager:us-east-1:111111111111:secret:seed-AbCdEf",
    "TreasuryKey": "arn:aws:secretsmanager:us-east-1:111111111111:secret:key-AbCdEf",
    "SecondFactorKey": "arn:aws:kms:us-east-1:111111111111:key/0b0b0b0b-0000-4000-8000-01",
    "Issuer": "https://issuer.example",
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
    **{"".join(map(str.capitalize, c.name.split("_"))): c.default for c in CHOICES},
}
BY_SERVICE: dict[str, tuple[type[Settings], dict[str, str]]] = {
    "wallet": (WalletSettings, WALLET),
    "api": (ApiSettings, API),
    "batch": (BatchSettings, BATCH),
}
"""The models that hold choices, each with the rest of an environment."""


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


@synth
@pytest.mark.parametrize("handler", MODELS)
def test_an_environment_passes_its_settings_model(templates: Templates, handler: str) -> None:
    variables = templates.function(handler)[1]["Environment"]["Variables"]
    environment = {name: resolved(value) for name, value in variables.items()}
    settings = MODELS[handler].read(environment)
    assert settings.stage == templates.stage


@synth
@pytest.mark.parametrize("handler", MODELS)
def test_every_variable_has_a_reader_and_every_setting_is_set(
    templates: Templates, handler: str
) -> None:
    variables = templates.function(handler)[1]["Environment"]["Variables"]
    ours = {name.lower() for name in variables if not name.startswith("POWERTOOLS_")}
    elsewhere = set() if templates.stage == "local" else OF_ONE_MACHINE
    assert ours == set(MODELS[handler].model_fields) - KEYS_THEMSELVES - elsewhere


@synth
@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_what_was_chosen_reaches_its_functions(
    synthesized: dict[str, Templates], stage: str
) -> None:
    chosen = CHOSEN.get(stage, {})
    for service in BY_SERVICE:
        handler = f"functions.{service}.handler.handler"
        variables = synthesized[stage].function(handler)[1]["Environment"]["Variables"]
        for choice in CHOICES:
            if service in choice.services:
                expected = chosen.get(choice.name, choice.default)
                assert resolved(variables[choice.variable]) == expected


def test_the_stack_that_chooses_chooses_all_but_what_is_for_one_machine() -> None:
    assert set(CHOSEN["prod"]) == set(BY_NAME) - {"v1_messages"}
    assert all(BY_NAME[name].default != value for name, value in CHOSEN["prod"].items())


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_a_choice_has_the_default_of_its_model(choice: Choice) -> None:
    for service in choice.services:
        default = BY_SERVICE[service][0].model_fields[choice.name].default
        assert choice.default == (
            str(default).lower() if isinstance(default, bool) else f"{default}"
        )


def verdicts(choice: Choice, value: str) -> set[str]:
    """What the stacks and the functions say of a value."""
    said = {"taken" if choice.refusal(value, is_local=True) is None else "refused"}
    for service in choice.services:
        model, environ = BY_SERVICE[service]
        try:
            model.read({**environ, "STAGE": "local", choice.variable: value})
        except BadSettings:
            said.add("refused")
        else:
            said.add("taken")
    return said


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: choice.name)
def test_stacks_and_functions_draw_the_same_bounds(choice: Choice) -> None:
    if choice.least is None:
        assert verdicts(choice, "true") == verdicts(choice, "false") == {"taken"}
        assert verdicts(choice, "2") == verdicts(choice, "") == {"refused"}
        return
    step = Decimal(1).scaleb(-choice.decimals)
    assert verdicts(choice, f"{choice.least:f}") == {"taken"}
    assert verdicts(choice, f"{choice.least - step:f}") == {"refused"}
    assert verdicts(choice, f"{choice.least + step / 10:f}") == {"refused"}
    if choice.most is not None:
        assert verdicts(choice, f"{choice.most:f}") == {"taken"}
        assert verdicts(choice, f"{choice.most + step:f}") == {"refused"}
    else:
        assert verdicts(choice, "999999999") == {"taken"}
