"""Goal: what a fragmented file holds is read to the tick, and anything else is refused."""

import random
import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from pixr.domain.boxes import Malformed
from pixr.domain.fragments import TrackFile, read_config, read_track, sidx
from pixr.domain.packaging import Uneven, picture_segments, sound_segments
from tests.clips import ffmpeg, numbered

FRAGMENTED = ("-movflags", "+cmaf+delay_moov+skip_trailer+frag_keyframe")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Six GOPs of a second, with sound."""
    folder = tmp_path_factory.mktemp("film")
    clip = numbered(folder / "a.mp4", seconds=6, options=("-g", "12", "-bf", "2"))
    ffmpeg("-i", clip, "-c", "copy", *FRAGMENTED, folder / "b.mp4")
    return (folder / "b.mp4").read_bytes()


def track_of(data: bytes) -> TrackFile:
    return read_track(lambda start, length: data[start : start + length], len(data))


def test_picture_and_sound_are_told(film: bytes) -> None:
    track = track_of(film)
    assert [codec.kind for codec in track.codecs] == ["video", "audio"]
    assert [codec.name for codec in track.codecs][1] == "mp4a.40.2"
    assert track.main.name.startswith("avc1.")
    assert track.codecs[1].channels == 1
    assert film[track.init_bytes + 4 : track.init_bytes + 8] == b"moof"
    tick = Fraction(1, track.main.timescale)
    assert [one.begin * tick for one in track.fragments] == list(map(Fraction, range(6)))
    assert {one.length * tick for one in track.fragments} == {Fraction(1)}
    assert {one.samples for one in track.fragments} == {12}
    assert sum(one.size_bytes for one in track.fragments) == len(film) - track.init_bytes
    read = lambda start, length: film[start : start + length]  # noqa: E731 -- as a value
    assert read_config(read, len(film)) == track.main.config


@pytest.mark.parametrize(
    ("codec", "name", "channels"),
    [(("-c:a", "libopus", "-ac", "2"), "opus", 2), (("-c:a", "aac", "-ac", "6"), "mp4a.40.2", 6)],
)
def test_sound_alone(tmp_path: Path, codec: tuple[str, ...], name: str, channels: int) -> None:
    clip = tmp_path / "a.mp4"
    tone = ("-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "5")
    ffmpeg(*tone, *codec, *FRAGMENTED, "-frag_duration", "2000000", clip)
    track = track_of(clip.read_bytes())
    assert (track.main.name, track.main.channels) == (name, channels)
    assert len(track.fragments) == 3
    assert track.fragments[0].begin == -track.main.edit < 0
    # What is hidden at the beginning is no part of the first segment.
    assert sound_segments(track)[0].begin == 0
    assert sound_segments(track)[0].length == track.fragments[1].begin


def test_a_last_segment_is_worth_a_request(tmp_path: Path) -> None:
    """Opus ends with 312 samples of 48,000; a player would wait for them for ever."""
    clip = tmp_path / "a.mp4"
    tone = ("-f", "lavfi", "-i", "sine=sample_rate=48000", "-t", "8")
    ffmpeg(*tone, "-c:a", "libopus", *FRAGMENTED, "-frag_duration", "4000000", clip)
    track = track_of(clip.read_bytes())
    assert [fragment.length for fragment in track.fragments] == [192_000, 192_000, 312]
    segments = sound_segments(track)
    assert [segment.length for segment in segments] == [192_000 - 312, 192_000 + 312]
    assert segments[1].size_bytes == sum(one.size_bytes for one in track.fragments[1:])


def test_anything_else_is_refused_or_read(film: bytes) -> None:
    """The boxes are in the first four thousand bytes, and what is played lies between them."""
    draw = random.Random(5)
    refused = 0
    for _ in range(3_000):
        at, noise = draw.randrange(4_000), draw.randbytes(draw.randrange(1, 9))
        for data in (film[:at], film[:at] + noise + film[at + len(noise) :]):
            try:
                track_of(data)
            except Malformed:
                refused += 1
    assert refused > 3_000


def test_segments_are_two_gops_wherever_else_key_frames_are(film: bytes) -> None:
    track = track_of(film)
    segments = picture_segments(track, 12)
    assert [one.length for one in segments] == [2 * track.main.timescale] * 3
    assert picture_segments(track, 24)[0].size_bytes == sum(
        one.size_bytes for one in track.fragments[:4]
    )
    with pytest.raises(Uneven, match="no key frame at frame 20"):
        picture_segments(track, 10)


def test_a_key_frame_is_missed_at_the_very_end(film: bytes) -> None:
    track = track_of(film)
    last = replace(track.fragments[-1], samples=40)
    long = replace(track, fragments=[*track.fragments[:-1], last])
    with pytest.raises(Uneven, match="no key frame at frame 72"):
        picture_segments(long, 12)


def test_index_says_what_segments_are(film: bytes) -> None:
    track = track_of(film)
    body = sidx(track, [(1000, 7), (20, 9)])
    assert len(body) == int.from_bytes(body[:4])
    assert struct.unpack_from(">III", body, 40) == (1000, 7, 0x90000000)
    assert struct.unpack_from(">III", body, 52) == (20, 9, 0x90000000)


def test_an_empty_file_has_no_fragments() -> None:
    with pytest.raises(Malformed, match="no fragments"):
        track_of(b"")
