"""A queue and the place where its undeliverable messages wait for a person."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

RECEIVES_MAX: Final = 3
DEAD_LETTER_DAYS: Final = 14


class WorkQueue(Construct):
    """SQS with a dead-letter queue behind it, encrypted, TLS only.

    The dead letters stay for 14 days, the longest SQS keeps anything: an alarm on a Friday night
    must still find its message after a holiday.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        visibility_s: int,
        retention: Duration,
        receives_max: int = RECEIVES_MAX,
    ) -> None:
        super().__init__(scope, id_)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            retention_period=Duration.days(DEAD_LETTER_DAYS),
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            visibility_timeout=Duration.seconds(visibility_s),
            retention_period=retention,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=receives_max
            ),
        )
