"""Goal: both manifests point into the same files, and nothing that is wrong is published.

Method: films go through the real pipeline; where a fault is needed, a chunk in S3 is replaced by
another one before the job is assembled.
"""

import difflib
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pixr.adapters.objects import sha256_of
from tests.clips import BUNNY, KEYED, damaged, delay_s, ffmpeg, levels, numbered, sound_md5, times
from tests.functions.reprocess.conftest import Studio, fund
from tests.functions.reprocess.test_upgrades import upgrade

DASH = {"": "urn:mpeg:dash:schema:mpd:2011"}


def publish(studio: Studio, clip: Path) -> None:
    studio.upload("movie", clip)
    studio.settle()
    job = studio.job("movie")
    assert job["state"] == "PUBLISHED", job["reason"]


def test_a_later_rung_adds_a_line_to_each_manifest(studio: Studio, tmp_path: Path) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=26, size="1280x720")
    publish(studio, clip)
    before = {key: studio.read(key) for key in studio.keys("media/movie/")}
    upgrade(studio, fund(studio, "movie", 720))
    after = {key: studio.read(key) for key in studio.keys("media/movie/")}
    manifests = ("media/movie/master.m3u8", "media/movie/manifest.mpd")
    assert {key: after[key] for key in before if key not in manifests} == {
        key: body for key, body in before.items() if key not in manifests
    }
    assert len({key.rpartition("/")[0] for key in after if "/sound/" in key}) == 1
    for key, added in zip(manifests, (2, 6), strict=True):
        old, new = before[key].decode().splitlines(), after[key].decode().splitlines()
        changes = [line[:2] for line in difflib.ndiff(old, new) if line[:2] != "  "]
        assert changes == ["+ "] * added

    master = studio.fetch_media("movie", tmp_path)
    streams = re.findall(
        r"#EXT-X-STREAM-INF:BANDWIDTH=(\d+),AVERAGE-BANDWIDTH=(\d+),RESOLUTION=(\w+),"
        r'CODECS="avc1\.64[0-9a-f]{4},mp4a\.40\.2",FRAME-RATE=12\.000,AUDIO="sound"\n(\S+)\n',
        master.read_text(),
    )
    assert [size for _, _, size, _ in streams] == ["854x480", "1280x720"]
    assert all(int(peak) >= int(average) > 0 for peak, average, _, _ in streams)
    lists = [(master.parent / playlist).read_text() for *_, playlist in streams]
    lengths = [re.findall(r"#EXTINF:(\S+),", text) for text in lists]
    assert lengths[0] == lengths[1] == ["4.000000"] * 6 + ["2.000000"]
    for (*_, playlist), text in zip(streams, lists, strict=True):
        media = (master.parent / playlist).with_name("media.mp4").read_bytes()
        for size, start in re.findall(r"#EXT-X-BYTERANGE:(\d+)@(\d+)", text):
            assert media[int(start) + 4 : int(start) + 8] == b"moof"
            assert int(start) + int(size) <= len(media)
    assert levels(master) == pytest.approx(levels(clip), abs=4)
    assert delay_s(master) == pytest.approx(delay_s(clip), abs=0.002)


def test_dash_finds_the_index_of_every_file(studio: Studio, tmp_path: Path) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=6, rate="24000/1001")
    publish(studio, clip)
    folder = studio.fetch_media("movie", tmp_path).parent
    manifest = ET.parse(folder / "manifest.mpd").getroot()  # noqa: S314 -- we wrote it
    sets = manifest.findall("Period/AdaptationSet", DASH)
    assert [one.get("mimeType") for one in sets] == ["video/mp4", "audio/mp4"]
    (picture,), (sound,) = (one.findall("Representation", DASH) for one in sets)
    assert picture.get("frameRate") == "24000/1001"
    assert sound.get("codecs") == "mp4a.40.2"
    for one in (picture, sound):
        url, base = one.find("BaseURL", DASH), one.find("SegmentBase", DASH)
        assert url is not None
        assert base is not None
        media = (folder / str(url.text)).read_bytes()
        start, end = map(int, str(base.get("indexRange")).split("-"))
        assert media[start + 4 : start + 8] == b"sidx"
        assert end - start + 1 == int.from_bytes(media[start : start + 4])
        assert media[end + 5 : end + 9] == b"moof"
        references = int.from_bytes(media[start + 38 : start + 40])
        sizes = [
            int.from_bytes(media[at : at + 4])
            for at in range(start + 40, start + 40 + 12 * references, 12)
        ]
        assert sum(sizes) == len(media) - end - 1


