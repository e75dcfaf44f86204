"""The stack that keeps everything: retained, protected from deletion, rarely changed."""

from __future__ import annotations

from typing import Final

from aws_cdk import App, CfnOutput, Stack

from infra.constructs.network import PrivateNetwork
from infra.constructs.platform import Network, Places
from infra.constructs.storage import Cache, Ledger, Media, Secrets
from infra.context import ChosenKeys, Settings

CLOUD_FFMPEG: Final = "/opt/bin/ffmpeg"
PROD_READERS: Final = 1


class Data(Stack):
    """Network, database, cache, keys, bucket."""

    def __init__(self, app: App, id_: str, *, settings: Settings, keys: ChosenKeys) -> None:
        super().__init__(app, id_, termination_protection=True)
        secrets = Secrets(self, "Secrets")
        network = PrivateNetwork(self, "Network")
        readers = PROD_READERS if settings.stage == "prod" else 0
        self.ledger = Ledger(self, "Ledger", network=network, key=secrets.key, readers=readers)
        self.cache = Cache(self, "Cache", network=network, key=secrets.key, stage=settings.stage)
        media = Media(self, "Media").media.bucket
        CfnOutput(self, "MediaName", value=media.bucket_name, export_name=settings.media_export)
        # Exported whether imported or not: a stage that goes to KMS and Service's old import of a
        # secret could not both be changed in one deployment.
        for arn in (
            secrets.master_seed.secret_arn,
            secrets.treasury_key.secret_arn,
            secrets.key.key_arn,
        ):
            self.export_value(arn)
        self.places = Places(
            database_url=self.ledger.url,
            redis_url=self.cache.url,
            bucket=media,
            master_seed_arn=keys.master_seed_arn or secrets.master_seed.secret_arn,
            treasury_key_arn=keys.treasury_key_arn or secrets.treasury_key.secret_arn,
            second_factor_key_arn=secrets.second_factor_key.key_arn,
            secrets_key_arn=secrets.key.key_arn,
            ffmpeg=CLOUD_FFMPEG,
            network=Network(vpc=network.vpc, security_group=network.functions),
            database_proxy=self.ledger.proxy,
        )
