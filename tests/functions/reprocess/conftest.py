"""The studio: real queues, a real bucket with its notification, and the three handlers on them."""

import itertools
import json
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID, uuid4

import boto3
import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from functions.reprocess import assemble, encode, plan
from pixr.adapters.postgres import contents
from tests.clips import BUNNY, FFMPEG, QUICK, ffmpeg
from tests.cloud import point_boto3_at, running_cloud

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

QUEUES = ("plan", "encode", "assemble", "fallback", "settle")
CONTEXT = SimpleNamespace(
    function_name="reprocess",
    memory_limit_in_mb=1769,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:reprocess",
    aws_request_id="00000000-0000-0000-0000-000000000000",
)

ARRIVAL_STEP_S = 0.05
ARRIVAL_STEPS = 200

_numbers = itertools.count(1)


class Studio:
    """Everything between an upload and a published rendition."""

    def __init__(self, db: psycopg.Connection[DictRow]) -> None:
        number = next(_numbers)
        self.db = db
        self.s3: S3Client = boto3.client("s3")
        self.sqs: SQSClient = boto3.client("sqs")
        self.bucket = f"pixr-test-{number}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.urls = {
            name: self.sqs.create_queue(QueueName=f"{name}-{number}")["QueueUrl"] for name in QUEUES
        }
        arn = self.sqs.get_queue_attributes(
            QueueUrl=self.urls["plan"], AttributeNames=["QueueArn"]
        )["Attributes"]["QueueArn"]
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket,
            NotificationConfiguration={
                "QueueConfigurations": [
                    {
                        "QueueArn": arn,
                        "Events": ["s3:ObjectCreated:*"],
                        "Filter": {
                            "Key": {"FilterRules": [{"Name": "prefix", "Value": "originals/"}]}
                        },
                    }
                ]
            },
        )

    def expect(self, content_id: str, file: str = "clip.mp4", *, creator: str = "alice") -> str:
        """Register the content and one upload, as POST /uploads does; the object's key."""
        now = self.db.execute("SELECT now() AS now").fetchone()
        assert now is not None
        upload_id = uuid4()
        key = f"originals/{content_id}/{upload_id}/{file}"
        contents.create(self.db, content_id, creator, now["now"])
        contents.create_upload(
            self.db,
            upload_id=upload_id,
            content_id=content_id,
            user_id=creator,
            object_key=key,
            now=now["now"],
        )
        return key

    def upload(self, content_id: str, body: bytes | Path, file: str = "clip.mp4") -> str:
        """Expect an upload, put it, and wait until its event has arrived."""
        key = self.expect(content_id, file)
        data = body if isinstance(body, bytes) else body.read_bytes()
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        for _ in range(ARRIVAL_STEPS):
            told = self.sqs.get_queue_attributes(
                QueueUrl=self.urls["plan"], AttributeNames=["ApproximateNumberOfMessages"]
            )
            if told["Attributes"]["ApproximateNumberOfMessages"] != "0":
                return key
            time.sleep(ARRIVAL_STEP_S)
        raise AssertionError("the event of an upload does not arrive")

    def receive(self, name: str) -> list[dict[str, Any]]:
        """Take every message off a queue, as Lambda's poller would hand them over."""
        records: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(
            QueueUrl=self.urls[name], MaxNumberOfMessages=10
        ).get("Messages"):
            for message in messages:
                self.sqs.delete_message(
                    QueueUrl=self.urls[name], ReceiptHandle=message["ReceiptHandle"]
                )
                records.append(record(message["Body"]))
        return records

    def run(self, name: str, records: list[dict[str, Any]]) -> list[str]:
        """Call the handler; what it reports as failed."""
        handlers: dict[str, Callable[..., Any]] = {
            "plan": plan.handler,
            "encode": encode.handler,
            "assemble": assemble.handler,
        }
        answer = handlers[name]({"Records": records}, CONTEXT)
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def step(self, name: str) -> list[dict[str, Any]]:
        """Hand everything on a queue to its handler, which must manage; what was handed over."""
        records = self.receive(name)
        for one in records:
            assert self.run(name, [one]) == []
        if name == "plan":
            self.tune()
        return records

    def tune(self) -> None:
        """Search the quality of what was planned; what is on the queue besides stays there."""
        for one in self.receive("encode"):
            if "position" in one["body"]:
                self.sqs.send_message(QueueUrl=self.urls["encode"], MessageBody=one["body"])
            else:
                assert self.run("encode", [one]) == []

    def settle(self) -> None:
        """Plan, encode and assemble until the queues are empty."""
        for _ in range(5):
            if sum(len(self.step(name)) for name in ("plan", "encode", "assemble")) == 0:
                return
        raise AssertionError("the queues do not come to rest")

    def jobs(self, content_id: str) -> list[DictRow]:
        return self.rows(
            "SELECT * FROM upgrade_jobs WHERE content_id = %s ORDER BY created_at, id", content_id
        )

    def job(self, content_id: str) -> DictRow:
        (job,) = self.jobs(content_id)
        return job

    def content(self, content_id: str) -> DictRow:
        content = contents.get(self.db, content_id)
        assert content is not None
        return content

    def rows(self, statement: str, *parameters: object) -> list[DictRow]:
        return self.db.execute(statement.encode(), parameters).fetchall()

    def keys(self, prefix: str = "") -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def fetch_media(self, content_id: str, folder: Path) -> Path:
        """Copy the content's media as it is published; the path of the master playlist."""
        for key in self.keys(f"media/{content_id}/"):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.read(key))
        return folder / f"media/{content_id}/master.m3u8"


