"""The functions that people call, with everything they touch: Postgres, Valkey, chain, cloud."""

import base64
import time
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from solders.keypair import Keypair

from pixr.adapters.keys import MasterSeed
from pixr.adapters.postgres import Database
from pixr.adapters.solana import Solana
from pixr.local.chain import ChainProcess, running_chain
from tests.cloud import point_boto3_at, running_cloud
from tests.house import ISSUER, House, forget


@pytest.fixture(scope="session")
def chain_process() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20) as process:
        yield process


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


@pytest.fixture
def seed() -> MasterSeed:
    """The chain lives longer than a test, so each has wallets that nobody used before."""
    return MasterSeed(uuid4().bytes * 4)


@pytest.fixture
def environment(cloud: str, seed: MasterSeed, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the functions find in AWS: the seed, a queue, a bucket, all of this test only."""
    point_boto3_at(monkeypatch, cloud)
    name = uuid4().hex
    secret = boto3.client("secretsmanager").create_secret(
        Name=name, SecretString=base64.b64encode(seed._seed).decode()
    )
    boto3.client("s3").create_bucket(Bucket=f"pixr-{name}")
    return {
        "STAGE": "local",
        "MASTER_SEED_ARN": secret["ARN"],
        "SETTLE_QUEUE_URL": boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"],
        "S3_BUCKET": f"pixr-{name}",
        "REQUIRE_2FA": "false",
        "OIDC_ISSUER": ISSUER,
        "SECOND_FACTOR_KEY_ARN": boto3.client("kms").create_key()["KeyMetadata"]["Arn"],
        # What is not about them must not meet them.
        "SMALL_WITHDRAWAL_SOL": "1000",
        "WITHDRAWALS_1H_MAX": "1000",
        "WITHDRAWALS_24H_MAX": "1000",
        "READS_PER_MINUTE": "100000",
        "MONEY_PER_MINUTE": "100000",
        "VIEWS_PER_MINUTE": "100000",
        "ADDRESS_PER_MINUTE": "100000",
        "NETWORK": "localnet",
        "TREASURY_ADDRESS": str(Keypair().pubkey()),
        "SOL_USD": "150",
        "SOL_USD_AS_OF": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


@pytest.fixture
def house(  # noqa: PLR0917 -- fixtures
    db: Database,
    database_url: str,
    redis_url: str,
    chain_process: ChainProcess,
    environment: dict[str, str],
    seed: MasterSeed,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[House]:
    """Both functions over a database, a stream and a bucket of their own."""
    places = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SOLANA_RPC_URL": chain_process.url,
    }
    # With the test's own monkeypatch: undone apart from it, a variable that the test sets as well
    # would come back afterwards, and stay for all tests that follow.
    for key, value in (environment | places).items():
        monkeypatch.setenv(key, value)
    forget()
    yield House(
        db=db,
        database_url=database_url,
        chain=Solana([chain_process.url]),
        chain_url=chain_process.url,
        treasury=environment["TREASURY_ADDRESS"],
        sqs=boto3.client("sqs"),
        settle_queue_url=environment["SETTLE_QUEUE_URL"],
        seed=seed,
    )
    forget()
