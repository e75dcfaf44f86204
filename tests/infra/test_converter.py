"""MediaConvert gets jobs from one function, reads originals and writes chunks, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pixr.domain.mediaconvert import DETAIL_TYPE, HEARD, SOURCE
from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

HANDLER = "functions.reprocess.fallback.handler"


def of_the_service(templates: Templates) -> tuple[str, list[dict[str, Any]]]:
    """MediaConvert's role: its logical id and what it may do."""
    (role,) = (
        id_
        for id_, role in templates.of("AWS::IAM::Role").items()
        if "mediaconvert.amazonaws.com"
        in json.dumps(role["Properties"]["AssumeRolePolicyDocument"])
    )
    statements = [
        statement
        for policy in templates.properties("AWS::IAM::Policy")
        if {"Ref": role} in policy["Roles"]
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    return role, statements


def statement_for(templates: Templates, action: str) -> dict[str, Any]:
    (found,) = (
        statement for statement in templates.statements(HANDLER) if action in statement["Action"]
    )
    return found


def test_mediaconvert_reads_originals_and_writes_chunks(templates: Templates) -> None:
    _, statements = of_the_service(templates)
    found = {
        statement["Action"]: json.dumps(statement["Resource"]).rpartition('"/')[2]
        for statement in statements
    }
    assert found == {"s3:GetObject": 'originals/*"]]}', "s3:PutObject": 'chunks/*"]]}'}


def test_only_the_fallback_hands_that_role_on_and_only_to_mediaconvert(
    templates: Templates,
) -> None:
    role, _ = of_the_service(templates)
    passed = statement_for(templates, "iam:PassRole")
    assert passed["Resource"] == {"Fn::GetAtt": [role, "Arn"]}
    assert passed["Condition"] == {
        "StringEquals": {"iam:PassedToService": "mediaconvert.amazonaws.com"}
    }
    policies = json.dumps(templates.properties("AWS::IAM::Policy"))
    assert policies.count("iam:PassRole") == 1
    variables = templates.function(HANDLER)[1]["Environment"]["Variables"]
    assert variables["MEDIACONVERT_ROLE_ARN"] == passed["Resource"]


def test_jobs_go_into_the_default_queue_only(templates: Templates) -> None:
    created = statement_for(templates, "mediaconvert:CreateJob")
    assert created["Action"] == "mediaconvert:CreateJob"
    assert json.dumps(created["Resource"]).endswith(':queues/Default"]]}')
    variables = templates.function(HANDLER)[1]["Environment"]["Variables"]
    assert variables["MEDIACONVERT_QUEUE_ARN"] == created["Resource"]


def test_events_of_this_stage_come_to_the_queue(templates: Templates) -> None:
    (rule,) = (rule for rule in templates.properties("AWS::Events::Rule") if "EventPattern" in rule)
    pattern = rule["EventPattern"]
    assert (pattern["source"], pattern["detail-type"]) == ([SOURCE], [DETAIL_TYPE])
    assert pattern["detail"]["status"] == list(HEARD)
    stage = templates.function(HANDLER)[1]["Environment"]["Variables"]["STAGE"]
    assert pattern["detail"]["userMetadata"]["stage"] == [stage]
    (target,) = rule["Targets"]
    queue = target["Arn"]["Fn::GetAtt"][0]
    assert queue.startswith("QueuesFallbackQueue")
    (policy,) = (
        policy
        for policy in templates.properties("AWS::SQS::QueuePolicy")
        if {"Ref": queue} in policy["Queues"]
    )
    assert "events.amazonaws.com" in json.dumps(policy)


def test_a_repeat_comes_while_mediaconvert_still_knows_the_first(templates: Templates) -> None:
    (queue,) = (
        queue["Properties"]
        for id_, queue in templates.of("AWS::SQS::Queue").items()
        if id_.startswith("QueuesFallbackQueue")
    )
    assert templates.function(HANDLER)[1]["Timeout"] < queue["VisibilityTimeout"] < 60


def test_only_one_machine_asks_another_mediaconvert(synthesized: dict[str, Templates]) -> None:
    name = "AWS_ENDPOINT_URL_MEDIACONVERT"
    for stage, templates in synthesized.items():
        variables = templates.function(HANDLER)[1]["Environment"]["Variables"]
        assert (name in variables) == (stage == "local")
