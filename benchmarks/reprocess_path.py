"""Our way from a source to a published rendition, every step measured.

    source ─▶ plan ─▶ search ─▶ chunk 0 … n ─▶ assemble ─▶ published
              └── real PostgreSQL, S3 and SQS of the emulator, FFmpeg as deployed ──┘

The messages are really sent; they are handed over here instead of by Lambda's poller, one step
after the other, so that what each takes can be told apart.
"""

from __future__ import annotations

import contextlib
import os
import resource
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

import boto3

from benchmarks.databases import durable_databases
from functions.reprocess.assembling import Assembler
from functions.reprocess.encoding import Encoder
from functions.reprocess.planning import Planner
from functions.reprocess.tuning import Tuner
from pixr.adapters.ffmpeg import Ffmpeg, Run
from pixr.adapters.objects import SMALL_BYTES_MAX, Bucket
from pixr.adapters.postgres import Database, Row, contents, upgrades
from pixr.local import aws, parts, process
from pixr.local.errors import LocalError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "pixr-bench"
QUEUES = ("encode", "assemble", "fallback", "settle")
CREATOR = "alice"


class CountingBucket(Bucket):
    """The bucket, and how much goes in and out of it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.bytes_read = self.bytes_written = self.requests = 0
        self._lock = threading.Lock()

    def _count(self, *, read: int = 0, written: int = 0) -> None:
        with self._lock:
            self.bytes_read += read
            self.bytes_written += written
            self.requests += 1

    def read_range(self, key: str, start: int, length: int, *, etag: str) -> bytes:
        """As the bucket's own."""
        data = super().read_range(key, start, length, etag=etag)
        self._count(read=len(data))
        return data

    def read(self, key: str, *, bytes_max: int = SMALL_BYTES_MAX) -> tuple[bytes, str]:
        """As the bucket's own."""
        data, etag = super().read(key, bytes_max=bytes_max)
        self._count(read=len(data))
        return data, etag

    def download(self, key: str, path: Path, *, bytes_max: int, etag: str | None = None) -> None:
        """As the bucket's own."""
        super().download(key, path, bytes_max=bytes_max, etag=etag)
        self._count(read=path.stat().st_size)

    def sha256(self, key: str) -> str:
        """As the bucket's own, which sends the whole object."""
        self._count(read=self.head(key).size_bytes)
        return super().sha256(key)

    def upload(self, path: Path, key: str, *, content_type: str) -> None:
        """As the bucket's own."""
        super().upload(path, key, content_type=content_type)
        self._count(written=path.stat().st_size)

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """As the bucket's own."""
        super().put(key, body, content_type=content_type)
        self._count(written=len(body))

    def replace(self, key: str, body: bytes, *, content_type: str, etag: str | None) -> None:
        """As the bucket's own."""
        super().replace(key, body, content_type=content_type, etag=etag)
        self._count(written=len(body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """Processor time, and what went in and out of the bucket."""

    cpu_s: float
    """Of this process, which serves ranges and hashes, and of every FFmpeg that it ran."""
    bytes_read: int
    bytes_written: int
    requests: int
    """To S3."""

    def plus(self, other: Used, times: float = 1.0) -> Used:
        """With ``times`` another."""
        return Used(
            cpu_s=self.cpu_s + times * other.cpu_s,
            bytes_read=round(self.bytes_read + times * other.bytes_read),
            bytes_written=round(self.bytes_written + times * other.bytes_written),
            requests=round(self.requests + times * other.requests),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one step of a job took."""

    name: str
    used: Used
    wall_s: float
    samples: Used
    """What of it went into judging samples, of which a longer film has no more."""
    joins: Used
    """What of it went into judging joins, of which so many are judged at most."""
    checks: Used
    """What of it went into decoding what was made."""


NOTHING: Final = Used(cpu_s=0.0, bytes_read=0, bytes_written=0, requests=0)


class WatchedFfmpeg(Ffmpeg):
    """FFmpeg, and what those runs took that judge samples or joins of a film, or all of it."""

    def __init__(self, binary: Path, used: Callable[[], Used]) -> None:
        super().__init__(binary)
        self.samples = self.joins = self.checks = NOTHING
        self._used = used

    def run(self, arguments: Sequence[str], *, timeout_s: int) -> Run:
        """As FFmpeg's own."""
        before = self._used()
        done = super().run(arguments, timeout_s=timeout_s)
        taken = self._used().plus(before, -1)
        if any("libvmaf" in argument for argument in arguments):
            self.samples = self.samples.plus(taken)
        elif any("ssim=" in argument for argument in arguments):
            self.joins = self.joins.plus(taken)
        elif "-xerror" in arguments:
            self.checks = self.checks.plus(taken)
        return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A published job and what its steps took."""

    job: Row
    chunks: Sequence[Row]
    steps: Sequence[Step]

    def named(self, name: str) -> list[Step]:
        """The steps of one kind."""
        return [step for step in self.steps if step.name == name]

    def cpu_of(self, name: str) -> float:
        """Processor time of the steps of one kind."""
        return sum(step.used.cpu_s for step in self.named(name))

    @property
    def cpu_s(self) -> float:
        """Of all steps."""
        return sum(step.used.cpu_s for step in self.steps)


def used_cpu_s() -> float:
    """User and system time of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


class Studio:
    """Everything between an upload and a published rendition."""

    def __init__(self, db: Database, ffmpeg: str) -> None:
        self.db = db
        self.bucket = CountingBucket(BUCKET)
        self.ffmpeg = WatchedFfmpeg(Path(ffmpeg), self.used)
        self.s3: S3Client = boto3.client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        sqs = boto3.client("sqs")
        self._urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in QUEUES}

    def take_in(self, path: Path, content_id: str) -> tuple[Row, Step]:
        """Upload a film and plan its first rendition; the job, and what planning took.

        Raises:
            LocalError: It was rejected.
        """
        now = datetime.now(UTC)
        upload_id, job_id = uuid4(), uuid4()
        key = f"originals/{content_id}/{upload_id}/{path.name}"
        contents.create(self.db, content_id, CREATOR, now)
        contents.create_upload(
            self.db,
            upload_id=upload_id,
            content_id=content_id,
            user_id=CREATOR,
            object_key=key,
            now=now,
        )
        self.s3.upload_file(str(path), BUCKET, key)
        with self._step("plan") as steps:
            self._planner.plan_upload(key, job_id=job_id)
        return self._job(job_id), steps[0]

    def put_analysis(self, content_id: str, written: Mapping[str, bytes]) -> None:
        """What the analysis service writes."""
        for name, body in written.items():
            self.s3.put_object(Bucket=BUCKET, Key=f"analysis/{content_id}/{name}", Body=body)

    def fund(self, content_id: str, rung: int) -> tuple[Row, Step]:
        """Write what the settler writes when a rung is fully funded, and plan it."""
        job_id = uuid4()
        self.db.execute(
            "INSERT INTO upgrade_jobs"
            " (id, content_id, kind, rung, source_key, created_at, moved_at)"
            " SELECT %s, content_id, 'funded', %s, source_key, now(), now() FROM contents"
            " WHERE content_id = %s",
            (job_id, rung, content_id),
        )
        with self._step("plan") as steps:
            self._planner.plan_upgrade(job_id)
        return self._job(job_id), steps[0]

    def finish(self, job: Row, planned: Step) -> Made:
        """Search, encode and assemble a planned job.

        Raises:
            LocalError: It was not published.
        """
        job_id: UUID = job["id"]
        steps = [planned]
        with self._step("search", steps):
            self._tuner.tune(job_id)
        for chunk in upgrades.list_chunks(self.db, job_id):
            with self._step("chunk", steps):
                self._encoder.encode(job_id, chunk["position"], attempt=1)
        with self._step("assemble", steps):
            self._assembler.assemble(job_id, attempt=1)
        made = self._job(job_id)
        if made["state"] != "PUBLISHED":
            raise LocalError(
                f"A job of the benchmark ended {made['state']}: {made['reason']}.",
                mend="Run its film through `make up` to see why.",
            )
        return Made(job=made, chunks=upgrades.list_chunks(self.db, job_id), steps=steps)

    def used(self) -> Used:
        """Since the studio was opened."""
        bucket = self.bucket
        return Used(
            cpu_s=used_cpu_s(),
            bytes_read=bucket.bytes_read,
            bytes_written=bucket.bytes_written,
            requests=bucket.requests,
        )

    def fetch(self, key: str, path: Path) -> Path:
        """Copy an object to this machine's disk, uncounted."""
        self.s3.download_file(BUCKET, key, str(path))
        return path

    def list_keys(self, prefix: str) -> Sequence[str]:
        """The keys below a prefix, a thousand at most, uncounted."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for item in listed.get("Contents", [])]

    def read(self, key: str) -> bytes:
        """An object, uncounted."""
        return self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    def _job(self, job_id: UUID) -> Row:
        job = upgrades.get(self.db, job_id)
        assert job is not None
        if job["state"] in ("REJECTED", "FAILED"):
            raise LocalError(
                f"A film of the benchmark was not taken: {job['reason']}.",
                mend="Run it through `make up` to see why.",
            )
        return job

    @contextlib.contextmanager
    def _step(self, name: str, steps: list[Step] | None = None) -> Iterator[list[Step]]:
        kept: list[Step] = [] if steps is None else steps
        self.ffmpeg.samples = self.ffmpeg.joins = self.ffmpeg.checks = NOTHING
        before, begun_s = self.used(), time.perf_counter()
        yield kept
        kept.append(
            Step(
                name=name,
                used=self.used().plus(before, -1),
                wall_s=time.perf_counter() - begun_s,
                samples=self.ffmpeg.samples,
                joins=self.ffmpeg.joins,
                checks=self.ffmpeg.checks,
            )
        )

    @property
    def _planner(self) -> Planner:
        return Planner(
            db=self.db,
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            encode_queue_url=self._urls["encode"],
            fallback_queue_url=self._urls["fallback"],
            now=datetime.now(UTC),
        )

    @property
    def _tuner(self) -> Tuner:
        return Tuner(
            db=self.db,
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            encode_queue_url=self._urls["encode"],
            now=datetime.now(UTC),
        )

    @property
    def _encoder(self) -> Encoder:
        return Encoder(
            db=self.db,
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            assemble_queue_url=self._urls["assemble"],
            fallback_queue_url=self._urls["fallback"],
            now=datetime.now(UTC),
        )

    @property
    def _assembler(self) -> Assembler:
        return Assembler(
            db=self.db,
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            settle_queue_url=self._urls["settle"],
            now=datetime.now(UTC),
        )


@contextlib.contextmanager
def open_studio() -> Iterator[Studio]:
    """A studio on servers of its own, which are gone afterwards."""
    ffmpeg = parts.ffmpeg()
    with (
        process.temporary_directory("pixr-bench-aws-") as folder,
        aws.running_aws(folder, keep=False) as cloud,
        durable_databases() as databases,
        databases.fresh() as db,
        _environment(aws.environment(cloud.endpoint)),
    ):
        yield Studio(db, ffmpeg)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Let boto3 find the emulator and nothing else while the block runs."""
    before = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    for name in before:
        del os.environ[name]
    os.environ.update(values)
    # Its default session remembers the keys of whoever came first.
    boto3.DEFAULT_SESSION = None
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(before)
        boto3.DEFAULT_SESSION = None
