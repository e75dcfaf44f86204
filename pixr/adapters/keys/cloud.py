"""AWS as the keeper of keys. Every failure is a ``KeysUnreachable`` with the ARN and the code."""

import base64
import logging
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from pixr.adapters.keys.quiet import KeysUnreachable

if TYPE_CHECKING:
    from botocore.config import Config
    from mypy_boto3_kms import KMSClient

CONNECT_TIMEOUT_S: Final = 3
READ_TIMEOUT_S: Final = 5
TRIES_MAX: Final = 2

_REPLIES: Final = "botocore.parsers"
"""The logger that writes whole answers at DEBUG, and answers are keys here."""


def is_in_kms(where: str) -> bool:
    """Whether ``where`` is an ARN of KMS: arn:aws:kms:<region>:<account>:key/<id>."""
    return where.split(":")[2:3] == ["kms"]


def secret_of(where: str) -> bytes:
    """Read a secret's bytes: from Secrets Manager by its ARN, else from the text itself.

    Raises:
        KeysUnreachable: It cannot be read, or it is not base64.
    """
    if where.startswith("arn:"):
        return _decoded(_fetch(where), where)
    return _decoded(where, "the environment")


def kms_of(arn: str) -> "KMSClient":
    """Make a client for the region that an ARN names. It asks nothing yet.

    Raises:
        KeysUnreachable: The ARN names no region, or there are no credentials to be had.
    """
    import boto3  # noqa: PLC0415 -- a second of CPU that only cold starts with keys pay

    with failures_of(arn):
        return boto3.client("kms", region_name=_region(arn), config=_config())  # pyright: ignore[reportUnknownMemberType] -- stubs of other services are not installed


@contextmanager
def failures_of(arn: str) -> Generator[None]:
    """Say what AWS says of a key as one kind of outage.

    Raises:
        KeysUnreachable: With the ARN and the error's code.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as above

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        raise KeysUnreachable(f"{arn}: {code}") from None
    except (BotoCoreError, KeyError) as error:
        raise KeysUnreachable(f"{arn}: {type(error).__name__}") from None


def _fetch(arn: str) -> str:
    import boto3  # noqa: PLC0415 -- a second of CPU that only cold starts with keys pay

    with failures_of(arn):
        client = boto3.client("secretsmanager", region_name=_region(arn), config=_config())  # pyright: ignore[reportUnknownMemberType] -- stubs of other services are not installed
        return client.get_secret_value(SecretId=arn)["SecretString"]


def _region(arn: str) -> str:
    """The region is in the ARN: arn:aws:secretsmanager:<region>:<account>:secret:<name>."""
    return "".join(arn.split(":")[3:4])


def _config() -> "Config":
    from botocore.config import Config  # noqa: PLC0415 -- as above

    logging.getLogger(_REPLIES).setLevel(logging.WARNING)
    return Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"total_max_attempts": TRIES_MAX, "mode": "standard"},
    )


def _decoded(text: str, name: str) -> bytes:
    with suppress(ValueError):
        return base64.b64decode(text, validate=True)
    # Raised out here: a context would carry a piece of the secret.
    raise KeysUnreachable(f"{name}: the secret is not base64")
