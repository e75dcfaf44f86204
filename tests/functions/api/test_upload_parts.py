"""Goal: a file too large for one PUT arrives whole, part by part, or not at all."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

import boto3
import pytest

from functions.api.uploads import UNFINISHED_KEPT
from pixr.adapters.postgres import contents, upgrades
from tests.house import House

MIB = 1024**2
SIZE = 2 * 8 * MIB + 5


def begin(house: House, size_bytes: int = SIZE, **rest: Any) -> Any:
    answer = house.post("/uploads", {"file_name": "film.mp4", "bytes": size_bytes, **rest})
    assert answer.status == 201, answer
    return answer.body


def put(part: Any, fill: bytes = b"x", *, size_bytes: int | None = None) -> str:
    """Put a part as a browser does; the ETag."""
    body = fill * (part["bytes"] if size_bytes is None else size_bytes)
    request = Request(part["url"], data=body, method="PUT")  # noqa: S310 -- ours
    with urlopen(request, timeout=30) as answer:  # noqa: S310 -- ours
        return str(answer.headers["ETag"])


def put_all(upload: Any) -> list[dict[str, Any]]:
    return [{"number": part["number"], "etag": put(part)} for part in upload["parts"]]


def complete(house: House, upload: Any, parts: list[dict[str, Any]], **rest: Any) -> Any:
    return house.post(f"/uploads/{upload['upload_id']}/complete", {"parts": parts}, **rest)


def keys(upload: Any) -> list[str]:
    """What the bucket holds of an upload."""
    url = re.fullmatch(r"https?://[^/]+/([^/]+)/.*", upload["parts"][0]["url"])
    assert url
    listed = boto3.client("s3").list_objects_v2(Bucket=url[1], Prefix=upload["key"])
    return [f"{item['Key']} {item['Size']}" for item in listed.get("Contents", [])]


def arrive(house: House, upload: Any) -> UUID:
    """What the planner does first when S3 tells it of the file; the job's id."""
    now = house.db.execute("SELECT now() AS now").fetchone()
    assert now is not None
    job = upgrades.open_base(
        house.db,
        job_id=uuid4(),
        content_id=upload["content_id"],
        upload_id=UUID(upload["upload_id"]),
        source_key=upload["key"],
        now=now["now"],
    )
    return UUID(str(job["id"]))


def test_a_large_file_arrives_in_parts_and_is_joined_once(house: House) -> None:
    upload = begin(house)
    assert (upload["url"], upload["parts_total"], upload["next_cursor"]) == (None, 3, None)
    assert [part["bytes"] for part in upload["parts"]] == [8 * MIB, 8 * MIB, 5]
    shown = house.get(f"/uploads/{upload['upload_id']}").body
    assert (shown["state"], shown["bytes"], shown["job_id"]) == ("expected", SIZE, None)
    parts = put_all(upload)
    assert keys(upload) == []
    # The order does not matter, and neither do the quotes of an ETag.
    named = [{**part, "etag": part["etag"].strip('"')} for part in reversed(parts)]
    first = complete(house, upload, named)
    assert (first.status, first.body["state"]) == (200, "expected")
    assert keys(upload) == [f"{upload['key']} {SIZE}"]
    assert complete(house, upload, parts).body == first.body

    job_id = arrive(house, upload)
    repeated = complete(house, upload, parts).body
    assert (repeated["job_id"], repeated["job_state"]) == (str(job_id), "QUEUED")
    assert repeated["progress_percent"] == 0
    row = house.db.execute("SELECT creator_id FROM contents").fetchone()
    assert row == {"creator_id": "alice"}


def test_what_is_there_already_need_not_be_put_again(house: House) -> None:
    upload = begin(house)
    etag = put(upload["parts"][1])
    page = house.get(f"/uploads/{upload['upload_id']}/parts").body
    assert [part["etag"] for part in page["items"]] == [None, etag.strip('"'), None]
    first = house.get(f"/uploads/{upload['upload_id']}/parts?limit=1").body
    assert [part["number"] for part in first["items"]] == [1]
    rest = house.get(
        f"/uploads/{upload['upload_id']}/parts?cursor={first['next_cursor']}&limit=2"
    ).body
    assert [part["number"] for part in rest["items"]] == [2, 3]
    assert rest["next_cursor"] is None
    assert put(rest["items"][1])


