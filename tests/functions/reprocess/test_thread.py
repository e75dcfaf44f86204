"""Goal: an upload becomes a rendition that shows every frame at its time, and sounds the same.

Method: the object is really put, S3's own notification really arrives, and each message goes
through its Lambda handler. The published files are judged by decoding them.
"""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.clips import (
    BUNNY,
    KEYED,
    delay_s,
    ffmpeg,
    ffmpeg_log,
    levels,
    numbered,
    sound_md5,
    times,
)
from tests.functions.reprocess.conftest import Studio


def test_real_clip_becomes_480p_with_its_own_sound(studio: Studio, tmp_path: Path) -> None:
    clip = tmp_path / "bunny.mp4"
    ffmpeg("-i", BUNNY, "-t", "4", "-c", "copy", clip)
    studio.upload("bunny", clip)
    studio.settle()

    job, content = studio.job("bunny"), studio.content("bunny")
    assert (job["state"], job["rung"], job["reason"]) == ("PUBLISHED", 480, None)
    assert job["cpu_ms"] > 0
    assert (content["state"], content["best_rung"]) == ("live", 480)
    assert (content["width_px"], content["height_px"]) == (1920, 1080)
    assert content["manifest_key"] == "media/bunny/master.m3u8"

    master = studio.fetch_media("bunny", tmp_path)
    (rendition,) = studio.rows("SELECT * FROM renditions")
    index = tmp_path / rendition["playlist_key"]
    assert times(index) == pytest.approx(times(clip), abs=1e-4)
    assert sound_md5(tmp_path / content["sound_key"]) == sound_md5(clip)
    assert (rendition["width_px"], rendition["height_px"]) == (854, 480)
    assert rendition["frames"] == content["frames"] == len(times(clip))
    assert 'RESOLUTION=854x480,CODECS="avc1.64001e,mp4a.40.2"' in master.read_text()
    assert len(times(master)) == rendition["frames"]


def test_publishing_tells_the_settler_and_leaves_no_chunks(studio: Studio, tmp_path: Path) -> None:
    studio.upload("short", numbered(tmp_path / "a.mp4", seconds=2))
    studio.settle()
    (told,) = studio.receive("settle")
    job_id = str(studio.job("short")["id"])
    assert json.loads(told["body"]) == {"reason": "upgrade.published", "job_id": job_id}
    assert studio.keys("chunks/") == []


def test_three_chunks_join_without_losing_moving_or_repeating_a_frame(
    studio: Studio, tmp_path: Path
) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=30, options=KEYED)
    studio.upload("long", clip)
    studio.settle()
    assert studio.job("long")["chunks_total"] == 3
    assert_same_frames(studio, "long", clip, tmp_path)


OPEN_GOP = "open-gop=1:bframes=3:b-pyramid=normal:keyint=30"
UNEVEN = "settb=1/12288,setpts='(N+0.9*mod(N*7,5)/5+floor(N/40)*3)/12/TB'"
KINDS: dict[str, dict[str, Any]] = {
    "open GOP": {"video": ("-c:v", "libx264", "-preset", "fast", "-x264-params", OPEN_GOP)},
    "10 bit HEVC": {
        "video": ("-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"),
        "options": ("-x265-params", "log-level=none"),
    },
    "fragmented": {"options": ("-movflags", "frag_keyframe+empty_moov")},
    "matroska": {"file": "a.mkv"},
    "MPEG-TS": {"file": "a.ts"},
    "23.976 fps": {"rate": "24000/1001"},
    "variable rate": {
        "filters": UNEVEN,
        "options": ("-fps_mode", "vfr", "-enc_time_base", "1:12288"),
    },
    "no sound": {"audio": ()},
    "MP3 sound": {"audio": ("-c:a", "libmp3lame")},
    "Opus sound in WebM": {
        "file": "a.webm",
        "audio": ("-c:a", "libopus"),
        "video": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    },
}


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_source_keeps_its_frames_and_times(
    studio: Studio, tmp_path: Path, name: str
) -> None:
    options = {"file": "a.mp4", **KINDS[name]}
    file = options.pop("file")
    clip = numbered(tmp_path / file, seconds=16, **options)
    studio.upload("clip", clip, file)
    studio.settle()
    assert_same_frames(studio, "clip", clip, tmp_path)
    published(studio, tmp_path)
    delay = delay_s(tmp_path / "media/clip/master.m3u8")
    assert (delay is None) == (name == "no sound")
    if delay is not None:
        assert delay == pytest.approx(delay_s(clip), abs=0.002 if "sound" not in name else 0.05)
    if name != "no sound":
        copied = sound_md5(tmp_path / studio.content("clip")["sound_key"]) == sound_md5(clip)
        # TS frames each packet of AAC anew.
        assert copied == (name not in ("MP3 sound", "MPEG-TS"))
    if name == "variable rate":
        gaps = {round(later - earlier, 3) for earlier, later in pairwise(times(clip))}
        assert len(gaps) == 3


