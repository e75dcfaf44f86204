"""The original on this machine's disk, for as long as one step needs it."""

from pathlib import Path
from typing import Final

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket
from pixr.domain.media import remux_arguments

SOURCE_BYTES_MAX: Final = 1024**3
"""1 GiB. The planner has 2 GiB of disk and may hold a source twice, when it is rewritten."""

REMUX_TIMEOUT_S: Final = 40
"""Reading and writing 1 GiB takes about 15 s."""


def fetch(bucket: Bucket, key: str, *, etag: str, folder: Path) -> Path:
    """Download exactly this version of the source into ``folder``.

    Raises:
        ObjectMissing: It was deleted.
        ObjectChanged: It was replaced.
    """
    path = folder / "source"
    bucket.download(key, path, etag=etag, bytes_max=SOURCE_BYTES_MAX)
    return path


def rewrite(ffmpeg: Ffmpeg, path: Path) -> Path:
    """Give the source a container that can be sought in; the bytes of the frames stay.

    Raises:
        FfmpegError: It cannot be rewritten.
    """
    output = path.with_name("source.mkv")
    ffmpeg.make(remux_arguments(path, output), timeout_s=REMUX_TIMEOUT_S)
    path.unlink()
    return output
