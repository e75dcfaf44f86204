"""Goal: what is not a video ends rejected with a reason, moved away, and is never tried again."""

from pathlib import Path

import pytest

from tests.clips import BUNNY, ffmpeg, numbered
from tests.functions.reprocess.conftest import Studio


def assert_rejected(studio: Studio, content_id: str, key: str, reason: str) -> None:
    job = studio.job(content_id)
    assert job["state"] == "REJECTED"
    assert reason in job["reason"]
    (upload,) = studio.rows("SELECT state, reason FROM uploads WHERE object_key = %s", key)
    assert (upload["state"], upload["reason"]) == ("rejected", job["reason"])
    content = studio.content(content_id)
    assert (content["state"], content["source_key"]) == ("awaiting", None)
    assert studio.keys("originals/") == []
    assert studio.keys("rejected/") == ["rejected/" + key.removeprefix("originals/")]
    assert studio.receive("plan") == studio.receive("encode") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the file is empty"),
        (b"just a text, " * 100, "not a video that can be read"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/passwd\n", "not a video"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not a video"),
        (bytes(5000), "not a video"),
    ],
)
def test_not_a_video(studio: Studio, body: bytes, reason: str) -> None:
    key = studio.upload("text", body)
    studio.settle()
    assert_rejected(studio, "text", key, reason)


@pytest.mark.parametrize("percent", [10, 50, 99])
@pytest.mark.parametrize("kind", ["index first", "index last", "matroska", "fragmented"])
def test_truncated(studio: Studio, tmp_path: Path, kind: str, percent: int) -> None:
    options = {
        "index first": ("-movflags", "+faststart"),
        "index last": (),
        "matroska": ("-f", "matroska"),
        "fragmented": ("-movflags", "frag_keyframe+empty_moov"),
    }[kind]
    clip = tmp_path / "a.mp4"
    ffmpeg("-i", BUNNY, "-t", "3", "-c", "copy", *options, clip)
    body = clip.read_bytes()
    key = studio.upload("cut", body[: len(body) * percent // 100])
    studio.settle()
    assert_rejected(studio, "cut", key, "the file is truncated")


def test_sound_only(studio: Studio, tmp_path: Path) -> None:
    clip = tmp_path / "a.mp4"
    ffmpeg("-i", BUNNY, "-t", "3", "-vn", "-c:a", "copy", clip)
    key = studio.upload("song", clip)
    studio.settle()
    assert_rejected(studio, "song", key, "there is no video in the file")


def test_sound_with_a_cover_picture_is_no_video(studio: Studio, tmp_path: Path) -> None:
    cover, clip = tmp_path / "cover.jpg", tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", "1", cover)
    ffmpeg("-i", BUNNY, "-i", cover, "-map", "0:a", "-map", "1", "-t", "2", "-c", "copy",
           "-disposition:v:0", "attached_pic", clip)  # fmt: skip
    key = studio.upload("song", clip)
    studio.settle()
    assert_rejected(studio, "song", key, "there is no video in the file")


def test_a_picture_that_is_too_small(studio: Studio, tmp_path: Path) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=1, audio=(), options=("-vf", "scale=8:8"))
    key = studio.upload("odd", clip)
    studio.settle()
    assert_rejected(studio, "odd", key, "smaller than 16 pixels")


def test_too_large(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.reprocess.planning.SOURCE_BYTES_MAX", 1024**2)
    key = studio.upload("big", bytes(1024**2 + 1))
    studio.settle()
    assert_rejected(studio, "big", key, "the file is larger than 1 MiB")


def test_object_deleted_before_it_was_read(studio: Studio, tmp_path: Path) -> None:
    key = studio.upload("gone", numbered(tmp_path / "a.mp4", seconds=1))
    studio.s3.delete_object(Bucket=studio.bucket, Key=key)
    studio.settle()
    assert studio.job("gone")["reason"] == "the object was deleted before it was read"
    assert studio.keys() == []


def test_object_that_nobody_asked_for_is_moved_away(studio: Studio) -> None:
    for key in ("originals/x", "originals/a/b/c.mp4", "originals/a b/ü+%41/c d.mp4"):
        studio.s3.put_object(Bucket=studio.bucket, Key=key, Body=b"?")
    studio.settle()
    assert studio.keys() == ["rejected/a b/ü+%41/c d.mp4", "rejected/a/b/c.mp4", "rejected/x"]
    assert studio.rows("SELECT FROM upgrade_jobs") == []


def test_key_must_be_the_one_that_was_given(studio: Studio, tmp_path: Path) -> None:
    given = studio.expect("mine")
    taken = given.replace("clip.mp4", "other.mp4")
    studio.s3.put_object(Bucket=studio.bucket, Key=taken, Body=b"?")
    studio.settle()
    assert studio.jobs("mine") == []
    assert studio.keys() == ["rejected/" + taken.removeprefix("originals/")]


def test_second_source_is_refused_while_the_first_stands(studio: Studio, tmp_path: Path) -> None:
    clip = numbered(tmp_path / "a.mp4", seconds=1)
    first = studio.upload("movie", clip)
    studio.settle()
    studio.upload("movie", clip, "better.mp4")
    studio.settle()
    published, refused = studio.jobs("movie")
    assert (published["state"], refused["state"]) == ("PUBLISHED", "REJECTED")
    assert refused["reason"] == (
        "the new source's short side is 120 px, and the present one's 120 px: it is no better"
    )
    assert studio.content("movie")["source_key"] == first
    assert studio.keys("originals/") == [first]


def test_new_source_is_taken_when_nothing_came_of_the_first(studio: Studio, tmp_path: Path) -> None:
    studio.upload("movie", numbered(tmp_path / "a.mp4", seconds=1))
    studio.step("plan")
    studio.rows(
        "UPDATE upgrade_jobs SET state = 'FAILED', reason = 'x', closed_at = now() RETURNING 1"
    )
    second = studio.upload("movie", numbered(tmp_path / "b.mp4", seconds=2), "second.mp4")
    studio.settle()
    assert [job["state"] for job in studio.jobs("movie")] == ["FAILED", "PUBLISHED"]
    assert studio.content("movie")["source_key"] == second
