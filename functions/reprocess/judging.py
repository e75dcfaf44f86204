"""Compare samples of a rendition, and the places it was joined, with its source."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from functions.reprocess.verifying import Unfit
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.quality import (
    JOIN_FRAMES,
    JOINS_AT_ONCE,
    VMAF_SLACK,
    Film,
    Window,
    join_arguments,
    join_windows,
    read_looks,
    sample_windows,
    vmaf_arguments,
)
from pixr.domain.tuning import read_score

COMPARE_TIMEOUT_S: Final = 240
"""Four seconds of 2160p, decoded twice, and VMAF of a third of it: about 100 CPU seconds."""


def check_quality(ffmpeg: Ffmpeg, film: Film, folder: Path, *, target: Fraction | None) -> int:
    """Look at samples of the picture and at its joins, beside the source.

    Args:
        ffmpeg: The binary.
        film: What was made, and from what.
        folder: For reports, which are overwritten.
        target: The VMAF that the samples must have, less ``VMAF_SLACK``; None: nobody promised any.

    Returns:
        CPU milliseconds that it took.

    Raises:
        Unfit: With what differs.
        FfmpegError: It cannot be compared.
    """
    cpu_ms = 0
    if target is not None:
        report = folder / "vmaf.json"
        arguments = vmaf_arguments(film, sample_windows(film), report)
        cpu_ms += ffmpeg.make(arguments, timeout_s=COMPARE_TIMEOUT_S).cpu_ms
        score = read_score(report.read_text())
        if score < target - VMAF_SLACK:
            raise Unfit(f"samples of it have a VMAF of {score:.2f} instead of {float(target):.2f}")
    windows = join_windows(film)
    for first in range(0, len(windows), JOINS_AT_ONCE):
        cpu_ms += _check_joins(ffmpeg, film, windows[first : first + JOINS_AT_ONCE], folder)
    return cpu_ms


def _check_joins(ffmpeg: Ffmpeg, film: Film, windows: Sequence[Window], folder: Path) -> int:
    arguments = join_arguments(film, windows, folder)
    run = ffmpeg.make(arguments, timeout_s=COMPARE_TIMEOUT_S)
    looks, each = read_looks(folder), 2 * JOIN_FRAMES
    if len(looks) != each * len(windows):
        raise Unfit(f"of {each * len(windows)} frames at its joins {len(looks)} can be seen")
    for number, look in enumerate(looks):
        if look.complaint is not None:
            frame = windows[number // each].first + 1 + number % each
            raise Unfit(
                f"frame {frame}, at a join, {look.complaint}:"
                f" SSIM {float(look.own):.3f}, its neighbours' {float(look.beside):.3f}"
            )
    return run.cpu_ms
