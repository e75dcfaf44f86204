"""Have MediaConvert make a rendition, and take what it made for the job's one chunk.

    {"job_id"} ─▶ CreateJob ─ ─ ─▶ COMPLETE ─▶ the file is the chunk ─▶ AssembleQueue
                        ╰─ ─ ─ ─▶ ERROR, CANCELED ─▶ FAILED, in MediaConvert's own words

The start and the events come over one queue, twice, late and in any order; an event may even come
before CreateJob has answered. The state of the job and MediaConvert's name of its own decide.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Final
from uuid import UUID

from pydantic import ValidationError

from functions.reprocess.messages import JobMessage, job_message
from pixr.adapters import queue
from pixr.adapters.mediaconvert import (
    ConversionMissing,
    ConversionRefused,
    Converter,
    ConverterJob,
)
from pixr.adapters.objects import Bucket, ObjectMissing
from pixr.adapters.postgres import Database, Row, contents, conversions, upgrades
from pixr.domain.media import Plan
from pixr.domain.mediaconvert import (
    FILE_SUFFIX,
    AnyEvent,
    Canceled,
    Completed,
    Conversion,
    Errored,
    Hdr,
    Progressed,
    Unconvertible,
    UnknownEvent,
    job_document,
    read_event,
)
from pixr.domain.renditions import Size
from pixr.domain.sources import Treatment

FILE_BYTES_MAX: Final = 1024**3
"""What the assembler takes for one chunk."""

_HDR: Final[dict[Treatment, Hdr]] = {Treatment.HDR10: "HDR10", Treatment.HLG: "HLG"}
"""What a plan's treatment of the picture is to MediaConvert."""

STEADY_MIN: Final = Fraction(9, 10)
"""The shortest frame of a steady video lasts at least so much of the average; clocks round."""


def read_message(body: str) -> UUID | AnyEvent:
    """Decode what FallbackQueue delivers: our own job, or MediaConvert's event.

    Raises:
        UnknownEvent: It is neither.
    """
    try:
        document: Any = json.loads(body)
    except ValueError as error:
        raise UnknownEvent(f"the message is no JSON: {error}") from error
    try:
        return JobMessage.model_validate(document).job_id
    except ValidationError:
        return read_event(document)


