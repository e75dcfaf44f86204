"""S3 through real boto3 over HTTP."""

import hashlib
import urllib.request
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from pixr.adapters import objects
from pixr.adapters.objects import (
    SMALL_BYTES_MAX,
    Bucket,
    ObjectChanged,
    ObjectMissing,
    ObjectStoreError,
    ObjectTooLarge,
    presign_put,
)


@pytest.fixture
def bucket(cloud: str) -> Bucket:
    name = f"pixr-{uuid4()}"
    boto3.client("s3").create_bucket(Bucket=name)
    return Bucket(name)


def put(bucket: Bucket, key: str, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=bucket.name, Key=key, Body=body)


def test_round_trip_of_a_file(bucket: Bucket, tmp_path: Path) -> None:
    body = bytes(range(256)) * 20_000
    (tmp_path / "in").write_bytes(body)
    bucket.upload(tmp_path / "in", "a b/ü.mp4", content_type="video/mp4")
    head = bucket.head("a b/ü.mp4")
    assert head.size_bytes == len(body)
    bucket.download("a b/ü.mp4", tmp_path / "out", etag=head.etag, bytes_max=len(body))
    assert (tmp_path / "out").read_bytes() == body
    assert bucket.sha256("a b/ü.mp4") == hashlib.sha256(body).hexdigest()


def test_download_of_another_version_is_refused(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "k", b"first")
    etag = bucket.head("k").etag
    put(bucket, "k", b"second")
    with pytest.raises(ObjectChanged, match=f"s3://{bucket.name}/k"):
        bucket.download("k", tmp_path / "out", etag=etag, bytes_max=10)
    assert not (tmp_path / "out").exists()


def test_download_is_bounded_before_the_first_byte(bucket: Bucket, tmp_path: Path) -> None:
    put(bucket, "k", b"12345")
    with pytest.raises(ObjectTooLarge, match="5 bytes, more than 4"):
        bucket.download("k", tmp_path / "out", bytes_max=4)
    assert not (tmp_path / "out").exists()


def test_what_is_read_into_memory_is_bounded(bucket: Bucket) -> None:
    bucket.put("k", b"12345", content_type="text/plain")
    assert bucket.read("k", bytes_max=5) == (b"12345", bucket.head("k").etag)
    with pytest.raises(ObjectTooLarge, match="5 bytes, more than 4"):
        bucket.read("k", bytes_max=4)
    bucket.put("k", bytes(SMALL_BYTES_MAX + 1), content_type="text/plain")
    with pytest.raises(ObjectTooLarge):
        bucket.read("k")


@pytest.mark.parametrize(
    "use",
    [
        lambda bucket, _: bucket.head("none"),
        lambda bucket, path: bucket.download("none", path, bytes_max=1),
        lambda bucket, path: bucket.download("none", path, etag='"x"', bytes_max=1),
        lambda bucket, _: bucket.read("none"),
        lambda bucket, _: bucket.sha256("none"),
        lambda bucket, _: bucket.move("none", "other"),
    ],
    ids=["head", "download", "download a version", "read", "sha256", "move"],
)
def test_missing_object_is_named(
    bucket: Bucket, tmp_path: Path, use: Callable[[Bucket, Path], object]
) -> None:
    with pytest.raises(ObjectMissing, match=f"s3://{bucket.name}/none"):
        use(bucket, tmp_path / "out")


def test_move(bucket: Bucket) -> None:
    put(bucket, "originals/ä b+c%41", b"body")
    bucket.move("originals/ä b+c%41", "rejected/ä b+c%41")
    assert bucket.list_keys("") == ["rejected/ä b+c%41"]
    assert bucket.read("rejected/ä b+c%41")[0] == b"body"


def test_listing_is_bounded(bucket: Bucket) -> None:
    for number in range(3):
        put(bucket, f"a/{number}", b"x")
    put(bucket, "b", b"x")
    assert bucket.list_keys("a/") == ["a/0", "a/1", "a/2"]
    assert bucket.list_keys("c/") == []
    with pytest.raises(ObjectTooLarge, match="more than 2 objects"):
        bucket.list_keys("a/", keys_max=2)


def test_delete_of_many_and_of_none(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "DELETES_MAX", 2)
    for number in range(5):
        put(bucket, f"a/{number}", b"x")
    bucket.delete([])
    bucket.delete([*(f"a/{number}" for number in range(5)), "never-there"])
    assert bucket.list_keys("a/") == []


def test_replace_only_what_was_read(bucket: Bucket) -> None:
    bucket.replace("k", b"1", content_type="text/plain", etag=None)
    with pytest.raises(ObjectChanged):
        bucket.replace("k", b"2", content_type="text/plain", etag=None)
    _, etag = bucket.read("k")
    bucket.replace("k", b"3", content_type="text/plain", etag=etag)
    with pytest.raises(ObjectChanged):
        bucket.replace("k", b"4", content_type="text/plain", etag=etag)
    assert bucket.read("k")[0] == b"3"


def test_presigned_url_takes_a_plain_put(bucket: Bucket) -> None:
    url = presign_put(bucket.name, "originals/a/b/clip.mp4", 60)
    assert "X-Amz-Expires=60" in url
    assert "checksum" not in url.lower()
    request = urllib.request.Request(url, data=b"video", method="PUT")  # noqa: S310 -- ours
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 -- ours
        assert answer.status == 200
    assert bucket.read("originals/a/b/clip.mp4")[0] == b"video"


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, cloud: str) -> None:
    # Port 9 on this machine: refused at once; the pauses between the attempts are left out.
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(ObjectStoreError, match="head s3://any/key: Could not connect"):
        Bucket("any").head("key")


def test_refusal_names_the_code(cloud: str) -> None:
    with pytest.raises(ObjectStoreError, match="list s3://no-such-bucket/a/: NoSuchBucket"):
        Bucket("no-such-bucket").list_keys("a/")
