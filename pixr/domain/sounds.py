"""How alike two sounds are, by the words that chromaprint makes of them.

A word has 32 bits and stands for 124 ms; of two unlike sounds half of the bits differ. The share
of bits that differ grows with the distance from the right shift in a straight line on both sides,
so the point between two words where it would be smallest tells the shift to about 10 ms.
"""

import struct
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from pixr.domain.fingerprints import (
    SOUND_RATE_HZ,
    SOUND_STEP_FRAMES,
    SOUND_WORDS_MAX,
    Unreadable,
)

MILLION: Final = 1_000_000
STEP_MS: Final = Fraction(1000 * SOUND_STEP_FRAMES, SOUND_RATE_HZ)

WINDOW_WORDS: Final = 40
"""Five seconds: a film of hours may have one scene in another language."""

PROBES: Final = 120
"""Words that are tried at every shift of a search."""

TELLING_MIN: Final = 100_000
"""By so much more bits must differ a second away, or the sound does not tell a shift."""

_SECOND_WORDS: Final = 8


class Hearing(NamedTuple):
    """How two sounds fit at one shift; shares of bits in millionths."""

    error: int
    window_error: int
    """In the worst five seconds."""
    window_at_ms: int
    """Where in the old film."""
    shift_ms: int | None
    """Where the sound itself would best fit, close by; None when it does not tell."""


def sound_arguments(begin_s: Fraction, *, output: Path) -> list[str]:
    """An output of the source's first sound as chromaprint words, from the first picture on.

    Decoding alone would hide a delay that the container adds; ``first_pts`` pads with silence,
    or cuts, until the sound begins with the picture, and ``async`` fills holes.
    """
    resample = f"aresample={SOUND_RATE_HZ}:async=1:first_pts={round(begin_s * SOUND_RATE_HZ)}"
    # What is almost nothing becomes nothing: one encoder keeps the hiss of a pause, another not.
    gate = "agate=threshold=0.001:range=0:ratio=9000:knee=1:attack=20:release=250"
    return [
        *["-map", "0:a:0", "-vn", "-sn", "-dn"],
        *["-af", f"{resample},aformat=channel_layouts=mono,{gate},aformat=sample_fmts=s16"],
        *["-f", "chromaprint", "-fp_format", "raw", str(output)],
    ]


def read_sound(raw: bytes) -> tuple[int, ...]:
    """The words that ``sound_arguments`` wrote; none when the sound is shorter than 2.7 s.

    Raises:
        Unreadable: It is not whole, or longer than a film can be.
    """
    if len(raw) % 4 or len(raw) > SOUND_WORDS_MAX * 4:
        raise Unreadable(f"{len(raw)} bytes are no sound fingerprint of up to four hours")
    return struct.unpack(f"<{len(raw) // 4}I", raw)


def words_in(time_ms: int) -> Fraction:
    """How many words a time has."""
    return Fraction(time_ms * SOUND_RATE_HZ, 1000 * SOUND_STEP_FRAMES)


def is_silent(words: Sequence[int]) -> bool:
    """Nothing is heard in it: every word is the same."""
    return len(set(words)) <= 1


def hear(old: Sequence[int], new: Sequence[int], shift_ms: int) -> Hearing | None:
    """Compare with the new sound ``shift_ms`` late.

    Returns:
        None when fewer than a second of both can be compared.
    """
    exact = words_in(shift_ms)
    near = min((exact.__floor__(), exact.__ceil__()), key=lambda lag: _error(old, new, lag))
    bits = _bits(old, new, near)
    if len(bits) < _SECOND_WORDS:
        return None
    size = min(WINDOW_WORDS, len(bits))
    total = worst = sum(bits[:size])
    worst_at = 0
    for at in range(size, len(bits)):
        total += bits[at] - bits[at - size]
        if total > worst:
            worst, worst_at = total, at - size + 1
    return Hearing(
        error=_share(sum(bits), len(bits)),
        window_error=_share(worst, size),
        window_at_ms=round((max(0, -near) + worst_at) * STEP_MS),
        shift_ms=_vertex(old, new, near),
    )


def _bits(old: Sequence[int], new: Sequence[int], lag: int) -> list[int]:
    """How many bits differ in each word of the overlap, with the new one ``lag`` words late."""
    first = max(0, -lag)
    later = new[first + lag :] if first + lag >= 0 else new
    return [(one ^ other).bit_count() for one, other in zip(old[first:], later, strict=False)]


def _error(old: Sequence[int], new: Sequence[int], lag: int) -> int:
    bits = _bits(old, new, lag)
    return _share(sum(bits), len(bits)) if bits else MILLION


def _share(bits: int, words: int) -> int:
    return MILLION * bits // (32 * words)


def _vertex(old: Sequence[int], new: Sequence[int], near: int) -> int | None:
    """Where the straight lines on both sides of the best fit meet, within a second of ``near``."""
    around = {
        lag: _error(old, new, lag)
        for lag in range(near - _SECOND_WORDS - 1, near + _SECOND_WORDS + 2)
    }
    inner = range(near - _SECOND_WORDS, near + _SECOND_WORDS + 1)
    best = min(inner, key=lambda lag: (around[lag], abs(lag - near)))
    before, there, after = around[best - 1], around[best], around[best + 1]
    away = min(_error(old, new, best - _SECOND_WORDS), _error(old, new, best + _SECOND_WORDS))
    if away - there < TELLING_MIN:
        return None
    rise = max(before, after) - there
    bend = Fraction(before - after, 2 * rise) if rise > 0 else Fraction(0)
    return round((best + bend) * STEP_MS)


def find_shift(old: Sequence[int], new: Sequence[int], *, lag_max: int) -> int | None:
    """The shift, in milliseconds, at which words of the old sound are found in the new one.

    Args:
        old: What was known.
        new: What is searched.
        lag_max: Words up to which is searched, either way.

    Returns:
        None when no shift stands out.
    """
    stride = max(1, len(old) // PROBES)
    probes = [(at, old[at]) for at in range(0, len(old), stride)]
    count = len(new)
    best: tuple[int, int] | None = None
    for lag in sorted(range(-lag_max, lag_max + 1), key=abs):
        bits = [(word ^ new[at + lag]).bit_count() for at, word in probes if 0 <= at + lag < count]
        if 2 * len(bits) < min(len(probes), count // stride):
            continue
        error = _share(sum(bits), len(bits))
        if best is None or error < best[0]:
            best = error, lag
    return None if best is None else _vertex(old, new, best[1])
