"""Reading what FFmpeg prints, and judging it."""

from fractions import Fraction

import pytest

from pixr.domain.renditions import Size
from pixr.domain.sources import (
    DURATION_MAX_MS,
    FRAMES_MAX,
    SourceFacts,
    Track,
    Treatment,
    Unusable,
    judge,
    read_banner,
    read_listing,
)

BANNER = """\
[info] Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:source':
[info]   Metadata:
[info]     major_brand     : isom
[info]   Duration: 00:00:00.12, start: 0.000000, bitrate: 6058 kb/s
[info]   Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 1920x1080 [SAR 1:1 DAR 16:9], 5860 kb/s, 24 fps, 24 tbr, 12288 tbn (default)
[info]   Stream #0:1[0x2](und): Audio: aac (LC) (mp4a / 0x6134706D), 48000 Hz, 5.1, fltp, 192 kb/s (default)
"""  # noqa: E501 -- FFmpeg's own line

# B-frames, a hidden packet before the start, an audio packet with side data.
LISTING = """\
#extradata 0:       44, 0x2d3f0e38
#software: Lavf63.1.102
#tb 0: 1/12288
#media_type 0: video
#codec_id 0: h264
#dimensions 0: 1920x1080
#sar 0: 1/1
#tb 1: 1/48000
#media_type 1: audio
#codec_id 1: aac
#sample_rate 1: 48000
#channel_layout_name 1: 5.1
0,      -1536,       -512,      512,     1111, 0xe0f70800, F=0x5
0,      -1024,          0,      512,     1111, 0xe0f70800
0,       -512,       1024,      512,      222, 0xb7a159bf, F=0x0
1,      -1024,      -1024,     1024,       44, 0xf69b0a5f, F=0x5, S=1, Skip Samples,       10, 0x00240004
0,          0,        512,      512,      212, 0x961a5806, F=0x0
1,          0,          0,     1024,      255, 0x7cbe82d4
"""  # noqa: E501 -- FFmpeg's own line

PICTURE = """\
#software: Lavf63.1.102
#tb 0: 1/24
#media_type 0: video
#codec_id 0: rawvideo
#dimensions 0: 1920x1080
#sar 0: 1/1
0,          0,          0,        1,  3110400, 0xdc25814c
"""


def facts(banner: str = BANNER, listing: str = LISTING, picture: str = PICTURE) -> SourceFacts:
    return judge(banner, read_listing(listing), read_listing(picture))


def test_listing() -> None:
    tracks = read_listing(LISTING)
    video, audio = tracks["video"], tracks["audio"]
    assert (video.codec, video.time_base) == ("h264", Fraction(1, 12288))
    assert (video.width_px, video.height_px, video.pixel_shape) == (1920, 1080, Fraction(1))
    assert list(video.pts) == [0, 512, 1024]
    assert (video.first_pts, video.end_pts, video.packets) == (-512, 1536, 4)
    assert video.is_ordered
    assert not video.is_damaged
    assert (audio.codec, list(audio.pts), audio.packets, audio.first_pts) == ("aac", [0], 2, -1024)


def test_source_facts() -> None:
    accepted = judge(BANNER, read_listing(LISTING), read_listing(PICTURE))
    assert accepted.size == Size(width_px=1920, height_px=1080)
    assert (accepted.frames, accepted.duration_ms) == (3, 125)
    assert accepted.is_seekable
    assert accepted.audio is not None
    assert (accepted.audio.codec, accepted.audio.delay_ms) == ("aac", -21)
    assert accepted.audio.is_copied


def test_banner_of_other_files() -> None:
    assert read_banner("[error] moov atom not found") is None
    cover = BANNER.replace("12288 tbn (default)", "12288 tbn (attached pic)")
    both = read_banner(cover)
    assert both is not None
    assert not both.has_video
    unknown = read_banner(BANNER.replace("Duration: 00:00:00.12,", "Duration: N/A,"))
    assert unknown is not None
    assert unknown.declared_ms is None
    long = read_banner(BANNER.replace("00:00:00.12", "12:34:56.78"))
    assert long is not None
    assert long.declared_ms == 45_296_780


