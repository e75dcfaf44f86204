"""The service's jobs: taken one after the other, kept in memory, gone with the machine.

SUBMITTED ─▶ PROGRESSING ─▶ COMPLETE
     └──────────┴─▶ CANCELED │ ERROR (code, message)
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import secrets
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pixr.adapters.ffmpeg import Ffmpeg, FfmpegError
from pixr.domain.media import listing_arguments
from pixr.domain.sources import read_banner, read_listing
from pixr.local import workers
from pixr.local.aws import ACCOUNT, REGION
from pixr.local.mediaconvert.encoding import encode_arguments, output_uri
from pixr.local.mediaconvert.events import Announcer, envelope

TOKEN_LIFE_S = 60.0
PROBE_TIMEOUT_S = 60
ENCODE_TIMEOUT_S = 3_600
DEFAULT_QUEUE = f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:queues/Default"
OVER = ("COMPLETE", "CANCELED", "ERROR")
CANNOT_OPEN, NOT_FOUND, CANNOT_WRITE, OTHER = 1010, 1404, 3404, 1999
"""Numbers of the service's list of errors."""

logger = logging.getLogger(__name__)


class Failed(Exception):
    """A job ended with one of the service's errors."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(slots=True, kw_only=True)
class Job:
    """One job and how far it is."""

    id: str
    document: Mapping[str, Any]
    created: datetime
    status: str = "SUBMITTED"
    phase: str | None = None
    percent: int | None = None
    started: datetime | None = None
    finished: datetime | None = None
    error: Failed | None = None
    details: list[dict[str, Any]] = field(default_factory=list)

    @property
    def arn(self) -> str:
        """Its name in AWS."""
        return f"arn:aws:mediaconvert:{REGION}:{ACCOUNT}:jobs/{self.id}"


class Service:
    """Takes jobs and does them, one at a time, in a thread of its own."""

    def __init__(self, *, s3: Any, announcer: Announcer, ffmpeg: Ffmpeg) -> None:
        self._s3 = s3
        self._announcer = announcer
        self._ffmpeg = ffmpeg
        self._jobs: dict[str, Job] = {}
        self._tokens: dict[str, tuple[float, Job]] = {}
        self._lock = threading.Lock()
        self._waiting: queue.Queue[Job | None] = queue.Queue()
        self._folder: Path | None = None
        self._thread = threading.Thread(target=self._work, name="mediaconvert", daemon=True)
        self._thread.start()

    def create(self, document: Mapping[str, Any]) -> Job:
        """Take a job, or find the one that the same token brought within the last minute."""
        token = document.get("ClientRequestToken")
        with self._lock:
            brought_s, known = self._tokens.get(token or "", (0.0, None))
            if known is not None and time.monotonic() - brought_s < TOKEN_LIFE_S:
                return known
            now = datetime.now(UTC)
            job = Job(
                id=f"{int(now.timestamp() * 1000)}-{secrets.token_hex(3)}",
                document=document,
                created=now,
            )
            self._jobs[job.id] = job
            if token:
                self._tokens[token] = time.monotonic(), job
        self._waiting.put(job)
        return job

    def get(self, job_id: str) -> Job | None:
        """The job, or None."""
        return self._jobs.get(job_id)

    def cancel(self, job: Job) -> bool:
        """Call a job off; False when it is over."""
        with self._lock:
            if job.status in OVER:
                return False
            was_running = job.status == "PROGRESSING"
            job.status, job.finished = "CANCELED", datetime.now(UTC)
        if was_running:
            self._stop_ffmpeg()
        self._announce(job)
        return True

    def close(self) -> None:
        """End: what runs is stopped, what waits is forgotten."""
        with self._lock:
            for job in self._jobs.values():
                if job.status not in OVER:
                    job.status = "CANCELED"
        self._waiting.put(None)
        while self._thread.is_alive():
            self._stop_ffmpeg()
            self._thread.join(0.1)

    def _work(self) -> None:
        while (job := self._waiting.get()) is not None:
            if not self._move(job, "PROGRESSING"):
                continue
            try:
                with tempfile.TemporaryDirectory(prefix="pixr-mediaconvert-") as name:
                    self._folder = Path(name)
                    self._make(job, Path(name))
            except Failed as error:
                job.error = error
                self._move(job, "ERROR")
            except Exception:
                logger.exception("job %s", job.id)
                job.error = Failed(OTHER, "Unexpected internal error")
                self._move(job, "ERROR")
            finally:
                self._folder = None

    def _make(self, job: Job, folder: Path) -> None:
        source, output = folder / "input", folder / "output.mp4"
        uri = str(job.document["Settings"]["Inputs"][0]["FileInput"])
        self._fetch(uri, source)
        pixel_text = self._open(uri, source)
        job.phase, job.percent = "TRANSCODING", 10
        arguments = encode_arguments(
            job.document, pixel_text=pixel_text, source=source, output=output
        )
        try:
            self._ffmpeg.make(arguments, timeout_s=ENCODE_TIMEOUT_S)
            listed = self._ffmpeg.make(listing_arguments(output), timeout_s=PROBE_TIMEOUT_S)
        except FfmpegError as error:
            raise Failed(OTHER, f"Encoder failed: [{error}]") from error
        video = read_listing(listed.output)["video"]
        job.phase, job.percent = "UPLOADING", 90
        if job.status == "PROGRESSING":
            self._announce(job, status="STATUS_UPDATE", framesDecoded=video.packets)
            self._deliver(job, output)
        duration_ms = round((video.end_pts - video.pts[0]) * video.time_base * 1000)
        described = {
            "widthInPx": video.width_px,
            "heightInPx": video.height_px,
            "averageBitrate": output.stat().st_size * 8000 // max(1, duration_ms),
        }
        job.details = [{"durationInMs": duration_ms, "videoDetails": described}]
        self._move(job, "COMPLETE")

    def _fetch(self, uri: str, path: Path) -> None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3.download_file(bucket, key, str(path))
        except Exception as error:
            raise Failed(
                NOT_FOUND, f"Unable to open input file [{uri}]: [Failed probe/open: [{error}]]"
            ) from error

    def _open(self, uri: str, path: Path) -> str:
        """What FFmpeg says about the pixels."""
        try:
            listed = self._ffmpeg.run(listing_arguments(path), timeout_s=PROBE_TIMEOUT_S)
        except FfmpegError as error:
            raise Failed(
                CANNOT_OPEN, f"Unable to open input file [{uri}]: [Failed probe/open: [{error}]]"
            ) from error
        banner = read_banner(listed.log)
        if banner is None or not banner.has_video:
            reason = "No video in the file" if banner else "Can't find parser for container"
            raise Failed(
                CANNOT_OPEN, f"Unable to open input file [{uri}]: [Failed probe/open: [{reason}]]"
            )
        return banner.pixel_text

    def _deliver(self, job: Job, output: Path) -> None:
        uri = output_uri(job.document)
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            self._s3.upload_file(str(output), bucket, key, ExtraArgs={"ContentType": "video/mp4"})
        except Exception as error:
            raise Failed(
                CANNOT_WRITE, f"Unable to write to output file [{uri}]: [{error}]"
            ) from error

    def _move(self, job: Job, status: str) -> bool:
        """Go on, unless somebody called the job off; and tell."""
        with self._lock:
            if job.status in OVER:
                return False
            job.status = status
            now = datetime.now(UTC)
            if status == "PROGRESSING":
                job.started, job.phase, job.percent = now, "PROBING", 0
            else:
                job.finished = now
            if status == "COMPLETE":
                job.phase, job.percent = None, 100
        self._announce(job)
        return True

    def _announce(self, job: Job, *, status: str | None = None, **more: Any) -> None:
        detail: dict[str, Any] = {
            "queue": job.document.get("Queue") or DEFAULT_QUEUE,
            "jobId": job.id,
            "status": status or job.status,
            "userMetadata": job.document.get("UserMetadata", {}),
            **more,
        }
        if detail["status"] == "ERROR" and job.error is not None:
            detail |= {"errorCode": job.error.code, "errorMessage": job.error.message}
        if detail["status"] == "COMPLETE":
            paths = {"outputFilePaths": [output_uri(job.document)]}
            outputs = [{**paths, **found} for found in job.details]
            detail["outputGroupDetails"] = [{"outputDetails": outputs, "type": "FILE_GROUP"}]
            detail["paddingInserted"] = 0
        try:
            self._announcer.announce(envelope(job.arn, detail, datetime.now(UTC)))
        except Exception:
            # As in AWS, nobody is told that an event was lost; whoever waits asks.
            logger.exception("event of job %s", job.id)

    def _stop_ffmpeg(self) -> None:
        """Kill the program that works in our folder; it ends its job as a failure."""
        folder = self._folder
        if folder is None:
            return
        for entry in workers.PROC.iterdir():
            if entry.name.isdigit() and workers.is_child(int(entry.name), parent=os.getpid()):
                with contextlib.suppress(OSError):
                    if str(folder).encode() in (entry / "cmdline").read_bytes():
                        workers.kill([int(entry.name)])
