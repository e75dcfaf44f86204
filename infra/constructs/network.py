"""Private subnets, one way out, and a door to S3 that costs nothing."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

POSTGRES_PORT: Final = 5432
REDIS_PORT: Final = 6379
HTTPS_PORT: Final = 443


class PrivateNetwork(Construct):
    """Two zones; functions leave by one NAT gateway, the data has no way out at all.

    One NAT gateway and not two: when its zone fails, settlement waits and nothing is lost, and
    that is not worth a second gateway's rent. Interface endpoints for Secrets Manager, SQS and
    Lambda's logs would cost more than the traffic they keep from it.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            max_azs=2,
            nat_gateways=1,
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(
                    name="Functions", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS
                ),
                ec2.SubnetConfiguration(name="Data", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
            flow_logs={
                "Rejected": ec2.FlowLogOptions(
                    destination=ec2.FlowLogDestination.to_cloud_watch_logs(
                        logs.LogGroup(self, "FlowLog", retention=logs.RetentionDays.ONE_MONTH)
                    ),
                    traffic_type=ec2.FlowLogTrafficType.REJECT,
                )
            },
        )
        self.functions = self._group("Functions", "Every function of pixr")
        self.database = self._group("Database", "Aurora and its proxy")
        self.cache = self._group("Cache", "Valkey")
        self.functions.add_egress_rule(
            ec2.Peer.any_ipv4(), ec2.Port.tcp(HTTPS_PORT), "Solana's RPC nodes and AWS"
        )
        self._allow(self.functions, self.database, POSTGRES_PORT, "PostgreSQL through the proxy")
        self._allow(self.database, self.database, POSTGRES_PORT, "The proxy to the cluster")
        self._allow(self.functions, self.cache, REDIS_PORT, "Valkey")

    def _group(self, id_: str, description: str) -> ec2.SecurityGroup:
        return ec2.SecurityGroup(
            self, id_, vpc=self.vpc, description=description, allow_all_outbound=False
        )

    @staticmethod
    def _allow(source: ec2.SecurityGroup, target: ec2.SecurityGroup, port: int, why: str) -> None:
        target.connections.allow_from(source, ec2.Port.tcp(port), why)
