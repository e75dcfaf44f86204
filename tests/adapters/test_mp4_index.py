"""The index of an MP4 tells what FFmpeg reads out of the whole file, from a part of it."""

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.media import listing_arguments
from pixr.domain.mp4 import NotPlain, read_index
from pixr.domain.sources import Track, Unusable, read_listing
from tests.clips import BUNNY, FFMPEG, ffmpeg, numbered

OPEN_GOP = "open-gop=1:bframes=3:b-pyramid=normal:keyint=30"
UNEVEN = "settb=1/12288,setpts='(N+0.9*mod(N*7,5)/5+floor(N/40)*3)/12/TB'"
PLAIN: dict[str, dict[str, Any]] = {
    "plain": {},
    "index first": {"options": ("-movflags", "+faststart")},
    "open GOP": {"video": ("-c:v", "libx264", "-preset", "fast", "-x264-params", OPEN_GOP)},
    "no B-frames": {"video": ("-c:v", "libx264", "-bf", "0")},
    "negative offsets": {"options": ("-movflags", "+negative_cts_offsets")},
    "HEVC": {
        "video": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none")
    },
    "variable rate": {
        "filters": UNEVEN,
        "options": ("-fps_mode", "vfr", "-enc_time_base", "1:12288"),
    },
    "23.976 fps": {"rate": "24000/1001"},
    "no sound": {"audio": ()},
    "Opus": {"audio": ("-c:a", "libopus")},
    "QuickTime": {"file": "a.mov"},
}


def index(path: Path) -> tuple[dict[str, Track], int]:
    """The tracks that the index tells, and the bytes that were read for it."""
    data, taken = path.read_bytes(), 0

    def read(start: int, length: int) -> bytes:
        nonlocal taken
        taken += len(data[start : start + length])
        return data[start : start + length]

    return read_index(read, len(data)), taken


def assert_equal_to_the_listing(path: Path) -> None:
    told, _ = index(path)
    listing = Ffmpeg(FFMPEG).make(listing_arguments(path), timeout_s=60).output
    listed = read_listing(listing)
    assert told.keys() == listed.keys()
    for kind, track in listed.items():
        assert facts(told[kind]) == facts(track)


def facts(track: Track) -> dict[str, Any]:
    base = track.time_base
    return {
        "codec": track.codec,
        "size": (track.width_px, track.height_px),
        "pts": [pts * base for pts in track.pts],
        "keys": [pts * base for pts in track.key_pts],
        "end": track.end_pts * base,
        "first": track.first_pts * base,
        "packets": track.packets,
        "ordered": track.is_ordered,
    }


@pytest.mark.parametrize("name", PLAIN)
def test_times_and_flags_are_those_of_ffmpeg(tmp_path: Path, name: str) -> None:
    options = {"file": "a.mp4", **PLAIN[name]}
    clip = numbered(tmp_path / options.pop("file"), seconds=4, **options)
    assert_equal_to_the_listing(clip)


@pytest.mark.parametrize(
    "make",
    [
        lambda whole, clip: ffmpeg("-ss", "1.3", "-i", whole, "-c", "copy", clip),
        lambda whole, clip: ffmpeg("-i", whole, "-t", "1.5", "-c", "copy", clip),
        lambda whole, clip: ffmpeg("-i", whole, "-c", "copy", "-use_editlist", "0", clip),
        lambda whole, clip: ffmpeg("-display_rotation", "90", "-i", whole, "-c", "copy", clip),
        lambda whole, clip: ffmpeg(
            *("-itsoffset", "0.5", "-i", whole, "-i", whole),
            *("-map", "0:v", "-map", "1:a", "-c", "copy", clip),
        ),
        lambda whole, clip: ffmpeg(
            *("-itsoffset", "0.5", "-i", whole, "-i", whole),
            *("-map", "1:v", "-map", "0:a", "-c", "copy", clip),
        ),
    ],
    ids=["start cut", "end cut", "no edit list", "rotated", "late picture", "late sound"],
)
def test_edits_are_those_of_ffmpeg(tmp_path: Path, make: Callable[[Path, Path], bytes]) -> None:
    whole, clip = tmp_path / "whole.mp4", tmp_path / "clip.mp4"
    numbered(whole, seconds=5, video=("-c:v", "libx264", "-bf", "3", "-g", "60"))
    make(whole, clip)
    assert_equal_to_the_listing(clip)


