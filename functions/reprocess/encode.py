"""Lambda behind EncodeQueue: one chunk a message."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reprocess.encoding import Encoder
from functions.reprocess.messages import ChunkMessage
from functions.reprocess.worker import attempt, work_off
from functions.settings import EncodeSettings
from functions.telemetry import make_logger
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import connect

logger = make_logger("reprocess-encode")


@cache
def settings() -> EncodeSettings:
    """The environment, read once."""
    return EncodeSettings.read(os.environ)


def encode_record(record: SQSRecord) -> None:
    """Encode the chunk that one message names."""
    message = ChunkMessage.model_validate_json(record.body)
    attempt_count = attempt(record)
    with connect(str(settings().database_url)) as db:
        encoder = Encoder(
            db=db,
            bucket=Bucket(settings().s3_bucket),
            ffmpeg=Ffmpeg(Path(settings().ffmpeg)),
            assemble_queue_url=settings().assemble_queue_url,
            now=datetime.now(UTC),
        )
        outcome = encoder.encode(message.job_id, message.position, attempt=attempt_count)
    logger.info(
        outcome, job_id=str(message.job_id), position=message.position, attempt=attempt_count
    )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages that failed; the others are done."""
    return work_off(event, context, encode_record, logger)