def test_ten_thousand_parts_are_listed_a_hundred_at_a_time(house: House) -> None:
    upload = begin(house, 5 * 1024**4)
    assert upload["parts_total"] <= 10_000
    assert len(upload["parts"]) == 100
    seen, cursor = len(upload["parts"]), upload["next_cursor"]
    for _ in range(3):
        page = house.get(f"/uploads/{upload['upload_id']}/parts?cursor={cursor}").body
        assert [part["number"] for part in page["items"]] == list(range(seen + 1, seen + 101))
        seen, cursor = seen + 100, page["next_cursor"]


def wrongs(upload: Any, parts: list[dict[str, Any]]) -> Iterator[tuple[list[Any], str]]:
    yield parts[:2], "part 3 of 3 is not named"
    yield parts[1:], "part 1 of 3 is not named"
    yield [*parts, {"number": 4, "etag": "x"}], "part 4 is one too many"
    yield [parts[0], {"number": 2, "etag": "0" * 32}, parts[2]], "part 2 has the ETag"


def test_a_part_that_is_wrong_or_missing_is_named(house: House) -> None:
    upload = begin(house)
    unput = [{"number": number, "etag": "x"} for number in (1, 2, 3)]
    answer = complete(house, upload, unput)
    assert answer.problem == (409, "upload-conflict")
    assert "part 1 of 3 was not put" in answer.body["detail"]
    parts = put_all(upload)
    for named, said in wrongs(upload, parts):
        answer = complete(house, upload, named)
        assert answer.problem == (409, "upload-conflict"), said
        assert said in answer.body["detail"]
    put(upload["parts"][2], size_bytes=6)
    answer = complete(house, upload, parts)
    assert "part 3 has 6 bytes, not 5" in answer.body["detail"]
    assert keys(upload) == []
    mended = [*parts[:2], {"number": 3, "etag": put(upload["parts"][2])}]
    assert complete(house, upload, mended).status == 200


def test_a_part_is_named_once(house: House) -> None:
    upload = begin(house)
    answer = complete(house, upload, [{"number": 1, "etag": "x"}] * 2)
    assert answer.problem == (400, "malformed")
    assert "part 1 is named twice" in answer.body["detail"]


def test_an_upload_that_is_ended_takes_nothing_more(house: House) -> None:
    upload = begin(house)
    parts = put_all(upload)
    place = f"/uploads/{upload['upload_id']}"
    assert [house.delete(place).status for _ in range(2)] == [204, 204]
    shown = house.get(place).body
    assert (shown["state"], shown["reason"]) == ("rejected", "its owner ended the upload")
    for answer in (complete(house, upload, parts), house.get(f"{place}/parts")):
        assert answer.problem == (409, "upload-conflict")
        assert "its owner ended the upload" in answer.body["detail"]
    assert keys(upload) == []
    begun = boto3.client("s3").list_multipart_uploads(
        Bucket=upload["parts"][0]["url"].split("/")[3]
    )
    assert begun.get("Uploads", []) == []


def test_a_file_that_has_arrived_cannot_be_taken_back(house: House) -> None:
    upload = begin(house)
    arrive(house, upload)
    assert house.delete(f"/uploads/{upload['upload_id']}").problem == (409, "upload-conflict")
    assert house.get(f"/uploads/{upload['upload_id']}/parts").problem == (409, "upload-conflict")


def test_one_put_can_be_ended_and_has_no_parts(house: House) -> None:
    upload = house.post("/uploads", {"file_name": "a.mp4", "size_bytes": 7}).body
    assert (upload["parts"], upload["parts_total"], upload["bytes"]) == ([], None, None)
    answer = complete(house, upload, [{"number": 1, "etag": "x"}])
    assert answer.problem == (409, "upload-conflict")
    assert "one PUT" in answer.body["detail"]
    assert house.get(f"/uploads/{upload['upload_id']}/parts").problem == (409, "upload-conflict")
    assert house.delete(f"/uploads/{upload['upload_id']}").status == 204
    assert house.get(f"/uploads/{upload['upload_id']}").body["state"] == "rejected"


