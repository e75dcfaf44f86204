"""Lambda behind EncodeQueue: one chunk a message, or the search for the quality of a job."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reprocess.encoding import Encoder
from functions.reprocess.messages import ChunkMessage, JobMessage, read_encode_message
from functions.reprocess.tuning import Tuner
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
    """Encode the chunk that one message names, or search the quality of its job."""
    message = read_encode_message(record.body)
    bucket, ffmpeg = Bucket(settings().s3_bucket), Ffmpeg(Path(settings().ffmpeg))
    now, attempt_count = datetime.now(UTC), attempt(record)
    with connect(str(settings().database_url)) as db:
        match message:
            case JobMessage(job_id=job_id):
                tuner = Tuner(
                    db=db,
                    bucket=bucket,
                    ffmpeg=ffmpeg,
                    encode_queue_url=settings().encode_queue_url,
                    now=now,
                )
                logger.info(tuner.tune(job_id), job_id=str(job_id), attempt=attempt_count)
            case ChunkMessage(job_id=job_id, position=position):
                encoder = Encoder(
                    db=db,
                    bucket=bucket,
                    ffmpeg=ffmpeg,
                    assemble_queue_url=settings().assemble_queue_url,
                    fallback_queue_url=settings().fallback_queue_url,
                    now=now,
                )
                outcome = encoder.encode(job_id, position, attempt=attempt_count)
                logger.info(outcome, job_id=str(job_id), position=position, attempt=attempt_count)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages that failed; the others are done."""
    return work_off(event, context, encode_record, logger)
