"""Whether a new source is the same film as the old one, so that its analysis still fits.

    same       every time code and every place in the picture still fits
    shifted    the same film, with more or less before or after it; exact when all that both
               have fits at one shift, so that time codes can be moved by it
    different  anything else: other pictures, other sound, another cut, another frame

The first gate needs no decoding of the whole new film, and keeps a wrong one from being encoded
at all. The judgement itself is made at the end, of everything.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any, Final

from pixr.domain.fingerprints import KEPT_PLACES, SAMPLE_MS, Fingerprint, KeyPicture
from pixr.domain.likeness import Film, Look, Match, compare_looks, look, places
from pixr.domain.overlays import (
    SHIFT_MAX_MS,
    Figures,
    Trial,
    heard_shift,
    lay,
    listen,
    seconds,
    seen,
    shifts,
    slack_ms,
)

KEY_DIFFERENCE_MAX: Final = 100_000
"""A key frame may lie 60 ms from the next picture that is kept: in live action that is another
picture, though not quite another."""

KEY_QUARTER_MAX: Final = 20_000
"""Of the quarter of the key frames that fit best: some frames of every film stand still."""

KEY_FRAMES_MIN: Final = 4
"""Fewer tell nothing; their decoder may even give them in the wrong order (HEVC, FFmpeg 9.0.2)."""

KEY_MISFITS_MAX_PERCENT: Final = 10
"""Of the key frames; neither may two neighbours misfit."""


class Verdict(StrEnum):
    """What a comparison comes to."""

    SAME = "SAME"
    SHIFTED = "SHIFTED"
    DIFFERENT = "DIFFERENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its reasons."""

    verdict: Verdict
    shift_ms: int
    """What is added to a time code of the old film to find the same in the new one."""
    is_exact: bool
    """The shift explains everything, so that time codes can be moved by it."""
    reasons: tuple[str, ...]
    figures: Figures

    def document(self) -> dict[str, Any]:
        """As ``upgrade_jobs.sameness`` holds it."""
        return {
            "verdict": self.verdict.value,
            "shift_ms": self.shift_ms,
            "is_exact": self.is_exact,
            "reasons": list(self.reasons),
            "figures": asdict(self.figures),
        }


def compare(old: Fingerprint, new: Fingerprint) -> Judgement:
    """Judge the whole new source by the whole old one."""
    one, other = Film(old), Film(new)
    longer_ms = new.duration_ms - old.duration_ms
    first = lay(one, other, 0)
    if not first.problems:
        if abs(longer_ms) <= slack_ms(old, new):
            return _same(first)
        return _shifted(first, longer_ms)
    for shift_ms in shifts(one, other, longer_ms):
        trial = lay(one, other, shift_ms)
        if not trial.problems and trial.is_told:
            return _shifted(trial, longer_ms)
    return Judgement(
        verdict=Verdict.DIFFERENT,
        shift_ms=0,
        is_exact=False,
        reasons=first.problems,
        figures=first.figures,
    )


def _same(trial: Trial) -> Judgement:
    reason = "pictures, sound and duration are the same"
    if not trial.is_told:
        reason += "; they hardly change, so a shift could not be told, and would not be noticed"
    return Judgement(
        verdict=Verdict.SAME,
        shift_ms=0,
        is_exact=True,
        reasons=(reason,),
        figures=trial.figures,
    )


def _shifted(trial: Trial, longer_ms: int) -> Judgement:
    tail_ms = longer_ms - trial.shift_ms
    parts = [
        f"{seconds(abs(by_ms))} s {'more' if by_ms > 0 else 'less'} at the {where}"
        for by_ms, where in ((trial.shift_ms, "start"), (tail_ms, "end"))
        if by_ms
    ]
    reason = f"the same film with {' and '.join(parts)}"
    if not trial.is_told:
        reason = (
            f"{seconds(abs(longer_ms))} s {'longer' if longer_ms > 0 else 'shorter'}, and where"
            " cannot be told: neither pictures nor sound change"
        )
    return Judgement(
        verdict=Verdict.SHIFTED,
        shift_ms=trial.shift_ms,
        is_exact=trial.is_told,
        reasons=(reason,),
        figures=trial.figures,
    )


