"""Whether a better source is the same film as the one before it.

    base job      chunks' pictures + sound ─▶ fingerprint, kept beside the content
    source job    sound + key frames ─▶ first gate ─▶ chunks' pictures ─▶ compared with what is kept

A source that is the same takes the old one's place; its analysis stays as it is, because every time
code still fits. One that begins earlier or later by an exact time does so as well, if the analysis
can be moved along (see ``moving``). Whatever else it is, nothing changes, and its owner is told
what differs.
"""

import struct
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from functions.reprocess.probing import Original
from functions.reprocess.source import opened
from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, FfmpegTimedOut
from pixr.adapters.objects import Bucket, ObjectMissing
from pixr.adapters.postgres import Database, Row, contents
from pixr.domain.fingerprints import (
    KEY_FRAMES_ONLY,
    Fingerprint,
    KeyPicture,
    Picture,
    Tap,
    Unreadable,
    film_arguments,
    film_range,
    join_taps,
    key_arguments,
    pack_film,
    read_keys,
    read_tap,
    unpack,
    unpack_film,
)
from pixr.domain.media import QUIET, Input, Plan, input_arguments
from pixr.domain.renditions import Size, is_better
from pixr.domain.sameness import Judgement, Verdict, compare, first_gate
from pixr.domain.sounds import read_sound, sound_arguments
from pixr.domain.sources import SourceFacts, Unusable

SOUND_TIMEOUT_S: Final = 600
"""Decoding four hours of sound takes about two minutes; reading what lies between, longer."""

DELAY_MAX_MS: Final = 60_000
"""FFmpeg keeps all the silence before a late sound in memory: an hour of it takes 3 GiB."""

KEYS_TIMEOUT_S: Final = 240

WATCH_TIMEOUT_S: Final = 300
"""Decoding an hour of 1080p on four cores; what takes longer is not kept."""

