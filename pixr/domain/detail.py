"""How much detail a source carries for a rung: what the rung below would lose of it.

    sampled frames at the rung ─┬─▶ down to the rung below ─▶ up again ─┐
                                └──────────────────────────────────────┴─▶ PSNR of the luma

An upload that was blown up from 720 lines comes through 720 lines unharmed: there is nothing in it
for 1080. A soft original does, too, and there the rung is indeed worth nothing.
"""

import re
from collections.abc import Sequence
from typing import Final

from pixr.domain.media import TOLD, Input, key_frame_arguments, laid_out, seconds
from pixr.domain.renditions import LADDER, Size, real_rungs, rung_size
from pixr.domain.sources import SourceFacts

FRAMES_MAX: Final = 8
"""Key frames, spread over the film."""

CENTIDB_MAX: Final = 10_000
"""Where the round trip loses nothing at all, there is no number: 100 dB stands for it."""


def measured_rungs(source: Size) -> list[int]:
    """The rungs that a source has the lines for and that have one below them."""
    return [rung for rung in real_rungs(source) if rung != LADDER[0]]


def detail_arguments(facts: SourceFacts, *, source: Input) -> list[str]:
    """Print what PSNR says of the round trip at each rung, in order, to the log."""
    rungs = measured_rungs(facts.size)
    times = _sample_times(facts)
    opened = [part for time in times for part in key_frame_arguments(time, source)]
    split = f"split={len(rungs)}" + "".join(f"[i{rung}]" for rung in rungs)
    graph = f"{laid_out([1] * len(times))},setpts=N,format=gray,{split}"
    for rung in rungs:
        below = LADDER[LADDER.index(rung) - 1]
        here, down = rung_size(facts.size, rung), rung_size(facts.size, below)
        graph += (
            f";[i{rung}]{_scale(here)},split[a{rung}][b{rung}];[b{rung}]{_scale(down)},"
            f"{_scale(here)}[c{rung}];[a{rung}][c{rung}]psnr@{rung}[o{rung}]"
        )
    outputs = [part for rung in rungs for part in ("-map", f"[o{rung}]", "-f", "null", "-")]
    return [*TOLD, *opened, "-filter_complex", graph, *outputs]


def read_detail(log: str) -> dict[int, int]:
    """Rung → PSNR-Y in centidecibels, of what the log has."""
    found = re.findall(r"\[psnr@(\d+) @ [^\]]*\][^\n]*PSNR y:(\S+)", log)
    return {int(rung): _centidb(text) for rung, text in found}


def _centidb(text: str) -> int:
    return CENTIDB_MAX if text == "inf" else min(CENTIDB_MAX, max(0, round(float(text) * 100)))


def _scale(size: Size) -> str:
    return f"scale={size.width_px}:{size.height_px}:flags=bicubic"


def _sample_times(facts: SourceFacts) -> Sequence[str]:
    """In seconds; neither the first frame nor the last, which are often black."""
    count = min(FRAMES_MAX, facts.frames)
    chosen = [(2 * number + 1) * facts.frames // (2 * count) for number in range(count)]
    return [seconds(facts.pts[number] * facts.time_base, places=6) for number in chosen]
