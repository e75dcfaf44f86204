"""Make a rendition's files from the chunks and the source, verified, ready to be uploaded.

chunks ─▶ same SPS and PPS? ─▶ join ─▶ index ─▶ verify ─▶ the picture
source ─▶ sound, unless the content has one ─▶ verify ──▶ the sound that all rungs share
"""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from functions.reprocess import manifest
from functions.reprocess.indexing import Indexed, config_of, index, track_of
from functions.reprocess.judging import check_quality
from functions.reprocess.source import opened
from functions.reprocess.verifying import Picture, Sound, Unfit, verify_picture, verify_sound
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket, ObjectMissing, sha256_of
from pixr.adapters.postgres import Row
from pixr.domain.boxes import Malformed
from pixr.domain.manifests import MEDIA_NAME, PLAYLIST_NAME, STREAM_NAME, Shown
from pixr.domain.media import Chunk, Input, Plan, join_list
from pixr.domain.packaging import (
    USABLE_CODECS,
    Uneven,
    join_arguments,
    join_muxed_arguments,
    list_sound_arguments,
    picture_segments,
    place_sound,
    sound_arguments,
    sound_segments,
)
from pixr.domain.quality import Film, promised_vmaf
from pixr.domain.sources import Track, Unusable, read_listing

JOIN_TIMEOUT_S: Final = 240
"""Copying a gigabyte takes seconds."""

SOUND_TIMEOUT_S: Final = 480
"""Encoding four hours of sound takes about five minutes of CPU."""

LISTING_TIMEOUT_S: Final = 60

CHUNK_BYTES_MAX: Final = 1024**3
"""Fifteen seconds of 2160p have about 50 MB; a gigabyte is not a chunk."""