def test_sound_hidden_by_more_than_a_second(tmp_path: Path) -> None:
    whole, clip = tmp_path / "whole.mp4", tmp_path / "clip.mp4"
    numbered(whole, seconds=8, options=("-g", "60"))
    ffmpeg("-ss", "3.6", "-i", whole, "-c", "copy", clip)
    assert_equal_to_the_listing(clip)


def test_a_real_film_is_told_by_a_thousandth_of_it() -> None:
    told, taken = index(BUNNY)
    assert_equal_to_the_listing(BUNNY)
    assert len(told["video"].pts) == 720
    assert taken < BUNNY.stat().st_size // 1000


@pytest.mark.parametrize(
    ("file", "options", "reason"),
    [
        ("a.mp4", {"options": ("-movflags", "frag_keyframe+empty_moov")}, "fragments"),
        ("a.mkv", {}, "box"),
        ("a.mov", {"audio": ("-c:a", "pcm_s16le")}, "sound in b'sowt'"),
    ],
)
def test_what_is_not_plain_is_left_to_ffmpeg(
    tmp_path: Path, file: str, options: dict[str, Any], reason: str
) -> None:
    clip = numbered(tmp_path / file, seconds=1, **options)
    with pytest.raises(NotPlain, match=reason):
        index(clip)


def test_two_pictures_are_not_plain(tmp_path: Path) -> None:
    clip, both = numbered(tmp_path / "a.mp4", seconds=1), tmp_path / "both.mp4"
    ffmpeg("-i", clip, "-i", clip, "-map", "0", "-map", "1", "-c", "copy", both)
    with pytest.raises(NotPlain, match="several pictures"):
        index(both)


@pytest.fixture(scope="module")
def early(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A clip whose index comes first."""
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    video = ("-c:v", "libx264", "-bf", "3")
    return numbered(path, seconds=2, video=video, options=("-movflags", "+faststart")).read_bytes()


def test_frames_beyond_the_end_of_the_file(early: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.mp4"
    path.write_bytes(early[:-1])
    with pytest.raises(Unusable, match=f"frames lie at byte {len(early)}, and it has"):
        index(path)


def test_any_cut_or_flipped_byte_ends_in_a_plain_answer(early: bytes, tmp_path: Path) -> None:
    """Whatever the bytes are, nothing but the three answers: an index, not plain, unusable."""
    path = tmp_path / "bent.mp4"
    end = early.index(b"mdat")
    ends = {"index": 0, "not plain": 0, "unusable": 0}
    for position in range(0, end, 3):
        for bent in (
            early[:position],
            early[:position] + bytes([early[position] ^ 0xFF]) + early[position + 1 :],
        ):
            path.write_bytes(bent)
            try:
                index(path)
                ends["index"] += 1
            except NotPlain:
                ends["not plain"] += 1
            except Unusable:
                ends["unusable"] += 1
    assert all(ends.values())


@pytest.mark.parametrize("kind", [b"stts", b"ctts", b"stsz", b"stco", b"stsc", b"elst"])
def test_a_table_that_claims_more_than_it_has(early: bytes, tmp_path: Path, kind: bytes) -> None:
    """A hundred bytes must not ask for gigabytes."""
    place = early.index(kind) + 4 + (8 if kind == b"stsz" else 4)
    path = tmp_path / "bent.mp4"
    path.write_bytes(early[:place] + struct.pack(">I", 2**32 - 1) + early[place + 4 :])
    with pytest.raises(NotPlain):
        index(path)


def test_one_row_that_claims_a_billion_samples(early: bytes, tmp_path: Path) -> None:
    place = early.index(b"stts") + 12
    path = tmp_path / "bent.mp4"
    path.write_bytes(early[:place] + struct.pack(">I", 2**30) + early[place + 4 :])
    with pytest.raises(NotPlain, match="more times than samples"):
        index(path)


def test_times_are_exact() -> None:
    told, _ = index(BUNNY)
    assert told["video"].time_base == Fraction(1, 12288)