def record(body: str | dict[str, Any], *, attempt: int = 1) -> dict[str, Any]:
    """One SQS record as Lambda gives it."""
    return {
        "messageId": str(uuid4()),
        "receiptHandle": "handle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": str(attempt)},
        "messageAttributes": {},
        "md5OfBody": "",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": "us-east-1",
    }


def chunk_record(job_id: UUID, position: int, *, attempt: int = 1) -> dict[str, Any]:
    return record({"job_id": str(job_id), "position": position}, attempt=attempt)


def job_record(job_id: UUID, *, attempt: int = 1) -> dict[str, Any]:
    return record({"job_id": str(job_id)}, attempt=attempt)


class Film(Protocol):
    """Makes twelve seconds of Big Buck Bunny with its sound, in so many lines, once."""

    def __call__(self, height: int, *, start: float = 4.0, filters: str = "null") -> Path: ...


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Film:
    folder = tmp_path_factory.mktemp("films")

    def make(height: int, *, start: float = 4.0, filters: str = "null") -> Path:
        path = folder / f"{height}-{start}-{filters.replace('/', '')}.mp4"
        if not path.exists():
            coding = ["-vf", f"scale=-2:{height},{filters}", *QUICK, "-crf", "24", "-c:a", "aac"]
            ffmpeg("-ss", str(start), "-i", BUNNY, "-t", "12", *coding, path)
        return path

    return make


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


@pytest.fixture
def studio(cloud: str, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Generator[Studio]:
    point_boto3_at(monkeypatch, cloud)
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as db:
        studio = Studio(db)
        with functions_at(studio, database_url, monkeypatch):
            yield studio


@contextmanager
def functions_at(
    studio: Studio, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Generator[None]:
    """Let the functions' settings say where the studio is."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("S3_BUCKET", studio.bucket)
    monkeypatch.setenv("FFMPEG", str(FFMPEG))
    for name, url in studio.urls.items():
        monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", url)
    forget_settings()
    yield
    forget_settings()


def forget_settings() -> None:
    for module in (plan, encode, assemble):
        module.settings.cache_clear()


def fund(studio: Studio, content_id: str, rung: int) -> UUID:
    """What the settler writes when an upgrade is fully funded."""
    job_id = uuid4()
    studio.rows(
        "INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, created_at, moved_at)"
        " SELECT %s, content_id, 'funded', %s, source_key, now(), now() FROM contents"
        " WHERE content_id = %s RETURNING id",
        job_id,
        rung,
        content_id,
    )
    return job_id
