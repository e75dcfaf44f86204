"""The video pipeline: an upload is planned, encoded in pieces, and joined.

    upload ──▶ Plan ──▶ Encode × chunks ──▶ Assemble ──▶ published

Each step has a queue, a role and a size of its own; all three share one bundle and FFmpeg's layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_notifications as notifications
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.constructs.function import (
    ARCHITECTURE,
    DELETE,
    PYTHON,
    READ,
    WRITE,
    PixrFunction,
)
from infra.constructs.platform import Platform
from infra.constructs.queue import WorkQueue
from infra.constructs.queues import Queues

PLAN_TIMEOUT_S: Final = 120
ENCODE_TIMEOUT_S: Final = 900
ASSEMBLE_TIMEOUT_S: Final = 900

# One full core per 1,769 MiB: one to look at a source, four for x264, and for VMAF and SSIM while
# everybody waits.
CORE_MIB: Final = 1769

# One upload or chunk per call, so that a file that kills its process takes nothing with it.
MESSAGES_PER_CALL: Final = 1
ENCODERS_MAX: Final = 100
# The fewest that a queue's mapping allows; one machine has few cores and needs them itself.
ENCODERS_LOCAL: Final = 2
PLANNERS_MAX: Final = 10
ASSEMBLERS_MAX: Final = 10

# The name CDK gives to the one function per stack that sets buckets' notifications.
NOTIFICATIONS_HANDLER: Final = "BucketNotificationsHandler050a0587b7544547bf325f094a3db834"


class Reprocessor(Construct):
    """Three functions, each fed by its queue, each allowed only its own folders of the bucket."""

    def __init__(self, scope: Construct, id_: str, *, platform: Platform, queues: Queues) -> None:
        super().__init__(scope, id_)
        self._platform = platform
        self._layers = self._ffmpeg_layer()
        self.plan = self._function(
            "Plan",
            outputs={"ENCODE_QUEUE_URL": queues.encode, "FALLBACK_QUEUE_URL": queues.fallback},
            timeout_s=PLAN_TIMEOUT_S,
            memory_mib=CORE_MIB,
            storage_mib=2048,
        )
        self.encode = self._function(
            "Encode",
            # To its own queue go the chunks of a job whose quality it has found.
            outputs={
                "ENCODE_QUEUE_URL": queues.encode,
                "ASSEMBLE_QUEUE_URL": queues.assemble,
                "FALLBACK_QUEUE_URL": queues.fallback,
            },
            timeout_s=ENCODE_TIMEOUT_S,
            memory_mib=4 * CORE_MIB,
            storage_mib=4096,
        )
        self.assemble = self._function(
            "Assemble",
            outputs={"SETTLE_QUEUE_URL": queues.settle},
            timeout_s=ASSEMBLE_TIMEOUT_S,
            memory_mib=4 * CORE_MIB,
            storage_mib=10_240,
        )
        self._feed(self.plan, queues.plan, concurrency_max=PLANNERS_MAX)
        encoders = ENCODERS_LOCAL if platform.settings.is_local else ENCODERS_MAX
        self._feed(self.encode, queues.encode, concurrency_max=encoders)
        self._feed(self.assemble, queues.assemble, concurrency_max=ASSEMBLERS_MAX)
        self._allow()
        self._notify(queues)

    def _function(
        self,
        step: str,
        *,
        outputs: Mapping[str, WorkQueue],
        timeout_s: int,
        memory_mib: int,
        storage_mib: int,
    ) -> PixrFunction:
        places = self._platform.places
        function = PixrFunction(
            self,
            f"Reprocess{step}",
            platform=self._platform,
            group="reprocess",
            handler=f"functions.reprocess.{step.lower()}.handler",
            service=f"reprocess-{step.lower()}",
            environment={
                "DATABASE_URL": places.database_url,
                "S3_BUCKET": places.bucket.bucket_name,
                **{name: output.queue.queue_url for name, output in outputs.items()},
                "FFMPEG": places.ffmpeg,
            },
            timeout_s=timeout_s,
            memory_mib=memory_mib,
            storage_mib=storage_mib,
            layers=self._layers,
        )
        for output in outputs.values():
            output.queue.grant_send_messages(function.role)
        return function

    def _ffmpeg_layer(self) -> list[lambda_.ILayerVersion]:
        folder = self._platform.bundles.ffmpeg_layer
        if folder is None:
            return []
        layer = lambda_.LayerVersion(
            self,
            "Ffmpeg",
            code=lambda_.Code.from_asset(str(folder)),
            compatible_architectures=[ARCHITECTURE],
            compatible_runtimes=[PYTHON],
            description="FFmpeg, pinned by layers/ffmpeg/pinned.json",
        )
        return [layer]

    def _feed(self, function: PixrFunction, source: WorkQueue, *, concurrency_max: int) -> None:
        function.function.add_event_source(
            sources.SqsEventSource(
                source.queue,
                batch_size=MESSAGES_PER_CALL,
                max_concurrency=concurrency_max,
                report_batch_item_failures=True,
            )
        )

    def _allow(self) -> None:
        bucket = self._platform.places.bucket
        for function in (self.plan, self.encode, self.assemble):
            # Without the right to list, S3 answers 403 for an object that is gone, which reads
            # like a broken role instead of "deleted meanwhile".
            function.may(("s3:ListBucket",), (bucket.bucket_arn,))
        self.plan.may_with_objects(READ, ("originals/", "analysis/", "analysis_versions/"))
        self.plan.may_with_objects(WRITE, ("rejected/", "chunks/"))
        self.plan.may_with_objects(DELETE, ("originals/",))
        self.encode.may_with_objects(READ, ("originals/", "chunks/", "fingerprints/"))
        self.encode.may_with_objects(WRITE, ("chunks/",))
        read = ("originals/", "chunks/", "media/", "fingerprints/", "analysis/")
        self.assemble.may_with_objects(READ, (*read, "analysis_versions/"))
        # Never under analysis/: what another service wrote stays what it is.
        written = ("media/", "chunks/", "fingerprints/", "analysis_versions/")
        self.assemble.may_with_objects(WRITE, written)
        self.assemble.may_with_objects(DELETE, ("chunks/",))
        self.encode.may_with_objects(DELETE, ("chunks/",))

    def _notify(self, queues: Queues) -> None:
        self._platform.places.bucket.add_event_notification(
            s3.EventType.OBJECT_CREATED,
            notifications.SqsDestination(queues.plan.queue),
            s3.NotificationKeyFilter(prefix="originals/"),
        )
        handler = Stack.of(self).node.find_child(NOTIFICATIONS_HANDLER)
        acknowledge(
            handler,
            "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/"
            "AWSLambdaBasicExecutionRole]",
            "CDK's own function, which runs only while a deployment sets the bucket's "
            "notification; the policy lets it write its log.",
        )
