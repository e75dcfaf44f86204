"""The studio with a FallbackQueue, its rule, and MediaConvert; for the tests of both halves."""

import json
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import boto3
import pytest
from psycopg.rows import DictRow

from functions.reprocess import fallback
from functions.reprocess.converting import converted_place
from pixr.adapters.postgres import conversions, upgrades
from pixr.local.mediaconvert import running_mediaconvert
from tests.clips import FFMPEG
from tests.functions.reprocess.conftest import CONTEXT, Studio, job_record, record

REASON = "the source cannot be split"
WAIT_S = 60.0
LATER = datetime(2030, 1, 1, tzinfo=UTC)
STAGE = "local"


class Fallback:
    """The studio with a FallbackQueue, its rule, and MediaConvert."""

    def __init__(self, studio: Studio) -> None:
        self.studio = studio
        self.db = studio.db
        name = studio.bucket.replace("pixr-test", "fallback")
        self.url = studio.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = studio.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        studio.urls["fallback"] = self.url
        self.events: Any = boto3.client("events")
        self.rule = name
        pattern = {
            "source": ["aws.mediaconvert"],
            "detail-type": ["MediaConvert Job State Change"],
            "detail": {"userMetadata": {"job_id": [{"exists": True}], "stage": [STAGE]}},
        }
        self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
        self.events.put_targets(Rule=name, Targets=[target])

    def forget(self) -> None:
        """No later test's events come here."""
        self.events.remove_targets(Rule=self.rule, Ids=["queue"])
        self.events.delete_rule(Name=self.rule)

    def planned(self, content_id: str, clip: Path) -> DictRow:
        """Upload and plan, as usual; the job, encoding."""
        self.studio.upload(content_id, clip)
        self.studio.step("plan")
        return self.studio.job(content_id)

    def diverted(self, content_id: str, clip: Path) -> DictRow:
        """The job, given to MediaConvert; its chunk messages are still in their queue."""
        job = self.planned(content_id, clip)
        assert conversions.divert(self.db, job["id"], REASON, LATER)
        return self.studio.job(content_id)

    def run(self, records: list[dict[str, Any]]) -> list[str]:
        """Call the handler; what it reports as failed."""
        answer: Any = fallback.handler({"Records": records}, cast("Any", CONTEXT))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def start(self, job_id: UUID) -> None:
        assert self.run([job_record(job_id)]) == []

    def hear(self, *, until: str = "COMPLETE") -> list[dict[str, Any]]:
        """Every event up to the one with this status, as records that nobody handled yet."""
        heard: list[dict[str, Any]] = []
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s:
            heard += self.studio.receive("fallback")
            if heard and json.loads(heard[-1]["body"])["detail"]["status"] == until:
                return heard
            time.sleep(0.05)
        raise AssertionError(f"no {until} among {heard}")

    def job(self, job_id: UUID) -> DictRow:
        job = upgrades.get(self.db, job_id)
        assert job is not None
        return job

    def only_converter_job(self) -> str:
        """MediaConvert's name of its one job, from the database."""
        (row,) = self.studio.rows(
            "SELECT converter_job FROM upgrade_jobs WHERE converter_job IS NOT NULL"
        )
        return str(row["converter_job"])


@pytest.fixture
def house(studio: Studio, cloud: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Fallback]:
    """Everything set up, as the deployed function finds it."""
    with running_mediaconvert(cloud, FFMPEG) as url:
        house = Fallback(studio)
        monkeypatch.setenv("STAGE", STAGE)
        monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", url)
        role = "arn:aws:iam::111111111111:role/converter"
        monkeypatch.setenv("MEDIACONVERT_ROLE_ARN", role)
        queue = "arn:aws:mediaconvert:us-east-1:111111111111:queues/Default"
        monkeypatch.setenv("MEDIACONVERT_QUEUE_ARN", queue)
        fallback.settings.cache_clear()
        try:
            yield house
        finally:
            fallback.settings.cache_clear()
            house.forget()


def event(
    job_id: UUID, status: str, *, converter_job: str = "1-abc", stage: str = STAGE, **detail: Any
) -> dict[str, Any]:
    """An event as EventBridge puts it into the queue."""
    return record(
        {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": "MediaConvert Job State Change",
            "source": "aws.mediaconvert",
            "account": "111111111111",
            "time": "2026-11-28T11:00:00Z",
            "region": "us-east-1",
            "resources": [],
            "detail": {
                "jobId": converter_job,
                "status": status,
                "userMetadata": {"job_id": str(job_id), "stage": stage},
                **detail,
            },
        }
    )


def complete(house: Fallback, job_id: UUID, **more: Any) -> dict[str, Any]:
    uri = f"s3://{house.studio.bucket}/{converted_place(job_id)}.mp4"
    outputs = [{"outputDetails": [{"outputFilePaths": [uri]}], "type": "FILE_GROUP"}]
    return event(job_id, "COMPLETE", outputGroupDetails=outputs, **more)


def put_file(house: Fallback, job_id: UUID, body: bytes = b"a file") -> None:
    key = f"{converted_place(job_id)}.mp4"
    house.studio.s3.put_object(Bucket=house.studio.bucket, Key=key, Body=body)
