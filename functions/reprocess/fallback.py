"""Lambda behind FallbackQueue: conversions to start, and what MediaConvert says about them."""

import os
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reprocess.converting import Conversions, read_message
from functions.reprocess.worker import work_off
from functions.settings import FallbackSettings
from functions.telemetry import make_logger
from pixr.adapters.mediaconvert import Converter
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import connect

logger = make_logger("reprocess-fallback")


@cache
def settings() -> FallbackSettings:
    """The environment, read once."""
    return FallbackSettings.read(os.environ)


def convert_record(record: SQSRecord) -> None:
    """Start a conversion, or hear what became of one."""
    message = read_message(record.body)
    with connect(str(settings().database_url)) as db:
        conversions = Conversions(
            db=db,
            bucket=Bucket(settings().s3_bucket),
            converter=Converter(),
            assemble_queue_url=settings().assemble_queue_url,
            stage=settings().stage,
            role_arn=settings().mediaconvert_role_arn,
            queue_arn=settings().mediaconvert_queue_arn,
            now=datetime.now(UTC),
        )
        if isinstance(message, UUID):
            logger.info(conversions.start(message), job_id=str(message))
            return
        logger.info(
            conversions.hear(message),
            job_id=str(message.job_id),
            converter_job=message.converter_job,
            event=type(message).__name__,
        )


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages that failed; the others are done."""
    return work_off(event, context, convert_record, logger)
