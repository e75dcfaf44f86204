"""Silence is an alarm, and every alarm reaches somebody."""

from __future__ import annotations

import re

import pytest

from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth


def test_a_silent_settler_is_an_alarm(cloud: Templates) -> None:
    (alarm,) = (
        alarm
        for alarm in cloud.properties("AWS::CloudWatch::Alarm")
        if alarm.get("MetricName") == "Ticks"
    )
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["ComparisonOperator"] == "LessThanThreshold"
    assert alarm["Threshold"] == 1
    assert alarm["Statistic"] == "Sum"
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (60, 5)
    assert alarm["Dimensions"] == [{"Name": "service", "Value": "batch"}]


@pytest.mark.parametrize(
    ("metric", "operator", "threshold"),
    [
        ("HoldBatches", "GreaterThanOrEqualToThreshold", 1),
        ("SettlementPaused", "GreaterThanOrEqualToThreshold", 1),
        ("BatchSuccessRate", "LessThanThreshold", 95),
        ("LedgerDrift", "GreaterThanOrEqualToThreshold", 1),
        ("ChainUnseen", "GreaterThanOrEqualToThreshold", 1),
        ("TreasuryLamports", "LessThanThreshold", 1_000_000_000),
        ("TreasuryBelowFloat", "GreaterThanOrEqualToThreshold", 1),
        ("5xx", "GreaterThanOrEqualToThreshold", 5),
    ],
)
def test_what_goes_wrong_is_an_alarm(
    cloud: Templates, metric: str, operator: str, threshold: float
) -> None:
    (alarm,) = (
        alarm
        for alarm in cloud.properties("AWS::CloudWatch::Alarm")
        if alarm.get("MetricName") == metric
    )
    assert alarm["ComparisonOperator"] == operator
    assert alarm["Threshold"] == threshold


def test_every_dead_letter_is_an_alarm(cloud: Templates) -> None:
    depths = [
        alarm
        for alarm in cloud.properties("AWS::CloudWatch::Alarm")
        if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
    ]
    queues = {str(alarm["Dimensions"][0]["Value"]) for alarm in depths}
    assert len(queues) == 5
    assert all("DeadLetters" in queue for queue in queues)
    assert all(alarm["Threshold"] == 1 for alarm in depths)


def test_every_alarm_has_an_action_and_a_paragraph_to_read(cloud: Templates) -> None:
    (topic,) = cloud.of("AWS::SNS::Topic")
    for id_, alarm in cloud.of("AWS::CloudWatch::Alarm").items():
        assert alarm["Properties"]["AlarmActions"] == [{"Ref": topic}], id_
        assert re.search(r"docs/operations\.md: \w+$", alarm["Properties"]["AlarmDescription"])


def test_the_topic_is_encrypted_and_tells_whom_it_was_given(
    synthesized: dict[str, Templates],
) -> None:
    (topic,) = synthesized["prod"].properties("AWS::SNS::Topic")
    (subscription,) = synthesized["prod"].properties("AWS::SNS::Subscription")
    assert topic["KmsMasterKeyId"]
    assert subscription["Protocol"] == "email"
    assert subscription["Endpoint"] == "on-call@pixr.example"
    assert not synthesized["dev"].of("AWS::SNS::Subscription")


def test_every_metric_of_ours_is_drawn(cloud: Templates) -> None:
    (dashboard,) = cloud.properties("AWS::CloudWatch::Dashboard")
    drawn = str(dashboard["DashboardBody"])
    for metric in (
        "PendingEarningsLamports",
        "BatchSuccessRate",
        "TransactionSeconds",
        "FeeSavingShare",
        "UpgradeQueueDepth",
        "WalletsCreated",
        "Ticks",
        "HoldBatches",
        "SettlementPaused",
        "TreasuryLamports",
        "TreasuryBelowFloat",
        "TreasuryMissingLamports",
        "LedgerDrift",
        "ChainUnseen",
    ):
        assert f'"{metric}"' in drawn.replace("\\", "")