def test_sound_that_browsers_do_not_play_is_encoded(studio: Studio, tmp_path: Path) -> None:
    """It is AAC, but of a profile that no browser has; the plan cannot tell."""
    clip = numbered(tmp_path / "a.mp4", seconds=3)
    low, main = bytes.fromhex("05808080051188"), bytes.fromhex("05808080050988")
    assert clip.read_bytes().count(low) == 1
    clip.write_bytes(clip.read_bytes().replace(low, main))
    publish(studio, clip)
    assert studio.job("movie")["settings"]["audio"] == "copy"
    master = studio.fetch_media("movie", tmp_path)
    assert "mp4a.40.2" in master.read_text()
    assert delay_s(master) == pytest.approx(delay_s(clip), abs=0.03)


def test_films_from_before_sound_was_kept_apart_get_further_rungs(
    studio: Studio, tmp_path: Path
) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=16, size="1280x720")
    publish(studio, clip)
    early = make_early(studio, tmp_path)
    upgrade(studio, fund(studio, "movie", 720))
    assert {job["reason"] for job in studio.jobs("movie")} == {None}
    for key, body in early.items():
        assert studio.read(key) == body
    assert studio.content("movie")["sound_key"] is None
    master = studio.fetch_media("movie", tmp_path)
    text = master.read_text()
    assert "EXT-X-MEDIA" not in text
    assert not master.with_name("manifest.mpd").exists()
    streams = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(streams) == 2
    for stream in streams:
        playlist = master.parent / stream
        assert levels(playlist) == pytest.approx(levels(clip), abs=4)
        assert times(playlist) == pytest.approx(times(clip), abs=1.5e-3)
        assert delay_s(playlist) == pytest.approx(delay_s(clip), abs=0.002)
        assert sound_md5(playlist) == sound_md5(clip)


def make_early(studio: Studio, folder: Path) -> dict[str, bytes]:
    """Publish the film as it was done before: picture and sound in one file; its objects."""
    master = studio.fetch_media("movie", folder / "new")
    (rendition,) = studio.rows("SELECT playlist_key FROM renditions")
    place = str(rendition["playlist_key"]).rpartition("/")[0]
    old = folder / "old"
    old.mkdir()
    ffmpeg(
        "-copyts", "-i", master, "-avoid_negative_ts", "disabled", "-map", "0:v", "-map", "0:a",
        "-c", "copy", "-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod",
        "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_segment_filename",
        old / "media.mp4", "-master_pl_name", "stream.m3u8", old / "index.m3u8",
    )  # fmt: skip
    for key in studio.keys("media/movie/"):
        studio.s3.delete_object(Bucket=studio.bucket, Key=key)
    early = {f"{place}/{path.name}": path.read_bytes() for path in old.iterdir()}
    for key, body in early.items():
        studio.s3.put_object(Bucket=studio.bucket, Key=key, Body=body)
    studio.rows("UPDATE contents SET sound_key = NULL RETURNING 1")
    return early


def encoded(studio: Studio, clip: Path) -> tuple[list[str], Path]:
    """Bring a film to where its chunks are done; their keys, and a folder with the first two."""
    studio.upload("movie", clip)
    studio.step("plan")
    studio.step("encode")
    keys = sorted(key for key in studio.keys("chunks/") if key.endswith(".mp4"))
    for number, key in enumerate(keys):
        (clip.parent / f"{number}.mp4").write_bytes(studio.read(key))
    return keys, clip.parent


def assert_refused(studio: Studio, reason: str) -> None:
    studio.settle()
    job = studio.job("movie")
    assert job["state"] == "FAILED"
    assert re.search(reason, job["reason"]), job["reason"]
    assert studio.keys("media/") == []
    assert studio.rows("SELECT FROM renditions") == []


def replace(studio: Studio, key: str, path: Path) -> None:
    """As if its worker had made it so."""
    studio.s3.put_object(Bucket=studio.bucket, Key=key, Body=path.read_bytes())
    studio.rows(
        "UPDATE upgrade_chunks SET sha256 = %s WHERE object_key = %s RETURNING 1",
        sha256_of(path),
        key,
    )