def first_gate(old: Fingerprint, new: Fingerprint, keys: Sequence[KeyPicture]) -> Judgement:
    """Judge by durations, sound and key frames, before anything is encoded.

    Args:
        old: The whole old source.
        new: Durations and sound of the new one; its pictures are not needed.
        keys: Key frames of the new one; none when they took too long to decode.

    Returns:
        DIFFERENT when the whole could not pass either. What passes is judged again at the end,
        so nothing is exact yet.
    """
    film = Film(old)
    looks = [(key.time_ms, look(key.picture)) for key in keys if len(keys) >= KEY_FRAMES_MIN]
    longer_ms = new.duration_ms - old.duration_ms
    first = _key_trial(film, new, looks, 0)
    tried = [first]
    if first.problems:
        found = heard_shift(old, new)
        proposed = (longer_ms, found if found is not None else 0)
        tried += [
            _key_trial(film, new, looks, shift_ms)
            for shift_ms in proposed
            if slack_ms(old, new) < abs(shift_ms) <= SHIFT_MAX_MS
        ]
    fitting = next((trial for trial in tried if not trial.problems), None)
    trial = fitting or first
    verdict = Verdict.DIFFERENT
    if fitting is not None:
        is_same = fitting.shift_ms == 0 and abs(longer_ms) <= slack_ms(old, new)
        verdict = Verdict.SAME if is_same else Verdict.SHIFTED
    return Judgement(
        verdict=verdict,
        shift_ms=trial.shift_ms if fitting else 0,
        is_exact=False,
        reasons=trial.problems or ("as far as key frames, sound and duration tell",),
        figures=trial.figures,
    )


def _key_trial(
    old: Film, new: Fingerprint, keys: Sequence[tuple[int, Look]], shift_ms: int
) -> Trial:
    """Lay the new film's key frames over the old film."""
    matches = [
        match
        for time_ms, key in keys
        if (match := _key_match(old, key, time_ms - shift_ms)) is not None
    ]
    problems: list[str] = []
    if keys and 2 * len(matches) < len(keys):
        problems.append(f"only {len(matches)} of {len(keys)} key frames lie within the old film")
    misfits = [match.difference > KEY_DIFFERENCE_MAX for match in matches]
    if 100 * sum(misfits) > KEY_MISFITS_MAX_PERCENT * len(misfits) or any(
        one and other for one, other in pairwise(misfits)
    ):
        problems.append(f"{sum(misfits)} of {len(misfits)} key frames are other pictures")
    differences = sorted(match.difference for match in matches)
    if differences and differences[len(differences) // 4] > KEY_QUARTER_MAX:
        problems.append("not even a quarter of the key frames shows what the old film did")
    heard, found = listen(old.fingerprint, new, shift_ms)
    return Trial(
        shift_ms=shift_ms,
        problems=(*problems, *found),
        is_told=False,
        figures=Figures(
            samples=len(matches),
            duration_difference_ms=new.duration_ms - old.fingerprint.duration_ms,
            **seen(matches),
            picture_shift_ms=None,
            sound_error=heard.error if heard else None,
            sound_window_error_max=heard.window_error if heard else None,
            sound_shift_ms=heard.shift_ms if heard else None,
        ),
    )


def _key_match(old: Film, key: Look, time_ms: int) -> Match | None:
    """The best of the old film's pictures around ``time_ms``; None outside of the film."""
    # From the last one of the quarter second before: a copy may be a frame late.
    first = len(KEPT_PLACES) * (time_ms // SAMPLE_MS)
    near = range(max(0, first - 1), min(old.count, first + 2 * len(KEPT_PLACES)))
    if time_ms < 0 or not near:
        return None
    found = (compare_looks(places(time_ms), old.look(number), key) for number in near)
    return min(found, key=lambda match: match.difference)
