"""Turn an upload, or a funded upgrade, into chunks to encode.

    upload ─▶ probe ─┬─▶ accepted: source and job planned in one transaction ─▶ chunk messages
                     └─▶ rejected, with the reason; the object moves under rejected/

The plan is committed before the first message is sent. A message that comes again finds
the job as far as it got: queued, it is planned; encoding, its open chunks are asked for
again; closed, nothing happens.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from functions.reprocess import analysis
from functions.reprocess.comparing import check_better
from functions.reprocess.messages import chunk_message, job_message
from functions.reprocess.probing import Original
from functions.reprocess.source import SOURCE_BYTES_MAX
from functions.reprocess.tuning import send_open_chunks
from pixr.adapters import queue
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket, ObjectMissing
from pixr.adapters.postgres import Database, Row, contents, renditions, upgrades
from pixr.domain.costs import estimate_document
from pixr.domain.media import Plan, plan
from pixr.domain.quotes import Source
from pixr.domain.renditions import base_rung, real_rungs
from pixr.domain.sources import SourceFacts, Unusable


class Overtaken(Exception):
    """Somebody else planned this job meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """What planning needs of the world."""

    db: Database
    bucket: Bucket
    ffmpeg: Ffmpeg
    encode_queue_url: str
    fallback_queue_url: str
    now: datetime

    def plan_upload(self, key: str, *, job_id: UUID) -> str:
        """Take in the object that was uploaded to ``key``; repeating it changes nothing.

        Args:
            key: Of an original, decoded.
            job_id: For the job, if this is the first event for the upload.

        Returns:
            What happened, as an event for the log.
        """
        upload = self._upload(key)
        if upload is None or upload["state"] == "rejected":
            self._move_away(key)
            return "upload.unknown" if upload is None else "upload.repeated"
        job = upgrades.open_base(
            self.db,
            job_id=job_id,
            content_id=upload["content_id"],
            upload_id=upload["upload_id"],
            source_key=key,
            now=self.now,
        )
        if job["state"] != "QUEUED":
            return self._push(job)
        try:
            original = self._original(key)
            facts, is_remuxed = original.probe(job["id"])
            if job["kind"] == "source":
                self._plan_source(job, original, facts, is_remuxed=is_remuxed)
            else:
                planned = self._planned(
                    job, base_rung(facts.size), original, facts, is_remuxed=is_remuxed
                )
                self._accept(job, planned, facts=facts, original=original)
        except Overtaken:
            return "upload.repeated"
        except Unusable as unusable:
            return self._reject(job, str(unusable))
        return self._push(job)

    def plan_upgrade(self, job_id: UUID) -> str:
        """Plan a queued job from its content's accepted source; repeating it changes nothing."""
        job = upgrades.get(self.db, job_id)
        if job is None:
            return "job.unknown"
        if job["kind"] != "funded":
            return self.plan_upload(job["source_key"], job_id=job_id)
        if job["state"] != "QUEUED":
            return self._push(job)
        try:
            self._plan_funded(job)
        except Unusable as unusable:
            upgrades.close(self.db, job_id, "FAILED", str(unusable), now=self.now)
            return "job.failed"
        return self._push(job)

    def _plan_source(
        self, job: Row, original: Original, facts: SourceFacts, *, is_remuxed: bool
    ) -> None:
        """Plan to compare a better source; its rendition is only made if there is none yet."""
        check_better(facts.size, self._content(job))
        rung = base_rung(facts.size)
        made = {row["rung"] for row in contents.list_renditions(self.db, job["content_id"])}
        planned = self._planned(
            job,
            rung,
            original,
            facts,
            is_remuxed=is_remuxed,
            is_look_only=rung in made,
        )
        if not upgrades.start(self.db, planned, now=self.now):
            raise Overtaken

    def _plan_funded(self, job: Row) -> None:
        original = self._original(job["source_key"])
        content = self._content(job)
        # A better source may have taken its place; what was paid for is made from what was sold.
        is_present = content["source_key"] == job["source_key"]
        if is_present and original.etag != content["source_etag"]:
            raise Unusable("the source was replaced after it was accepted")
        facts, is_remuxed = original.probe(job["id"])
        if job["rung"] not in real_rungs(facts.size):
            raise Unusable(
                f"the source's short side is {facts.size.short_px} px: no {job['rung']} in it"
            )
        planned = self._planned(job, job["rung"], original, facts, is_remuxed=is_remuxed)
        upgrades.start(self.db, planned, now=self.now)

    def _upload(self, key: str) -> Row | None:
        """The upload that this key was given to, if it was given at all."""
        try:
            _, _, upload_id, _ = key.split("/", 3)
            upload = contents.get_upload(self.db, UUID(upload_id))
        except ValueError:
            return None
        return upload if upload is not None and upload["object_key"] == key else None

    def _original(self, key: str) -> Original:
        try:
            head = self.bucket.head(key)
        except ObjectMissing as error:
            raise Unusable("the object was deleted before it was read") from error
        if head.size_bytes == 0:
            raise Unusable("the file is empty")
        if head.size_bytes > SOURCE_BYTES_MAX:
            raise Unusable(f"the file is larger than {SOURCE_BYTES_MAX // 1024**2} MiB")
        return Original(
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            key=key,
            etag=head.etag,
            size_bytes=head.size_bytes,
        )

    def _content(self, job: Row) -> Row:
        content = contents.get(self.db, job["content_id"])
        assert content is not None
        return content

    def _planned(
        self,
        job: Row,
        rung: int,
        original: Original,
        facts: SourceFacts,
        *,
        is_remuxed: bool,
        is_look_only: bool = False,
    ) -> upgrades.Planned:
        frozen, chunks = plan(facts, rung, is_remuxed=is_remuxed, is_look_only=is_look_only)
        content = self._content(job)
        found = analysis.read(self.bucket, job["content_id"], manifest_key=content["analysis_key"])
        if found is not None:
            contents.set_analysis(
                self.db,
                job["content_id"],
                analysis_key=found.manifest_key,
                analysis_sha256=found.parts[found.manifest_key],
            )
        return upgrades.Planned(
            job_id=job["id"],
            rung=rung,
            source_etag=original.etag,
            plan=frozen,
            chunks=chunks,
            analysis=found.parts if found else None,
            estimate=estimate_document(self._priced(job, content, frozen, facts, original), rung),
        )

    def _priced(
        self, job: Row, content: Row, frozen: Plan, facts: SourceFacts, original: Original
    ) -> Source:
        """The source as the price table knows it, weighed by the best rendition that is there."""
        has_sound = content["sound_key"] is not None
        source = Source(
            size=facts.size,
            frames=facts.frames,
            duration_ms=facts.duration_ms,
            audio_encoded_ms=(
                facts.duration_ms if frozen.audio == "encode" and not has_sound else 0
            ),
            size_bytes=original.size_bytes,
        )
        return renditions.weighed(self.db, job["content_id"], source, source_key=job["source_key"])

    def _accept(
        self, job: Row, planned: upgrades.Planned, *, facts: SourceFacts, original: Original
    ) -> None:
        """Commit source, upload and plan together.

        Raises:
            Unusable: The content has another source.
            Overtaken: Another planner was first, or the job is closed; nothing was written.
        """
        detail = original.detail(facts)
        with self.db.transaction():
            if not contents.accept_source(
                self.db,
                content_id=job["content_id"],
                source_key=job["source_key"],
                source_bytes=original.size_bytes,
                source_etag=original.etag,
                facts=facts,
                detail=detail,
            ):
                raise Unusable(
                    "this content already has a source; replacing a source is not offered yet"
                )
            contents.accept_upload(self.db, job["upload_id"])
            if not upgrades.start(self.db, planned, now=self.now):
                raise Overtaken

    def _reject(self, job: Row, reason: str) -> str:
        with self.db.transaction():
            if upgrades.close(self.db, job["id"], "REJECTED", reason, now=self.now):
                contents.reject_upload(self.db, job["upload_id"], reason)
        self._move_away(job["source_key"])
        return "upload.rejected"

    def _move_away(self, key: str) -> None:
        try:
            self.bucket.move(key, "rejected/" + key.removeprefix("originals/"))
        except ObjectMissing:
            return  # moved before, or deleted by its owner: either way it is gone

    def _push(self, job: Row) -> str:
        """Ask for whatever the job waits for; what is asked for twice counts once."""
        fresh = upgrades.get(self.db, job["id"])
        match None if fresh is None else fresh["state"]:
            case "TUNING":
                queue.send(self.encode_queue_url, job_message(job["id"]))
            case "ENCODING":
                send_open_chunks(self.db, self.encode_queue_url, job["id"])
            case "ASSEMBLING":
                # An encoder that finds all done asks for the assembly.
                queue.send(self.encode_queue_url, chunk_message(job["id"], 0))
            case "CONVERTING":
                queue.send(self.fallback_queue_url, job_message(job["id"]))
            case _:
                return "job.repeated"
        return "job.planned"
