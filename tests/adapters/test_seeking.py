"""Goal: a worker that seeks to its chunk shows exactly its frames, and reads little before them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed
from pixr.domain.media import decode_arguments, encode_arguments, plan
from pixr.domain.sources import read_listing
from tests.clips import FFMPEG, KEYED, damaged, levels, numbered

UNEVEN = "settb=1/12288,setpts='(N+0.9*mod(N*7,5)/5)/12/TB'"
OPEN_GOP = "open-gop=1:bframes=3:b-pyramid=normal:keyint=24:min-keyint=24:scenecut=0"
KINDS: dict[str, dict[str, Any]] = {
    "a.mp4": {},
    "b-frames.mp4": {"video": ("-c:v", "libx264", "-preset", "fast", "-bf", "3")},
    "film rate.mp4": {"rate": "24000/1001", "options": (*KEYED, "-g", "48")},
    "fine ticks.mp4": {"options": (*KEYED, "-video_track_timescale", "10000000")},
    "coarse ticks.mp4": {"options": (*KEYED, "-video_track_timescale", "600")},
    "open.mp4": {"video": ("-c:v", "libx264", "-preset", "fast", "-x264-params", OPEN_GOP)},
    "matroska.mkv": {"video": ("-c:v", "libx264", "-preset", "fast", "-bf", "2")},
    "webm.webm": {
        "audio": ("-c:a", "libopus"),
        "video": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
        "options": ("-g", "24"),
    },
    "uneven.mp4": {
        "filters": UNEVEN,
        "options": (*KEYED, "-fps_mode", "vfr", "-enc_time_base", "1:12288"),
    },
}


@pytest.mark.parametrize("name", KINDS)
def test_chunks_that_begin_at_key_frames_have_their_frames(name: str, tmp_path: Path) -> None:
    options = {"options": KEYED, **KINDS[name]}
    clip = numbered(tmp_path / name, seconds=26, **options)
    runner, shown = Ffmpeg(FFMPEG), levels(clip)
    frozen, chunks = plan(runner.probe(clip), 480)
    assert len(chunks) == 3
    for chunk in chunks:
        made = tmp_path / f"{chunk.position}.mp4"
        tuned = replace(frozen, crf=18)
        runner.make(encode_arguments(tuned, chunk, source=clip, output=made), timeout_s=60)
        own = shown[chunk.frame_start : chunk.frame_start + chunk.frame_count]
        assert levels(made) == pytest.approx(own, abs=4)


def test_a_chunk_that_begins_at_a_key_frame_decodes_nothing_before_it(tmp_path: Path) -> None:
    """The key frame before is ten seconds away: by its log FFmpeg does not go there."""
    clip = numbered(tmp_path / "a.mp4", seconds=20, options=("-g", "120", "-sc_threshold", "0"))
    runner = Ffmpeg(FFMPEG)
    frozen, chunks = plan(runner.probe(clip), 480)
    arguments = encode_arguments(
        replace(frozen, crf=18), chunks[1], source=clip, output=tmp_path / "chunk.mp4"
    )
    log = runner.make(["-v", "debug", *arguments[arguments.index("-y") :]], timeout_s=60).log
    assert "120 frames decoded" in log


def test_a_chunk_that_is_damaged_does_not_pass_for_decoded(tmp_path: Path) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=4)
    runner = Ffmpeg(FFMPEG)
    frozen, (chunk,) = plan(runner.probe(clip), 480)
    made = tmp_path / "chunk.mp4"
    tuned = replace(frozen, crf=18)
    runner.make(encode_arguments(tuned, chunk, source=clip, output=made), timeout_s=60)
    whole = read_listing(runner.make(decode_arguments(made), timeout_s=60).output)
    assert whole["video"].packets == chunk.frame_count
    made.write_bytes(damaged(made.read_bytes()))
    with pytest.raises(FfmpegFailed):
        runner.make(decode_arguments(made), timeout_s=60)
