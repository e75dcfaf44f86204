"""The original, read where it is: FFmpeg asks for the ranges that it needs.

A container that cannot be sought in is rewritten once, by the planner, and kept beside the chunks
until the job ends.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import UUID

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket, ObjectChanged, ObjectMissing
from pixr.adapters.postgres import Row
from pixr.adapters.ranges import WIDE_WINDOW_BYTES, WINDOW_BYTES_MIN, Served, serving
from pixr.domain.media import Input, Plan, remux_arguments
from pixr.domain.sources import Unusable

SOURCE_BYTES_MAX: Final = 256 * 1024**3
"""Four hours at 150 Mbit a second. Nothing here holds a source: it is read where it is."""

REWRITE_BYTES_MAX: Final = 1024**3
"""1 GiB. The planner has 2 GiB of disk."""

REMUX_TIMEOUT_S: Final = 60
"""Reading and writing 1 GiB takes about 15 s."""


def rewrite(ffmpeg: Ffmpeg, source: Input, folder: Path) -> Path:
    """Give the source a container that can be sought in; the bytes of the frames stay.

    Raises:
        FfmpegError: It cannot be rewritten.
    """
    output = folder / "source.mkv"
    ffmpeg.make(remux_arguments(source, output), timeout_s=REMUX_TIMEOUT_S)
    return output


def rewritten_key(job_id: UUID) -> str:
    """Where the rewritten source of a job is kept until the job ends."""
    return f"chunks/{job_id}/source.mkv"


def clear(bucket: Bucket, job_id: UUID) -> None:
    """Delete whatever a job keeps until it ends. What a late worker adds, the bucket drops."""
    bucket.delete(bucket.list_keys(f"chunks/{job_id}/"))


@contextmanager
def opened(bucket: Bucket, job: Row, plan: Plan, *, is_wide: bool = False) -> Generator[Served]:
    """Serve to FFmpeg what the workers of a job read.

    Args:
        bucket: Where it is.
        job: Whose source.
        plan: Of the job.
        is_wide: Whether many places are looked at, so that requests take longer than bytes.

    Raises:
        Unusable: The source was deleted or replaced since the job was planned.
        ObjectStoreError: S3 fails.
    """
    key = rewritten_key(job["id"]) if plan.is_remuxed else job["source_key"]
    try:
        head = bucket.head(key)
        # What the planner wrote is nobody else's: its version is whatever is there.
        etag = head.etag if plan.is_remuxed else job["source_etag"]
        window_bytes = WIDE_WINDOW_BYTES if is_wide else WINDOW_BYTES_MIN
        with serving(
            bucket, key, etag=etag, size_bytes=head.size_bytes, window_bytes=window_bytes
        ) as served:
            yield served
    except ObjectMissing as error:
        raise Unusable("the source was deleted while the job ran") from error
    except ObjectChanged as error:
        raise Unusable("the source was replaced while the job ran") from error
