"""What is kept of a source, taken from real files beside their encoding."""

import dataclasses
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.fingerprints import (
    KEPT_PLACES,
    KEY_FRAMES_ONLY,
    PICTURE_BYTES,
    PLACES_PER_S,
    Fingerprint,
    Picture,
    Tap,
    Unreadable,
    film_arguments,
    film_range,
    join_taps,
    key_arguments,
    pack,
    pack_film,
    read_keys,
    read_tap,
    tap_arguments,
    tap_range,
    unpack,
    unpack_film,
)
from pixr.domain.media import Plan, encode_arguments, plan
from pixr.domain.sources import SourceFacts
from tests.clips import FFMPEG, levels, numbered

RUNNER = Ffmpeg(FFMPEG)
VARIABLE = "select='not(between(mod(n\\,17)\\,3\\,9))'"
THROUGH = ("-fps_mode", "passthrough")
B_FRAMES = ("-c:v", "libx264", "-preset", "fast", "-bf", "3", "-pix_fmt", "yuv420p")


def film_of(path: Path, frozen: Plan) -> Tap:
    raw = path.with_suffix(".raw")
    opened = ["-nostdin", "-v", "error", "-y", "-i", str(path)]
    RUNNER.make([*opened, *film_arguments(frozen, output=raw)], timeout_s=60)
    return read_tap(raw.read_bytes(), film_range(frozen))


def shown_at(facts: SourceFacts, number: int) -> int:
    """The frame that picture ``number`` must be, by the times of the frames alone."""
    sample, kept = divmod(number, 3)
    time_s = Fraction(6 * sample + KEPT_PLACES[kept], PLACES_PER_S)
    return max(
        at for at, pts in enumerate(facts.pts) if (pts - facts.pts[0]) * facts.time_base <= time_s
    )


@pytest.mark.parametrize(
    ("name", "rate", "filters", "options"),
    [
        ("constant.mp4", "12", "null", ()),
        ("ntsc.mp4", "30000/1001", "null", B_FRAMES),
        ("variable.mkv", "24", VARIABLE, THROUGH),
        ("variable.mp4", "25", VARIABLE, (*THROUGH, *B_FRAMES)),
    ],
)
def test_taps_of_chunks_join_to_the_film_and_show_what_was_shown(
    tmp_path: Path, name: str, rate: str, filters: str, options: tuple[str, ...]
) -> None:
    """Irregular frames made two graphs on one decoder wait for each other forever."""
    path = numbered(tmp_path / name, seconds=22, rate=rate, filters=filters, options=options)
    facts = RUNNER.probe(path)
    frozen, chunks = plan(facts, 120)
    frozen = dataclasses.replace(frozen, crf=30)
    assert len(chunks) > 1
    taps: list[Tap] = []
    for chunk in chunks:
        encode = encode_arguments(frozen, chunk, source=path, output=tmp_path / "chunk.mp4")
        raw = tmp_path / "tap.raw"
        RUNNER.make(tap_arguments(encode, frozen, chunk, output=raw), timeout_s=60)
        encoded = RUNNER.probe(tmp_path / "chunk.mp4")
        assert encoded.frames == chunk.frame_count
        taps.append(unpack(pack(read_tap(raw.read_bytes(), tap_range(frozen, chunk.position)))))
    joined = join_taps(taps[::-1])
    assert joined == film_of(path, frozen).pictures

    shown = levels(path)
    expected = [shown[shown_at(facts, number)] for number in range(len(film_range(frozen)))]
    assert len(joined) == len(expected)
    assert all(
        abs(picture[0] - level) <= 2 for picture, level in zip(joined, expected, strict=True)
    )


def test_a_chunk_without_a_picture_is_encoded_as_before(tmp_path: Path) -> None:
    frozen, chunks = plan(RUNNER.probe(numbered(tmp_path / "a.mp4", seconds=1)), 120)
    empty = dataclasses.replace(frozen, crf=30, end=frozen.starts[0])
    encode = encode_arguments(empty, chunks[0], source=Path("a.mp4"), output=Path("b.mp4"))
    assert tap_arguments(encode, empty, chunks[0], output=Path("c.raw")) == encode


