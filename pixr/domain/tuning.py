"""Which quality a film needs: three encodings of a few seconds of it, judged against the source.

    windows of the source ─┬─▶ CRF 19 ─▶ VMAF ─┐
                           ├─▶ CRF 25 ─▶ VMAF ─┼─▶ the highest CRF that reaches the target
                           └─▶ CRF 31 ─▶ VMAF ─┘

A drawing needs fewer bits than a sports field for the same look. All of it happens in one run of
FFmpeg, which decodes what it has just encoded; the CRF between the three is interpolated, and
frozen for all chunks of the job.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from pixr.domain.media import (
    BY_NUMBER,
    QUIET,
    Input,
    Plan,
    encoder_arguments,
    laid_out,
    open_arguments,
    picture_chain,
)
from pixr.domain.quotes import SEARCHED_FRAMES
from pixr.domain.renditions import Size

CRFS: Final = (19, 25, 31)
CRF_MIN: Final = 18
CRF_MAX: Final = 30
"""Beyond these a target is missed by less than it costs, or the look of a flat film is ruined."""

WINDOWS_MAX: Final = 4
SUBSAMPLE: Final = 3
"""Every third frame is judged; what is in between looks alike."""

LARGE_PX: Final = 1440
"""From this rung on people sit nearer: VMAF has a model of its own for it."""

_MODELS: Final = {False: "vmaf_v0.6.1", True: "vmaf_4k_v0.6.1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Frames ``[0, frame_count)`` of the chunk at ``position``."""

    position: int
    frame_count: int


def windows(plan: Plan) -> list[Window]:
    """Up to four windows at the starts of chunks, spread over the film."""
    count = min(WINDOWS_MAX, len(plan.starts))
    positions = [(2 * number + 1) * len(plan.starts) // (2 * count) for number in range(count)]
    frames = min(SEARCHED_FRAMES // count, plan.frames // len(plan.starts))
    return [Window(position=position, frame_count=max(1, frames)) for position in positions]


def search_arguments(plan: Plan, *, source: Input, folder: Path) -> list[str]:
    """Encode the windows at each of ``CRFS`` and write what VMAF says into ``folder``."""
    found = windows(plan)
    opened = [part for one in found for part in open_arguments(plan, one.position, source)]
    counts = [one.frame_count for one in found]
    encoded, judged = (
        _samples(plan, counts, first=first, outputs=[f"{name}{crf}" for crf in CRFS])
        for first, name in ((0, "e"), (len(found), "r"))
    )
    stamps = ["-fps_mode", "passthrough", "-enc_time_base", "1:1000"]
    outputs: list[str] = []
    for crf in CRFS:
        outputs += ["-map", f"[e{crf}]", *stamps, *encoder_arguments(plan, crf), "-f", "null", "-"]
    for number, crf in enumerate(CRFS):
        outputs += ["-dec", f"{number}:0"]
        judge = vmaf_filter(plan.size, report_path(folder, crf))
        judged += f";[dec:{number}][r{crf}]{judge}[v{crf}]"
    outputs += ["-filter_complex", judged]
    for crf in CRFS:
        outputs += ["-map", f"[v{crf}]", "-fps_mode", "passthrough", "-f", "null", "-"]
    return [*QUIET, "-y", *opened, *opened, "-filter_complex", encoded, *outputs]


def report_path(folder: Path, crf: int) -> Path:
    """Where VMAF's report on one encoding goes."""
    return folder.joinpath(f"vmaf-{crf}.json")


def vmaf_filter(size: Size, report: Path, *, every: int = SUBSAMPLE) -> str:
    """Judge every so-manieth picture of this size by another one, and write it into ``report``."""
    model = _MODELS[size.short_px >= LARGE_PX]
    return f"libvmaf=n_subsample={every}:model=version={model}:log_fmt=json:log_path={report}"


def _samples(plan: Plan, counts: Sequence[int], *, first: int, outputs: Sequence[str]) -> str:
    """The windows one after the other, as the picture will be, once for each of ``outputs``."""
    chain = f"{picture_chain(plan)},{BY_NUMBER},format=yuv420p,split={len(outputs)}"
    split = "".join(f"[{name}]" for name in outputs)
    return f"{laid_out(counts, first=first)},{chain}{split}"


def read_score(report: str) -> float:
    """The mean VMAF of a report.

    Raises:
        ValueError: It is none.
    """
    document: Any = json.loads(report)
    try:
        score = float(document["pooled_metrics"]["vmaf"]["mean"])
    except (KeyError, TypeError) as error:
        raise ValueError("no VMAF in the report") from error
    if not math.isfinite(score):
        raise ValueError(f"a VMAF of {score}")
    return score


def choose(scores: Mapping[int, float], target: int) -> int:
    """The highest whole CRF whose score, read off the line through ``scores``, reaches ``target``.

    ``CRF_MIN`` when none does.

    Args:
        scores: CRF → mean VMAF, of at least two CRFs.
        target: VMAF, 0 to 100.
    """
    for crf in range(CRF_MAX, CRF_MIN, -1):
        if score_at(scores, crf) >= target:
            return crf
    return CRF_MIN


def score_at(scores: Mapping[int, float], crf: int) -> Fraction:
    """Between the scores on a straight line; beyond them on the last two's."""
    pairs = list(pairwise(sorted(scores.items())))
    left, right = next((pair for pair in pairs if crf <= pair[1][0]), pairs[-1])
    (low, best), (high, worst) = left, right
    return Fraction(best) + Fraction(crf - low, high - low) * (Fraction(worst) - Fraction(best))
