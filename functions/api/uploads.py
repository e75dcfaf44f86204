"""Expect a file: register the content, tell where to put it, and join what came in parts.

one PUT:   expect ───────────────────────────────▶ S3 tells the planner
in parts:  expect ─▶ list parts ⟲ ─▶ complete ─▶ likewise
             └──────── end ◀──────────┘ before anything has arrived
"""

import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from functions.api.answers import (
    CompleteRequest,
    PartPage,
    PartView,
    UploadProgress,
    UploadRequest,
    UploadView,
)
from functions.values import PAGE_LIMIT_MAX, Cursor
from pixr.adapters.multipart import PartsBucket, UploadMissing
from pixr.adapters.postgres import Database, Row, contents, uploads
from pixr.domain.errors import Malformed, NotFound, UploadConflict
from pixr.domain.investments import progress_percent
from pixr.domain.uploads import PARTS_MAX, Cut, check_parts, cut

EXPIRES_AFTER: Final = timedelta(hours=1)
"""Five gigabytes at 12 Mbit/s."""
EXPIRES_S: Final = EXPIRES_AFTER // timedelta(seconds=1)

UNFINISHED_KEPT: Final = timedelta(days=1)
"""The bucket drops what was not completed by then (infra, MediaBucket), never earlier."""

_GONE: Final = "the upload was not completed within a day and its parts were dropped: begin anew"
_ENDED: Final = "its owner ended the upload"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NAME_LENGTH_MAX: Final = 100


def safe_name(file_name: str) -> str:
    """The name as part of a key: plain characters, the end (and its extension) kept.

    ``"Mein Film (1).mp4"`` becomes ``"Mein_Film_1_.mp4"``; a name of nothing but dots
    and strange characters becomes ``"file"``.
    """
    name = _UNSAFE.sub("_", file_name)[-_NAME_LENGTH_MAX:].lstrip(".")
    return name if name.strip("._-") else "file"


def expect_upload(
    db: Database,
    bucket: PartsBucket,
    asked: UploadRequest,
    *,
    upload_id: UUID,
    fresh_content_id: str,
    user_id: str,
    now: datetime,
) -> UploadView:
    """Register an upload of the user's own content and presign what puts it.

    Raises:
        Malformed: Both ``size_bytes`` and ``bytes`` are given.
        NotFound: The content belongs to somebody else.
        ObjectStoreError: Nothing can be presigned; nothing was registered.
    """
    if asked.size_bytes is not None and asked.bytes is not None:
        raise Malformed("bytes", "give bytes for a file in parts or size_bytes for one PUT")
    content_id = asked.content_id or fresh_content_id
    key = f"originals/{content_id}/{upload_id}/{safe_name(asked.file_name)}"
    answer = UploadView(
        upload_id=str(upload_id),
        content_id=content_id,
        key=key,
        url=None,
        bytes=asked.bytes,
        part_bytes=None,
        parts_total=None,
        parts=[],
        next_cursor=None,
        expires_at=now + EXPIRES_AFTER,
    )
    if asked.bytes is None:
        url = bucket.presign_put(key, expires_s=EXPIRES_S)
        with db.transaction():
            _register(db, content_id, user_id, now=now)
            contents.create_upload(
                db,
                upload_id=upload_id,
                content_id=content_id,
                user_id=user_id,
                object_key=key,
                now=now,
            )
        return answer.model_copy(update={"url": url})
    return _expect_parts(db, bucket, answer, cut(asked.bytes), user_id=user_id, now=now)


def _expect_parts(
    db: Database,
    bucket: PartsBucket,
    answer: UploadView,
    pieces: Cut,
    *,
    user_id: str,
    now: datetime,
) -> UploadView:
    # Before S3 is asked, so that a refusal leaves nothing there.
    with db.transaction(force_rollback=True):
        _register(db, answer.content_id, user_id, now=now)
    multipart_id = bucket.begin(answer.key)
    upload_id = UUID(answer.upload_id)
    with db.transaction():
        _register(db, answer.content_id, user_id, now=now)
        uploads.create_in_parts(
            db,
            upload_id=upload_id,
            content_id=answer.content_id,
            user_id=user_id,
            object_key=answer.key,
            multipart_id=multipart_id,
            cut=pieces,
            now=now,
        )
    page = list_parts(
        db, bucket, upload_id, user_id=user_id, limit=PAGE_LIMIT_MAX, cursor=None, now=now
    )
    return answer.model_copy(
        update={
            "part_bytes": pieces.part_bytes,
            "parts_total": pieces.count,
            "parts": page.items,
            "next_cursor": page.next_cursor,
        }
    )


def _register(db: Database, content_id: str, user_id: str, *, now: datetime) -> None:
    if contents.create(db, content_id, user_id, now):
        return
    known = contents.get(db, content_id)
    if known is None or known["creator_id"] != user_id:
        raise NotFound("there is no content of yours by that id")


def show_upload(db: Database, upload_id: UUID, *, user_id: str) -> UploadProgress:
    """Return what became of one of the user's uploads.

    Raises:
        NotFound: There is none by that id, or it is somebody else's.
    """
    row = _own(db, upload_id, user_id)
    return UploadProgress(
        upload_id=str(row["upload_id"]),
        content_id=row["content_id"],
        key=row["object_key"],
        state=row["state"],
        reason=row["reason"] or row["job_reason"],
        bytes=row["bytes"],
        parts_total=None if row["part_bytes"] is None else _cut_of(row).count,
        job_id=None if row["job_id"] is None else str(row["job_id"]),
        job_state=row["job_state"],
        progress_percent=None
        if row["job_id"] is None
        else progress_percent(
            row["job_state"], frames_done=row["frames_done"], frames_total=row["frames_total"]
        ),
        created_at=row["created_at"],
    )


