"""The stack that holds nothing: it may be destroyed and deployed again at any time.

On one machine it is the only one. It then takes the addresses that Data would give as parameters
and makes the bucket itself; the rest is the same code, deployed by the same command.
"""

from __future__ import annotations

import dataclasses
from typing import Final

from aws_cdk import (
    App,
    CfnOutput,
    CfnParameter,
    CliCredentialsStackSynthesizer,
    Fn,
    RemovalPolicy,
    Stack,
)
from aws_cdk import aws_s3 as s3

from infra.bundling import Bundles
from infra.choices import CHOICES
from infra.constructs.bucket import MediaBucket
from infra.constructs.converter import Converter
from infra.constructs.function import PixrFunction
from infra.constructs.gateway import Gateway
from infra.constructs.platform import Places, Platform
from infra.constructs.queues import Queues
from infra.constructs.reprocessor import Reprocessor
from infra.constructs.settler import Settler
from infra.context import LOCAL, LocalPlaces, Settings, read_settings

LOCAL_ASSETS: Final = "pixr-local-assets"


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
        self.converter = Converter(self, "Converter", platform=platform, queues=self.queues)
        self.gateway = Gateway(self, "Gateway", platform=platform, queues=self.queues)
        self._outputs(places)

    def _here(self) -> tuple[Settings, Places]:
        def lookup(name: str) -> str:
            parameter = CfnParameter(self, "".join(map(str.capitalize, name.split("_"))))
            return parameter.value_as_string

        local = LocalPlaces.read(lookup)
        media = MediaBucket(self, "Media", removal_policy=RemovalPolicy.DESTROY, access_log=None)
        places = Places(
            database_url=local.database_url,
            redis_url=local.redis_url,
            bucket=media.bucket,
            master_seed_arn=local.master_seed_arn,
            treasury_key_arn=local.treasury_key_arn,
            second_factor_key_arn=local.second_factor_key_arn,
            secrets_key_arn=None,
            ffmpeg=local.ffmpeg,
            mediaconvert_url=local.mediaconvert_url,
            network=None,
            database_proxy=None,
        )
        chosen = {choice.name: lookup(choice.name) for choice in CHOICES}
        return read_settings(LOCAL, lookup, chosen), places

    def _there(self, settings: Settings, places: Places) -> tuple[Settings, Places]:
        # By an exported name, not as Data's own object: CDK would put the bucket's notification
        # into Data, which would then need this stack's queue.
        name = Fn.import_value(settings.media_export)
        bucket = s3.Bucket.from_bucket_name(self, "Media", name)
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
        """The seven functions by logical name."""
        return {
            "Wallet": self.gateway.wallet,
            "Api": self.gateway.api,
            "Batch": self.settler.batch,
            "ReprocessPlan": self.reprocessor.plan,
            "ReprocessEncode": self.reprocessor.encode,
            "ReprocessAssemble": self.reprocessor.assemble,
            "ReprocessFallback": self.converter.fallback,
        }
