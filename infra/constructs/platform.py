"""What every construct is given: the stage, the code, the network and the places of the data."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager

from infra.bundling import Bundles
from infra.context import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Where functions run in the cloud, and what they may reach from there."""

    vpc: ec2.IVpc
    security_group: ec2.ISecurityGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the data is, and by whom it may be read.

    Attributes:
        database_url: PostgreSQL, without a password in the cloud: the scheme postgresql+iam
            tells the adapter to ask IAM for a token of fifteen minutes.
        redis_url: Valkey; rediss:// in the cloud.
        bucket: Videos: originals/, chunks/, renditions/, analysis/ and rejected/.
        master_seed: What every user's wallet is derived from.
        treasury_key: The keypair that pays.
        ffmpeg: Path of the program, as the function sees it.
        network: None on one machine.
        database_proxy: None on one machine.
    """

    database_url: str
    redis_url: str
    bucket: s3.IBucket
    master_seed: secretsmanager.ISecret
    treasury_key: secretsmanager.ISecret
    ffmpeg: str
    network: Network | None
    database_proxy: rds.IDatabaseProxy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything a function needs to be deployed."""

    settings: Settings
    bundles: Bundles
    places: Places
