"""The stacks, by how long they live.

    Data     keeps everything; retained, protected from deletion, rarely changed
    Service  holds nothing; may be destroyed and deployed again at any time
    Watch    looks at both

On one machine there is only Service: it takes Data's addresses as plain values and makes the
bucket itself. The rest of it is the same code, deployed by the same command.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from aws_cdk import (
    App,
    CfnOutput,
    CfnParameter,
    CliCredentialsStackSynthesizer,
    Duration,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.bundling import Bundles
from infra.constructs.bucket import MediaBucket
from infra.constructs.function import PixrFunction
from infra.constructs.gateway import Gateway
from infra.constructs.network import PrivateNetwork
from infra.constructs.platform import Network, Places, Platform
from infra.constructs.queues import Queues
from infra.constructs.reprocessor import Reprocessor
from infra.constructs.settler import Settler
from infra.constructs.storage import Cache, Ledger, Media, Secrets
from infra.constructs.watch import Watchtower
from infra.context import LOCAL, LocalPlaces, Settings, read_settings

CLOUD_FFMPEG: Final = "/opt/bin/ffmpeg"
LOCAL_ASSETS: Final = "pixr-local-assets"
PROD_READERS: Final = 1


class Data(Stack):
    """Network, database, cache, keys, bucket."""

    def __init__(self, app: App, id_: str, *, settings: Settings) -> None:
        super().__init__(app, id_, termination_protection=True)
        secrets = Secrets(self, "Secrets")
        network = PrivateNetwork(self, "Network")
        readers = PROD_READERS if settings.stage == "prod" else 0
        self.ledger = Ledger(self, "Ledger", network=network, key=secrets.key, readers=readers)
        self.cache = Cache(self, "Cache", network=network, key=secrets.key, stage=settings.stage)
        self.places = Places(
            database_url=self.ledger.url,
            redis_url=self.cache.url,
            bucket=Media(self, "Media").media.bucket,
            master_seed=secrets.master_seed,
            treasury_key=secrets.treasury_key,
            ffmpeg=CLOUD_FFMPEG,
            network=Network(vpc=network.vpc, security_group=network.functions),
            database_proxy=self.ledger.proxy,
        )


class Service(Stack):
    """The API, the settler, the video pipeline and the queues between them."""

    def __init__(
        self, app: App, id_: str, *, bundles: Bundles, cloud: tuple[Settings, Places] | None
    ) -> None:
        super().__init__(
            app,
            id_,
            # Needs one bucket for the code and no bootstrap stack.
            synthesizer=None
            if cloud
            else CliCredentialsStackSynthesizer(file_assets_bucket_name=LOCAL_ASSETS),
        )
        settings, places = self._there(*cloud) if cloud else self._here()
        platform = Platform(settings=settings, bundles=bundles, places=places)
        self.queues = Queues(self, "Queues")
        self.settler = Settler(self, "Settler", platform=platform, queues=self.queues)
        self.reprocessor = Reprocessor(self, "Reprocessor", platform=platform, queues=self.queues)
        self.gateway = Gateway(self, "Gateway", platform=platform, queues=self.queues)
        self._outputs(places)

    def _here(self) -> tuple[Settings, Places]:
        def lookup(name: str) -> str:
            parameter = CfnParameter(self, "".join(map(str.capitalize, name.split("_"))))
            return parameter.value_as_string

        def secret(id_: str, arn: str) -> secretsmanager.ISecret:
            return secretsmanager.Secret.from_secret_complete_arn(self, id_, arn)

        local = LocalPlaces.read(lookup)
        media = MediaBucket(self, "Media", removal_policy=RemovalPolicy.DESTROY, access_log=None)
        places = Places(
            database_url=local.database_url,
            redis_url=local.redis_url,
            bucket=media.bucket,
            master_seed=secret("MasterSeed", local.master_seed_arn),
            treasury_key=secret("TreasuryKey", local.treasury_key_arn),
            ffmpeg=local.ffmpeg,
            network=None,
            database_proxy=None,
        )
        return read_settings(LOCAL, lookup), places

    def _there(self, settings: Settings, places: Places) -> tuple[Settings, Places]:
        # By name, not as Data's own object: CDK would put the bucket's notification into Data,
        # which would then need this stack's queue.
        bucket = s3.Bucket.from_bucket_name(self, "Media", places.bucket.bucket_name)
        return settings, dataclasses.replace(places, bucket=bucket)

    def _outputs(self, places: Places) -> None:
        values = {"ApiId": self.gateway.http_api.api_id, "Bucket": places.bucket.bucket_name}
        for name, queue in self.queues.all().items():
            values[f"{name}QueueUrl"] = queue.queue.queue_url
            values[f"{name}DeadLettersUrl"] = queue.dead_letters.queue_url
        for name, function in self.functions().items():
            values[f"{name}Function"] = function.function.function_name
        for name, value in values.items():
            CfnOutput(self, name, value=value)

    def functions(self) -> dict[str, PixrFunction]:
        """The six functions by logical name."""
        return {
            "Wallet": self.gateway.wallet,
            "Api": self.gateway.api,
            "Batch": self.settler.batch,
            "ReprocessPlan": self.reprocessor.plan,
            "ReprocessEncode": self.reprocessor.encode,
            "ReprocessAssemble": self.reprocessor.assemble,
        }


class Watch(Stack):
    """The dashboard, the alarms, and whom they tell."""

    def __init__(
        self, app: App, id_: str, *, stage: str, service: Service, alarm_email: str | None
    ) -> None:
        super().__init__(app, id_)
        Watchtower(
            self,
            "Watchtower",
            stage=stage,
            queues=service.queues.all(),
            server_errors=service.gateway.http_api.metric_server_error(
                period=Duration.minutes(1), statistic="Sum"
            ),
            alarm_email=alarm_email,
        )
