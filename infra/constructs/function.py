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
        log_group = logs.LogGroup(
            self,
            "Log",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
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
        if places.database_proxy is not None:
            places.database_proxy.grant_connect(self.role, DATABASE_USER)

    def may(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        """Allow exactly these actions on exactly these resources."""
        self.role.add_to_policy(
            iam.PolicyStatement(actions=list(actions), resources=list(resources))
        )

    def _allow_network(self) -> None:
        self.may(_NETWORK_INTERFACE_ACTIONS, ["*"])
        acknowledge(
            self.role,
            "AwsSolutions-IAM5[Resource::*]",
            "Lambda makes the function's network interfaces under this role, and EC2 accepts no "
            "narrower resource for these six actions.",
        )
