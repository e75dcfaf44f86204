"""What there is without us, by the same FFmpeg with the same settings: a ladder, and one pass.

source ─▶ decoded once ─┬─▶ 480 ─▶ file        source ─▶ one rung ─▶ file ┐
                        ├─▶ 720 ─▶ file                                   ├─▶ VMAF of both
                        └─▶ 1080 ─▶ file       source ─▶ our way  ─▶ file ┘
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchmarks.reprocess_path import used_cpu_s
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.media import (
    BY_NUMBER,
    EXACT,
    QUIET,
    Plan,
    encoder_arguments,
    listing_arguments,
    picture_chain,
)
from pixr.domain.renditions import real_rungs, rung_size
from pixr.domain.tuning import read_score, vmaf_filter

TIMEOUT_S: Final = 3_600
COMPARED_EVERY: Final = 12
"""Every twelfth frame of the film is judged, from its beginning to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """One run of FFmpeg and what it wrote."""

    files: Sequence[Path]
    size_bytes: int
    """Of all files."""
    cpu_s: float
    wall_s: float


def ladder(ffmpeg: Ffmpeg, plan: Plan, source: Path, folder: Path) -> tuple[list[int], Encoded]:
    """Every rung that the source has, those that are there already included, and its sound.

    Args:
        ffmpeg: The binary.
        plan: Of the rung that our way makes, with its quality, which the others get as well.
        source: The film.
        folder: For what is made.

    Returns:
        The rungs, and what making them took.
    """
    shape = plan.size
    rungs = list(real_rungs(shape))
    split = f"[0:V:0]split={len(rungs)}" + "".join(f"[i{rung}]" for rung in rungs)
    graph, outputs, files = [split], list[str](), list[Path]()
    for rung in rungs:
        one = replace(plan, size=rung_size(shape, rung))
        graph.append(f"[i{rung}]{picture_chain(one)}[o{rung}]")
        files.append(folder / f"{rung}.mp4")
        outputs += ["-map", f"[o{rung}]", *_encoder(one), str(files[-1])]
    sound = ["-map", "0:a:0?", "-c:a", "copy", str(folder / "sound.mp4")]
    opened = [*QUIET, "-y", "-i", str(source), "-filter_complex", ";".join(graph)]
    return rungs, _run(ffmpeg, [*opened, *outputs, *sound], files)


def one_pass(ffmpeg: Ffmpeg, plan: Plan, source: Path, folder: Path) -> Encoded:
    """The rung that our way makes, in one process from the first frame to the last."""
    output = folder / "one-pass.mp4"
    opened = [*QUIET, "-y", "-i", str(source), "-map", "0:V:0", "-an", "-vf", picture_chain(plan)]
    return _run(ffmpeg, [*opened, *_encoder(plan), str(output)], [output])


def picture_bytes(ffmpeg: Ffmpeg, path: Path) -> int:
    """The packets of the picture alone, without what a container adds."""
    listed = ffmpeg.make(listing_arguments(path), timeout_s=TIMEOUT_S).output
    return sum(int(line.split(",")[4]) for line in listed.splitlines() if line.startswith("0,"))


def judge(
    ffmpeg: Ffmpeg, plan: Plan, source: Path, made: Sequence[Path], folder: Path
) -> list[float]:
    """VMAF of each file against the source, over the whole film, in one run."""
    count = len(made)
    reports = [folder / f"film-{number}.json" for number in range(count)]
    true = "".join(f"[t{number}]" for number in range(count))
    chain = f"{picture_chain(plan)},format=yuv420p,{BY_NUMBER},split={count}{true}"
    graph = [f"[0:V:0]{chain}"]
    for number, report in enumerate(reports):
        graph.append(f"[{number + 1}:V:0]format=yuv420p,{BY_NUMBER}[m{number}]")
        judged = vmaf_filter(plan.size, report, every=COMPARED_EVERY)
        graph.append(f"[m{number}][t{number}]{judged}[v{number}]")
    inputs = [part for path in (source, *made) for part in ("-i", str(path))]
    outputs = [
        part
        for number in range(count)
        for part in ("-map", f"[v{number}]", "-fps_mode", "passthrough", "-f", "null", "-")
    ]
    arguments = [*QUIET, *inputs, "-filter_complex", ";".join(graph), *outputs]
    ffmpeg.make(arguments, timeout_s=TIMEOUT_S)
    return [read_score(report.read_text()) for report in reports]


def _encoder(plan: Plan) -> list[str]:
    assert plan.crf is not None
    return [*["-fps_mode", "passthrough"], *encoder_arguments(plan, plan.crf), *EXACT]


def _run(ffmpeg: Ffmpeg, arguments: Sequence[str], files: Sequence[Path]) -> Encoded:
    begun_s, begun_cpu_s = time.perf_counter(), used_cpu_s()
    ffmpeg.make(arguments, timeout_s=TIMEOUT_S)
    return Encoded(
        files=files,
        size_bytes=sum(path.stat().st_size for path in files),
        cpu_s=used_cpu_s() - begun_cpu_s,
        wall_s=time.perf_counter() - begun_s,
    )