def test_key_frames_come_with_their_times(tmp_path: Path) -> None:
    options = ("-bf", "2", "-x264-params", "keyint=10:min-keyint=10:scenecut=0")
    path = numbered(tmp_path / "a.mp4", seconds=4, rate="10", options=options)
    facts = RUNNER.probe(path)
    raw = tmp_path / "keys.raw"
    opened = ["-nostdin", "-v", "error", "-y", *KEY_FRAMES_ONLY, "-i", str(path)]
    run = RUNNER.make([*opened, *key_arguments(facts.treatment, output=raw)], timeout_s=60)
    begin_s = facts.pts[0] * facts.time_base
    keys = read_keys(raw.read_bytes(), run.output, begin_s)
    assert [key.time_ms for key in keys] == [0, 1000, 2000, 3000]
    shown = levels(path)
    assert all(abs(key.picture[0] - shown[10 * at]) <= 2 for at, key in enumerate(keys))
    with pytest.raises(Unreadable, match="4 key frames with 0 times"):
        read_keys(raw.read_bytes(), "", begin_s)


PICTURES = st.lists(
    st.binary(min_size=PICTURE_BYTES, max_size=PICTURE_BYTES).map(Picture), max_size=4
)
WORDS = st.none() | st.lists(st.integers(0, 2**32 - 1), max_size=9).map(tuple)


@given(first=st.integers(0, 1_000_000), pictures=PICTURES)
def test_a_tap_is_read_back_as_it_was(first: int, pictures: list[Picture]) -> None:
    tap = Tap(first=first, pictures=tuple(pictures))
    assert unpack(pack(tap)) == tap


@given(pictures=PICTURES, sound=WORDS)
def test_a_fingerprint_is_read_back_as_it_was(
    pictures: list[Picture], sound: tuple[int, ...] | None
) -> None:
    film = Fingerprint(duration_ms=9, frame_ms=4, pictures=tuple(pictures), sound=sound)
    assert unpack_film(pack_film(film)) == film


@pytest.mark.parametrize("cut", [0, 3, 12, 20, -1])
def test_what_is_not_whole_is_refused(cut: int) -> None:
    picture = Picture(bytes(range(PICTURE_BYTES)))
    film = Fingerprint(duration_ms=9, frame_ms=4, pictures=(picture,) * 3, sound=(1, 2))
    with pytest.raises(Unreadable):
        unpack(pack(Tap(first=0, pictures=(picture,) * 3))[:cut])
    with pytest.raises(Unreadable):
        unpack_film(pack_film(film)[:cut])


def test_a_claim_of_more_than_four_hours_is_refused_before_it_is_unpacked() -> None:
    data = bytearray(pack(Tap(first=0, pictures=())))
    data[8:12] = (2**31).to_bytes(4, "little")
    with pytest.raises(Unreadable, match="the most there can be"):
        unpack(bytes(data))


def test_another_version_is_refused() -> None:
    with pytest.raises(Unreadable, match="instead of"):
        unpack(b"PXT2" + pack(Tap(first=0, pictures=()))[4:])
    with pytest.raises(Unreadable, match="instead of"):
        unpack_film(b"PXT1" + bytes(40))


def test_taps_that_do_not_meet_are_refused() -> None:
    picture = Picture(bytes(PICTURE_BYTES))
    one, gap = Tap(first=0, pictures=(picture,)), Tap(first=2, pictures=(picture,))
    for taps in ([], [gap], [one, gap], [one, one]):
        with pytest.raises(Unreadable):
            join_taps(taps)


def test_a_last_picture_that_the_container_does_not_time_is_the_one_before() -> None:
    raw = bytes(PICTURE_BYTES) + bytes([7]) * PICTURE_BYTES
    assert [picture[0] for picture in read_tap(raw, range(3)).pictures] == [0, 7, 7]
    for numbers in (range(1), range(5)):
        with pytest.raises(Unreadable, match="pictures instead of"):
            read_tap(raw, numbers)
    with pytest.raises(Unreadable, match="not whole"):
        read_tap(raw[:-1], range(2))