@pytest.mark.parametrize(("late", "delay"), [("video", -0.5), ("audio", 0.5)])
def test_sound_that_starts_before_or_after_the_picture(
    studio: Studio, tmp_path: Path, late: str, delay: float
) -> None:
    whole, clip = numbered(tmp_path / "whole.mp4", seconds=16), tmp_path / "late.mp4"
    maps = ("0:v", "1:a") if late == "video" else ("1:v", "0:a")
    ffmpeg("-itsoffset", "0.5", "-i", whole, "-i", whole, "-map", maps[0], "-map", maps[1],
           "-c", "copy", clip)  # fmt: skip
    assert delay_s(clip) == pytest.approx(delay, abs=0.03)
    studio.upload("late", clip)
    studio.settle()
    assert_same_frames(studio, "late", clip, tmp_path)
    published(studio, tmp_path)
    result = tmp_path / "media/late/master.m3u8"
    assert delay_s(result) == pytest.approx(delay_s(clip), abs=0.002)


def test_edit_list_hides_frames_that_stay_hidden(studio: Studio, tmp_path: Path) -> None:
    whole = numbered(tmp_path / "whole.mp4", seconds=16, options=("-g", "60"))
    clip = tmp_path / "cut.mp4"
    ffmpeg("-ss", "2.6", "-i", whole, "-c", "copy", clip)
    listed = ffmpeg("-i", clip, "-map", "0:v", "-c", "copy", "-f", "framecrc", "-").decode()
    assert "F=0x4" in listed or "F=0x5" in listed
    studio.upload("cut", clip)
    studio.settle()
    assert_same_frames(studio, "cut", clip, tmp_path)


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        ("161x121", ("-pix_fmt", "yuv444p"), (240, 160, 120)),
        ("360x640", (), (360, 360, 640)),
        ("852x478", (), (480, 852, 478)),
        ("1080x1920", (), (480, 480, 854)),
        ("720x576", ("-vf", "setsar=64/45"), (480, 854, 480)),
    ],
)
def test_shapes(
    studio: Studio,
    tmp_path: Path,
    size: str,
    options: tuple[str, ...],
    expected: tuple[int, int, int],
) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=1, size=size, audio=(), options=options)
    studio.upload("shape", clip)
    studio.settle()
    (rendition,) = studio.rows("SELECT rung, width_px, height_px FROM renditions")
    assert tuple(rendition.values()) == expected
    result = published(studio, tmp_path)
    shown = ffmpeg("-i", result, "-frames:v", "1", "-f", "framecrc", "-").decode()
    assert f"#dimensions 0: {expected[1]}x{expected[2]}\n#sar 0: 1/1" in shown


@pytest.mark.parametrize(
    ("options", "treatment"),
    [
        (("-vf", "setparams=color_trc=smpte2084:color_primaries=bt2020", "-pix_fmt", "yuv420p10le"),
         "smpte2084"),
        (("-vf", "setparams=color_trc=arib-std-b67"), "arib-std-b67"),
        (("-x264-params", "tff=1"), "deinterlace"),
        (("-x264-params", "bff=1"), "deinterlace"),
    ],
)  # fmt: skip
def test_hdr_is_toned_down_and_fields_become_frames(
    studio: Studio, tmp_path: Path, options: tuple[str, ...], treatment: str
) -> None:
    """Every frame at its time; SDR in BT.709, progressive."""
    clip = numbered(tmp_path / "a.mp4", seconds=16, options=options)
    studio.upload("odd", clip)
    studio.settle()
    job = studio.job("odd")
    assert (job["state"], job["settings"]["treatment"]) == ("PUBLISHED", treatment), job["reason"]
    result = published(studio, tmp_path)
    assert times(result) == pytest.approx(times(clip), abs=1.5e-3)
    # What was brighter is brighter still, frame by frame.
    before, after = levels(clip), levels(result)
    order = sorted(range(len(before)), key=before.__getitem__)
    assert all(
        after[later] >= after[earlier] - 4
        for earlier, later in zip(order, order[12:], strict=False)
    )
    banner = ffmpeg_log("-i", result)
    assert "yuv420p" in banner
    assert not any(word in banner for word in ("smpte2084", "arib-std-b67", "bt2020", " first"))


def test_rotated_phone_video_is_published_upright(studio: Studio, tmp_path: Path) -> None:
    flat = numbered(tmp_path / "flat.mp4", seconds=1, size="640x360")
    clip = tmp_path / "rotated.mp4"
    ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", clip)
    studio.upload("phone", clip)
    studio.settle()
    content = studio.content("phone")
    assert (content["width_px"], content["height_px"], content["best_rung"]) == (360, 640, 360)


def published(studio: Studio, folder: Path) -> Path:
    (rendition,) = studio.rows("SELECT * FROM renditions")
    studio.fetch_media(rendition["content_id"], folder)
    return folder / str(rendition["playlist_key"])


def assert_same_frames(studio: Studio, content_id: str, clip: Path, folder: Path) -> None:
    job = studio.job(content_id)
    assert job["state"] == "PUBLISHED", job["reason"]
    result = published(studio, folder)
    expected = levels(clip)
    assert levels(result) == pytest.approx(expected, abs=4)
    # Matroska, and what is rewritten into it, counts in milliseconds.
    assert times(result) == pytest.approx(times(clip), abs=1.5e-3)
    assert studio.content(content_id)["frames"] == len(expected)
