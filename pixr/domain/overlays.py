"""Two films laid over each other at one shift: what fits, what does not, and where else it would.

The limits were set on the table of real pairs in docs/sameness.md, animation and live action.
Differences and errors are in millionths.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final, TypedDict

from pixr.domain import sounds
from pixr.domain.fingerprints import (
    KEPT_PLACES,
    PLACES_PER_S,
    PLACES_PER_SAMPLE,
    SAMPLE_MS,
    Fingerprint,
)
from pixr.domain.likeness import (
    COST_MAX,
    Film,
    Match,
    contradictions,
    cost,
    match,
    places,
)

DIFFERENCE_MAX: Final = 8_000
"""Of 95 % of the samples, and of every second less its worst sample."""

CONTRADICTIONS_P95_MAX: Final = 3
CONTRADICTIONS_PAIR_MAX: Final = 8
"""Of 64 steps; no two neighbouring samples may both have more."""

SOUND_ERROR_MAX: Final = 150_000
SOUND_WINDOW_ERROR_MAX: Final = 200_000

DURATION_SLACK_MS: Final = 50
"""Beside one frame, what containers round a duration by."""

SOUND_END_SLACK_MS: Final = 1_000
"""Encoders pad a sound, and the last words of a print come late."""

SHIFT_MAX_MS: Final = 10 * 60 * 1000
"""The longest intro that is looked for."""

OVERLAP_MIN: Final = Fraction(3, 4)
"""Of the shorter film; with less in common it is another cut."""

TELLING_MIN: Final = 2_000
"""By so much more must the pictures differ elsewhere, or they do not tell a shift."""

WINDOW_SAMPLES: Final = 4

PROBES: Final = 150
"""Samples that are tried at every shift of a search."""

PRECISE_SAMPLES: Final = 2_000
"""Samples that tell the shift to a frame; more tell the same."""

PARTS: Final = 8
PART_SAMPLES_MIN: Final = 8

CANDIDATES: Final = 3
"""Shifts that a search of the pictures may propose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a judgement rests on, at its shift; differences and errors in millionths."""

    samples: int
    duration_difference_ms: int
    difference_p95: int
    difference_max: int
    window_difference_max: int
    """Of the worst second less its worst sample."""
    window_at_ms: int
    """Where that is in the old film."""
    contradictions_p95: int
    contradictions_max: int
    contradictions_pair_max: int
    picture_shift_ms: int | None
    """Where the pictures would best fit, within a quarter of a second; None: they do not tell."""
    sound_error: int | None
    """None: there is nothing to compare."""
    sound_window_error_max: int | None
    sound_shift_ms: int | None
    """Where the sound would best fit, within a second; None: it does not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Both films laid over each other at one shift."""

    shift_ms: int
    problems: tuple[str, ...]
    is_told: bool
    """Pictures or sound would not fit at another shift."""
    figures: Figures


def seconds(milliseconds: int) -> str:
    """As it is said: 83.250."""
    return f"{milliseconds // 1000}.{milliseconds % 1000:03d}"


def slack_ms(old: Fingerprint, new: Fingerprint) -> int:
    """By how much two durations, or two best shifts, may differ and mean the same."""
    return max(old.frame_ms, new.frame_ms) + DURATION_SLACK_MS


def lay(old: Film, new: Film, shift_ms: int) -> Trial:
    """Lay the new film over the old one, ``shift_ms`` late."""
    lag, slack = places(shift_ms), slack_ms(old.fingerprint, new.fingerprint)
    matches = match(old, new, lag)
    problems: list[str] = []
    if len(matches) < min(old.samples, new.samples) * OVERLAP_MIN:
        problems.append(f"only {seconds(len(matches) * SAMPLE_MS)} s of the films overlap")
    figures = seen(matches)
    problems += _picture_problems(figures)
    picture_shift_ms: int | None = None
    if not problems:
        picture_shift_ms, found = _placed(old, new, lag, matches, slack)
        problems += found
    heard, found = listen(old.fingerprint, new.fingerprint, shift_ms)
    problems += found
    return Trial(
        shift_ms=shift_ms,
        problems=tuple(problems),
        is_told=picture_shift_ms is not None or (heard is not None and heard.shift_ms is not None),
        figures=Figures(
            samples=len(matches),
            duration_difference_ms=new.fingerprint.duration_ms - old.fingerprint.duration_ms,
            **figures,
            picture_shift_ms=picture_shift_ms,
            sound_error=heard.error if heard else None,
            sound_window_error_max=heard.window_error if heard else None,
            sound_shift_ms=heard.shift_ms if heard else None,
        ),
    )


class Seen(TypedDict):
    """The part of the figures that pictures give."""

    difference_p95: int
    difference_max: int
    window_difference_max: int
    window_at_ms: int
    contradictions_p95: int
    contradictions_max: int
    contradictions_pair_max: int


def seen(matches: Sequence[Match]) -> Seen:
    """Sum up how the pictures fit; four neighbours are a window."""
    differences = [found.difference for found in matches] or [COST_MAX]
    against = [found.contradictions for found in matches] or [0]
    windows = [
        (sum(four) - max(four)) // 3 if len(four) == WINDOW_SAMPLES else min(four)
        for at in range(max(1, len(differences) - WINDOW_SAMPLES + 1))
        if (four := differences[at : at + WINDOW_SAMPLES])
    ]
    worst = max(range(len(windows)), key=lambda at: windows[at])
    return Seen(
        difference_p95=_p95(differences),
        difference_max=max(differences),
        window_difference_max=windows[worst],
        window_at_ms=matches[worst].place * 1000 // PLACES_PER_S if matches else 0,
        contradictions_p95=_p95(against),
        contradictions_max=max(against),
        contradictions_pair_max=max((min(pair) for pair in pairwise(against)), default=0),
    )


def _picture_problems(figures: Seen) -> list[str]:
    problems: list[str] = []
    if figures["window_difference_max"] > DIFFERENCE_MAX:
        problems.append(
            f"the picture is another one {seconds(figures['window_at_ms'])} s after the start:"
            f" {figures['window_difference_max']} ppm, {DIFFERENCE_MAX} at most"
        )
    if figures["difference_p95"] > DIFFERENCE_MAX:
        problems.append(
            f"more than 5 % of the pictures are others: {figures['difference_p95']} ppm,"
            f" {DIFFERENCE_MAX} at most"
        )
    if figures["contradictions_p95"] > CONTRADICTIONS_P95_MAX:
        problems.append(
            f"in more than 5 % of the pictures light and dark lie elsewhere:"
            f" {figures['contradictions_p95']} steps, {CONTRADICTIONS_P95_MAX} at most"
        )
    if figures["contradictions_pair_max"] > CONTRADICTIONS_PAIR_MAX:
        problems.append(
            f"for half a second light and dark lie elsewhere:"
            f" {figures['contradictions_pair_max']} steps, {CONTRADICTIONS_PAIR_MAX} at most"
        )
    return problems


def _p95(values: Sequence[int]) -> int:
    return sorted(values)[len(values) * 95 // 100]


def _placed(
    old: Film, new: Film, lag: int, matches: Sequence[Match], slack: int
) -> tuple[int | None, list[str]]:
    """Where the pictures fit best close to ``lag``, and the parts of the film that fit elsewhere.

    Parts are looked at by themselves: at another speed, one end is early and the other late.

    Returns:
        Milliseconds; None when they fit as well a quarter of a second away.
    """
    begin = matches[0].place // PLACES_PER_SAMPLE
    end = matches[-1].place // PLACES_PER_SAMPLE + 1
    every = max(1, (end - begin) // PRECISE_SAMPLES)
    size = max(PART_SAMPLES_MIN, -(-(end - begin) // PARTS))
    problems: list[str] = []
    for start in range(begin, end, size):
        _, best, _ = _best(old, new, lag, range(start, min(end, start + size), every))
        if abs(milliseconds(best - lag)) > slack:
            at_ms, by_ms = start * SAMPLE_MS, abs(milliseconds(best - lag))
            problems.append(
                f"from {seconds(at_ms)} s on the pictures fit better {seconds(by_ms)} s away"
            )
    is_told, best, _ = _best(old, new, lag, range(begin, end, every))
    return (milliseconds(best) if is_told else None), problems


def _best(old: Film, new: Film, lag: int, samples: range) -> tuple[bool, int, int]:
    """Whether the pictures tell a lag within a quarter of a second, the best one, and its cost."""
    near = range(lag - PLACES_PER_SAMPLE, lag + PLACES_PER_SAMPLE + 1)
    costs = {at: found for at in near if (found := cost(old, new, at, samples)) is not None}
    if lag not in costs:
        return False, lag, COST_MAX
    best = min(costs, key=lambda at: (costs[at], abs(at - lag)))
    if costs[lag] - costs[best] < TELLING_MIN:
        best = lag
    return max(costs.values()) - costs[best] >= TELLING_MIN, best, costs[best]


def milliseconds(lag: int) -> int:
    """The time of so many places, to the nearest millisecond."""
    return (2000 * lag + PLACES_PER_S) // (2 * PLACES_PER_S)


def listen(
    old: Fingerprint, new: Fingerprint, shift_ms: int
) -> tuple[sounds.Hearing | None, list[str]]:
    """How the sounds fit, and what is wrong with them."""
    if old.sound is None or new.sound is None:
        only = new.sound if old.sound is None else old.sound
        if only is None or sounds.is_silent(only):
            return None, []
        who = "the old film has no sound" if old.sound is None else "the new film has no sound"
        return None, [f"{who}, and the other has"]
    problems: list[str] = []
    longer_ms = round((len(new.sound) - len(old.sound)) * sounds.STEP_MS)
    by_ms = longer_ms - (new.duration_ms - old.duration_ms)
    if abs(by_ms) > SOUND_END_SLACK_MS and not sounds.is_silent((*old.sound, *new.sound)):
        problems.append(f"the sound ends {seconds(abs(by_ms))} s away from where it did")
    heard = sounds.hear(old.sound, new.sound, shift_ms)
    if heard is None:
        return None, problems
    if heard.error > SOUND_ERROR_MAX:
        problems.append(f"the sound is another one: {heard.error} ppm, {SOUND_ERROR_MAX} at most")
    if heard.window_error > SOUND_WINDOW_ERROR_MAX:
        problems.append(
            f"the sound is another one {seconds(heard.window_at_ms)} s after the start:"
            f" {heard.window_error} ppm, {SOUND_WINDOW_ERROR_MAX} at most"
        )
    away_ms = abs(heard.shift_ms - shift_ms) if heard.shift_ms is not None else 0
    if away_ms > slack_ms(old, new):
        problems.append(f"the sound fits better {seconds(away_ms)} s away")
    return heard, problems


def shifts(old: Film, new: Film, longer_ms: int) -> Iterator[int]:
    """Shifts that are worth trying, in milliseconds, the likeliest first.

    Args:
        old: What was known.
        new: What is compared with it.
        longer_ms: How much longer the new one is: all of it may be an intro.
    """
    if abs(longer_ms) <= SHIFT_MAX_MS:
        yield longer_ms
    found = heard_shift(old.fingerprint, new.fingerprint)
    if found is not None:
        yield _to_a_frame(old, new, places(found))
    for lag in _pictured(old, new, places(_reach_ms(old.fingerprint, new.fingerprint))):
        yield _to_a_frame(old, new, lag)


def heard_shift(old: Fingerprint, new: Fingerprint) -> int | None:
    """Where the sound of one is found in the other, in milliseconds; None: nowhere."""
    if not old.sound or not new.sound:
        return None
    lag_max = round(sounds.words_in(_reach_ms(old, new)))
    return sounds.find_shift(old.sound, new.sound, lag_max=lag_max)


def _reach_ms(old: Fingerprint, new: Fingerprint) -> int:
    shorter_ms = min(old.duration_ms, new.duration_ms)
    return min(SHIFT_MAX_MS, round(shorter_ms * (1 - OVERLAP_MIN)))


def _to_a_frame(old: Film, new: Film, lag: int) -> int:
    every = max(1, old.samples // PRECISE_SAMPLES)
    _, best, _ = _best(old, new, lag, range(0, old.samples, every))
    return milliseconds(best)


def _pictured(old: Film, new: Film, lag_max: int) -> list[int]:
    """The lags at which the fewest steps of some pictures contradict."""
    kept = len(KEPT_PLACES)
    stride = max(1, old.samples // PROBES)
    probes = [
        (sample, old.look(kept * sample))
        for sample in range(0, old.samples, stride)
        if not old.look(kept * sample).is_flat
    ]
    reach = lag_max // PLACES_PER_SAMPLE
    scores: list[tuple[int, int, int]] = []
    for lag in range(-reach, reach + 1):
        against = [
            min(16, contradictions(known, new.look(kept * (sample + lag))))
            for sample, known in probes
            if 0 <= kept * (sample + lag) < new.count
        ]
        if against and 2 * len(against) >= min(len(probes), new.samples // stride):
            scores.append((sum(against) * 1000 // len(against), abs(lag), lag))
    return [lag * PLACES_PER_SAMPLE for _, _, lag in sorted(scores)[:CANDIDATES]]
