"""SQS: look at messages that failed every time, without taking them away.

A message that was looked at is hidden for a moment and then there again; sending it back is for
SQS's own redrive, which needs no code of ours.
"""

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Final

from pixr.domain.errors import Outage

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LETTERS_PER_RECEIVE: Final = 10
QUEUES_MAX: Final = 1000
HIDDEN_S: Final = 20
"""As long as a look takes at most, so that no letter is seen twice in it."""

_NAME: Final = re.compile(r"([A-Z][a-z]+)DeadLetters")


class DeadLettersUnreachable(Outage):
    """SQS refused or did not answer; names the queue."""

    part = "dead letters"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadQueue:
    """Where the undeliverable messages of one queue wait."""

    name: str
    """Of the queue that they were meant for: Plan, Encode, …"""
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that failed every time."""

    id: str
    sent_at: datetime
    body: str


class DeadLetterBox:
    """The dead-letter queues of an account.

    Args:
        environment: Region, keys and endpoint as environment variables; None: the process's own.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = environment

    def find(self) -> list[DeadQueue]:
        """Every queue of dead letters, by name.

        Raises:
            DeadLettersUnreachable: SQS does not answer.
        """
        with _named("list queues"):
            answer = self._client.list_queues(MaxResults=QUEUES_MAX)
        found = [self.named(url) for url in answer.get("QueueUrls", []) if "DeadLetters" in url]
        return sorted(found, key=lambda queue: (queue.name, queue.url))

    def named(self, url: str) -> DeadQueue:
        """The queue at ``url``, with the name that our stacks give it."""
        last = url.rpartition("/")[2]
        match = _NAME.search(last.rpartition("Queues")[2])
        return DeadQueue(name=match[1] if match else last, url=url)

    def look(self, queue: DeadQueue, *, letters_max: int) -> list[DeadLetter]:
        """Some of the letters, oldest first; all of them when there are few.

        Raises:
            DeadLettersUnreachable: SQS does not answer, or there is no such queue.
        """
        found: dict[str, DeadLetter] = {}
        # SQS asks a few of its servers, so an empty answer may be chance; three in a row are not.
        silent = 0
        while len(found) < letters_max and silent < 3:  # noqa: PLR2004 -- as said
            with _named(queue.url):
                answer = self._client.receive_message(
                    QueueUrl=queue.url,
                    MaxNumberOfMessages=LETTERS_PER_RECEIVE,
                    VisibilityTimeout=HIDDEN_S,
                    MessageSystemAttributeNames=["SentTimestamp"],
                )
            fresh = {
                letter["MessageId"]: DeadLetter(
                    id=letter["MessageId"],
                    sent_at=_moment(letter.get("Attributes", {}).get("SentTimestamp", "0")),
                    body=letter.get("Body", ""),
                )
                for letter in answer.get("Messages", [])
                if "MessageId" in letter
            }
            silent = 0 if fresh.keys() - found.keys() else silent + 1
            found |= fresh
        return sorted(found.values(), key=lambda letter: (letter.sent_at, letter.id))[:letters_max]

    @cached_property
    def _client(self) -> "SQSClient":
        import boto3  # noqa: PLC0415 -- a second to import
        from botocore.config import Config  # noqa: PLC0415 -- likewise

        config = Config(
            connect_timeout=5,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        given = self._environment
        if given is None:
            # boto3-stubs knows the other services only as Unknown.
            return boto3.client("sqs", config=config)  # pyright: ignore[reportUnknownMemberType]
        session = boto3.Session(
            aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
            region_name=given["AWS_REGION"],
        )
        endpoint = given["AWS_ENDPOINT_URL"]
        return session.client("sqs", config=config, endpoint_url=endpoint)  # pyright: ignore[reportUnknownMemberType]


def _moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


@contextmanager
def _named(what: str) -> Generator[None]:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- as above

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise DeadLettersUnreachable(f"{what}: {error}") from error
