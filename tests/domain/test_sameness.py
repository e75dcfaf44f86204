"""The rule by itself: films that no clip is needed for."""

import json
import random
from collections.abc import Sequence

import pytest

from pixr.domain.fingerprints import (
    KEPT_PLACES,
    PICTURE_BYTES,
    PLACES_PER_S,
    PLACES_PER_SAMPLE,
    Fingerprint,
    KeyPicture,
    Picture,
)
from pixr.domain.likeness import difference, look, pairs
from pixr.domain.sameness import Verdict, compare, first_gate

FRAMES = 12 * PLACES_PER_S


def place_pictures(seed: int, frames: int = FRAMES) -> list[bytes]:
    """A picture for each place: shots of two seconds with something that moves in them."""
    chance = random.Random(seed)
    pictures: list[bytes] = []
    for _ in range(0, frames, 2 * PLACES_PER_S):
        ground = [chance.randrange(30, 220) for _ in range(PICTURE_BYTES)]
        for at in range(2 * PLACES_PER_S):
            moved = ground[at % 9 :] + ground[: at % 9]
            pictures.append(
                bytes((3 * old + new) // 4 for old, new in zip(ground, moved, strict=True))
            )
    return pictures[:frames]


def kept(pictures: Sequence[bytes]) -> tuple[Picture, ...]:
    return tuple(
        Picture(picture)
        for place, picture in enumerate(pictures)
        if place % PLACES_PER_SAMPLE in KEPT_PLACES
    )


def words(seed: int, count: int = 75) -> tuple[int, ...]:
    """Sound whose words change bit by bit, as chromaprint's do."""
    chance = random.Random(seed)
    found = [chance.getrandbits(32)]
    for _ in range(count - 1):
        found.append(found[-1] ^ sum(1 << bit for bit in chance.sample(range(32), 9)))
    return tuple(found)


def film(
    pictures: Sequence[bytes], sound: Sequence[int] | None = None, *, duration_ms: int | None = None
) -> Fingerprint:
    return Fingerprint(
        duration_ms=duration_ms or len(pictures) * 1000 // PLACES_PER_S,
        frame_ms=42,
        pictures=kept(pictures),
        sound=sound,
    )


OLD = place_pictures(1)
BLACK, WHITE = bytes([16]) * PICTURE_BYTES, bytes([235]) * PICTURE_BYTES
STILL = bytes(range(40, 40 + 2 * PICTURE_BYTES, 2))


@pytest.mark.parametrize("lag", range(-13, 14))
def test_every_lag_has_pictures_that_far_apart(lag: int) -> None:
    for old, new in pairs(lag):
        times = [PLACES_PER_SAMPLE * (at // 3) + KEPT_PLACES[at % 3] for at in (old, new)]
        assert times[1] - times[0] == lag
    assert pairs(lag)


@pytest.mark.parametrize("places", [-71, -24, -7, -3, 3, 5, 22, 48])
def test_a_film_that_begins_elsewhere_is_shifted_to_the_frame(places: int) -> None:
    new = place_pictures(2)[:places] + OLD if places > 0 else OLD[-places:]
    judgement = compare(film(OLD), film(new))
    assert judgement.verdict == Verdict.SHIFTED
    assert judgement.is_exact
    assert abs(judgement.shift_ms - places * 1000 / PLACES_PER_S) <= 1


def test_less_at_both_ends_is_told_from_the_pictures() -> None:
    judgement = compare(film(OLD), film(OLD[31:-20]))
    assert (judgement.verdict, judgement.is_exact) == (Verdict.SHIFTED, True)
    assert abs(judgement.shift_ms + 31 * 1000 / 24) <= 1
    assert "1.292 s less at the start and 0.833 s less at the end" in judgement.reasons[0]


def test_too_little_in_common_is_another_film() -> None:
    assert compare(film(OLD), film(OLD[: FRAMES // 2] + place_pictures(3))).verdict == "DIFFERENT"
    assert compare(film(OLD), film(place_pictures(3))).verdict == "DIFFERENT"


def test_halves_that_changed_places_are_another_cut() -> None:
    half = FRAMES // 2
    assert compare(film(OLD), film(OLD[half:] + OLD[:half])).verdict == Verdict.DIFFERENT


def test_another_length_is_not_the_same_however_alike() -> None:
    judgement = compare(film(OLD), film(OLD, duration_ms=12_093))
    assert judgement.verdict == Verdict.SHIFTED
    assert compare(film(OLD), film(OLD, duration_ms=12_092)).verdict == Verdict.SAME


@pytest.mark.parametrize("sound", [None, (7,) * 75])
def test_black_films_are_the_same_when_as_long_and_tell_no_shift(
    sound: tuple[int, ...] | None,
) -> None:
    same = compare(film([BLACK] * FRAMES, sound), film([BLACK] * FRAMES))
    assert same.verdict == Verdict.SAME
    assert "could not be told" in same.reasons[0]
    shorter = compare(film([BLACK] * FRAMES, sound), film([BLACK] * (FRAMES - 48)))
    assert (shorter.verdict, shorter.is_exact) == (Verdict.SHIFTED, False)
    assert "cannot be told" in shorter.reasons[0]


def test_black_is_not_white_and_a_still_not_black() -> None:
    assert compare(film([BLACK] * FRAMES), film([WHITE] * FRAMES)).verdict == "DIFFERENT"
    assert compare(film([STILL] * FRAMES), film([BLACK] * FRAMES)).verdict == "DIFFERENT"


def test_the_sound_tells_the_shift_of_a_still() -> None:
    sound = words(4, 90)
    judgement = compare(
        film([STILL] * FRAMES, sound[:74]), film([STILL] * (FRAMES - 24), sound[8:74])
    )
    assert (judgement.verdict, judgement.shift_ms) == (Verdict.SHIFTED, -1000)
    assert judgement.is_exact


def test_sound_alone_may_make_the_difference() -> None:
    one, other = words(4), words(5)
    assert compare(film(OLD, one), film(OLD, one)).verdict == Verdict.SAME
    for old, new, reason in (
        (one, other, "the sound is another one"),
        (one, None, "the new film has no sound"),
        (None, one, "the old film has no sound"),
        (one, one[:60], "the sound ends 1.857 s away"),
        (one, one[2:] + one[:2], "the sound fits better 0.248 s away"),
    ):
        judgement = compare(film(OLD, old), film(OLD, new))
        assert judgement.verdict == Verdict.DIFFERENT
        assert any(reason in said for said in judgement.reasons), judgement.reasons


def test_a_sound_too_short_for_a_print_does_not_count() -> None:
    assert compare(film(OLD, ()), film(OLD, ())).verdict == Verdict.SAME


def test_a_scene_in_another_language_is_found_in_a_long_film() -> None:
    long = place_pictures(6, 20 * FRAMES)
    sound = words(7, 20 * 97)
    dubbed = (*sound[:900], *words(8, 60), *sound[960:])
    judgement = compare(film(long, sound), film(long, dubbed))
    assert judgement.figures.sound_error is not None
    assert judgement.figures.sound_error < 50_000
    assert judgement.verdict == Verdict.DIFFERENT


def test_one_odd_picture_is_forgiven_and_a_second_of_them_is_not() -> None:
    for count, verdict in ((1, Verdict.SAME), (PLACES_PER_S, Verdict.DIFFERENT)):
        new = [*OLD[:100], *[WHITE] * count, *OLD[100 + count :]]
        assert compare(film(OLD), film(new)).verdict == verdict


def test_a_darker_copy_is_the_same_picture() -> None:
    one = look(Picture(OLD[0]))
    assert difference(one, look(Picture(bytes(level // 2 + 10 for level in OLD[0])))) < 4_000


def test_the_document_is_json() -> None:
    document = compare(film(OLD, words(1)), film(OLD, words(1))).document()
    assert json.loads(json.dumps(document)) == document
    assert document["verdict"] == "SAME"
    assert document["figures"]["sound_error"] == 0


def key_pictures(pictures: Sequence[bytes]) -> list[KeyPicture]:
    return [
        KeyPicture(time_ms=at * 1000 // PLACES_PER_S, picture=Picture(pictures[at]))
        for at in range(0, len(pictures), PLACES_PER_S)
    ]


def test_the_first_gate_lets_through_what_may_pass_and_stops_the_rest() -> None:
    sound = words(4, 90)
    old = film(OLD, sound[:74])
    same = first_gate(old, film([], sound[:74], duration_ms=12_000), key_pictures(OLD))
    assert (same.verdict, same.is_exact) == (Verdict.SAME, False)
    late = first_gate(
        old, film([], sound[8:74], duration_ms=11_000), key_pictures(OLD[PLACES_PER_S:])
    )
    assert (late.verdict, late.shift_ms) == (Verdict.SHIFTED, -1000)
    other = key_pictures(place_pictures(9))
    assert first_gate(old, film([], sound[:74], duration_ms=12_000), other).verdict == "DIFFERENT"
    without = first_gate(old, film([], sound[:74], duration_ms=12_000), [])
    assert without.verdict == Verdict.SAME
    assert first_gate(old, film([], None, duration_ms=12_000), []).verdict == Verdict.DIFFERENT
