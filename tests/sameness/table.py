"""Every pair of films with its verdict and how far it is from every limit.

python -m tests.sameness.table
"""

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pixr.domain import overlays
from pixr.domain.sameness import Judgement, compare
from tests.sameness.films import (
    ABOUT_SOUND,
    SAME,
    SHIFTED,
    VARIANTS,
    Variant,
    fingerprint,
    make_masters,
    make_new,
    make_old,
)

HEAD = (
    "| film | variant | verdict | window | p95 | steps p95 | steps pair | sound | sound 5 s"
    " | shift of pictures, sound |"
)
LIMITS = {
    "window_difference_max": overlays.DIFFERENCE_MAX,
    "difference_p95": overlays.DIFFERENCE_MAX,
    "contradictions_p95": overlays.CONTRADICTIONS_P95_MAX,
    "contradictions_pair_max": overlays.CONTRADICTIONS_PAIR_MAX,
    "sound_error": overlays.SOUND_ERROR_MAX,
    "sound_window_error_max": overlays.SOUND_WINDOW_ERROR_MAX,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pair, judged."""

    film: str
    name: str
    variant: Variant
    judgement: Judgement

    def figure(self, name: str) -> int | None:
        found: int | None = getattr(self.judgement.figures, name)
        return found

    @property
    def complaint(self) -> str | None:
        """What is wrong with the verdict."""
        got, want = self.judgement, self.variant
        if got.verdict != want.verdict:
            return f"{self.film}, {self.name}: {got.verdict} instead of {want.verdict}: {got}"
        if want.verdict == SHIFTED and (got.shift_ms, got.is_exact) != (want.shift_ms, True):
            return f"{self.film}, {self.name}: shifted by {got.shift_ms}, not {want.shift_ms}"
        return None

    def line(self) -> str:
        """As the page has it."""
        got = self.judgement
        verdict = f"{got.verdict} {got.shift_ms:+d} ms" if got.verdict == SHIFTED else got.verdict
        figures = [_shown(self.figure(name), limit) for name, limit in LIMITS.items()]
        shifts = f"{_or_none(got.figures.picture_shift_ms)}, {_or_none(got.figures.sound_shift_ms)}"
        return "| " + " | ".join([self.film, self.name, verdict, *figures, shifts]) + " |"


def _shown(value: int | None, limit: int) -> str:
    if value is None:
        return "–"
    return f"**{value}**" if value > limit else str(value)


def _or_none(value: int | None) -> str:
    return "–" if value is None else str(value)


def judge_pairs(folder: Path, *, is_all: bool) -> Iterator[Row]:
    """Make pairs, one after the other: all, or each variant of one film only."""
    masters = make_masters(folder)
    for film, other in (("bunny", "street"), ("street", "bunny")):
        olds = {
            done: fingerprint(
                make_old(masters[film], folder / f"{film}-old-{number}.mp4", done=done)
            )
            for number, done in enumerate(sorted({each.of_old for each in VARIANTS.values()}))
        }
        for number, (name, variant) in enumerate(VARIANTS.items()):
            films = ("bunny",) if name in ABOUT_SOUND else ("bunny", "street")
            if film not in (films if is_all else (films[number % len(films)],)):
                continue
            path = folder / f"{film}-{number}.mp4"
            new = fingerprint(make_new(masters[film], masters[other], variant, path))
            path.unlink()
            judgement = compare(olds[variant.of_old], new)
            yield Row(film=film, name=name, variant=variant, judgement=judgement)


def margins(rows: list[Row]) -> list[str]:
    """For each limit: the highest figure that must pass, and the lowest that must not."""
    lines = ["| limit | most of what passes | limit is | least of what it alone or others refuse |"]
    lines.append("|---|---|---|---|")
    for name, limit in LIMITS.items():
        passing = [
            value
            for row in rows
            if row.variant.verdict in (SAME, SHIFTED)
            if (value := row.figure(name)) is not None
        ]
        refused = [
            value
            for row in rows
            if row.variant.verdict not in (SAME, SHIFTED)
            if (value := row.figure(name)) is not None
            if value > limit
        ]
        lines.append(f"| {name} | {max(passing)} | {limit} | {min(refused)} |")
    return lines


def page(rows: list[Row]) -> str:
    """The two tables, as docs/sameness.md has them."""
    rule = "|" + "---|" * HEAD.count(" |")
    table = "\n".join([HEAD, rule, *(row.line() for row in rows)])
    return table + "\n\n" + "\n".join(margins(rows)) + "\n"


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="pixr-") as name:
        rows = list(judge_pairs(Path(name), is_all=True))
    sys.stdout.write(page(rows))
    complaints = [row.complaint for row in rows if row.complaint]
    if complaints:
        raise SystemExit("\n".join(complaints))


if __name__ == "__main__":
    main()
