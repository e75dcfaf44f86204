"""A stage that keeps its keys in KMS: exactly those keys, for exactly what is done with them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from functions.settings import BatchSettings, WalletSettings
from tests.infra.chosen import KEYS_IN_KMS
from tests.infra.conftest import Templates
from tests.infra.test_access import as_list
from tests.infra.test_functions import ENVIRONMENTS
from tests.infra.test_settings import resolved

pytestmark = pytest.mark.synth

WALLET = "functions.wallet.handler.handler"
BATCH = "functions.batch.handler.handler"
SEED, TREASURY = KEYS_IN_KMS["master_seed_arn"], KEYS_IN_KMS["treasury_key_arn"]


@pytest.fixture
def in_kms(synthesized: dict[str, Templates]) -> Templates:
    return synthesized["dev-kms"]


def grants(templates: Templates, handler: str, service: str) -> dict[str, Any]:
    """Resource to actions of one service, of one function's role."""
    return {
        json.dumps(statement["Resource"]).strip('"'): sorted(as_list(statement["Action"]))
        for statement in templates.statements(handler)
        if "SecondFactorKey" not in json.dumps(statement["Resource"])
        and any(action.startswith(f"{service}:") for action in as_list(statement["Action"]))
    }


def test_each_role_has_its_key_for_its_use_and_no_other(in_kms: Templates) -> None:
    wanted = {
        WALLET: {SEED: ["kms:GenerateMac"]},
        BATCH: {SEED: ["kms:GenerateMac"], TREASURY: ["kms:GetPublicKey", "kms:Sign"]},
    }
    for handler in ENVIRONMENTS:
        assert grants(in_kms, handler, "kms") == wanted.get(handler, {})


def test_nobody_may_read_a_secret(in_kms: Templates) -> None:
    for handler in ENVIRONMENTS:
        assert grants(in_kms, handler, "secretsmanager") == {}


def test_the_functions_are_told_the_chosen_keys(in_kms: Templates) -> None:
    for handler, model in ((WALLET, WalletSettings), (BATCH, BatchSettings)):
        variables = in_kms.function(handler)[1]["Environment"]["Variables"]
        settings = model.read({name: resolved(value) for name, value in variables.items()})
        assert settings.master_seed_at == SEED
    assert variables["TREASURY_PRIVATE_KEY_ARN"] == TREASURY


def test_going_there_and_back_takes_no_export_away_that_is_still_imported(
    synthesized: dict[str, Templates],
) -> None:
    """CloudFormation would refuse to deploy Data, and Service cannot go first."""
    exported = [
        {
            output["Export"]["Name"]
            for output in synthesized[name].stacks["Data"]["Outputs"].values()
            if "Export" in output
        }
        for name in ("dev", "dev-kms")
    ]
    assert exported[0] == exported[1]