def list_parts(
    db: Database,
    bucket: PartsBucket,
    upload_id: UUID,
    *,
    user_id: str,
    limit: int,
    cursor: Cursor | None,
    now: datetime,
) -> PartPage:
    """Return a page of the parts of an upload with fresh URLs, and what was put of them.

    Raises:
        NotFound: There is no upload of the user's by that id.
        Malformed: The cursor is of another list.
        UploadConflict: It is one PUT, or has ended.
        ObjectStoreError: S3 does not answer.
    """
    row = _in_parts(db, upload_id, user_id)
    pieces = _cut_of(row)
    after = _part_behind(cursor, row, pieces)
    last = min(after + limit, pieces.count)
    key, multipart_id = row["object_key"], row["multipart_id"]
    _check_open(row)
    try:
        stored = bucket.list_parts(key, multipart_id, after=after, parts_max=limit)
    except UploadMissing:
        raise UploadConflict(_GONE) from None
    return PartPage(
        items=[
            PartView(
                number=number,
                url=bucket.presign_part(key, multipart_id, number, expires_s=EXPIRES_S),
                bytes=pieces.size_bytes(number),
                etag=stored[number].etag if number in stored else None,
            )
            for number in range(after + 1, last + 1)
        ],
        next_cursor=None
        if last == pieces.count
        else Cursor(at=row["created_at"], key=str(last)).write(),
        expires_at=now + EXPIRES_AFTER,
    )


def complete_upload(
    db: Database,
    bucket: PartsBucket,
    upload_id: UUID,
    asked: CompleteRequest,
    *,
    user_id: str,
    now: datetime,
) -> UploadProgress:
    """Join the parts to the file. Repeating it changes nothing and answers how far it is.

    Raises:
        Malformed: A part is named twice.
        NotFound: There is no upload of the user's by that id.
        UploadConflict: A part is missing or another, it is one PUT, or it has ended.
        ObjectStoreError: S3 does not answer; ask again.
    """
    named: dict[int, str] = {}
    for part in asked.parts:
        if part.number in named:
            raise Malformed("parts", f"part {part.number} is named twice")
        named[part.number] = part.etag.strip('"')
    row = _in_parts(db, upload_id, user_id)
    if row["job_id"] is not None or row["state"] == "accepted":
        return show_upload(db, upload_id, user_id=user_id)
    _check_open(row)
    key, multipart_id = row["object_key"], row["multipart_id"]
    try:
        stored = bucket.list_parts(key, multipart_id, after=0, parts_max=PARTS_MAX)
        check_parts(_cut_of(row), named, stored)
        bucket.complete(key, multipart_id, named)
    except UploadMissing:
        # Nobody but us can end it, and what we end is rejected: it was completed, unless it lay
        # about for so long that the bucket dropped it. A file that came has its job by then.
        if now - row["created_at"] >= UNFINISHED_KEPT:
            raise UploadConflict(_GONE) from None
    return show_upload(db, upload_id, user_id=user_id)


def end_upload(db: Database, bucket: PartsBucket, upload_id: UUID, *, user_id: str) -> None:
    """Expect the file no longer and drop its parts. Repeating it changes nothing.

    Raises:
        NotFound: There is no upload of the user's by that id.
        UploadConflict: The file has arrived.
        ObjectStoreError: S3 does not answer; ask again.
    """
    _own(db, upload_id, user_id)
    uploads.end(db, upload_id, reason=_ENDED)
    row = _own(db, upload_id, user_id)
    if row["job_id"] is not None or row["state"] != "rejected":
        raise UploadConflict("the file has arrived, so its upload cannot be ended any more")
    if row["multipart_id"] is not None:
        bucket.abort(row["object_key"], row["multipart_id"])


def _own(db: Database, upload_id: UUID, user_id: str) -> Row:
    row = uploads.get_own(db, upload_id, user_id=user_id)
    if row is None:
        raise NotFound("there is no upload of yours by that id")
    return row


def _in_parts(db: Database, upload_id: UUID, user_id: str) -> Row:
    row = _own(db, upload_id, user_id)
    if row["multipart_id"] is None:
        raise UploadConflict("this upload is one PUT, without parts: put the file to its URL")
    return row


def _check_open(row: Row) -> None:
    if row["job_id"] is not None or row["state"] != "expected":
        raise UploadConflict(f"the upload is over: {row['reason'] or 'the file has arrived'}")


def _cut_of(row: Row) -> Cut:
    return Cut(total_bytes=row["bytes"], part_bytes=row["part_bytes"])


def _part_behind(cursor: Cursor | None, row: Row, pieces: Cut) -> int:
    """The part that a page begins behind."""
    if cursor is None:
        return 0
    is_ours = cursor.at == row["created_at"] and cursor.key.isdecimal()
    if not is_ours or not 1 <= int(cursor.key) < pieces.count:
        raise Malformed("cursor", "is not from this list")
    return int(cursor.key)
