"""Encode one chunk, count it, and start the assembly when it was the last.

A chunk's place in S3 depends on the job and its position only, and the database counts it
once, so a repeated message costs a second of work and changes nothing.
"""

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from functions.reprocess.messages import job_message
from functions.reprocess.source import clear, opened
from pixr.adapters import queue
from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, FfmpegKilled, FfmpegTimedOut, plain
from pixr.adapters.objects import Bucket, sha256_of
from pixr.adapters.postgres import Database, Row, conversions, upgrades
from pixr.domain.fingerprints import Unreadable, pack, read_tap, tap_arguments, tap_range
from pixr.domain.media import (
    Chunk,
    Plan,
    decode_arguments,
    encode_arguments,
    look_arguments,
)
from pixr.domain.sources import Unusable, read_listing

ENCODE_TIMEOUT_S: Final = 600
"""Ten seconds of 2160p need about 160 CPU seconds; the Lambda ends after 900 s."""

DECODE_TIMEOUT_S: Final = 120
"""Fifteen seconds of 2160p decode in about ten CPU seconds."""

ATTEMPTS_MAX: Final = 3
"""As often as the queue delivers a message; then MediaConvert has to try."""

REASON_LENGTH_MAX: Final = 500

EMPTY: Final = b"-"
"""What stands for a chunk that was looked at and holds no picture: a chunk has a byte at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """What encoding needs of the world."""

    db: Database
    bucket: Bucket
    ffmpeg: Ffmpeg
    assemble_queue_url: str
    fallback_queue_url: str
    now: datetime

    def encode(self, job_id: UUID, position: int, *, attempt: int) -> str:
        """Make one chunk; repeating it at any time changes nothing.

        Args:
            job_id: Of a planned job.
            position: Of the chunk, from 0.
            attempt: How often this message was delivered, from 1.

        Returns:
            What happened, as an event for the log.

        Raises:
            FfmpegError: It failed and there are attempts left.
        """
        job = upgrades.get(self.db, job_id)
        chunk = upgrades.get_chunk(self.db, job_id, position)
        if job is None or chunk is None:
            return "chunk.unknown"
        # Whoever took the job further may have died before its message was sent.
        next_queues = {"ASSEMBLING": self.assemble_queue_url, "CONVERTING": self.fallback_queue_url}
        if next_queue := next_queues.get(job["state"]):
            queue.send(next_queue, job_message(job_id))
            return "chunk.repeated"
        if job["state"] != "ENCODING" or chunk["state"] == "DONE":
            return "chunk.repeated"
        try:
            is_last = self._make(job, chunk)
        except Unusable as unusable:
            return self._fail(job_id, str(unusable))
        except (FfmpegFailed, FfmpegKilled, FfmpegTimedOut) as error:
            if attempt < ATTEMPTS_MAX:
                raise
            return self._divert(job, f"chunk {position} could not be encoded: {error}")
        if is_last:
            queue.send(self.assemble_queue_url, job_message(job_id))
        return "chunk.encoded"

    def _make(self, job: Row, row: Row) -> bool:
        plan = Plan.read(job["settings"])
        chunk = Chunk.read(row)
        key = chunk_key(job["id"], chunk.position)
        with tempfile.TemporaryDirectory(prefix="pixr-") as name:
            folder = Path(name)
            output, tap = folder / "chunk.mp4", folder / "tap"
            with opened(self.bucket, job, plan) as served:
                if plan.is_look_only:
                    arguments = look_arguments(plan, chunk, source=served.url)
                else:
                    arguments = encode_arguments(plan, chunk, source=served.url, output=output)
                if job["kind"] != "funded":
                    # The pictures that tell this source from another: free beside an encoder.
                    arguments = tap_arguments(arguments, plan, chunk, output=tap)
                run = self.ffmpeg.make(arguments, timeout_s=ENCODE_TIMEOUT_S)
            samples = self._samples(plan, chunk, tap)
            cpu_ms = run.cpu_ms
            if plan.is_look_only:
                output.write_bytes(samples or EMPTY)
            else:
                cpu_ms += self._look(chunk, output)
            size_bytes, sha256 = output.stat().st_size, sha256_of(output)
            self.bucket.upload(output, key, content_type="video/mp4")
        return upgrades.complete_chunk(
            self.db,
            job_id=job["id"],
            position=chunk.position,
            object_key=key,
            size_bytes=size_bytes,
            cpu_ms=cpu_ms,
            bytes_read=served.bytes_read,
            samples=samples,
            sha256=sha256,
            now=self.now,
        )

    def _samples(self, plan: Plan, chunk: Chunk, tap: Path) -> bytes | None:
        """The chunk's part of the fingerprint; None when no picture of it falls here."""
        if not tap.exists():
            return None
        try:
            return pack(read_tap(tap.read_bytes(), tap_range(plan, chunk.position)))
        except Unreadable as error:
            raise Unusable(
                f"chunk {chunk.position} does not show what was planned: {error}"
            ) from error

    def _look(self, chunk: Chunk, output: Path) -> int:
        """Decode all of it, so that nobody has to who joins it; the CPU milliseconds it took."""
        run = self.ffmpeg.make(decode_arguments(output), timeout_s=DECODE_TIMEOUT_S)
        if "[error]" in run.log:
            raise FfmpegFailed(f"what it made does not decode cleanly: {plain(run.log)}")
        video = read_listing(run.output).get("video")
        frames = video.packets if video else 0
        if frames != chunk.frame_count:
            raise Unusable(
                f"chunk {chunk.position} gave {frames} frames instead of {chunk.frame_count}:"
                " the source cannot be decoded there"
            )
        return run.cpu_ms

    def _divert(self, job: Row, reason: str) -> str:
        """Let MediaConvert try what FFmpeg cannot."""
        if job["kind"] == "source":
            # It keeps nothing that a source could be compared by.
            return self._fail(job["id"], reason)
        if not conversions.divert(self.db, job["id"], reason[:REASON_LENGTH_MAX], self.now):
            return "chunk.repeated"
        queue.send(self.fallback_queue_url, job_message(job["id"]))
        return "job.diverted"

    def _fail(self, job_id: UUID, reason: str) -> str:
        # What MediaConvert makes by now is not this chunk's failure.
        if upgrades.close(self.db, job_id, "FAILED", reason, now=self.now, only_in="ENCODING"):
            clear(self.bucket, job_id)
        return "job.failed"


def chunk_key(job_id: UUID, position: int) -> str:
    """Where a chunk is kept until its job is published."""
    return f"chunks/{job_id}/{position:05d}.mp4"
