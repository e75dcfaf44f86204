"""The second way to a rendition: MediaConvert, for what our encoders cannot make.

    FallbackQueue ──▶ Fallback ──CreateJob──▶ MediaConvert ──▶ chunks/
          ▲                                        │
          └────────────── EventBridge ◀────────────┘

The function only asks and listens; MediaConvert reads and writes under a role of its own.
"""

from __future__ import annotations

from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.constructs.function import READ, WRITE, PixrFunction
from infra.constructs.platform import Platform
from infra.constructs.queues import Queues

TIMEOUT_S: Final = 30
MEMORY_MIB: Final = 512
MESSAGES_PER_CALL: Final = 1
CALLS_MAX: Final = 2
"""A queue's mapping allows no fewer; few jobs come this way."""

MEDIACONVERT: Final = "mediaconvert.amazonaws.com"
DEFAULT_QUEUE: Final = "Default"
"""Every account has it; it bills by the minute made, and nothing when nothing is."""

HEARD: Final = ["COMPLETE", "ERROR", "CANCELED", "PROGRESSING", "STATUS_UPDATE"]
"""As pixr/domain/mediaconvert.py reads them."""


class Converter(Construct):
    """One function fed by its queue, MediaConvert's role, and the rule that brings its events."""

    def __init__(self, scope: Construct, id_: str, *, platform: Platform, queues: Queues) -> None:
        super().__init__(scope, id_)
        self._platform = platform
        self.service_role = self._service_role()
        self.fallback = self._function(queues)
        self._allow()
        self._hear(queues)

    def _service_role(self) -> iam.Role:
        bucket, export = self._platform.places.bucket, self._platform.settings.media_export
        role = iam.Role(
            self,
            "ServiceRole",
            assumed_by=iam.ServicePrincipal(MEDIACONVERT),
            description="What MediaConvert becomes to read originals and write chunks",
        )
        for actions, folder in ((READ, "originals/"), (WRITE, "chunks/")):
            role.add_to_policy(
                iam.PolicyStatement(
                    actions=list(actions), resources=[bucket.arn_for_objects(f"{folder}*")]
                )
            )
            acknowledge(
                role,
                f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{export}/{folder}*]",
                "The star stands for the names of objects inside one folder, which are made at "
                "run time.",
            )
        return role

    def _function(self, queues: Queues) -> PixrFunction:
        places = self._platform.places
        elsewhere = (
            {"AWS_ENDPOINT_URL_MEDIACONVERT": places.mediaconvert_url}
            if places.mediaconvert_url
            else {}
        )
        function = PixrFunction(
            self,
            "ReprocessFallback",
            platform=self._platform,
            group="reprocess",
            handler="functions.reprocess.fallback.handler",
            service="reprocess-fallback",
            environment={
                "DATABASE_URL": places.database_url,
                "S3_BUCKET": places.bucket.bucket_name,
                "ASSEMBLE_QUEUE_URL": queues.assemble.queue.queue_url,
                "MEDIACONVERT_ROLE_ARN": self.service_role.role_arn,
                "MEDIACONVERT_QUEUE_ARN": self._arn("queues", DEFAULT_QUEUE),
                **elsewhere,
            },
            timeout_s=TIMEOUT_S,
            memory_mib=MEMORY_MIB,
        )
        queues.assemble.queue.grant_send_messages(function.role)
        function.function.add_event_source(
            sources.SqsEventSource(
                queues.fallback.queue,
                batch_size=MESSAGES_PER_CALL,
                max_concurrency=CALLS_MAX,
                report_batch_item_failures=True,
            )
        )
        return function

    def _allow(self) -> None:
        function, bucket = self.fallback, self._platform.places.bucket
        # Without the right to list, S3 answers 403 for an object that is gone.
        function.may(("s3:ListBucket",), (bucket.bucket_arn,))
        function.may_with_objects(READ, ("originals/", "chunks/"))
        function.may(("mediaconvert:CreateJob",), (self._arn("queues", DEFAULT_QUEUE),))
        jobs = self._arn("jobs", "*")
        # A job is tagged as it is made, before it has a name.
        actions = ("mediaconvert:GetJob", "mediaconvert:CancelJob", "mediaconvert:TagResource")
        function.may(actions, (jobs,))
        acknowledge(
            function.role,
            "AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:mediaconvert:<AWS::Region>:"
            "<AWS::AccountId>:jobs/*]",
            "MediaConvert names its jobs itself, when they are made.",
        )
        function.role.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[self.service_role.role_arn],
                conditions={"StringEquals": {"iam:PassedToService": MEDIACONVERT}},
            )
        )

    def _hear(self, queues: Queues) -> None:
        events.Rule(
            self,
            "Events",
            description="What becomes of this stage's conversions",
            event_pattern=events.EventPattern(
                source=["aws.mediaconvert"],
                detail_type=["MediaConvert Job State Change"],
                detail={
                    "status": HEARD,
                    # The account's other jobs use the same queue, and perhaps another stage does.
                    "userMetadata": {
                        "stage": [self._platform.settings.stage],
                        "job_id": [{"exists": True}],
                    },
                },
            ),
            targets=[targets.SqsQueue(queues.fallback.queue)],
        )

    def _arn(self, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service="mediaconvert", resource=resource, resource_name=name
        )