FINGERPRINT_BYTES_MAX: Final = 64 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparer:
    """What comparing needs of the world."""

    bucket: Bucket
    ffmpeg: Ffmpeg

    def hear(self, plan: Plan, source: Input) -> Sequence[int] | None:
        """The source's sound in chromaprint's words; None without any, or with a broken one."""
        if plan.audio is None or abs(plan.audio_delay_ms) > DELAY_MAX_MS:
            return None
        with tempfile.TemporaryDirectory(prefix="pixr-") as folder:
            path = Path(folder) / "sound"
            output = sound_arguments(plan.start_s(0), output=path)
            arguments = [*QUIET, "-y", *input_arguments(source), *output]
            try:
                self.ffmpeg.make(arguments, timeout_s=SOUND_TIMEOUT_S)
            except (FfmpegFailed, FfmpegTimedOut):
                # Players may still make something of it; it tells no film from another.
                return None
            return read_sound(path.read_bytes() if path.exists() else b"")

    def keep_sound(self, job_id: UUID, words: Sequence[int] | None) -> None:
        """Keep a source's sound until its job ends."""
        if words is not None:
            self._write(sound_key(job_id), struct.pack(f"<{len(words)}I", *words))

    def admit(
        self, content: Row, plan: Plan, sound: Sequence[int] | None, source: Input
    ) -> Judgement:
        """Let a source through to the encoders that may be the same film as the one before.

        Returns:
            SAME or SHIFTED, as far as can be told before anything is encoded.

        Raises:
            Unusable: It is another film, with what differs.
        """
        old = self.known(content)
        judgement = first_gate(old, Fingerprint.of(plan, (), sound), self._keys(plan, source))
        if judgement.verdict is Verdict.DIFFERENT:
            raise Unusable(_refusal(judgement))
        return judgement

    def fingerprint(self, job: Row, plan: Plan, chunks: Sequence[Row]) -> Fingerprint:
        """Put together what the chunks and the search have kept of a source.

        Raises:
            FfmpegError: MediaConvert made it, which keeps nothing, and FFmpeg cannot read it.
            Unreadable: It does not show what was planned.
            Unusable: The source was deleted or replaced.
        """
        if job["way"] == "chunks":
            kept = [bytes(row["samples"]) for row in chunks if row["samples"] is not None]
            pictures: Sequence[Picture] = join_taps([unpack(samples) for samples in kept])
        else:
            pictures = self._watch(job, plan).pictures
        try:
            sound = read_sound(self._read(sound_key(job["id"]))) if plan.audio else None
        except ObjectMissing:
            sound = None
        return Fingerprint.of(plan, pictures, sound)

    def first(self, job: Row, plan: Plan, chunks: Sequence[Row]) -> "Successor | None":
        """A content's first source; None when nothing can be kept that tells it from others.

        It is as good a film without; only a better source of it has nothing to be compared with.
        """
        try:
            return Successor(job=job, film=self.fingerprint(job, plan, chunks))
        except (FfmpegFailed, FfmpegTimedOut, Unreadable, Unusable):
            if job["way"] == "chunks":
                raise
            return None

    def succeed(self, job: Row, plan: Plan, chunks: Sequence[Row], content: Row) -> "Successor":
        """Compare a better source with the present one.

        Raises:
            NotTheSame: It must not take the present one's place.
        """
        film = self.fingerprint(job, plan, chunks)
        judgement = self.judge(content, plan, film)
        head = self.bucket.head(job["source_key"])
        original = Original(
            bucket=self.bucket,
            ffmpeg=self.ffmpeg,
            key=job["source_key"],
            etag=job["source_etag"],
            size_bytes=head.size_bytes,
        )
        facts, _ = original.probe(job["id"])
        check_better(facts.size, content)
        return Successor(
            job=job,
            film=film,
            judgement=judgement,
            present_key=content["source_key"],
            size_bytes=head.size_bytes,
            facts=facts,
            detail=original.detail(facts),
        )

    def keep(self, successor: "Successor") -> None:
        """Store the fingerprint of a source that takes its place next."""
        self._write(successor.fingerprint_key, pack_film(successor.film))

    def judge(self, content: Row, plan: Plan, new: Fingerprint) -> Judgement:
        """Compare a whole new source with the whole old one.

        Raises:
            NotTheSame: It must not take the old one's place.
        """
        judgement = compare(self.known(content), new)
        # Of what was only looked at nothing was made that could be shown instead.
        is_movable = judgement.is_exact and not plan.is_look_only
        if judgement.verdict is Verdict.SAME or (
            judgement.verdict is Verdict.SHIFTED and is_movable
        ):
            return judgement
        raise NotTheSame(judgement)

    def known(self, content: Row) -> Fingerprint:
        """What is kept of the content's present source.

        Raises:
            Unusable: Nothing is.
        """
        if content["fingerprint_key"] is None:
            raise Unusable(
                "nothing is kept of the present source that a new one could be compared with:"
                " it was uploaded before sources could be replaced, or cannot be read twice"
            )
        try:
            return unpack_film(self._read(content["fingerprint_key"]))
        except (ObjectMissing, Unreadable) as error:
            raise Unusable(f"what is kept of the present source cannot be read: {error}") from error

    def _write(self, key: str, data: bytes) -> None:
        self.bucket.put(key, data, content_type="application/octet-stream")

    def _read(self, key: str) -> bytes:
        data, _ = self.bucket.read(key, bytes_max=FINGERPRINT_BYTES_MAX)
        return data

    def _watch(self, job: Row, plan: Plan) -> Tap:
        """The pictures of a source that no chunk was encoded from."""
        with (
            tempfile.TemporaryDirectory(prefix="pixr-") as folder,
            opened(self.bucket, job, plan) as served,
        ):
            path = Path(folder) / "film"
            output = film_arguments(plan, output=path)
            arguments = [*QUIET, "-y", *input_arguments(served.url), *output]
            self.ffmpeg.make(arguments, timeout_s=WATCH_TIMEOUT_S)
            return read_tap(path.read_bytes(), film_range(plan))

    def _keys(self, plan: Plan, source: Input) -> Sequence[KeyPicture]:
        """Key frames; none when they take too long, or cannot be told from one another."""
        with tempfile.TemporaryDirectory(prefix="pixr-") as folder:
            path = Path(folder) / "keys"
            arguments = [
                *[*QUIET, "-y"],
                *KEY_FRAMES_ONLY,
                *input_arguments(source),
                *key_arguments(plan.treatment, output=path),
            ]
            try:
                run = self.ffmpeg.make(arguments, timeout_s=KEYS_TIMEOUT_S)
                return read_keys(path.read_bytes(), run.output, plan.start_s(0))
            except (FfmpegFailed, FfmpegTimedOut, Unreadable, OSError):
                return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A source that is the content's, or becomes it when its job is published."""

    job: Row
    film: Fingerprint
    judgement: Judgement | None = None
    """None for the content's own source."""
    present_key: str = ""
    size_bytes: int = 0
    facts: SourceFacts | None = None
    """None for the content's own source."""
    detail: dict[int, int] | None = None

    @property
    def fingerprint_key(self) -> str:
        """Where what tells it from others is kept for good."""
        return f"fingerprints/{self.job['content_id']}/{self.job['id']}"

    @property
    def sameness(self) -> dict[str, Any] | None:
        """As ``upgrade_jobs.sameness`` holds it."""
        return self.judgement.document() if self.judgement else None

    @property
    def shift_ms(self) -> int | None:
        """By what the film begins later than the present one; None when every time code fits."""
        if self.judgement is None or self.judgement.verdict is Verdict.SAME:
            return None
        return self.judgement.shift_ms

    def take_place(self, db: Database) -> None:
        """Write it down. Call inside ``db.transaction()`` with the job.

        Raises:
            Unusable: Another source has taken the place meanwhile.
        """
        if self.facts is None:
            contents.keep_fingerprint(
                db,
                self.job["content_id"],
                source_key=self.job["source_key"],
                fingerprint_key=self.fingerprint_key,
            )
            return
        replaced = contents.replace_source(
            db,
            content_id=self.job["content_id"],
            present_key=self.present_key,
            source_key=self.job["source_key"],
            source_bytes=self.size_bytes,
            source_etag=self.job["source_etag"],
            facts=self.facts,
            detail=self.detail,
            fingerprint_key=self.fingerprint_key,
        )
        if not replaced:
            raise Unusable("another source has taken the present one's place meanwhile")


class NotTheSame(Unusable):
    """The whole of a new source was compared, and it does not fit what is there."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(_refusal(judgement))
        self.judgement = judgement


def check_better(new: Size, content: Row) -> None:
    """Refuse a source that shows no more than the present one.

    Raises:
        Unusable: It does not.
    """
    present = Size(width_px=content["width_px"], height_px=content["height_px"])
    if not is_better(new, present):
        raise Unusable(
            f"the new source's short side is {new.short_px} px, and the present one's"
            f" {present.short_px} px: it is no better"
        )


def sound_key(job_id: UUID) -> str:
    """Where the words of a job's sound are until the job ends."""
    return f"chunks/{job_id}/sound"


def _refusal(judgement: Judgement) -> str:
    what = "; ".join(judgement.reasons)
    if judgement.verdict is Verdict.SHIFTED:
        return (
            f"the new source is {what}: the analysis and the qualities that are there would not"
            " fit it. Upload it as a content of its own"
        )
    return f"the new source is another film than the present one: {what}"
