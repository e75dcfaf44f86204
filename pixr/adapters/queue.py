"""SQS: send JSON messages, one or many.

A message may be delivered more than once and in any order, so no receiver counts on either.
"""

import json
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH_MAX: Final = 10
"""Messages in one request, SQS's own limit."""


class QueueError(Exception):
    """SQS refused or did not answer; names the queue. What was sent may be sent again."""


def send(queue_url: str, body: Mapping[str, object]) -> None:
    """Send one message.

    Raises:
        QueueError: It may or may not have arrived.
    """
    with _named(queue_url):
        _client(_origin(queue_url)).send_message(QueueUrl=queue_url, MessageBody=json.dumps(body))


def send_all(queue_url: str, bodies: Sequence[Mapping[str, object]]) -> None:
    """Send many messages, ten a request.

    Raises:
        QueueError: Some may have arrived and some not.
    """
    for start in range(0, len(bodies), BATCH_MAX):
        group = bodies[start : start + BATCH_MAX]
        with _named(queue_url):
            answer = _client(_origin(queue_url)).send_message_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(number), "MessageBody": json.dumps(body)}
                    for number, body in enumerate(group)
                ],
            )
        if failed := answer.get("Failed"):
            raise QueueError(f"{queue_url}: {len(failed)} of {len(group)} messages were refused")


def _origin(queue_url: str) -> str:
    return urlsplit(queue_url).netloc


@cache
def _client(origin: str) -> "SQSClient":  # noqa: ARG001 -- one client for each place that is sent to
    import boto3  # noqa: PLC0415 -- a second of a cold start, only where SQS is used
    from botocore.config import Config  # noqa: PLC0415 -- likewise

    config = Config(
        connect_timeout=5,
        read_timeout=10,
        retries={"mode": "standard", "total_max_attempts": 4},
    )
    # boto3-stubs knows the other services only as Unknown.
    return boto3.client("sqs", config=config)  # pyright: ignore[reportUnknownMemberType]


@contextmanager
def _named(queue_url: str) -> Generator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as above

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise QueueError(f"{queue_url}: {error}") from error
