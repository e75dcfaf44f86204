"""FFmpeg reads an object of the real bucket by ranges: only what it needs, and only one version."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import boto3
import httpx
import pytest

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.objects import Bucket, ObjectChanged, ObjectMissing
from pixr.adapters.ranges import KEPT_WINDOWS, WINDOW_BYTES_MIN, serving
from tests.clips import FFMPEG, ffmpeg, numbered

KEY = "originals/film"


@pytest.fixture
def bucket(cloud: str) -> Bucket:
    assert cloud
    client = boto3.client("s3")
    client.create_bucket(Bucket="ranges")
    return Bucket("ranges")


def put(bucket: Bucket, data: bytes) -> tuple[str, int]:
    answer = boto3.client("s3").put_object(Bucket=bucket.name, Key=KEY, Body=data)
    return answer["ETag"], len(data)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        (None, 0, 3_000_000),
        ("bytes=0-", 0, 3_000_000),
        ("bytes=5-5", 5, 6),
        ("bytes=262143-262144", 262_143, 262_145),
        ("bytes=2999999-", 2_999_999, 3_000_000),
        ("bytes=1000000-9999999", 1_000_000, 3_000_000),
    ],
)
def test_a_range_is_what_was_asked_for(
    bucket: Bucket, asked: str | None, start: int, end: int
) -> None:
    data = bytes(range(250)) * 12_000
    etag, size_bytes = put(bucket, data)
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        answer = httpx.get(served.url, headers={"Range": asked} if asked else {})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/3000000"
        assert answer.content == data[start:end]
        assert served.bytes_read == end - start


@pytest.mark.parametrize("asked", ["bytes=3-", "bytes=-1", "lines=1-2", "bytes=2-1"])
def test_a_range_that_is_not_there(bucket: Bucket, asked: str) -> None:
    etag, size_bytes = put(bucket, b"abc")
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        answer = httpx.get(served.url, headers={"Range": asked})
        assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */3")
        assert served.bytes_read == 0


def test_nobody_reads_it_who_does_not_know_its_name(bucket: Bucket) -> None:
    etag, size_bytes = put(bucket, b"abc")
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        address = served.url.rpartition("/")[0]
        assert httpx.get(address + "/").status_code == 404
        assert httpx.get(address + "/originals/film").status_code == 404
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)


def test_a_seek_into_a_long_file_reads_a_part_of_it(bucket: Bucket, tmp_path: Path) -> None:
    """Sixty seconds of noise, of which one is wanted."""
    clip = numbered(
        tmp_path / "a.mp4",
        seconds=60,
        size="320x240",
        filters="noise=alls=60:allf=t",
        options=("-g", "24", "-movflags", "+faststart"),
    )
    etag, size_bytes = put(bucket, clip.read_bytes())
    assert size_bytes > 20 * WINDOW_BYTES_MIN
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        arguments = ["-seek_timestamp", "1", "-ss", "30", "-i", served.url, "-map", "0:v"]
        Ffmpeg(FFMPEG).make([*arguments, "-frames:v", "12", "-f", "null", "-"], timeout_s=30)
        assert served.bytes_read < size_bytes // 4
    whole = ffmpeg("-i", clip, "-map", "0:v", "-c", "copy", "-f", "md5", "-")
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        assert ffmpeg("-i", served.url, "-map", "0:v", "-c", "copy", "-f", "md5", "-") == whole


def test_who_opens_it_again_does_not_ask_s3_for_its_beginning_again(bucket: Bucket) -> None:
    body = bytes(range(256)) * 1024
    etag, size_bytes = put(bucket, body)
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes, window_bytes=1000) as served:
        for start, end, requests in ((0, 900, 1), (48, 900, 1), (48, 1500, 2), (70_000, 70_100, 3)):
            answer = httpx.get(served.url, headers={"Range": f"bytes={start}-{end - 1}"})
            assert answer.content == body[start:end]
            assert served.requests == requests
        for number in range(KEPT_WINDOWS):
            httpx.get(served.url, headers={"Range": f"bytes={100_000 + 1000 * number}-"})
        before = served.requests
        httpx.get(served.url, headers={"Range": "bytes=0-9"})
        assert served.requests == before + 1


def read_all(bucket: Bucket, etag: str, size_bytes: int, meanwhile: Callable[[], object]) -> None:
    """Read an object to which something happens after it was looked at."""
    with serving(bucket, KEY, etag=etag, size_bytes=size_bytes) as served:
        meanwhile()
        with suppress(httpx.HTTPError):
            httpx.get(served.url)


def test_another_version_is_not_read(bucket: Bucket) -> None:
    etag, size_bytes = put(bucket, b"old" * 1000)
    with pytest.raises(ObjectChanged):
        read_all(bucket, etag, size_bytes, lambda: put(bucket, b"new" * 1000))


def test_what_is_gone_is_said_even_if_the_reader_does_not_mind(bucket: Bucket) -> None:
    etag, size_bytes = put(bucket, b"old" * 1000)
    delete = boto3.client("s3").delete_object
    with pytest.raises(ObjectMissing):
        read_all(bucket, etag, size_bytes, lambda: delete(Bucket=bucket.name, Key=KEY))


def test_what_s3_said_comes_before_what_ffmpeg_makes_of_it(bucket: Bucket) -> None:
    etag, size_bytes = put(bucket, b"old" * 1000)

    def fail() -> None:
        with serving(bucket, KEY, etag='"other"', size_bytes=size_bytes) as served:
            Ffmpeg(FFMPEG).make(["-i", served.url, "-f", "null", "-"], timeout_s=30)

    assert etag != '"other"'
    with pytest.raises(ObjectChanged):
        fail()
