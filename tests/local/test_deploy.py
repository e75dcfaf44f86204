"""The real stack goes into the emulator by the real CDK, and again without harm."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from infra.choices import DEFAULTS
from pixr.local import aws
from pixr.local.deploy import FUNCTIONS, QUEUES, Outputs, deploy
from pixr.local.errors import LocalError

CONTEXT = {
    "stage": "local",
    "network": "localnet",
    "issuer": "http://127.0.0.1:9/issuer",
    "solana_rpc_url": "http://127.0.0.1:9",
    "database_url": "postgresql://nobody@127.0.0.1:9/pixr?application_name=a=b",
    "redis_url": "redis://127.0.0.1:9",
    "master_seed_arn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:seed-AbCdEf",
    "second_factor_key_arn": "arn:aws:kms:us-east-1:111111111111:key/0b0b0b0b-0000-4000-8000-01",
    "treasury_key_arn": "arn:aws:secretsmanager:us-east-1:111111111111:secret:key-AbCdEf",
    "treasury_address": "5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G",
    "require_2fa": "false",
    "ffmpeg": "/bin/false",
    "mediaconvert_url": "http://127.0.0.1:9",
    "sol_usd": "150",
    "sol_usd_as_of": "2026-11-01T00:00:00Z",
    **DEFAULTS,
}

pytestmark = pytest.mark.synth


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    endpoint: str
    folder: Path
    outputs: Outputs

    def again(self, **changed: str) -> Outputs:
        return deploy(
            aws_endpoint=self.endpoint,
            context={**CONTEXT, **changed},
            workdir=self.folder / "deploy",
            log=self.folder / "deploy.log",
        )

    def client(self, service: str) -> Any:
        session = boto3.Session(
            aws_access_key_id=aws.ACCOUNT, aws_secret_access_key="x", region_name=aws.REGION
        )
        return session.client(service, endpoint_url=self.endpoint)  # type: ignore[call-overload]  # any name

    def environment_of(self, function: str) -> dict[str, str]:
        name = self.outputs.functions[function]
        found = self.client("lambda").get_function_configuration(FunctionName=name)
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    def get(self, path: str) -> tuple[int, str]:
        port = self.endpoint.rpartition(":")[2]
        host = f"{self.outputs.api_id}.execute-api.localhost:{port}"
        answer = httpx.get(self.endpoint + path, headers={"Host": host}, timeout=20)
        return answer.status_code, answer.text


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deploy")
    with aws.running_aws(folder / "aws", keep=False) as cloud:
        outputs = deploy(
            aws_endpoint=cloud.endpoint,
            context=CONTEXT,
            workdir=folder / "deploy",
            log=folder / "deploy.log",
        )
        yield Deployed(endpoint=cloud.endpoint, folder=folder, outputs=outputs)


def test_everything_is_named(deployed: Deployed) -> None:
    assert set(deployed.outputs.functions) == set(FUNCTIONS)
    assert set(deployed.outputs.queue_urls) == set(QUEUES)
    assert set(deployed.outputs.dead_letter_urls) == set(QUEUES)
    buckets = [bucket["Name"] for bucket in deployed.client("s3").list_buckets()["Buckets"]]
    assert deployed.outputs.bucket in buckets
    listed = deployed.client("lambda").list_functions()["Functions"]
    assert set(deployed.outputs.functions.values()) <= {item["FunctionName"] for item in listed}


def test_addresses_reach_the_functions_as_they_were_given(deployed: Deployed) -> None:
    deployed.again()
    batch = deployed.environment_of("Batch")
    assert batch["DATABASE_URL"] == CONTEXT["database_url"]
    assert batch["PLAN_QUEUE_URL"] == deployed.outputs.queue_urls["Plan"]
    assert batch["STAGE"] == "local"


def test_the_same_again_changes_nothing(deployed: Deployed) -> None:
    assert deployed.again() == deployed.outputs


def test_a_new_address_is_an_update(deployed: Deployed) -> None:
    assert deployed.again(redis_url="redis://127.0.0.1:10") == deployed.outputs
    assert deployed.environment_of("Api")["REDIS_URL"] == "redis://127.0.0.1:10"
    assert deployed.environment_of("Batch")["REDIS_URL"] == "redis://127.0.0.1:10"


def test_an_upload_reaches_the_queue_of_the_planner(deployed: Deployed) -> None:
    mappings = deployed.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(mappings) == len(QUEUES)
    s3 = deployed.client("s3")
    notification = s3.get_bucket_notification_configuration(Bucket=deployed.outputs.bucket)
    (queue,) = notification["QueueConfigurations"]
    assert queue["QueueArn"].endswith(deployed.outputs.queue_urls["Plan"].rpartition("/")[2])


def test_without_a_token_the_gateway_refuses(deployed: Deployed) -> None:
    status, body = deployed.get("/api/defi/wallet")
    assert status == 401
    assert json.loads(body)["message"] == "Unauthorized"


def test_a_missing_and_an_unknown_address_are_named(deployed: Deployed) -> None:
    context = {name: value for name, value in CONTEXT.items() if name != "redis_url"}
    with pytest.raises(LocalError, match="RedisUrl is missing, RedisUri is unknown"):
        deploy(
            aws_endpoint=deployed.endpoint,
            context={**context, "redis_uri": "redis://127.0.0.1:9"},
            workdir=deployed.folder / "deploy",
            log=deployed.folder / "deploy.log",
        )


def test_an_aws_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(
        LocalError, match=r"^AWS at http://127\.0\.0\.1:9 did not take the stack: Could not connect"
    ):
        deploy(
            aws_endpoint="http://127.0.0.1:9",
            context=CONTEXT,
            workdir=tmp_path,
            log=tmp_path / "deploy.log",
        )
