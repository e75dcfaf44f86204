"""Give a file that FFmpeg made its place in time, its index, its playlist and its description."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Final

from pixr.domain.boxes import Read
from pixr.domain.fragments import TrackFile, read_config, read_track, sidx
from pixr.domain.manifests import (
    MEDIA_NAME,
    PLAYLIST_NAME,
    STREAM_NAME,
    Stream,
    describe,
    media_playlist,
)
from pixr.domain.media import Plan
from pixr.domain.packaging import Segment

_CLOCK_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexed:
    """One published file, still on this machine's disk."""

    folder: Path
    """With the media, its playlist and its description."""
    stream: Stream
    size_bytes: int

    @property
    def playlist(self) -> Path:
        """What plays the file alone."""
        return self.folder / PLAYLIST_NAME


def index(
    path: Path,
    folder: Path,
    cut: Callable[[TrackFile], list[Segment]],
    *,
    starts_s: Fraction,
    lead_ms: int,
    plan: Plan | None = None,
) -> Indexed:
    """Turn a fragmented file into what is published, in a new folder.

    Args:
        path: Made by FFmpeg; it is moved in time, and deleted.
        folder: To be made.
        cut: Says what the segments are.
        starts_s: What is added to all its times.
        lead_ms: When the first picture is shown.
        plan: Of a picture; None for a sound.

    Raises:
        Malformed: FFmpeg made something else than it should have.
        Uneven: A segment would begin without a key frame.
    """
    if starts_s:
        _move(path, starts_s)
    track = track_of(path)
    segments = cut(track)
    head = sidx(track, [(segment.size_bytes, segment.length) for segment in segments])
    stream = describe(track, segments, index_bytes=len(head), lead_ms=lead_ms, plan=plan)
    folder.mkdir()
    with path.open("rb") as made, (folder / MEDIA_NAME).open("xb") as media:
        media.write(made.read(track.init_bytes))
        media.write(head)
        shutil.copyfileobj(made, media)
    path.unlink()
    playlist = media_playlist(track, segments, index_bytes=len(head))
    (folder / PLAYLIST_NAME).write_text(playlist)
    (folder / STREAM_NAME).write_text(json.dumps(stream.document()))
    size_bytes = (folder / MEDIA_NAME).stat().st_size
    return Indexed(folder=folder, stream=stream, size_bytes=size_bytes)


def track_of(path: Path) -> TrackFile:
    """What is in a fragmented file.

    Raises:
        Malformed: It is none.
    """
    with path.open("rb") as file:
        return read_track(_reader(file), path.stat().st_size)


def config_of(path: Path) -> bytes:
    """The SPS and PPS of an MP4 file.

    Raises:
        Malformed: It has no picture.
    """
    with path.open("rb") as file:
        return read_config(_reader(file), path.stat().st_size)


def _reader(file: IO[bytes]) -> Read:
    def read(start: int, length: int) -> bytes:
        file.seek(start)
        return file.read(length)

    return read


def _move(path: Path, starts_s: Fraction) -> None:
    """Add to the decoding time of every fragment, in place."""
    track = track_of(path)
    ticks = {codec.number: round(starts_s * codec.timescale) for codec in track.codecs}
    with path.open("r+b") as file:
        for fragment in track.fragments:
            for at, number in fragment.clocks:
                file.seek(at)
                clock = int.from_bytes(file.read(_CLOCK_BYTES)) + ticks[number]
                file.seek(at)
                file.write(clock.to_bytes(_CLOCK_BYTES))
