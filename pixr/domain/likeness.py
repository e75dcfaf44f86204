"""How alike two small pictures are, and how alike two films are at one shift against each other.

A difference is 1 less the correlation of the grey values, in millionths: brightness and contrast
do not count, the picture does. It knows three things that a plain correlation does not: noise in
a dark picture is not a picture; what covers a few of 72 fields, such as a logo, is not another
picture; and a copy may show the frame before or after.
"""

from math import isqrt
from operator import gt, mul
from typing import Final, NamedTuple

from pixr.domain.fingerprints import (
    COLUMNS,
    KEPT_PLACES,
    PICTURE_BYTES,
    PLACES_PER_S,
    PLACES_PER_SAMPLE,
    ROWS,
    Fingerprint,
    Picture,
)

MILLION: Final = 1_000_000

NOISE: Final = 16
"""Variance, in squared levels of grey, that is taken for noise: four levels up and down."""

STEP_LEVELS: Final = 2
"""From one field to the next; a smaller step may be noise and has no direction."""

FLAT_MEANS_APART_MAX: Final = 24
"""Levels of grey that two empty pictures may differ by: grading moves black so far."""

FIELDS_LEFT_OUT: Final = 4
"""Fields that may be covered: a logo of a ninth of the width lies on four at most."""

COST_MAX: Final = 300_000
"""So much one sample adds to a mean at most, so that a cut does not outweigh the rest."""

PLAINLY_ALIKE: Final = 2_000
PLAINLY_UNLIKE: Final = 400_000
"""Differences that need no second look."""

_FLOOR: Final = NOISE * PICTURE_BYTES**2
_PLUS: Final = bytes(min(level + STEP_LEVELS, 255) for level in range(256))
_STEPS: Final = int.from_bytes(
    bytes(field % COLUMNS != COLUMNS - 1 for field in range(COLUMNS * ROWS - 1)), "big"
)
"""Neighbours in a row; the last field of a row and the first of the next are none."""


class Look(NamedTuple):
    """What is worked out of one picture."""

    picture: Picture
    total: int
    spread: int
    """Variance times ``PICTURE_BYTES`` squared."""
    darker: int
    """A byte for each step: 1 where the right field is clearly darker."""
    lighter: int

    @property
    def is_flat(self) -> bool:
        """There is nothing on it but noise."""
        return self.spread < _FLOOR


class Match(NamedTuple):
    """How one sample fits."""

    place: int
    """Of the old film."""
    difference: int
    """Millionths."""
    contradictions: int
    """Steps that are clearly darker in one and clearly lighter in the other, of 64."""


def look(picture: Picture) -> Look:
    """Work out what is compared."""
    left, right = picture[:-1], picture[1:]
    total = sum(picture)
    return Look(
        picture=picture,
        total=total,
        spread=PICTURE_BYTES * sum(map(mul, picture, picture)) - total * total,
        darker=_STEPS & int.from_bytes(bytes(map(gt, left, right.translate(_PLUS))), "big"),
        lighter=_STEPS & int.from_bytes(bytes(map(gt, right, left.translate(_PLUS))), "big"),
    )


def contradictions(one: Look, other: Look) -> int:
    """Steps that go up in one and down in the other."""
    return ((one.darker & other.lighter) | (one.lighter & other.darker)).bit_count()


def difference(one: Look, other: Look) -> int:
    """In millionths: 0 for the same picture, about 1,000,000 for any other."""
    if one.is_flat and other.is_flat:
        apart = abs(one.total - other.total)
        return 0 if apart <= FLAT_MEANS_APART_MAX * PICTURE_BYTES else MILLION
    common = (
        PICTURE_BYTES * sum(map(mul, one.picture, other.picture)) - one.total * other.total + _FLOOR
    )
    return _unlike(common, one.spread + _FLOOR, other.spread + _FLOOR)


