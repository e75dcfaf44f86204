"""One Lambda function as this project runs them: its own role, its own log, nothing implied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.constructs.platform import Platform

DATABASE_USER: Final = "pixr"
PYTHON: Final = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE: Final = lambda_.Architecture.ARM_64

READ: Final = ("s3:GetObject",)
WRITE: Final = ("s3:PutObject",)
DELETE: Final = ("s3:DeleteObject",)
PARTS: Final = ("s3:AbortMultipartUpload", "s3:ListMultipartUploadParts")

DERIVE: Final = ("kms:GenerateMac",)
SIGN: Final = ("kms:GetPublicKey", "kms:Sign")
OPEN: Final = ("kms:Decrypt",)
SEAL: Final = ("kms:Decrypt", "kms:Encrypt")

# Lambda makes its network interfaces with the function's own role, before any name exists.
_NETWORK_INTERFACE_ACTIONS: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)


class PixrFunction(Construct):
    """A function with a role of its own that may, at first, only write its own log."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        platform: Platform,
        group: str,
        handler: str,
        service: str,
        environment: Mapping[str, str],
        timeout_s: int,
        memory_mib: int,
        storage_mib: int = 512,
        reserved_concurrency: int | None = None,
        layers: Sequence[lambda_.ILayerVersion] = (),
    ) -> None:
        super().__init__(scope, id_)
        settings, places = platform.settings, platform.places
        self._platform = platform
        log_group = self._log_group()
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log_group.grant_write(self.role)
        if places.network is not None:
            self._allow_network()

        self.function = lambda_.Function(
            self,
            "Function",
            runtime=PYTHON,
            architecture=ARCHITECTURE,
            code=lambda_.Code.from_asset(str(platform.bundles.code[group])),
            handler=handler,
            role=self.role,
            log_group=log_group,
            environment={
                **environment,
                "STAGE": settings.stage,
                "POWERTOOLS_SERVICE_NAME": service,
                "POWERTOOLS_METRICS_NAMESPACE": "Pixr",
                "POWERTOOLS_TRACE_DISABLED": "true",
            },
            timeout=Duration.seconds(timeout_s),
            memory_size=memory_mib,
            ephemeral_storage_size=Size.mebibytes(storage_mib),
            reserved_concurrent_executions=reserved_concurrency,
            layers=list(layers),
            vpc=places.network.vpc if places.network else None,
            security_groups=[places.network.security_group] if places.network else None,
        )
        acknowledge(
            self.function,
            "AwsSolutions-L1",
            "The wheels are locked and run for Python 3.13; 3.14 follows when every one of them "
            "has been run there.",
        )
        if places.database_proxy is not None:
            places.database_proxy.grant_connect(self.role, DATABASE_USER)

    def _log_group(self) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def may(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        """Allow exactly these actions on exactly these resources."""
        self.role.add_to_policy(
            iam.PolicyStatement(actions=list(actions), resources=list(resources))
        )

    def may_for_users(self, actions: Sequence[str], key_arn: str) -> None:
        """Allow using a sealing key, for what is sealed in the name of some user only."""
        self.role.add_to_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[key_arn],
                conditions={"Null": {"kms:EncryptionContext:user_id": "false"}},
            )
        )

    def may_use_key(self, arn: str, actions: Sequence[str]) -> None:
        """Allow using the master seed or the treasury's key, wherever it is kept.

        Args:
            arn: Of a KMS key, or of the secret that holds it.
            actions: What a key in KMS is used for; a secret is read.
        """
        # An ARN that CloudFormation is still to put in is that of a secret: a key in KMS is chosen.
        if ":kms:" in arn:
            self.may(actions, (arn,))
        else:
            self._may_read_secret(arn)

    def _may_read_secret(self, secret_arn: str) -> None:
        """Allow reading one secret, and decrypting no other under the same key."""
        self.may(("secretsmanager:GetSecretValue",), (secret_arn,))
        key_arn = self._platform.places.secrets_key_arn
        if key_arn is not None:
            self.role.add_to_policy(
                iam.PolicyStatement(
                    actions=["kms:Decrypt"],
                    resources=[key_arn],
                    conditions={"StringEquals": {"kms:EncryptionContext:SecretARN": secret_arn}},
                )
            )

    def may_with_objects(self, actions: Sequence[str], folders: Sequence[str]) -> None:
        """Allow actions on every object in some folders of the bucket, and in no other."""
        bucket, export = self._platform.places.bucket, self._platform.settings.media_export
        self.may(actions, [bucket.arn_for_objects(f"{folder}*") for folder in folders])
        for folder in folders:
            acknowledge(
                self.role,
                f"AwsSolutions-IAM5[Resource::arn:<AWS::Partition>:s3:::{export}/{folder}*]",
                "The star stands for the names of objects inside one folder, which are made at "
                "run time.",
            )

    def _allow_network(self) -> None:
        self.may(_NETWORK_INTERFACE_ACTIONS, ["*"])
        acknowledge(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            "Lambda makes the function's network interfaces under this role, and EC2 accepts no "
            "narrower resource for these six actions.",
        )
