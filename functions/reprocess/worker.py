"""Work off a batch of SQS records, reporting those that failed and only those."""

from collections.abc import Callable
from logging import Logger as PlainLogger
from typing import Any, cast

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,  # pyright: ignore[reportUnknownVariableType] -- half typed
)
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext


def work_off(
    event: dict[str, Any],
    context: LambdaContext,
    record_handler: Callable[[SQSRecord], None],
    logger: Logger,
) -> PartialItemFailureResponse:
    """Handle each record; a failure is logged with its traceback and left to the queue.

    A batch that failed as a whole is reported like any other, not raised: the queue counts
    the deliveries either way, and the function's error metric stays for real crashes.
    """
    processor = BatchProcessor(
        EventType.SQS,
        raise_on_entire_batch_failure=False,
        # Powertools' logger is one in all but its bases.
        logger=cast("PlainLogger", logger),
    )
    return process_partial_response(event, record_handler, processor, context)


def attempt(record: SQSRecord) -> int:
    """How often this message was delivered, from 1."""
    return int(record.attributes.approximate_receive_count or 1)
