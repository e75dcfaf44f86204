"""AWS on one machine: the emulator `ministack`, and the secrets that the stack expects in it.

Into it goes the same stack by the same ``cdk deploy`` as in the cloud. Lambda functions run as
worker processes of the emulator, so its environment is theirs: it gets nothing of ours that the
stack did not give them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pixr.local import process
from pixr.local.errors import LocalError

if TYPE_CHECKING:
    from boto3 import Session
    from mypy_boto3_secretsmanager import SecretsManagerClient

ACCOUNT = "111111111111"
REGION = "us-east-1"
NO_SECRET = "local"  # noqa: S105 -- the emulator checks no signature
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
ANSWER_TIMEOUT_S = 3.0
OK = 200
# Named, not imported: the emulator takes half a second and sets up logging for itself.
SERVER = Path(__file__).with_name("aws_server.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Aws:
    """The emulator that runs, or the one that the user named."""

    endpoint: str
    pid: int | None = None


def environment(endpoint: str) -> dict[str, str]:
    """What the AWS SDKs and the CDK need to talk to it."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": ACCOUNT,  # twelve digits: ministack takes them for the account
        "AWS_SECRET_ACCESS_KEY": NO_SECRET,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


@contextlib.contextmanager
def running_aws(data: Path, port: int | None = None, *, keep: bool = True) -> Iterator[Aws]:
    """The emulator.

    Args:
        data: Its folder: state, S3 objects, temporary files and log.
        port: Where it listens on 127.0.0.1. None: any free port.
        keep: Whether to save its state for the next start.

    Raises:
        LocalError: It is not installed, the port is taken, or it did not start.
    """
    if importlib.util.find_spec("ministack") is None:
        raise LocalError(
            "The AWS emulator (wheel `ministack`) is not installed.",
            mend="Run `make setup`, or set AWS_ENDPOINT_URL to an endpoint of your own.",
        )
    # Code that workers unpacked last time is of no use and grows.
    shutil.rmtree(data / "tmp", ignore_errors=True)
    for folder in ("tmp", "state", "s3"):
        (data / folder).mkdir(parents=True, exist_ok=True)

    def launch(chosen: int) -> process.Child:
        return process.start(
            "The AWS emulator (ministack)",
            [sys.executable, "-P", SERVER],
            log=data / "ministack.log",
            env={
                **{k: v for k, v in environment("").items() if k != "AWS_ENDPOINT_URL"},
                "GATEWAY_PORT": str(chosen),
                "BIND_HOST": "127.0.0.1",
                "MINISTACK_HOST": "localhost",
                "MINISTACK_REGION": REGION,
                "MINISTACK_ACCOUNT_ID": ACCOUNT,
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "LAMBDA_EXECUTOR": "local",
                "PERSIST_STATE": "1" if keep else "0",
                "S3_PERSIST": "1",
                "STATE_DIR": str(data / "state"),
                "S3_DATA_DIR": str(data / "s3"),
                "TMPDIR": str(data / "tmp"),
                "PYTHONUNBUFFERED": "1",
            },
            inherit=False,
        )

    child, chosen = process.start_on_port(
        "the AWS emulator",
        port,
        launch,
        lambda port, _child: _answers(port),
        timeout_s=START_TIMEOUT_S,
        mend="Stop what listens there, or choose another with --aws-port.",
    )
    try:
        yield Aws(endpoint=f"http://127.0.0.1:{chosen}", pid=child.pid)
    finally:
        # Its Lambda workers outlive it; stopping kills the rest of the group.
        process.stop(child, timeout_s=STOP_TIMEOUT_S)


def save_now(aws: Aws) -> None:
    """Have our emulator write its state, so that not even a kill in this minute loses it."""
    if aws.pid is not None:
        process.signal_pid(aws.pid, signal.SIGUSR1)


def _answers(port: int) -> bool:
    url = f"http://127.0.0.1:{port}/_ministack/health"
    try:
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer:
            return bool(answer.status == OK)
    except (urllib.error.URLError, OSError):
        return False


def check_endpoint(endpoint: str) -> None:
    """Check that the user's own endpoint talks AWS.

    Raises:
        LocalError: It is malformed or does not answer.
    """
    from botocore.config import Config  # noqa: PLC0415 -- a second to import
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- likewise

    quick = Config(
        connect_timeout=ANSWER_TIMEOUT_S,
        read_timeout=ANSWER_TIMEOUT_S,
        retries={"total_max_attempts": 1},
    )
    try:
        client = _session().client("sts", config=quick, endpoint_url=endpoint)
        client.get_caller_identity()
    except (BotoCoreError, ClientError, ValueError) as error:
        raise LocalError(
            f"AWS_ENDPOINT_URL {endpoint!r} does not answer: {error}",
            mend="Start what listens there, or unset AWS_ENDPOINT_URL to use the emulator.",
        ) from error


def put_secrets(endpoint: str, secrets: Mapping[str, str]) -> dict[str, str]:
    """Put each secret into Secrets Manager unless it is there already.

    Args:
        endpoint: Where AWS is.
        secrets: Name to value.

    Returns:
        Name to ARN.
    """
    client = _session().client("secretsmanager", endpoint_url=endpoint)
    return {name: _put_secret(client, name, value) for name, value in secrets.items()}


def _put_secret(client: SecretsManagerClient, name: str, value: str) -> str:
    try:
        arn = client.create_secret(Name=name, SecretString=value)["ARN"]
    except client.exceptions.ResourceExistsException:
        found = client.get_secret_value(SecretId=name)
        if found["SecretString"] != value:
            client.put_secret_value(SecretId=name, SecretString=value)
        arn = found["ARN"]
    return arn


def put_sealing_key(endpoint: str, alias: str) -> str:
    """Make a symmetric key in KMS unless the alias has one already, and answer its ARN."""
    client = _session().client("kms", endpoint_url=endpoint)
    try:
        return client.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
    except client.exceptions.NotFoundException:
        made = client.create_key(Description="Seals the secrets of second factors")["KeyMetadata"]
        client.create_alias(AliasName=alias, TargetKeyId=made["KeyId"])
        return made["Arn"]


def has_api(endpoint: str, api_id: str) -> bool:
    """Whether the gateway that an earlier run deployed is still there."""
    client = _session().client("apigatewayv2", endpoint_url=endpoint)
    try:
        client.get_api(ApiId=api_id)
    except client.exceptions.NotFoundException:
        return False
    return True


def _session() -> Session:
    import boto3  # noqa: PLC0415 -- a second to import

    return boto3.Session(
        aws_access_key_id=ACCOUNT, aws_secret_access_key=NO_SECRET, region_name=REGION
    )
