"""Who may read what. A role that can do more than it needs is a theft waiting for a bug."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.infra.conftest import Templates
from tests.infra.test_functions import ENVIRONMENTS

pytestmark = pytest.mark.synth


def readers(templates: Templates, secret: str) -> set[str]:
    """Handlers whose role may read a secret, by a word of its name."""
    return {
        handler
        for handler in ENVIRONMENTS
        for statement in templates.statements(handler)
        if "secretsmanager:GetSecretValue" in statement["Action"]
        and secret in json.dumps(statement["Resource"])
    }


def test_only_the_settler_reads_the_treasury_key(templates: Templates) -> None:
    assert readers(templates, "TreasuryKey") == {"functions.batch.handler.handler"}


def test_only_wallet_and_settler_read_the_master_seed(templates: Templates) -> None:
    assert readers(templates, "MasterSeed") == {
        "functions.wallet.handler.handler",
        "functions.batch.handler.handler",
    }


def test_decrypting_is_tied_to_the_one_secret(cloud: Templates) -> None:
    for handler in ENVIRONMENTS:
        for statement in cloud.statements(handler):
            is_of_users = "SecondFactorKey" in json.dumps(statement["Resource"])
            if "kms:Decrypt" in statement["Action"] and not is_of_users:
                (condition,) = statement["Condition"]["StringEquals"].items()
                assert condition[0] == "kms:EncryptionContext:SecretARN"
                assert "Secrets" in json.dumps(condition[1])


def test_second_factors_are_sealed_by_one_function_and_opened_by_two(cloud: Templates) -> None:
    found = {
        handler: (as_list(statement["Action"]), statement["Condition"])
        for handler in ENVIRONMENTS
        for statement in cloud.statements(handler)
        if "SecondFactorKey" in json.dumps(statement["Resource"])
    }
    bound = {"Null": {"kms:EncryptionContext:user_id": "false"}}
    assert found == {
        "functions.wallet.handler.handler": (["kms:Decrypt", "kms:Encrypt"], bound),
        "functions.api.handler.handler": (["kms:Decrypt"], bound),
    }


def test_each_function_has_a_role_of_its_own(templates: Templates) -> None:
    roles = [templates.function(handler)[1]["Role"]["Fn::GetAtt"][0] for handler in ENVIRONMENTS]
    assert len(set(roles)) == len(ENVIRONMENTS)
    for role in roles:
        assert "ManagedPolicyArns" not in templates.of("AWS::IAM::Role")[role]["Properties"]


def stars(templates: Templates, handler: str) -> Iterator[tuple[str, str]]:
    """Every permission with a wildcard: the first of its actions and the resource."""
    for statement in templates.statements(handler):
        actions, resources = as_list(statement["Action"]), as_list(statement["Resource"])
        for resource in resources:
            if any("*" in action for action in actions) or "*" in json.dumps(resource):
                yield actions[0], json.dumps(resource)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def test_stars_stand_only_for_names_of_objects_and_jobs_and_network_interfaces(
    templates: Templates,
) -> None:
    for handler in ENVIRONMENTS:
        for action, resource in stars(templates, handler):
            service = action.partition(":")[0]
            assert service in {"s3", "ec2", "mediaconvert"}, f"{handler} may {action} on {resource}"
            assert "*" not in action
            if service == "mediaconvert":
                assert handler == "functions.reprocess.fallback.handler"
                assert json.loads(resource)["Fn::Join"][1][-1].endswith(":jobs/*")
            if service == "s3":
                folder = json.loads(resource)["Fn::Join"][1][-1]
                assert folder.endswith("/*")
                assert folder.strip("/*") in {
                    "originals",
                    "chunks",
                    "media",
                    "analysis",
                    "analysis_versions",
                    "rejected",
                    "fingerprints",
                }
                # What the analysis service wrote stays what it is.
                is_theirs = folder.strip("/*") == "analysis"
                assert not is_theirs or action == "s3:GetObject", f"{handler} may {action}"


@pytest.mark.parametrize(
    ("handler", "queues"),
    [
        ("functions.wallet.handler.handler", {"Settle"}),
        ("functions.api.handler.handler", {"Settle"}),
        ("functions.batch.handler.handler", {"Plan"}),
        ("functions.reprocess.plan.handler", {"Encode", "Fallback"}),
        ("functions.reprocess.encode.handler", {"Encode", "Assemble", "Fallback"}),
        ("functions.reprocess.assemble.handler", {"Settle"}),
        ("functions.reprocess.fallback.handler", {"Assemble"}),
    ],
)
def test_a_function_sends_to_the_queues_that_come_next(
    templates: Templates, handler: str, queues: set[str]
) -> None:
    targets = [
        resource["Fn::GetAtt"][0]
        for statement in templates.statements(handler)
        if "sqs:SendMessage" in statement["Action"]
        for resource in as_list(statement["Resource"])
    ]
    assert len(targets) == len(queues)
    assert {name.removeprefix("Queues").partition("Queue")[0] for name in targets} == queues


def test_the_api_puts_originals_and_their_parts_and_reads_none(templates: Templates) -> None:
    (statement,) = (
        statement
        for statement in templates.statements("functions.api.handler.handler")
        if any(action.startswith("s3:") for action in as_list(statement["Action"]))
    )
    assert set(statement["Action"]) == {
        "s3:PutObject",
        "s3:AbortMultipartUpload",
        "s3:ListMultipartUploadParts",
    }
    assert json.dumps(statement["Resource"]).endswith('"/originals/*"]]}')


def test_in_the_cloud_each_logs_in_as_the_one_database_user(cloud: Templates) -> None:
    for handler in ENVIRONMENTS:
        (statement,) = (
            statement
            for statement in cloud.statements(handler)
            if "rds-db:connect" in statement["Action"]
        )
        assert json.dumps(statement["Resource"]).endswith('"/pixr"]]}')
