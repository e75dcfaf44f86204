"""Lambda behind AssembleQueue: one finished job a message."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reprocess.assembling import Assembler
from functions.reprocess.messages import JobMessage
from functions.reprocess.worker import attempt, work_off
from functions.settings import AssembleSettings
from functions.telemetry import make_logger
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import connect

logger = make_logger("reprocess-assemble")


@cache
def settings() -> AssembleSettings:
    """The environment, read once."""
    return AssembleSettings.read(os.environ)


def assemble_record(record: SQSRecord) -> None:
    """Assemble the job that one message names."""
    message = JobMessage.model_validate_json(record.body)
    attempt_count = attempt(record)
    with connect(str(settings().database_url)) as db:
        assembler = Assembler(
            db=db,
            bucket=Bucket(settings().s3_bucket),
            ffmpeg=Ffmpeg(Path(settings().ffmpeg)),
            settle_queue_url=settings().settle_queue_url,
            now=datetime.now(UTC),
        )
        outcome = assembler.assemble(message.job_id, attempt=attempt_count)
    logger.info(outcome, job_id=str(message.job_id), attempt=attempt_count)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages that failed; the others are done."""
    return work_off(event, context, assemble_record, logger)