MEDIA_TYPES: Final = {
    MEDIA_NAME: "video/mp4",
    STREAM_NAME: "application/json",
    PLAYLIST_NAME: manifest.PLAYLIST_TYPE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A verified rendition on this machine's disk; both folders have the files of MEDIA_TYPES."""

    picture: Indexed
    sound: Indexed | None
    """None when the content has its sound already, or none."""
    cpu_ms: int


@dataclass(slots=True, kw_only=True)
class Joiner:
    """Joins one job; its CPU time adds up."""

    bucket: Bucket
    ffmpeg: Ffmpeg
    job: Row
    plan: Plan
    folder: Path
    """Empty, for everything that is made."""
    cpu_ms: int = 0

    def join(self, rows: Sequence[Row], shown: Shown) -> Made:
        """Make the picture, and the sound where the content has none yet.

        Args:
            rows: The job's chunks, all done, in order.
            shown: What viewers have of the content.

        Raises:
            Unfit: It would not be what was planned.
            Unusable: The source was deleted or replaced.
            FfmpegError: It failed.
        """
        try:
            script = self._fetch(rows)
            if self.plan.audio is not None and shown.carries_sound:
                sound, lead_ms = None, None
            else:
                sound = self._sound() if self.plan.audio and shown.sound is None else None
                lead_ms = sound.stream.lead_ms if sound else shown.lead_ms or 0
            digest = self._join(script, is_muxed=lead_ms is None)
            picture = index(
                self.folder / "joined.mp4",
                self.folder / "picture",
                lambda track: picture_segments(track, self.plan.gop_frames),
                starts_s=Fraction(lead_ms or 0, 1000),
                lead_ms=lead_ms or 0,
                plan=self.plan,
            )
        except (Malformed, Uneven) as error:
            raise Unfit(str(error)) from error
        chunks = [Chunk.read(row) for row in rows]
        expected = Picture(
            chunks=chunks,
            digest=digest,
            lead_ms=lead_ms,
            # Sound that is in the same file was decoded by nobody.
            is_seen=lead_ms is not None and all(row["sha256"] for row in rows),
        )
        video, cpu_ms = verify_picture(self.ffmpeg, self.plan, expected, picture.playlist)
        self.cpu_ms += cpu_ms
        self._judge(picture, chunks, video)
        return Made(picture=picture, sound=sound, cpu_ms=self.cpu_ms)

    def _judge(self, picture: Indexed, chunks: Sequence[Chunk], video: Track) -> None:
        """Compare it with the source, as viewers would."""
        with self._opened() as source:
            film = Film(
                plan=self.plan,
                chunk_starts=[chunk.frame_start for chunk in chunks],
                source=source,
                media=picture.folder / MEDIA_NAME,
                pts_s=[pts * video.time_base for pts in video.pts],
            )
            promised = promised_vmaf(self.plan, self.job["tuning"])
            self.cpu_ms += check_quality(self.ffmpeg, film, self.folder, target=promised)

    def _fetch(self, rows: Sequence[Row]) -> Path:
        """Download the chunks and list them; one set of parameters must decode them all."""
        names: list[str] = []
        first: bytes | None = None
        for row in rows:
            names.append(f"{row['position']:05d}.mp4")
            path = self.folder / names[-1]
            try:
                self.bucket.download(row["object_key"], path, bytes_max=CHUNK_BYTES_MAX)
            except ObjectMissing as error:
                raise Unfit(f"a part was deleted while the job ran: {error}") from error
            if row["sha256"] not in (None, sha256_of(path)):
                raise Unfit(f"chunk {row['position']} is not what its worker made any more")
            config = config_of(path)
            if config != (first := first or config):
                raise Unfit(
                    f"chunk {row['position']} has another SPS or PPS than chunk 0:"
                    " players would decode it wrongly"
                )
        script = self.folder / "list.ffconcat"
        script.write_text(join_list(self.plan, names))
        return script

    def _join(self, script: Path, *, is_muxed: bool) -> str:
        """Join the chunks; the MD5 of what was in them."""
        joined, digest = self.folder / "joined.mp4", self.folder / "joined.md5"
        if is_muxed:
            with self._opened() as source:
                arguments = join_muxed_arguments(
                    self.plan, script, source=source, output=joined, digest=digest
                )
                self._run(arguments, SOUND_TIMEOUT_S)
        else:
            self._run(join_arguments(script, output=joined, digest=digest), JOIN_TIMEOUT_S)
        return digest.read_text()

    def _sound(self) -> Indexed:
        with self._opened() as source:
            listed = self._run(list_sound_arguments(source), LISTING_TIMEOUT_S)
            audio = read_listing(listed).get("audio")
            if audio is None or not audio.pts:
                raise Unfit("the sound is missing")
            place = place_sound(
                self.plan,
                first=audio.first_pts * audio.time_base,
                heard=audio.pts[0] * audio.time_base,
            )
            way, digest = self._make_sound(source, place.shift)
        sound = index(
            self.folder / "sound.mp4",
            self.folder / "sound",
            sound_segments,
            starts_s=place.base,
            lead_ms=place.lead_ms,
        )
        expected = Sound(way=way, digest=digest, lead_ms=place.lead_ms)
        self.cpu_ms += verify_sound(self.ffmpeg, self.plan, expected, sound.playlist)
        return sound

    def _make_sound(self, source: Input, shift: Fraction) -> tuple[str, str]:
        """Copy it, or encode it where players would not play a copy; which, and the MD5 read."""
        output, digest = self.folder / "sound.mp4", self.folder / "sound.md5"
        ways = ["copy", "encode"] if self.plan.audio == "copy" else ["encode"]
        for way in ways:
            self._run(
                sound_arguments(way, source, shift=shift, output=output, digest=digest),
                SOUND_TIMEOUT_S,
            )
            if track_of(output).main.name in USABLE_CODECS:
                return way, digest.read_text()
        raise Unfit("the sound cannot be made playable")

    @contextmanager
    def _opened(self) -> Generator[str]:
        try:
            with opened(self.bucket, self.job, self.plan, is_wide=True) as served:
                yield served.url
        except Unusable as error:
            # The source was accepted; what became of it since is not its fault.
            raise Unfit(str(error)) from error

    def _run(self, arguments: Sequence[str], timeout_s: int) -> str:
        run = self.ffmpeg.make(arguments, timeout_s=timeout_s)
        self.cpu_ms += run.cpu_ms
        return run.output
