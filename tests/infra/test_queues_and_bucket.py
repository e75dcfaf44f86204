"""Nothing is lost between two functions, and nothing in the bucket is for strangers."""

from __future__ import annotations

import json

import pytest

from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

QUEUES = ("Plan", "Encode", "Assemble", "Fallback", "Settle")


@pytest.mark.parametrize("name", QUEUES)
def test_a_queue_has_dead_letters_that_wait_two_weeks(templates: Templates, name: str) -> None:
    queues = templates.of("AWS::SQS::Queue")
    (queue,) = (
        q["Properties"] for id_, q in queues.items() if id_.startswith(f"Queues{name}Queue")
    )
    dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
    assert dead.startswith(f"Queues{name}DeadLetters")
    assert queues[dead]["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 3


def test_every_queue_is_encrypted_and_speaks_tls_only(templates: Templates) -> None:
    queues = templates.of("AWS::SQS::Queue")
    assert len(queues) == 2 * len(QUEUES)
    assert all(queue["Properties"]["SqsManagedSseEnabled"] for queue in queues.values())
    refused = json.dumps(templates.properties("AWS::SQS::QueuePolicy"))
    for id_ in queues:
        assert refused.count(f'"Ref": "{id_}"') == 1
    assert refused.count('"aws:SecureTransport": "false"') == len(queues)


def test_a_message_stays_hidden_while_its_function_may_run(templates: Templates) -> None:
    timeouts = {
        id_: function["Properties"]["Timeout"]
        for id_, function in templates.of("AWS::Lambda::Function").items()
        if function["Properties"]["Handler"] != "index.handler"
    }
    queues = templates.of("AWS::SQS::Queue")
    mappings = templates.properties("AWS::Lambda::EventSourceMapping")
    assert len(mappings) == len(QUEUES)
    for mapping in mappings:
        queue = queues[mapping["EventSourceArn"]["Fn::GetAtt"][0]]["Properties"]
        assert queue["VisibilityTimeout"] > timeouts[mapping["FunctionName"]["Ref"]]


def test_one_bad_video_does_not_fail_its_neighbours(templates: Templates) -> None:
    for step in ("plan", "encode", "assemble", "fallback"):
        function = {"Ref": templates.function(f"functions.reprocess.{step}.handler")[0]}
        (mapping,) = (
            mapping
            for mapping in templates.properties("AWS::Lambda::EventSourceMapping")
            if mapping["FunctionName"] == function
        )
        assert mapping["BatchSize"] == 1
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_only_originals_start_the_pipeline(templates: Templates) -> None:
    (notification,) = templates.properties("Custom::S3BucketNotifications")
    (queue,) = notification["NotificationConfiguration"]["QueueConfigurations"]
    assert queue["QueueArn"]["Fn::GetAtt"][0].startswith("QueuesPlanQueue")
    assert queue["Events"] == ["s3:ObjectCreated:*"]
    assert queue["Filter"]["Key"]["FilterRules"] == [{"Name": "prefix", "Value": "originals/"}]


def test_every_bucket_is_locked(templates: Templates) -> None:
    buckets = templates.of("AWS::S3::Bucket")
    policies = json.dumps(templates.properties("AWS::S3::BucketPolicy"))
    assert buckets
    for id_, bucket in buckets.items():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert f'"Bucket": {{"Ref": "{id_}"}}' in policies
    assert policies.count('"aws:SecureTransport": "false"') == len(buckets)


def test_what_nobody_needs_any_more_is_deleted(templates: Templates) -> None:
    (media,) = (
        bucket for id_, bucket in templates.of("AWS::S3::Bucket").items() if "MediaBucket" in id_
    )
    rules = {
        rule.get("Prefix"): rule for rule in media["Properties"]["LifecycleConfiguration"]["Rules"]
    }
    assert set(rules) == {"rejected/", "chunks/", None}
    assert rules["rejected/"]["ExpirationInDays"] == 30
    assert rules["chunks/"]["ExpirationInDays"] == 7
    assert rules[None]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
