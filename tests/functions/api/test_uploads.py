"""Goal: a file has exactly one place to go, and nobody puts one into another's content."""

from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import pytest

from functions.api.uploads import safe_name
from tests.house import House


def test_an_upload_registers_the_content_and_takes_one_put(house: House) -> None:
    answer = house.post("/uploads", {"file_name": "Mein Film.mp4", "size_bytes": 5})
    assert answer.status == 201
    body = answer.body
    assert body["key"] == f"originals/{body['content_id']}/{body['upload_id']}/Mein_Film.mp4"
    assert body["method"] == "PUT"
    with urlopen(Request(body["url"], data=b"video", method="PUT"), timeout=10):  # noqa: S310 -- ours
        pass
    bucket = body["url"].split("?")[0].split("/")[3]
    stored = boto3.client("s3").get_object(Bucket=bucket, Key=body["key"])["Body"].read()
    assert stored == b"video"
    row = house.db.execute("SELECT creator_id, state FROM contents").fetchone()
    assert row == {"creator_id": "alice", "state": "awaiting"}
    assert house.get(f"/content/{body['content_id']}", sub=None).body["state"] == "awaiting"


def test_the_url_opens_nothing_but_its_key(house: House) -> None:
    url: str = house.post("/uploads", {"file_name": "a.mp4"}).body["url"]
    with pytest.raises(HTTPError):
        urlopen(Request(url.replace("a.mp4", "b.mp4"), method="DELETE"), timeout=10).close()  # noqa: S310 -- ours


def test_another_try_for_ones_own_content_is_another_key(house: House) -> None:
    first = house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip-1"}).body
    second = house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip-1"}).body
    assert first["content_id"] == second["content_id"] == "clip-1"
    assert first["key"] != second["key"]


def test_somebody_elses_content_does_not_exist(house: House) -> None:
    house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip"})
    answer = house.post("/uploads", {"file_name": "a.mp4", "content_id": "clip"}, sub="bob")
    assert answer.problem == (404, "not-found")
    assert house.count("uploads") == 1


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "file_name"),
    ({"file_name": ""}, "file_name"),
    ({"file_name": "a/b.mp4"}, "file_name"),
    ({"file_name": "a\\b.mp4"}, "file_name"),
    ({"file_name": "a\u0000.mp4"}, "file_name"),
    ({"file_name": "x" * 256}, "file_name"),
    ({"file_name": 7}, "file_name"),
    ({"file_name": "a", "content_id": "../x"}, "content_id"),
    ({"file_name": "a", "content_id": ""}, "content_id"),
    ({"file_name": "a", "size_bytes": 0}, "size_bytes"),
    ({"file_name": "a", "size_bytes": -1}, "size_bytes"),
    ({"file_name": "a", "size_bytes": 5 * 1024**3 + 1}, "size_bytes"),
    ({"file_name": "a", "size_bytes": "5"}, "size_bytes"),
    ({"file_name": "a", "size_bytes": 1.5}, "size_bytes"),
    ({"file_name": "a", "key": "originals/x"}, "key"),
]


def test_what_cannot_be_a_file_is_refused(house: House) -> None:
    for body, field in BAD:
        answer = house.post("/uploads", body)
        assert answer.problem == (400, "malformed"), body
        assert answer.body["errors"][0]["field"] == field, body
    assert house.count("contents") == 0


@pytest.mark.parametrize(
    ("file_name", "safe"),
    [
        ("film.mp4", "film.mp4"),
        ("Mein Film (1).mp4", "Mein_Film_1_.mp4"),
        ("视频.mp4", "_.mp4"),
        ("视频", "file"),
        ("..", "file"),
        (".hidden.mp4", "hidden.mp4"),
        ("x" * 200 + ".mp4", "x" * 96 + ".mp4"),
    ],
    ids=ascii,
)
def test_a_name_becomes_part_of_a_key(file_name: str, safe: str) -> None:
    assert safe_name(file_name) == safe


@pytest.mark.parametrize(
    ("scope", "status"), [("invest", 201), ("wallet:read", 201), ("stats:read", 403)]
)
def test_either_scope_opens_the_door(house: House, scope: str, status: int) -> None:
    assert house.post("/uploads", {"file_name": "a.mp4"}, scope=scope).status == status