def _unlike(common: int, spread: int, other_spread: int) -> int:
    return max(0, MILLION - MILLION * common // isqrt(spread * other_spread))


def covered_difference(one: Look, other: Look) -> int:
    """The difference without the fields that fit worst."""
    common = PICTURE_BYTES * sum(map(mul, one.picture, other.picture)) - one.total * other.total
    misfits = [
        abs(
            one.spread * (PICTURE_BYTES * grey - other.total)
            - common * (PICTURE_BYTES * old_grey - one.total)
        )
        for old_grey, grey in zip(one.picture, other.picture, strict=True)
    ]
    limit = sorted(misfits)[-FIELDS_LEFT_OUT - 1]
    kept = [field for field, misfit in enumerate(misfits) if misfit <= limit]
    mine, theirs = [one.picture[at] for at in kept], [other.picture[at] for at in kept]
    count, total, other_total = len(kept), sum(mine), sum(theirs)
    floor = NOISE * count**2
    return _unlike(
        count * sum(map(mul, mine, theirs)) - total * other_total + floor,
        count * sum(map(mul, mine, mine)) - total**2 + floor,
        count * sum(map(mul, theirs, theirs)) - other_total**2 + floor,
    )


class Film:
    """A fingerprint with what is worked out of its pictures, each once."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.fingerprint = fingerprint
        self.count = len(fingerprint.pictures)
        self._looks: list[Look | None] = [None] * self.count

    def look(self, number: int) -> Look:
        """Of picture ``number``, which there must be."""
        known = self._looks[number]
        if known is None:
            known = self._looks[number] = look(self.fingerprint.pictures[number])
        return known

    @property
    def samples(self) -> int:
        """How many quarters of a second begin in it."""
        return -(-self.count // len(KEPT_PLACES))


def places(shift_ms: int) -> int:
    """A shift on the grid, to the nearest place."""
    return (2 * shift_ms * PLACES_PER_S + 1000) // 2000


def pairs(lag: int) -> list[tuple[int, int]]:
    """Pictures of sample 0 that are exactly ``lag`` places apart, at least one pair.

    Returns:
        Numbers in the old and the new film; those of sample k are 3k further on.
    """
    found: list[tuple[int, int]] = []
    for number, place in enumerate(KEPT_PLACES):
        samples, rest = divmod(place + lag, PLACES_PER_SAMPLE)
        if rest in KEPT_PLACES:
            found.append((number, len(KEPT_PLACES) * samples + KEPT_PLACES.index(rest)))
    return found


def match(old: Film, new: Film, lag: int) -> list[Match]:
    """Compare the films with the new one ``lag`` places late, frame before and after included.

    Args:
        old: What was known.
        new: What is compared with it.
        lag: Places of the grid; negative when the new film begins later in the story.

    Returns:
        One for each sample that both films have.
    """
    tried = [pair for around in (0, -1, 1) for pair in pairs(lag + around)]
    matches: list[Match] = []
    for sample in range(old.samples):
        best: Match | None = None
        for old_at, new_at in tried:
            first, second = len(KEPT_PLACES) * sample + old_at, len(KEPT_PLACES) * sample + new_at
            if not (0 <= first < old.count and 0 <= second < new.count):
                continue
            found = compare_looks(sample * PLACES_PER_SAMPLE, old.look(first), new.look(second))
            if best is None or found.difference < best.difference:
                best = found
            if found.difference <= PLAINLY_ALIKE:
                break
        if best is not None:
            matches.append(best)
    return matches


def compare_looks(place: int, one: Look, other: Look) -> Match:
    """Compare two pictures, a second time without what may be a logo when they are close."""
    found = difference(one, other)
    if PLAINLY_ALIKE < found < PLAINLY_UNLIKE:
        found = min(found, covered_difference(one, other))
    return Match(place, found, contradictions(one, other))


def cost(old: Film, new: Film, lag: int, samples: range) -> int | None:
    """The mean difference at exactly this lag, in millionths; a sample counts up to ``COST_MAX``.

    Args:
        old: What was known.
        new: What is compared with it.
        lag: Places of the grid.
        samples: Of the old film.

    Returns:
        None when the new film has none of them.
    """
    old_at, new_at = pairs(lag)[0]
    kept = len(KEPT_PLACES)
    differences = [
        min(COST_MAX, difference(old.look(kept * at + old_at), new.look(kept * at + new_at)))
        for at in samples
        if 0 <= kept * at + old_at < old.count and 0 <= kept * at + new_at < new.count
    ]
    return sum(differences) // len(differences) if differences else None
