"""Whether a finished rendition looks like its source: samples of it, and the places it was joined.

    published ─ frames [n, n + k) ─┐
                                   ├─▶ VMAF of four windows; SSIM of the frames around joins
    source ──── the same frames ───┘

Frames are found by the middle between two of them and then counted, so a rounded time never pairs a
frame with its neighbour. Every cost is bounded: a film of hours is judged by as many frames as one
of minutes.

Around a join a frame must look more like its own source frame than like the ones beside it, and not
much less like it than those do: that asks nothing of the film, which may be confetti or a still.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from pixr.domain.media import (
    BY_NUMBER,
    QUIET,
    Input,
    Plan,
    input_arguments,
    laid_out,
    picture_chain,
    seconds,
)
from pixr.domain.tuning import score_at, vmaf_filter, windows

JOINS_MAX: Final = 24
"""Spread over the film. That all other chunks came through unharmed is known from their packets."""

JOINS_AT_ONCE: Final = 4
"""Each is two open files with a decoder of their own."""

JOIN_FRAMES: Final = 2
"""Before a join and after it, each."""

VMAF_SLACK: Final = 2
"""How far a film may fall short of what samples of it promised."""

NEIGHBOUR_MAX: Final = Fraction(2, 100)
"""By so much of SSIM a frame may look more like a neighbour than like itself: stills do."""

FALL_MAX: Final = Fraction(10, 100)
"""By so much of SSIM a frame may look less like itself than its neighbours do."""

SSIM_MIN: Final = Fraction(4, 10)
"""Another scene has less."""

_COMPARED: Final = ("own", "before", "after", "still_before", "still_after")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Frames ``[first, first + count)`` of the film."""

    first: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A published picture beside what it was made from."""

    plan: Plan
    chunk_starts: Sequence[int]
    """The first frame of each chunk."""
    source: Input
    media: Path
    """The published file."""
    pts_s: Sequence[Fraction]
    """When the published file shows each frame, in seconds."""


def promised_vmaf(plan: Plan, tuning: Mapping[str, Any] | None) -> Fraction | None:
    """What the search for the quality promised; None when there was nothing to search.

    Args:
        plan: With the quality that was chosen.
        tuning: As ``upgrade_jobs.tuning`` holds it.
    """
    tried: Mapping[str, float] = tuning["tried"] if tuning else {}
    if not tried or plan.crf is None:
        return None
    scores = {int(crf): vmaf for crf, vmaf in tried.items()}
    # The best that is made may still be less than the target.
    return min(Fraction(plan.vmaf_target), score_at(scores, plan.crf))


def sample_windows(film: Film) -> list[Window]:
    """The frames that the search for the quality was made with."""
    return [
        Window(first=film.chunk_starts[one.position], count=one.frame_count)
        for one in windows(film.plan)
    ]


def join_windows(film: Film) -> list[Window]:
    """The frames around joins and one more on both sides: all joins, or as many as are judged."""
    beside = JOIN_FRAMES + 1
    joins = [at for at in film.chunk_starts[1:] if beside <= at <= film.plan.frames - beside]
    count = min(JOINS_MAX, len(joins))
    chosen = (joins[number * len(joins) // count] for number in range(count))
    return [Window(first=at - beside, count=2 * beside) for at in chosen]


def vmaf_arguments(film: Film, found: Sequence[Window], report: Path) -> list[str]:
    """Write what VMAF says of the windows into ``report``."""
    judge = f"[made][true]{vmaf_filter(film.plan.size, report)}[out]"
    return [*_opened(film, found, judge), *_sink("out")]


def join_arguments(film: Film, found: Sequence[Window], folder: Path) -> list[str]:
    """Compare frames around joins with their own and their neighbours' source, into ``folder``."""
    length = 2 * JOIN_FRAMES + 2

    def part(name: str, first: int) -> str:
        # Of each window, without its first and last frame, or those before or after that.
        chosen = f"between(mod(n\\,{length})\\,{first}\\,{first + length - 3})"
        return f"[{name}{first}s]select='{chosen}',{BY_NUMBER}[{name}{first}]"

    mine = [("made1", "true1"), ("made1", "true0"), ("made1", "true2")]
    pairs = [*mine, ("true0", "true1"), ("true2", "true1")]
    graph = [
        "[made]null[made1s]",
        part("made", 1),
        "[true]split=3[true0s][true1s][true2s]",
        *(part("true", first) for first in range(3)),
        "[made1]split=3[made1.0][made1.1][made1.2]",
        "[true0]split=2[true0.1][true0.3]",
        "[true1]split=3[true1.0][true1.3][true1.4]",
        "[true2]split=2[true2.2][true2.4]",
    ]
    for number, ((one, other), name) in enumerate(zip(pairs, _COMPARED, strict=True)):
        report = report_path(folder, name)
        graph.append(f"[{one}.{number}][{other}.{number}]ssim=stats_file={report}[{name}]")
    arguments = _opened(film, found, ";".join(graph))
    return [*arguments, *(part for name in _COMPARED for part in _sink(name))]


def report_path(folder: Path, name: str) -> Path:
    """Where one of the comparisons goes."""
    return folder.joinpath(f"ssim-{name}.txt")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One frame at a join. SSIM of the luma."""

    own: Fraction
    """With the source's frame."""
    beside: Fraction
    """With the better of that one's neighbours."""
    still: Fraction
    """Of that one with its more alike neighbour: how little happens there."""

    @property
    def complaint(self) -> str | None:
        """What is wrong with the frame."""
        if self.own < self.beside - NEIGHBOUR_MAX:
            return "shows a frame of another time"
        if self.own < max(SSIM_MIN, self.still - FALL_MAX):
            return "does not show what the source does"
        return None


def read_looks(folder: Path) -> list[Look]:
    """What ``join_arguments`` found of each frame.

    Raises:
        ValueError: The reports are not whole.
    """
    names = (report_path(folder, name) for name in _COMPARED)
    columns = [_read_ssim(path.read_text()) for path in names]
    return [
        Look(own=own, beside=max(before, after), still=max(still_before, still_after))
        for own, before, after, still_before, still_after in zip(*columns, strict=True)
    ]


def _read_ssim(report: str) -> list[Fraction]:
    return [Fraction(text) for text in re.findall(r"^n:\d+ Y:([\d.]+) ", report, re.MULTILINE)]


def _opened(film: Film, found: Sequence[Window], judge: str) -> list[str]:
    """The windows of both films one after the other, as [made] and [true]."""
    opened: list[str] = []
    for origin, place in ((film.pts_s[0], None), (film.plan.start_s(0), film.source)):
        for one in found:
            if one.first > 0:
                middle = (film.pts_s[one.first - 1] + film.pts_s[one.first]) * Fraction(1, 2)
                target = middle - film.pts_s[0] + origin
                opened += ["-seek_timestamp", "1", "-ss", seconds(target, places=6)]
            opened += (
                ["-protocol_whitelist", "file", "-f", "mov", "-i", f"file:{film.media}"]
                if place is None
                else input_arguments(place)
            )
    counts = [one.count for one in found]
    # Each window for itself: a source may change its size on the way.
    chain = f"{picture_chain(film.plan)},format=yuv420p"
    made = f"{laid_out(counts, chain='format=yuv420p')},{BY_NUMBER}[made]"
    true = f"{laid_out(counts, first=len(counts), chain=chain)},{BY_NUMBER}[true]"
    return [*QUIET, *opened, "-filter_complex", f"{made};{true};{judge}"]


def _sink(name: str) -> list[str]:
    return ["-map", f"[{name}]", "-fps_mode", "passthrough", "-f", "null", "-"]
