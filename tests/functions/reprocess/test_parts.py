"""Goal: a file that came in parts is planned like any other, and one that was ended is not."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen
from uuid import UUID, uuid4

from functions.api.answers import CompleteRequest, PartRequest, UploadRequest, UploadView
from functions.api.uploads import complete_upload, end_upload, expect_upload, show_upload
from pixr.adapters.multipart import PartsBucket
from pixr.adapters.postgres import connect
from tests.clips import numbered
from tests.functions.reprocess.conftest import Studio

NOW = datetime.now(UTC)


def begin(studio: Studio, database_url: str, size_bytes: int) -> UploadView:
    with connect(database_url) as db:
        return expect_upload(
            db,
            PartsBucket(studio.bucket),
            UploadRequest(file_name="clip.mp4", bytes=size_bytes),
            upload_id=uuid4(),
            fresh_content_id="film",
            user_id="alice",
            now=NOW,
        )


def put(upload: UploadView, body: bytes) -> CompleteRequest:
    named: list[PartRequest] = []
    for part in upload.parts:
        start = (part.number - 1) * (upload.part_bytes or 0)
        piece = body[start : start + part.bytes]
        request = Request(part.url, data=piece, method="PUT")  # noqa: S310 -- ours
        with urlopen(request, timeout=30) as answer:  # noqa: S310 -- ours
            named.append(PartRequest(number=part.number, etag=answer.headers["ETag"]))
    return CompleteRequest(parts=named)


def test_what_was_joined_is_planned(studio: Studio, database_url: str, tmp_path: Path) -> None:
    # Behind the film's end a player looks at nothing: it makes a second part.
    film = numbered(tmp_path / "clip.mp4", seconds=2).read_bytes()
    body = film + (8 * 1024**2 + 16).to_bytes(4) + b"free" + bytes(8 * 1024**2 + 8)
    upload = begin(studio, database_url, len(body))
    assert len(upload.parts) == 2
    parts = put(upload, body)
    # S3 tells of parts to nobody: only of itself, when the notification was set.
    assert not any("Records" in one["body"] for one in studio.receive("plan"))
    with connect(database_url) as db:
        complete_upload(
            db,
            PartsBucket(studio.bucket),
            UUID(upload.upload_id),
            parts,
            user_id="alice",
            now=NOW,
        )
        assert studio.read(upload.key) == body
        studio.step("plan")
        shown = show_upload(db, UUID(upload.upload_id), user_id="alice")
    assert (shown.state, shown.reason) == ("accepted", None)
    assert shown.job_id == str(studio.job("film")["id"])
    assert shown.job_state in {"TUNING", "ENCODING"}


def test_what_comes_after_its_end_is_moved_away(studio: Studio, database_url: str) -> None:
    upload = begin(studio, database_url, 5)
    with connect(database_url) as db:
        end_upload(db, PartsBucket(studio.bucket), UUID(upload.upload_id), user_id="alice")
    # Whoever has another way to the key finds no job behind it either.
    studio.s3.put_object(Bucket=studio.bucket, Key=upload.key, Body=b"video")
    studio.step("plan")
    assert studio.jobs("film") == []
    assert studio.keys("originals/") == []
    assert studio.keys("rejected/") == [upload.key.replace("originals/", "rejected/")]
