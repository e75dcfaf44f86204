"""Lambda behind PlanQueue: uploads that arrived, and upgrades that were paid for."""

import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.reprocess.messages import JobMessage, S3Notification, read_plan_message
from functions.reprocess.planning import Planner
from functions.reprocess.worker import work_off
from functions.settings import PlanSettings
from functions.telemetry import make_logger
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import connect

logger = make_logger("reprocess-plan")


@cache
def settings() -> PlanSettings:
    """The environment, read once."""
    return PlanSettings.read(os.environ)


def plan_record(record: SQSRecord) -> None:
    """Plan what one message asks for."""
    message = read_plan_message(record.body)
    with connect(str(settings().database_url)) as db:
        planner = Planner(
            db=db,
            bucket=Bucket(settings().s3_bucket),
            ffmpeg=Ffmpeg(Path(settings().ffmpeg)),
            encode_queue_url=settings().encode_queue_url,
            fallback_queue_url=settings().fallback_queue_url,
            now=datetime.now(UTC),
        )
        match message:
            case JobMessage(job_id=job_id):
                logger.info(planner.plan_upgrade(job_id), job_id=str(job_id))
            case S3Notification(keys=keys):
                for key in keys:
                    logger.info(planner.plan_upload(key, job_id=uuid4()), key=key)
            case _:
                logger.info("notification.tested")


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Report the messages that failed; the others are done."""
    return work_off(event, context, plan_record, logger)