def test_a_chunk_that_somebody_else_wrote_is_not_joined(studio: Studio, tmp_path: Path) -> None:
    keys, folder = encoded(studio, numbered(tmp_path / "a.mp4", seconds=30, options=KEYED))
    body = bytearray((folder / "1.mp4").read_bytes())
    body[-100] ^= 1
    studio.s3.put_object(Bucket=studio.bucket, Key=keys[1], Body=bytes(body))
    assert_refused(studio, "chunk 1 is not what its worker made any more")


def test_what_nobody_has_looked_at_is_decoded_before_it_is_published(
    studio: Studio, tmp_path: Path
) -> None:
    """Chunks of a worker of an earlier release, which did not look at them."""
    keys, folder = encoded(studio, numbered(tmp_path / "a.mp4", seconds=8))
    studio.rows("UPDATE upgrade_chunks SET sha256 = NULL RETURNING 1")
    body = damaged((folder / "0.mp4").read_bytes())
    studio.s3.put_object(Bucket=studio.bucket, Key=keys[0], Body=body)
    assert_refused(studio, "it does not decode|frames decode")


def test_a_chunk_of_another_part_is_seen_at_its_joins(studio: Studio, tmp_path: Path) -> None:
    keys, folder = encoded(studio, numbered(tmp_path / "a.mp4", seconds=30, options=KEYED))
    replace(studio, keys[1], folder / "0.mp4")
    assert_refused(studio, r"frame 11\d|frame 12\d, at a join")


def test_a_chunk_that_is_a_frame_late_is_seen_at_its_joins(studio: Studio, tmp_path: Path) -> None:
    """Count and times are right: only the pictures tell."""
    clip = numbered(tmp_path / "a.mp4", seconds=30, options=KEYED)
    keys, folder = encoded(studio, clip)
    settings = studio.job("movie")["settings"]
    options = f"keyint={settings['gop_frames']}:min-keyint={settings['gop_frames']}:scenecut=0"
    ffmpeg(
        "-i", clip, "-an", "-vf", "trim=start_frame=121:end_frame=241,setpts=PTS-STARTPTS,setsar=1",
        "-fps_mode", "passthrough", "-enc_time_base", "demux", "-c:v", "libx264",
        "-preset", settings["preset"], "-crf", str(settings["crf"]), "-x264-params", options,
        "-pix_fmt", "yuv420p", "-video_track_timescale", "90000", "-flags", "+bitexact",
        folder / "late.mp4",
    )  # fmt: skip
    replace(studio, keys[1], folder / "late.mp4")
    assert_refused(studio, "at a join, shows a frame of another time")


def test_chunks_that_need_another_decoder_are_not_joined(studio: Studio, tmp_path: Path) -> None:
    keys, folder = encoded(studio, numbered(tmp_path / "a.mp4", seconds=30, options=KEYED))
    ffmpeg("-i", folder / "1.mp4", "-c:v", "libx264", "-preset", "ultrafast", folder / "other.mp4")
    replace(studio, keys[1], folder / "other.mp4")
    assert_refused(studio, "chunk 1 has another SPS or PPS")


def test_a_key_frame_that_is_missing_is_noticed(studio: Studio, tmp_path: Path) -> None:
    keys, folder = encoded(studio, numbered(tmp_path / "a.mp4", seconds=8))
    ffmpeg(
        "-i", folder / "0.mp4", "-c:v", "libx264", "-preset", "fast", "-x264-params",
        "keyint=900:scenecut=0", "-video_track_timescale", "90000", folder / "long.mp4",
    )  # fmt: skip
    replace(studio, keys[0], folder / "long.mp4")
    assert_refused(studio, "there is no key frame at frame 48")


def test_a_picture_worse_than_promised_is_not_published(studio: Studio, tmp_path: Path) -> None:
    clip = tmp_path / "bunny.mp4"
    ffmpeg("-ss", "16", "-i", BUNNY, "-t", "3", "-vf", "scale=320:180", "-c:v", "libx264", clip)
    keys, folder = encoded(studio, clip)
    ffmpeg(
        "-i", folder / "0.mp4", "-c:v", "libx264", "-crf", "45", "-x264-params",
        "keyint=48:scenecut=0", "-video_track_timescale", "90000", folder / "poor.mp4",
    )  # fmt: skip
    replace(studio, keys[0], folder / "poor.mp4")
    assert_refused(studio, r"samples of it have a VMAF of \d\d\.\d\d instead of")
