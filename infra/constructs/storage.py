"""What must outlive every deployment: the ledger, the cache, the keys and the videos."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticache as elasticache
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.acknowledge import acknowledge
from infra.constructs.bucket import MediaBucket
from infra.constructs.function import DATABASE_USER
from infra.constructs.network import POSTGRES_PORT, PrivateNetwork

DATABASE_NAME: Final = "pixr"
DATA_SUBNETS: Final = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_ISOLATED)
BACKUP_DAYS: Final = 35
CAPACITY_UNITS_MIN: Final = 0.5
CAPACITY_UNITS_MAX: Final = 16
CACHE_GIB_MAX: Final = 5


class Ledger(Construct):
    """Aurora PostgreSQL Serverless v2 behind RDS Proxy, which takes IAM tokens only.

    The password exists for the proxy alone, which is why no function can read it.
    """

    def __init__(
        self, scope: Construct, id_: str, *, network: PrivateNetwork, key: kms.IKey, readers: int
    ) -> None:
        super().__init__(scope, id_)
        self.cluster = rds.DatabaseCluster(
            self,
            "Cluster",
            # 17, not 18: RDS Proxy's support of 18 is unconfirmed, and our SQL runs on 15 to 18.
            engine=rds.DatabaseClusterEngine.aurora_postgres(
                version=rds.AuroraPostgresEngineVersion.VER_17_9
            ),
            credentials=rds.Credentials.from_generated_secret(DATABASE_USER, encryption_key=key),
            default_database_name=DATABASE_NAME,
            writer=rds.ClusterInstance.serverless_v2("Writer"),
            readers=[
                rds.ClusterInstance.serverless_v2(f"Reader{number}", scale_with_writer=True)
                for number in range(1, readers + 1)
            ],
            serverless_v2_min_capacity=CAPACITY_UNITS_MIN,
            serverless_v2_max_capacity=CAPACITY_UNITS_MAX,
            vpc=network.vpc,
            vpc_subnets=DATA_SUBNETS,
            security_groups=[network.database],
            storage_encrypted=True,
            storage_encryption_key=key,
            iam_authentication=True,
            backup=rds.BackupProps(retention=Duration.days(BACKUP_DAYS)),
            cloudwatch_logs_exports=["postgresql"],
            copy_tags_to_snapshot=True,
            deletion_protection=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        secret = self.cluster.secret
        assert secret is not None
        self.proxy = rds.DatabaseProxy(
            self,
            "Proxy",
            proxy_target=rds.ProxyTarget.from_cluster(self.cluster),
            secrets=[secret],
            vpc=network.vpc,
            vpc_subnets=DATA_SUBNETS,
            security_groups=[network.database],
            iam_auth=True,
            require_tls=True,
            borrow_timeout=Duration.seconds(10),
        )
        acknowledge(
            self.cluster,
            "AwsSolutions-SMG4",
            "Only the proxy uses this password; rotating it under the proxy needs a two-user "
            "scheme, which is not built.",
        )
        acknowledge(
            self.cluster,
            "AwsSolutions-RDS11",
            f"Port {POSTGRES_PORT} in an isolated subnet is reached through one security group; "
            "another number would hide nothing.",
        )

    @property
    def url(self) -> str:
        """Where functions connect. No password: they ask IAM for a token of fifteen minutes."""
        return (
            f"postgresql://{DATABASE_USER}@{self.proxy.endpoint}:{POSTGRES_PORT}"
            f"/{DATABASE_NAME}?sslmode=require"
        )


class Cache(Construct):
    """ElastiCache Serverless Valkey: speed, never the record. Losing it delays money at most."""

    def __init__(
        self, scope: Construct, id_: str, *, network: PrivateNetwork, key: kms.IKey, stage: str
    ) -> None:
        super().__init__(scope, id_)
        self.cache = elasticache.CfnServerlessCache(
            self,
            "Valkey",
            engine="valkey",
            major_engine_version="8",
            serverless_cache_name=f"pixr-{stage}",
            description="View stream, rate limits and caches",
            kms_key_id=key.key_arn,
            security_group_ids=[network.cache.security_group_id],
            subnet_ids=network.vpc.select_subnets(
                subnet_type=ec2.SubnetType.PRIVATE_ISOLATED
            ).subnet_ids,
            daily_snapshot_time="04:00",
            snapshot_retention_limit=7,
            cache_usage_limits=elasticache.CfnServerlessCache.CacheUsageLimitsProperty(
                data_storage=elasticache.CfnServerlessCache.DataStorageProperty(
                    unit="GB", maximum=CACHE_GIB_MAX
                )
            ),
        )
        self.cache.apply_removal_policy(RemovalPolicy.RETAIN)

    @property
    def url(self) -> str:
        """TLS always: serverless caches speak nothing else."""
        return f"rediss://{self.cache.attr_endpoint_address}:{self.cache.attr_endpoint_port}"


class Secrets(Construct):
    """Two secrets that are created empty.

    A generated value would look like a key and be one, so there is none: until an operator puts
    the real ones in, reading them fails, and nothing can be derived or signed by accident. A stage
    whose keys are in KMS leaves them empty for good.
    """

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts the master seed and the treasury's keypair",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
            pending_window=Duration.days(30),
        )
        # Apart from the other: who may read a secret must not be able to open a second factor.
        self.second_factor_key = kms.Key(
            self,
            "SecondFactorKey",
            description="Seals the secrets of users' second factors",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
            pending_window=Duration.days(30),
        )
        self.master_seed = self._secret("MasterSeed", "64 bytes in base64; all wallets come of it")
        self.treasury_key = self._secret("TreasuryKey", "64-byte Ed25519 keypair in base64")

    def _secret(self, id_: str, description: str) -> secretsmanager.Secret:
        secret = secretsmanager.Secret(
            self,
            id_,
            description=description,
            encryption_key=self.key,
            removal_policy=RemovalPolicy.RETAIN,
        )
        resource = secret.node.default_child
        assert isinstance(resource, secretsmanager.CfnSecret)
        resource.add_property_deletion_override("GenerateSecretString")
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "A key that owns money on chain cannot be replaced by a timer: rotation means a new "
            "address and a sweep (docs/operations.md says what is missing for that).",
        )
        return secret


class Media(Construct):
    """The bucket of videos and the log of who touched it."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_)
        log = s3.Bucket(
            self,
            "AccessLog",
            versioned=True,
            encryption=s3.BucketEncryption.S3_MANAGED,
            enforce_ssl=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[s3.LifecycleRule(id="expire", expiration=Duration.days(90))],
        )
        acknowledge(log, "AwsSolutions-S1", "A log of the log would log itself without end.")
        self.media = MediaBucket(self, "Media", removal_policy=RemovalPolicy.RETAIN, access_log=log)
