"""What every construct is given: the stage, the code, the network and the places of the data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_s3 as s3

from infra.bundling import Bundles
from infra.context import Settings

if TYPE_CHECKING:
    # A third of a second that one machine, which has no proxy, need not wait.
    from aws_cdk import aws_rds as rds


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where functions run in the cloud, and what they may reach from there."""

    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the data is, and by whom it may be read.

    Attributes:
        database_url: PostgreSQL. In the cloud it names no password: the adapter asks IAM for a
            token of fifteen minutes.
        redis_url: Valkey; rediss:// in the cloud.
        bucket: Videos: originals/, chunks/, media/, analysis/ and rejected/.
        master_seed_arn: What every user's wallet is derived from: a secret, or a key in KMS.
        treasury_key_arn: The keypair that pays: a secret, or a key in KMS.
        second_factor_key_arn: The KMS key that seals the secrets of second factors.
        secrets_key_arn: The KMS key over both secrets; None on one machine.
        ffmpeg: Path of the program, as the function sees it.
        mediaconvert_url: Where MediaConvert is on one machine; None in the cloud.
        network: None on one machine.
        database_proxy: None on one machine.
    """

    database_url: str
    redis_url: str
    bucket: s3.IBucket
    master_seed_arn: str
    treasury_key_arn: str
    second_factor_key_arn: str
    secrets_key_arn: str | None
    ffmpeg: str
    network: Network | None
    database_proxy: rds.IDatabaseProxy | None
    mediaconvert_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything a function needs to be deployed."""

    settings: Settings
    bundles: Bundles
    places: Places
