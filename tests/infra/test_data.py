"""What must outlive every deployment does."""

from __future__ import annotations

import json

import pytest

from tests.infra.conftest import Templates

pytestmark = pytest.mark.synth

KEPT = (
    "AWS::RDS::DBCluster",
    "AWS::ElastiCache::ServerlessCache",
    "AWS::SecretsManager::Secret",
    "AWS::S3::Bucket",
)


def test_one_machine_has_no_data_stack(synthesized: dict[str, Templates]) -> None:
    assert set(synthesized["local"].stacks) == {"Service"}
    assert set(synthesized["dev"].stacks) == {"Data", "Service", "Watch"}


@pytest.mark.parametrize("kind", KEPT)
def test_data_survives_the_deletion_of_its_stack(cloud: Templates, kind: str) -> None:
    found = {
        id_: resource
        for id_, resource in cloud.of(kind).items()
        # The password of the proxy is made anew with its cluster.
        if "ClusterSecret" not in id_
    }
    assert found
    for id_, resource in found.items():
        assert resource["DeletionPolicy"] in {"Retain", "RetainExceptOnCreate"}, id_
        assert resource["UpdateReplacePolicy"] == "Retain", id_


def test_the_ledger_is_protected_encrypted_and_backed_up(cloud: Templates) -> None:
    (cluster,) = cloud.properties("AWS::RDS::DBCluster")
    assert cluster["DeletionProtection"] is True
    assert cluster["StorageEncrypted"] is True
    assert cluster["BackupRetentionPeriod"] == 35
    assert cluster["EnableIAMDatabaseAuthentication"] is True


def test_the_proxy_takes_iam_tokens_over_tls_only(cloud: Templates) -> None:
    (proxy,) = cloud.properties("AWS::RDS::DBProxy")
    assert proxy["RequireTLS"] is True
    assert [auth["IAMAuth"] for auth in proxy["Auth"]] == ["REQUIRED"]


def test_prod_has_a_second_database_to_fail_over_to(synthesized: dict[str, Templates]) -> None:
    assert len(synthesized["dev"].of("AWS::RDS::DBInstance")) == 1
    assert len(synthesized["prod"].of("AWS::RDS::DBInstance")) == 2


def test_the_keys_of_the_money_are_created_empty(cloud: Templates) -> None:
    secrets = {
        id_: secret["Properties"]
        for id_, secret in cloud.of("AWS::SecretsManager::Secret").items()
        if id_.startswith("Secrets")
    }
    assert len(secrets) == 2
    for secret in secrets.values():
        assert "GenerateSecretString" not in secret
        assert "SecretString" not in secret
        assert secret["KmsKeyId"]


def test_data_can_be_reached_by_functions_alone(cloud: Templates) -> None:
    for group in cloud.properties("AWS::EC2::SecurityGroup"):
        assert not group.get("SecurityGroupIngress"), "ingress is by group, never by address"
    for rule in cloud.properties("AWS::EC2::SecurityGroupIngress"):
        assert "SourceSecurityGroupId" in rule
        assert rule["FromPort"] == rule["ToPort"]
        # The proxy reaches the cluster on whatever port the cluster has.
        cluster = isinstance(rule["FromPort"], dict) and "Ledger" in str(rule["FromPort"])
        assert cluster or rule["FromPort"] in (5432, 6379)
    for instance in cloud.properties("AWS::RDS::DBInstance"):
        assert instance.get("PubliclyAccessible") is not True


def test_keys_rotate(cloud: Templates) -> None:
    keys = cloud.properties("AWS::KMS::Key")
    assert keys
    assert all(key["EnableKeyRotation"] for key in keys)


def test_synthesis_asks_aws_for_nothing(cloud: Templates) -> None:
    text = json.dumps(cloud.stacks)
    assert "dummy-value" not in text
    assert "vpc-12345" not in text
