"""The chunk plan and FFmpeg's arguments."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.media import (
    Plan,
    encode_arguments,
    join_list,
    listing_arguments,
    open_arguments,
    picture_arguments,
    picture_chain,
    plan,
    remux_arguments,
    seconds,
)
from pixr.domain.renditions import Size
from pixr.domain.sources import Audio, SourceFacts, Treatment

AAC = Audio(codec="aac", packets=1400, delay_ms=-21)


TICK_S = Fraction(1, 12288)


def facts(
    frames: int, *, step: int = 512, time_base: Fraction = TICK_S, audio: Audio | None = AAC
) -> SourceFacts:
    return SourceFacts(
        size=Size(width_px=1920, height_px=1080),
        time_base=time_base,
        pts=[number * step for number in range(frames)],
        end_pts=frames * step,
        audio=audio,
        is_seekable=True,
    )


def test_chunks_begin_near_the_key_frames_of_the_source() -> None:
    source = replace(facts(1200), keys=range(0, 1200, 250))
    assert [chunk.frame_start for chunk in plan(source, 480)[1]] == [0, 288, 528, 768, 1008]


@given(
    st.lists(st.integers(1, 100_000), min_size=1, max_size=3000),
    st.integers(-100_000, 100_000),
    st.sampled_from([Fraction(1, 12288), Fraction(1, 1000), Fraction(1, 90_000)]),
)
def test_any_timeline_is_covered_once_and_exactly(
    gaps: list[int], first: int, time_base: Fraction
) -> None:
    pts = [first]
    for gap in gaps:
        pts.append(pts[-1] + gap)
    source = SourceFacts(
        size=Size(width_px=640, height_px=480),
        time_base=time_base,
        pts=pts[:-1],
        end_pts=pts[-1],
        audio=None,
        is_seekable=True,
    )
    frozen, chunks = plan(source, 480)
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    covered = [
        frame
        for chunk in chunks
        for frame in range(chunk.frame_start, chunk.frame_start + chunk.frame_count)
    ]
    assert covered == list(range(len(gaps)))
    assert [pts[chunk.frame_start] for chunk in chunks] == list(frozen.starts)
    total = sum(frozen.duration_s(chunk.position) for chunk in chunks)
    assert total == (pts[-1] - first) * time_base
    assert frozen.gap == min(gaps[:-1], default=gaps[0])
    assert Plan.read(json.loads(json.dumps(frozen.document()))) == frozen


@pytest.mark.parametrize("frames", [239, 240, 5000])
def test_key_frames_fall_on_the_same_frames_in_every_rung(frames: int) -> None:
    plans = [plan(facts(frames), rung) for rung in (480, 720, 1080)]
    assert len({frozen.gop_frames for frozen, _ in plans}) == 1
    for _, chunks in plans:
        assert chunks == plans[0][1]
        assert all(chunk.frame_start % plans[0][0].gop_frames == 0 for chunk in chunks)


@pytest.mark.parametrize(
    ("audio", "expected"),
    [(AAC, "copy"), (Audio(codec="mp3", packets=9, delay_ms=0), "encode"), (None, None)],
)
def test_sound_is_copied_when_it_is_aac(audio: Audio | None, expected: str | None) -> None:
    frozen, _ = plan(facts(24, audio=audio), 480)
    assert frozen.audio == expected


def test_a_chunk_is_sought_at_its_frame_and_ended_by_its_count() -> None:
    frozen, chunks = plan(facts(720), 480)
    frozen = replace(frozen, crf=23)
    first, second = (
        encode_arguments(frozen, chunk, source=Path("/t/source"), output=Path("/t/c.mp4"))
        for chunk in chunks[:2]
    )
    assert "-ss" not in first
    # Frame 240 is shown at 10 s.
    assert second[second.index("-ss") + 1] == "10.000000"
    assert second.index("-ss") < second.index("-i")
    assert second[second.index("-frames:v") + 1] == "240"
    assert "setpts=PTS-STARTPTS,scale=854:480:flags=bicubic,setsar=1" in second


def test_where_ticks_are_too_fine_a_chunk_is_sought_half_a_gap_early() -> None:
    fine = Fraction(1, 10_000_000)
    frozen = replace(
        plan(facts(720), 480)[0],
        time_base=fine,
        starts=[0, 100_000_001, 200_000_001],
        gap=400_000,
    )
    arguments = open_arguments(frozen, 1, Path("/t/source"))
    assert arguments[arguments.index("-ss") + 1] == "9.980000"


def test_every_argument_list_reads_only_files_and_only_containers() -> None:
    frozen, chunks = plan(facts(24), 480)
    source = Path("/t/source")
    frozen = replace(frozen, crf=23)
    for arguments in (
        listing_arguments(source),
        picture_arguments(source),
        remux_arguments(source, Path("/t/o.mkv")),
        encode_arguments(frozen, chunks[0], source=source, output=Path("/t/c.mp4")),
    ):
        assert "-nostdin" in arguments
        before = arguments[: arguments.index(f"file:{source}")]
        assert before[-5:] == [
            "-protocol_whitelist",
            "file",
            "-format_whitelist",
            "mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,ogg",
            "-i",
        ]


def test_what_is_served_on_this_machine_is_read_over_http_and_nothing_else() -> None:
    arguments = listing_arguments("http://127.0.0.1:5/name")
    assert arguments[arguments.index("-protocol_whitelist") + 1] == "http,tcp"
    assert arguments[arguments.index("-format_whitelist") + 1].startswith("mov,mp4,")


@pytest.mark.parametrize("treatment", Treatment)
def test_every_treatment_ends_in_the_size_of_the_plan(treatment: Treatment) -> None:
    frozen, _ = plan(replace(facts(24), treatment=treatment), 480)
    assert frozen.treatment is treatment
    assert Plan.read(frozen.document()) == frozen
    chain = picture_chain(frozen)
    assert chain.endswith("setsar=1")
    assert "854:480" in chain or "w=854:h=480" in chain


def test_join_list_carries_exact_durations() -> None:
    frozen, chunks = plan(facts(700, step=1001, time_base=Fraction(1, 24_000)), 480)
    script = join_list(frozen, [f"{chunk.position:05d}.mp4" for chunk in chunks])
    assert script == (
        "ffconcat version 1.0\n"
        "file '00000.mp4'\nduration 10.010000000\n"
        "file '00001.mp4'\nduration 10.010000000\n"
        "file '00002.mp4'\nduration 9.175833333\n"
    )


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (Fraction(0), 3, "0.000"),
        (Fraction(-1, 3), 3, "-0.333"),
        (Fraction(2, 3), 6, "0.666667"),
        (Fraction(12345), 1, "12345.0"),
        (Fraction(-1, 10**9), 3, "0.000"),
    ],
)
def test_seconds(value: Fraction, places: int, text: str) -> None:
    assert seconds(value, places=places) == text
