"""Say what an original is, by as little of it as its container allows."""

import tempfile
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import UUID

from functions.reprocess.source import REWRITE_BYTES_MAX, rewrite, rewritten_key
from pixr.adapters.ffmpeg import (
    DiskFull,
    Ffmpeg,
    FfmpegError,
    FfmpegFailed,
    FfmpegKilled,
    FfmpegMissing,
    FfmpegTimedOut,
)
from pixr.adapters.objects import Bucket, ObjectChanged, ObjectMissing
from pixr.adapters.ranges import Served, serving
from pixr.domain.detail import detail_arguments, measured_rungs, read_detail
from pixr.domain.mp4 import NotPlain, read_index
from pixr.domain.sources import SourceFacts, Track, Unusable

DETAIL_TIMEOUT_S: Final = 60
"""Eight key frames of 2160p, scaled down and up at each rung: about 10 CPU seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """One version of an uploaded object."""

    bucket: Bucket
    ffmpeg: Ffmpeg
    key: str
    etag: str
    size_bytes: int

    def probe(self, job_id: UUID) -> tuple[SourceFacts, bool]:
        """Say what it is, and whether workers read a rewritten copy, which is made here.

        Raises:
            Unusable: It is nothing that we can use, or not there any more.
        """
        try:
            with self._served() as served:
                facts = self.ffmpeg.probe(served.url, tracks=self._index())
                if facts.is_seekable:
                    return facts, False
                return self._rewrite(served.url, job_id), True
        except ObjectMissing as error:
            raise Unusable("the object was deleted while it was read") from error
        except ObjectChanged as error:
            raise Unusable("the object was replaced while it was read") from error
        except (FfmpegMissing, FfmpegKilled, DiskFull):
            raise  # our fault, not the file's
        except FfmpegError as error:
            raise Unusable("the file's container cannot be rewritten") from error

    def detail(self, facts: SourceFacts) -> dict[int, int] | None:
        """How much of each rung it really carries; None where that cannot be told."""
        if not measured_rungs(facts.size) or not facts.is_seekable:
            return None
        try:
            with self._served() as served:
                arguments = detail_arguments(facts, source=served.url)
                return read_detail(self.ffmpeg.make(arguments, timeout_s=DETAIL_TIMEOUT_S).log)
        except (FfmpegFailed, FfmpegTimedOut):
            return None

    def _served(self) -> AbstractContextManager[Served]:
        return serving(self.bucket, self.key, etag=self.etag, size_bytes=self.size_bytes)

    def _index(self) -> dict[str, Track] | None:
        try:
            return read_index(self._read, self.size_bytes)
        except NotPlain:
            return None

    def _read(self, start: int, length: int) -> bytes:
        if length <= 0 or start >= self.size_bytes:
            return b""
        return self.bucket.read_range(self.key, start, length, etag=self.etag)

    def _rewrite(self, url: str, job_id: UUID) -> SourceFacts:
        if self.size_bytes > REWRITE_BYTES_MAX:
            raise Unusable(
                f"the container has no index, and {self.size_bytes} bytes are more than the"
                f" {REWRITE_BYTES_MAX} that are rewritten here"
            )
        with tempfile.TemporaryDirectory(prefix="pixr-") as folder:
            path = rewrite(self.ffmpeg, url, Path(folder))
            facts = self.ffmpeg.probe(path)
            self.bucket.upload(path, rewritten_key(job_id), content_type="video/x-matroska")
        return facts