@pytest.mark.parametrize(
    ("container", "is_seekable"),
    [("matroska,webm", True), ("mpegts", False), ("avi", False), ("flv", False)],
)
def test_only_containers_with_an_index_are_sought_in(container: str, is_seekable: bool) -> None:  # noqa: FBT001
    other = BANNER.replace("mov,mp4,m4a,3gp,3g2,mj2", container)
    accepted = judge(other, read_listing(LISTING), read_listing(PICTURE))
    assert accepted.is_seekable is is_seekable


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        (PICTURE.replace("1920x1080", "1080x1920"), (1080, 1920)),
        (PICTURE.replace("sar 0: 1/1", "sar 0: 64/45"), (2731, 1080)),
        (PICTURE.replace("sar 0: 1/1", "sar 0: 0/1"), (1920, 1080)),
    ],
)
def test_size_is_as_shown(shown: str, size: tuple[int, int]) -> None:
    accepted = judge(BANNER, read_listing(LISTING), read_listing(shown))
    assert (accepted.size.width_px, accepted.size.height_px) == size


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("Duration: 00:00:00.12", "Duration: 00:00:00.68", "declares 0.6 s, and 0.1 s can be read"),
        ("Video:", "Subtitle:", "there is no video"),
    ],
)
def test_banner_that_disqualifies(old: str, new: str, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        facts(banner=BANNER.replace(old, new))


@pytest.mark.parametrize(
    ("pixels", "treatment"),
    [
        ("yuv420p(progressive)", Treatment.NONE),
        ("yuv420p10le(tv, bt2020nc/bt2020/smpte2084)", Treatment.HDR10),
        ("yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67)", Treatment.HLG),
        ("yuv420p(tv, smpte170m, top first)", Treatment.DEINTERLACE),
        ("yuv420p(bottom coded first (swapped))", Treatment.DEINTERLACE),
    ],
)
def test_what_a_picture_needs(pixels: str, treatment: Treatment) -> None:
    found = facts(banner=BANNER.replace("yuv420p(progressive)", pixels))
    assert found.treatment is treatment


def test_a_little_less_than_declared_is_whole() -> None:
    assert facts(banner=BANNER.replace("00:00:00.12", "00:00:00.62")).frames == 3


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("0xb7a159bf, F=0x0", "0xb7a159bf, F=0x2", "its last packet is not whole"),
        ("1024,      512,      222", "NOPTS,      512,      222", "no usable times"),
        ("1024,      512,      222", "512,      512,      222", "no usable times"),
        ("dimensions 0: 1920x1080", "dimensions 0: 8200x100", "longer than 8192 pixels"),
    ],
)
def test_listing_that_disqualifies(old: str, new: str, reason: str) -> None:
    assert old in LISTING
    with pytest.raises(Unusable, match=reason):
        facts(listing=LISTING.replace(old, new))


def test_file_that_ends_prematurely() -> None:
    with pytest.raises(Unusable, match="truncated"):
        facts(banner=BANNER + "[in#0/matroska,webm @ 0x56] [error] File ended prematurely\n")


def test_picture_that_disqualifies() -> None:
    with pytest.raises(Unusable, match="cannot be decoded"):
        facts(picture="")
    with pytest.raises(Unusable, match="smaller than 16"):
        facts(picture=PICTURE.replace("1920x1080", "1920x15"))


def test_file_that_cannot_be_opened() -> None:
    with pytest.raises(Unusable, match="truncated: its index is missing"):
        judge("[in#0] [error] moov atom not found", {}, {})
    with pytest.raises(Unusable, match="not a video"):
        judge("[warning] misdetection possible!\n[error] moov atom not found", {}, {})
    with pytest.raises(Unusable, match="has no frames"):
        judge(BANNER, {}, {})


def track(pts: list[int], *, end_pts: int) -> Track:
    return Track(
        kind="video",
        codec="h264",
        time_base=Fraction(1),
        width_px=64,
        height_px=64,
        pixel_shape=Fraction(1),
        pts=pts,
        key_pts=pts,
        end_pts=end_pts,
        first_pts=0,
        packets=len(pts),
        is_ordered=True,
        is_damaged=False,
        has_untimed=False,
    )


def test_limits_of_length() -> None:
    picture = read_listing(PICTURE)
    end = DURATION_MAX_MS // 1000
    assert judge(BANNER, {"video": track([0], end_pts=end)}, picture).duration_ms == DURATION_MAX_MS
    with pytest.raises(Unusable, match="longer than 4 hours"):
        judge(BANNER, {"video": track([0], end_pts=end + 1)}, picture)
    many = track(list(range(FRAMES_MAX + 1)), end_pts=FRAMES_MAX + 1)
    with pytest.raises(Unusable, match="more than 1000000 frames"):
        judge(BANNER, {"video": many}, picture)


@pytest.mark.parametrize(
    ("last", "end_pts"),
    [("512, 212", 1536), ("0, 212", 1536)],
)
def test_last_frame_without_a_duration_lasts_as_long_as_the_one_before(
    last: str, end_pts: int
) -> None:
    duration, size = last.split(", ")
    lines = ["#tb 0: 1/12288", "#media_type 0: video", "0, 0, 0, 512, 9, 0x0"]
    lines += ["0, 512, 512, 512, 9, 0x0", f"0, 1024, 1024, {duration}, {size}, 0x0"]
    assert read_listing("\n".join(lines))["video"].end_pts == end_pts


def test_decoding_times_that_do_not_rise_are_noticed() -> None:
    lines = ["#tb 0: 1/9", "#media_type 0: video", "0, 0, 0, 1, 9, 0x0", "0, 0, 1, 1, 9, 0x0"]
    assert not read_listing("\n".join(lines))["video"].is_ordered
