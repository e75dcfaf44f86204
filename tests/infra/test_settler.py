"""The facts about the settler that would cost money."""

from __future__ import annotations

import pytest

from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

HANDLER = "functions.batch.handler.handler"


def test_runs_every_minute_one_at_a_time_without_retries(templates: Templates) -> None:
    id_, batch = templates.function(HANDLER)
    (rule,) = (
        rule for rule in templates.properties("AWS::Events::Rule") if "ScheduleExpression" in rule
    )
    (target,) = rule["Targets"]
    (retries,) = templates.properties("AWS::Lambda::EventInvokeConfig")
    assert rule["ScheduleExpression"] == "rate(1 minute)"
    assert rule["State"] == "ENABLED"
    assert target["Arn"] == {"Fn::GetAtt": [id_, "Arn"]}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 60, "MaximumRetryAttempts": 0}
    assert batch["ReservedConcurrentExecutions"] == 1
    assert retries["FunctionName"] == {"Ref": id_}
    assert retries["MaximumRetryAttempts"] == 0
    assert retries["MaximumEventAgeInSeconds"] == 60


def test_a_run_ends_before_the_next_begins(templates: Templates) -> None:
    assert templates.function(HANDLER)[1]["Timeout"] == 55


def test_nothing_else_is_limited_or_scheduled(templates: Templates) -> None:
    limited = [
        function["Handler"]
        for function in templates.properties("AWS::Lambda::Function")
        if "ReservedConcurrentExecutions" in function
    ]
    assert limited == [HANDLER]


def test_its_interval_is_that_of_its_schedule(templates: Templates) -> None:
    variables = templates.function(HANDLER)[1]["Environment"]["Variables"]
    assert variables["BATCH_INTERVAL"] == "60000"


def test_a_withdrawal_wakes_it(templates: Templates) -> None:
    batch = {"Ref": templates.function(HANDLER)[0]}
    (mapping,) = (
        mapping
        for mapping in templates.properties("AWS::Lambda::EventSourceMapping")
        if mapping["FunctionName"] == batch
    )
    assert "Settle" in mapping["EventSourceArn"]["Fn::GetAtt"][0]
    assert mapping["BatchSize"] == 10
