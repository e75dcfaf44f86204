"""The settler: once a minute, views become SOL."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_event_sources as sources
from constructs import Construct

from infra.choices import environment
from infra.constructs.function import DERIVE, SIGN, PixrFunction
from infra.constructs.platform import Platform
from infra.constructs.queues import Queues

BATCH_INTERVAL_MS: Final = "60000"
TIMEOUT_S: Final = 55
WAKE_UPS_PER_CALL: Final = 10


class Settler(Construct):
    """One function, one schedule, one queue of wake-ups.

    Concurrency is reserved at 1 to save RPC calls, not for safety: two copies cannot pay twice.
    55 seconds end before the next tick begins. Lambda's own retries are off because the next tick
    is one, and a tick that waited longer than a minute for its turn is dropped for the same reason.
    """

    def __init__(self, scope: Construct, id_: str, *, platform: Platform, queues: Queues) -> None:
        super().__init__(scope, id_)
        places, settings = platform.places, platform.settings
        self.batch = PixrFunction(
            self,
            "Batch",
            platform=platform,
            group="batch",
            handler="functions.batch.handler.handler",
            service="batch",
            environment={
                "DATABASE_URL": places.database_url,
                "REDIS_URL": places.redis_url,
                "SOLANA_RPC_URL": settings.solana_rpc_url,
                "MASTER_SEED_ARN": places.master_seed_arn,
                "TREASURY_PRIVATE_KEY_ARN": places.treasury_key_arn,
                "PLAN_QUEUE_URL": queues.plan.queue.queue_url,
                "BATCH_INTERVAL": BATCH_INTERVAL_MS,
                "NETWORK": settings.network,
                **environment("batch", settings.chosen),
            },
            timeout_s=TIMEOUT_S,
            memory_mib=1024,
            reserved_concurrency=1,
        )
        self.batch.may_use_key(places.master_seed_arn, DERIVE)
        self.batch.may_use_key(places.treasury_key_arn, SIGN)
        queues.plan.queue.grant_send_messages(self.batch.role)

        function = self.batch.function
        function.configure_async_invoke(retry_attempts=0, max_event_age=Duration.minutes(1))
        events.Rule(
            self,
            "EveryMinute",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[
                targets.LambdaFunction(
                    function, retry_attempts=0, max_event_age=Duration.minutes(1)
                )
            ],
        )
        function.add_event_source(
            sources.SqsEventSource(queues.settle.queue, batch_size=WAKE_UPS_PER_CALL)
        )
