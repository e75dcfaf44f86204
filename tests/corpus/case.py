"""What a file of the corpus is, and the good clips that all of them are made from."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.clips import QUICK, ffmpeg, numbered

PUBLISHED = frozenset({"PUBLISHED"})
REJECTED = frozenset({"REJECTED"})
OPEN = PUBLISHED | REJECTED
"""Either is right: repaired without loss, or refused."""
HURT = OPEN | {"FAILED"}
"""The frames are damaged, so that only decoding all of them shows whether any is missing."""

IS_WHOLE = os.environ.get("CORPUS") == "all"
"""Whether everything is sent, and every call fails once, instead of what the suite has time for."""

CHEAP = ("-c:a", "aac", "-b:a", "32k")
REORDERED = ("-bf", "2", "-g", "12", "-threads", "1")
"""Two GOPs in two seconds, with frames stored in another order than they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What no file may reach: a file that FFmpeg could play, and a port that would answer."""

    file: Path
    url: str
    """Of the same, by HTTP."""


class Clips:
    """Good clips, each made once."""

    def __init__(self, folder: Path, outside: Outside) -> None:
        self.outside = outside
        self._folder = folder
        self._made: dict[str, bytes] = {}

    def numbered(self, name: str, *, seconds: int = 2, **options: object) -> bytes:
        """A clip of frames that differ in brightness, as ``tests.clips`` makes it."""
        if name not in self._made:
            path = self._folder / name
            numbered(path, seconds=seconds, **options)  # type: ignore[arg-type]  # checked there
            self._made[name] = path.read_bytes()
        return self._made[name]

    def made(self, name: str, *arguments: str | Path, source: bytes | None = None) -> bytes:
        """What FFmpeg makes of its arguments, after ``-i source`` when there is one."""
        if name not in self._made:
            path, given = self._folder / name, self._folder / f"{name}.source"
            if source is not None:
                given.write_bytes(source)
                arguments = ("-i", given, *arguments)
            ffmpeg(*arguments, path)
            self._made[name] = path.read_bytes()
        return self._made[name]

    def path(self, name: str, body: bytes) -> Path:
        """A file that FFmpeg is to read while it makes another."""
        path = self._folder / name
        path.write_bytes(body)
        return path

    @property
    def mp4(self) -> bytes:
        """Two seconds of H.264 and AAC; the index comes last, so it can grow."""
        return self.numbered("last.mp4", audio=CHEAP, options=REORDERED)

    @property
    def front(self) -> bytes:
        """The same with the index in front, as for the web."""
        options = (*REORDERED, "-movflags", "+faststart")
        return self.numbered("front.mp4", audio=CHEAP, options=options)

    @property
    def fragments(self) -> bytes:
        """The same in four fragments, each with its own index."""
        options = ("-bf", "2", "-g", "6", "-movflags", "frag_keyframe+empty_moov+default_base_moof")
        return self.numbered("fragments.mp4", audio=CHEAP, options=options)

    def container(self, file: str, *options: str) -> bytes:
        """The same in another container."""
        return self.made(file, "-c", "copy", *options, source=self.mp4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One file of the corpus."""

    name: str
    make: Callable[[Clips], bytes]
    ends: frozenset[str]
    """In which of these states its job may end."""
    reason: str = ""
    """A pattern that the reason must match when it is not published."""
    file: str = "clip.mp4"


def made(
    name: str,
    ends: frozenset[str],
    reason: str = "",
    *,
    file: str = "clip.mp4",
    video: Sequence[str] = QUICK,
    audio: Sequence[str] = CHEAP,
    **options: object,
) -> Case:
    """A case that is a clip encoded in a certain way."""

    def make(clips: Clips) -> bytes:
        kept = f"{name.replace(' ', '-').replace('/', '-')}.{file.rpartition('.')[2]}"
        return clips.numbered(kept, video=video, audio=audio, **{"seconds": 1, **options})  # type: ignore[arg-type]  # checked in tests.clips

    return Case(name=name, make=make, ends=ends, reason=reason, file=file)


def recut(
    name: str,
    ends: frozenset[str],
    *arguments: str,
    reason: str = "",
    file: str = "clip.mp4",
    before: Sequence[str] = (),
) -> Case:
    """A case that FFmpeg makes of the good clip."""

    def make(clips: Clips) -> bytes:
        kept = f"{name.replace(' ', '-').replace('/', '-')}.{file.rpartition('.')[2]}"
        good = clips.path("good.mp4", clips.mp4)
        return clips.made(kept, *before, "-i", good, *arguments)

    return Case(name=name, make=make, ends=ends, reason=reason, file=file)


def edited(
    name: str,
    ends: frozenset[str],
    edit: Callable[[bytes], bytes],
    *,
    reason: str = "",
    of: str = "mp4",
) -> Case:
    """A case that is the good clip with one thing changed."""
    return Case(name=name, make=lambda clips: edit(getattr(clips, of)), ends=ends, reason=reason)