def converted_place(job_id: UUID) -> str:
    """Where MediaConvert writes, without the ending; no encoder writes there, however late."""
    return f"chunks/{job_id}/converted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversions:
    """What converting needs of the world."""

    db: Database
    bucket: Bucket
    converter: Converter
    assemble_queue_url: str
    stage: str
    role_arn: str
    queue_arn: str
    now: datetime

    def start(self, job_id: UUID) -> str:
        """Start the conversion of a diverted job; one that was started is looked at instead.

        The conversion of a job that was given up meanwhile is called off.

        Args:
            job_id: Of a job that ``conversions.divert`` took.

        Returns:
            What happened, as an event for the log.

        Raises:
            ConverterError: MediaConvert did not answer; the message must come again.
        """
        job = upgrades.get(self.db, job_id)
        if job is None:
            return "job.unknown"
        if job["state"] == "FAILED" and job["converter_job"] is not None:
            return self._call_off(job["converter_job"])
        if job["state"] != "CONVERTING":
            return self._repeat(job)
        return self._create(job) if job["converter_job"] is None else self._look(job)

    def hear(self, event: AnyEvent) -> str:
        """Act on one of MediaConvert's events; repeating it at any time changes nothing.

        Returns:
            What happened, as an event for the log.
        """
        job = upgrades.get(self.db, event.job_id)
        if job is None or event.stage != self.stage:
            return "job.unknown"
        if job["converter_job"] not in (None, event.converter_job):
            return "conversion.unknown"
        if job["state"] == "FAILED" and isinstance(event, Progressed):
            return self._call_off(event.converter_job)
        return self._act(job, event) if job["state"] == "CONVERTING" else self._repeat(job)

    def _act(self, job: Row, event: AnyEvent) -> str:
        match event:
            case Completed(converter_job=name, output_uris=uris):
                return self._take(job, name, uris)
            case Errored(converter_job=name, code=code, message=message):
                return self._fail(job, name, said(code, message))
            case Canceled(converter_job=name):
                return self._fail(job, name, "MediaConvert's job was canceled")
            case Progressed(converter_job=name, frames=frames):
                conversions.progressed(self.db, job["id"], name, frames=frames, now=self.now)
                return "conversion.progressed"

    def _create(self, job: Row) -> str:
        try:
            self._check_source(job)
            started = self.converter.create(job_document(self._conversion(job)))
        except Unconvertible as error:
            return self._give_up(job, f"MediaConvert cannot make it either: {error}")
        except ConversionRefused as error:
            return self._give_up(job, f"MediaConvert does not take the job: {error}")
        return self._begun(job, started)

    def _check_source(self, job: Row) -> None:
        if Plan.read(job["settings"]).is_look_only:
            raise Unconvertible("the source was only to be compared with the one before")
        try:
            head = self.bucket.head(job["source_key"])
        except ObjectMissing as error:
            raise Unconvertible("the source was deleted while the job ran") from error
        if head.etag != job["source_etag"]:
            raise Unconvertible("the source was replaced while the job ran")

    def _conversion(self, job: Row) -> Conversion:
        plan = Plan.read(job["settings"])
        lasting = plan.end - plan.starts[0]
        return Conversion(
            job_id=job["id"],
            stage=self.stage,
            source_uri=f"s3://{self.bucket.name}/{job['source_key']}",
            destination_uri=f"s3://{self.bucket.name}/{converted_place(job['id'])}",
            source_size=self._source_size(job, plan),
            size=plan.size,
            rung=job["rung"],
            gop_frames=plan.gop_frames,
            frame_rate=Fraction(plan.frames) / (lasting * plan.time_base),
            is_steady=plan.gap * plan.frames >= STEADY_MIN * lasting,
            hdr=_HDR.get(plan.treatment),
            is_interlaced=plan.treatment is Treatment.DEINTERLACE,
            role_arn=self.role_arn,
            queue_arn=self.queue_arn,
        )

    def _source_size(self, job: Row, plan: Plan) -> Size:
        if job["kind"] == "source":
            return plan.size  # the content still has the size of the source before
        content = contents.get(self.db, job["content_id"])
        assert content is not None
        return Size(width_px=content["width_px"], height_px=content["height_px"])

    def _begun(self, job: Row, started: ConverterJob) -> str:
        conversions.begun(self.db, job["id"], started.id, self.now)
        fresh = upgrades.get(self.db, job["id"]) or job
        if fresh["state"] == "FAILED" or fresh["converter_job"] != started.id:
            # The job was called off, or has another conversion, since MediaConvert was asked.
            return self._call_off(started.id)
        return "conversion.started"

    def _call_off(self, converter_job: str) -> str:
        """Nobody needs what this would make, and it would cost money."""
        try:
            was_running = self.converter.cancel(converter_job)
        except ConversionMissing:
            was_running = False
        return "conversion.canceled" if was_running else "job.repeated"

    def _look(self, job: Row) -> str:
        """Ask MediaConvert itself: the event may have been lost."""
        name = job["converter_job"]
        try:
            found = self.converter.get(name)
        except ConversionMissing:
            return self._fail(job, name, "MediaConvert does not know its job any more")
        match found.status:
            case "COMPLETE":
                return self._take(job, name, None)
            case "ERROR":
                return self._fail(job, name, said(found.error_code, found.error_message))
            case "CANCELED":
                return self._fail(job, name, "MediaConvert's job was canceled")
            case _:
                return "job.repeated"

    def _take(self, job: Row, converter_job: str, uris: tuple[str, ...] | None) -> str:
        """Make the file the job's one chunk.

        Args:
            job: In CONVERTING.
            converter_job: Who made it.
            uris: What the event says was written; None when only the state is known.
        """
        key = converted_place(job["id"]) + FILE_SUFFIX
        if uris is not None and uris != (f"s3://{self.bucket.name}/{key}",):
            return self._fail(
                job, converter_job, f"MediaConvert wrote {', '.join(uris) or 'nothing'}, not {key}"
            )
        try:
            size_bytes = self.bucket.head(key).size_bytes
        except ObjectMissing:
            return self._fail(job, converter_job, "the file that MediaConvert wrote is gone")
        if not 0 < size_bytes <= FILE_BYTES_MAX:
            return self._fail(
                job,
                converter_job,
                f"MediaConvert's file has {size_bytes} bytes, not 1 to {FILE_BYTES_MAX}",
            )
        if not conversions.converted(
            self.db,
            job["id"],
            converter_job,
            object_key=key,
            size_bytes=size_bytes,
            now=self.now,
        ):
            return "job.repeated"
        queue.send(self.assemble_queue_url, job_message(job["id"]))
        return "conversion.done"

    def _repeat(self, job: Row) -> str:
        if job["state"] == "ASSEMBLING" and job["way"] == "mediaconvert":
            # Whoever counted the file may have died before the message was sent.
            queue.send(self.assemble_queue_url, job_message(job["id"]))
        return "job.repeated"

    def _fail(self, job: Row, converter_job: str, reason: str) -> str:
        is_mine = conversions.fail(self.db, job["id"], converter_job, reason, self.now)
        return "job.failed" if is_mine else "job.repeated"

    def _give_up(self, job: Row, reason: str) -> str:
        """Close a job of which MediaConvert has nothing."""
        is_mine = upgrades.close(self.db, job["id"], "FAILED", reason, now=self.now)
        return "job.failed" if is_mine else "job.repeated"


def said(code: int | None, message: str | None) -> str:
    """MediaConvert's own words about an error."""
    return f"MediaConvert gave up: {message or 'it does not say why'} (its error {code})"
