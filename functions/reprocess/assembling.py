"""Join a job's chunks, verify what came out, publish it, and clean up.

    chunks + source ─▶ join ─▶ verify ─▶ media in S3 ─▶ one transaction ─▶ manifests
                                 └─▶ FAILED with the reason: viewers keep what they had

Everything before the transaction is invisible to viewers, and everything after it is done again
when the message comes again.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.reprocess import analysis, manifest
from functions.reprocess.comparing import Comparer, NotTheSame, Successor
from functions.reprocess.indexing import Indexed
from functions.reprocess.joining import MEDIA_TYPES, Joiner
from functions.reprocess.moving import INVESTED, Mover, Version, check_movable
from functions.reprocess.source import clear
from functions.reprocess.verifying import Unfit
from pixr.adapters import queue
from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, FfmpegKilled, FfmpegTimedOut
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import Database, Row, contents, renditions, upgrades
from pixr.domain.costs import actual_document, converted_usd
from pixr.domain.media import Plan
from pixr.domain.sources import Unusable

ATTEMPTS_MAX: Final = 3
"""As often as the queue delivers a message; then FFmpeg's failure is the job's."""


class AnalysisChanged(Exception):
    """Parts of the analysis are not what they were; names them and keeps what was found."""

    def __init__(self, before: Mapping[str, str], after: upgrades.Hashes) -> None:
        changed = sorted(key for key in before if after[key] != before[key])
        super().__init__(f"the analysis changed while the job ran: {', '.join(changed)}")
        self.after = after


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A verified rendition in the bucket."""

    playlist_key: str
    sound_key: str | None
    """None when the content has its sound already, or none."""
    size_bytes: int
    cpu_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembler:
    """What assembling needs of the world."""

    db: Database
    bucket: Bucket
    ffmpeg: Ffmpeg
    settle_queue_url: str
    now: datetime

    def assemble(self, job_id: UUID, *, attempt: int) -> str:
        """Publish a job whose chunks are all done; repeating it at any time changes nothing.

        Args:
            job_id: Of a job.
            attempt: How often this message was delivered, from 1.

        Returns:
            What happened, as an event for the log.

        Raises:
            FfmpegError: It failed and there are attempts left.
        """
        job = upgrades.get(self.db, job_id)
        if job is None:
            return "job.unknown"
        if job["state"] == "ASSEMBLING":
            try:
                is_published = self._publish(job)
            except (AnalysisChanged, Unfit) as reason:
                found = reason.after if isinstance(reason, AnalysisChanged) else None
                return self._fail(job, str(reason), found=found)
            except Unusable as unusable:
                return self._refuse(job, unusable)
            except (FfmpegFailed, FfmpegKilled, FfmpegTimedOut) as error:
                if attempt < ATTEMPTS_MAX:
                    raise
                return self._fail(job, f"the chunks could not be joined: {error}")
            if is_published:
                self._finish(job)
                return "job.published"
            job = upgrades.get(self.db, job_id) or job
        if job["state"] == "PUBLISHED":
            self._finish(job)
        return "job.repeated"

    def _publish(self, job: Row) -> bool:
        plan = Plan.read(job["settings"])
        chunks = upgrades.list_chunks(self.db, job["id"])
        successor = self._compare(job, plan, chunks)
        version = self._move(job, plan, successor)
        media = None
        if not plan.is_look_only:
            # Where the film begins elsewhere, nothing of what is there fits the new one.
            media = self._make(job, plan, chunks, is_all_new=version is not None)
        after = self._check_analysis(job)
        if successor is not None:
            self._comparer.keep(successor)
        cpu_ms = media.cpu_ms if media else 0
        with self.db.transaction():
            if not upgrades.publish(
                self.db,
                job["id"],
                analysis=after,
                cpu_ms=cpu_ms,
                actual=_actual(job, plan, media) if media else None,
                sameness=successor.sameness if successor else None,
                analysis_moved=version.document() if version else None,
                now=self.now,
            ):
                return False
            if version is not None:
                self._begin_again(job["content_id"], version)
            if successor is not None:
                successor.take_place(self.db)
            if media is not None:
                self._show(job, plan, media)
        return True

    def _make(self, job: Row, plan: Plan, chunks: list[Row], *, is_all_new: bool) -> Media:
        """Join the chunks and upload what came out, where nobody looks yet."""
        content_id = job["content_id"]
        folder = f"media/{content_id}"
        published = self._published(content_id)
        nothing = manifest.Keys(renditions=[], sound=None)
        with tempfile.TemporaryDirectory(prefix="pixr-") as name:
            shown = manifest.look(self.bucket, content_id, nothing if is_all_new else published)
            joiner = Joiner(
                bucket=self.bucket, ffmpeg=self.ffmpeg, job=job, plan=plan, folder=Path(name)
            )
            made = joiner.join(chunks, shown)
            playlist_key = self._upload(made.picture, f"{folder}/{job['rung']}/{job['id']}")
            sound_key = None
            if made.sound is not None:
                sound_key = self._upload(made.sound, f"{folder}/sound/{job['id']}")
        if not published.renditions:
            # The first rendition: a live content must have something to open from the start.
            first = manifest.Keys(renditions=[playlist_key], sound=sound_key)
            manifest.rebuild(self.bucket, content_id, lambda: first)
        return Media(
            playlist_key=playlist_key,
            sound_key=sound_key,
            size_bytes=made.picture.size_bytes,
            cpu_ms=made.cpu_ms,
        )

    def _show(self, job: Row, plan: Plan, media: Media) -> None:
        """Write down what viewers get. Inside the transaction that closes the job."""
        contents.publish_rendition(
            self.db,
            content_id=job["content_id"],
            rung=job["rung"],
            job_id=job["id"],
            size=plan.size,
            frames=plan.frames,
            duration_ms=plan.duration_ms,
            size_bytes=media.size_bytes,
            bits_per_s=max(1, media.size_bytes * 8000 // plan.duration_ms),
            playlist_key=media.playlist_key,
            manifest_key=manifest.manifest_key(job["content_id"]),
            now=self.now,
        )
        if media.sound_key is not None:
            renditions.keep_sound(self.db, job["content_id"], media.sound_key)

    def _content(self, content_id: str) -> Row:
        content = contents.get(self.db, content_id)
        assert content is not None
        return content

    def _published(self, content_id: str) -> manifest.Keys:
        listed = contents.list_renditions(self.db, content_id)
        return manifest.Keys(
            renditions=[rendition["playlist_key"] for rendition in listed],
            sound=self._content(content_id)["sound_key"],
        )

    def _upload(self, made: Indexed, folder: str) -> str:
        """Put a file and what describes it; the key of its playlist."""
        for name, content_type in MEDIA_TYPES.items():
            self.bucket.upload(made.folder / name, f"{folder}/{name}", content_type=content_type)
        return f"{folder}/{made.playlist.name}"

    def _compare(self, job: Row, plan: Plan, chunks: list[Row]) -> Successor | None:
        """What the job's source is to the content; None where it is the content's already."""
        assert job["kind"] != "source" or job["way"] == "chunks", "it cannot be compared"
        if job["kind"] == "funded":
            return None
        if job["kind"] == "base":
            return self._comparer.first(job, plan, chunks)
        return self._comparer.succeed(job, plan, chunks, self._content(job["content_id"]))

    @property
    def _comparer(self) -> Comparer:
        return Comparer(bucket=self.bucket, ffmpeg=self.ffmpeg)

    def _move(self, job: Row, plan: Plan, successor: Successor | None) -> Version | None:
        """The version of the analysis that fits the job's source; None where the present one does.

        Raises:
            Unusable: There can be none, or somebody has paid for what would be taken down.
        """
        if successor is None or successor.shift_ms is None:
            return None
        content = self._content(job["content_id"])
        check_movable(self.db, content)
        return Mover(bucket=self.bucket).move(
            job,
            shift_ms=successor.shift_ms,
            old_ms=content["duration_ms"],
            new_ms=plan.duration_ms,
        )

    def _begin_again(self, content_id: str, version: Version) -> None:
        if not contents.begin_again(
            self.db,
            content_id,
            analysis_key=version.manifest_key,
            analysis_sha256=version.parts[version.manifest_key],
        ):
            raise Unusable(INVESTED)

    def _refuse(self, job: Row, reason: Unusable) -> str:
        """Turn a better source down: no other job is compared with anything."""
        judgement = reason.judgement if isinstance(reason, NotTheSame) else None
        upgrades.close(
            self.db,
            job["id"],
            "REJECTED",
            str(reason),
            sameness=judgement.document() if judgement else None,
            now=self.now,
        )
        clear(self.bucket, job["id"])
        return "source.rejected"

    def _check_analysis(self, job: Row) -> dict[str, str | None] | None:
        before = job["analysis_before"]
        if before is None:
            return None
        after = analysis.read_again(self.bucket, before)
        if after != before:
            raise AnalysisChanged(before, after)
        return after

    def _finish(self, job: Row) -> None:
        """What follows the commit; done again whenever the message comes again."""
        content_id = job["content_id"]
        manifest.rebuild(self.bucket, content_id, lambda: self._published(content_id))
        clear(self.bucket, job["id"])
        queue.send(self.settle_queue_url, {"reason": "upgrade.published", "job_id": str(job["id"])})

    def _fail(self, job: Row, reason: str, *, found: upgrades.Hashes | None = None) -> str:
        """Close the job unless another worker published it meanwhile."""
        upgrades.close(self.db, job["id"], "FAILED", reason, now=self.now, analysis=found)
        fresh = upgrades.get(self.db, job["id"])
        if fresh is not None and fresh["state"] == "FAILED":
            clear(self.bucket, job["id"])
            return "job.failed"
        return "job.repeated"


def _actual(job: Row, plan: Plan, media: Media) -> dict[str, Any]:
    chunks, charge_usd = job["chunks_total"], Fraction(0)
    if job["way"] != "chunks":
        chunks, charge_usd = 0, converted_usd(plan.size, plan.frames, plan.duration_ms)
    return actual_document(
        cpu_ms=job["cpu_ms"] + media.cpu_ms,
        megapixels=plan.frames * plan.size.pixels // 10**6,
        size_bytes=media.size_bytes,
        chunks=chunks,
        converted_usd=charge_usd,
    )
