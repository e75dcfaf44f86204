"""Expect a file: register the content and tell where to put it."""

import re
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from functions.api.answers import UploadRequest, UploadView
from pixr.adapters.objects import Bucket
from pixr.adapters.postgres import Database, contents
from pixr.domain.errors import NotFound

EXPIRES_AFTER: Final = timedelta(hours=1)
"""Five gigabytes at 12 Mbit/s."""

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
    bucket: Bucket,
    asked: UploadRequest,
    *,
    upload_id: UUID,
    fresh_content_id: str,
    user_id: str,
    now: datetime,
) -> UploadView:
    """Register an upload of the user's own content and presign its PUT.

    Raises:
        NotFound: The content belongs to somebody else.
        ObjectStoreError: Nothing can be presigned; nothing was registered.
    """
    content_id = asked.content_id or fresh_content_id
    key = f"originals/{content_id}/{upload_id}/{safe_name(asked.file_name)}"
    url = bucket.presign_put(key, expires_s=EXPIRES_AFTER // timedelta(seconds=1))
    with db.transaction():
        if not contents.create(db, content_id, user_id, now):
            known = contents.get(db, content_id)
            if known is None or known["creator_id"] != user_id:
                raise NotFound("there is no content of yours by that id")
        contents.create_upload(
            db,
            upload_id=upload_id,
            content_id=content_id,
            user_id=user_id,
            object_key=key,
            now=now,
        )
    return UploadView(
        upload_id=str(upload_id),
        content_id=content_id,
        key=key,
        url=url,
        expires_at=now + EXPIRES_AFTER,
    )