def test_what_the_bucket_dropped_is_told(house: House) -> None:
    """Within the first day only a completion can have ended it."""
    upload = begin(house)
    parts = put_all(upload)
    row = house.db.execute("SELECT * FROM uploads").fetchone()
    assert row is not None
    boto3.client("s3").abort_multipart_upload(
        Bucket=upload["parts"][0]["url"].split("/")[3],
        Key=row["object_key"],
        UploadId=row["multipart_id"],
    )
    assert complete(house, upload, parts).status == 200
    house.db.execute(
        "UPDATE uploads SET created_at = created_at - %s",
        (UNFINISHED_KEPT + timedelta(seconds=1),),
    )
    answer = complete(house, upload, parts)
    assert answer.problem == (409, "upload-conflict")
    assert "begin anew" in answer.body["detail"]
    assert house.get(f"/uploads/{upload['upload_id']}/parts").problem == (409, "upload-conflict")


def test_somebody_elses_upload_does_not_exist(house: House) -> None:
    upload = begin(house, 5, content_id="clip")
    place = f"/uploads/{upload['upload_id']}"
    for answer in (
        house.get(place, sub="bob"),
        house.get(f"{place}/parts", sub="bob"),
        house.delete(place, sub="bob"),
        complete(house, upload, [{"number": 1, "etag": "x"}], sub="bob"),
        house.get(f"/uploads/{uuid4()}"),
        house.get("/uploads/x"),
    ):
        assert answer.problem == (404, "not-found")
    assert house.get(place).body["state"] == "expected"
    refused = house.post(
        "/uploads", {"file_name": "a.mp4", "bytes": 5, "content_id": "clip"}, sub="bob"
    )
    assert refused.problem == (404, "not-found")
    assert house.count("uploads") == 1


@pytest.mark.parametrize("scope", ["stats:read", "views:write", "wallet:withdraw"])
def test_every_route_asks_for_one_of_two_scopes(house: House, scope: str) -> None:
    place = f"/uploads/{uuid4()}"
    for answer in (
        house.get(place, scope=scope),
        house.get(f"{place}/parts", scope=scope),
        house.delete(place, scope=scope),
        house.post(f"{place}/complete", {"parts": [{"number": 1, "etag": "x"}]}, scope=scope),
    ):
        assert answer.problem == (403, "forbidden")


BAD: list[tuple[dict[str, Any], str]] = [
    ({"bytes": 0}, "bytes"),
    ({"bytes": 5 * 1024**4 + 1}, "bytes"),
    ({"bytes": "5"}, "bytes"),
    ({"bytes": 5, "size_bytes": 5}, "bytes"),
]


def test_what_cannot_be_a_large_file_is_refused(house: House) -> None:
    for body, field in BAD:
        answer = house.post("/uploads", {"file_name": "a.mp4", **body})
        assert answer.problem == (400, "malformed"), body
        assert answer.body["errors"][0]["field"] == field, body
    assert house.count("contents") == 0


def test_a_cursor_of_another_list_is_refused(house: House) -> None:
    upload, other = begin(house), begin(house, 5 * 1024**3)
    answer = house.get(f"/uploads/{upload['upload_id']}/parts?cursor={other['next_cursor']}")
    assert answer.problem == (400, "malformed")


def test_a_job_that_failed_tells_the_owner_why(house: House) -> None:
    upload = house.post("/uploads", {"file_name": "a.mp4"}).body
    job_id = arrive(house, upload)
    now = house.db.execute("SELECT now() AS now").fetchone()
    assert now is not None
    assert upgrades.close(house.db, job_id, "REJECTED", "it is a text", now=now["now"])
    contents.reject_upload(house.db, UUID(upload["upload_id"]), "it is a text")
    shown = house.get(f"/uploads/{upload['upload_id']}").body
    assert (shown["state"], shown["reason"], shown["job_state"]) == (
        "rejected",
        "it is a text",
        "REJECTED",
    )
    assert shown["progress_percent"] is None
