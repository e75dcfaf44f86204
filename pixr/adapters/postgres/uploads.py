"""Uploads as their owners see them, whole files and files in parts."""

from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql
from pixr.domain.uploads import Cut


def create_in_parts(
    db: Database,
    *,
    upload_id: UUID,
    content_id: str,
    user_id: str,
    object_key: str,
    multipart_id: str,
    cut: Cut,
    now: datetime,
) -> None:
    """Expect one file at ``object_key``, in the parts of S3's upload ``multipart_id``."""
    db.execute(
        sql("uploads/create_in_parts"),
        {
            "upload_id": upload_id,
            "content_id": content_id,
            "user_id": user_id,
            "object_key": object_key,
            "multipart_id": multipart_id,
            "bytes": cut.total_bytes,
            "part_bytes": cut.part_bytes,
            "now": now,
        },
    )


def get_own(db: Database, upload_id: UUID, *, user_id: str) -> Row | None:
    """Return a user's upload with the job that its file caused; None to anybody else."""
    parameters = {"upload_id": upload_id, "user_id": user_id}
    return db.execute(sql("uploads/get_own"), parameters).fetchone()


def end(db: Database, upload_id: UUID, *, reason: str) -> bool:
    """Expect the file no longer.

    Returns:
        False when it has arrived, or the upload has ended: nothing was changed.
    """
    parameters = {"upload_id": upload_id, "reason": reason}
    return db.execute(sql("uploads/end"), parameters).rowcount == 1


def job_of(db: Database, upload_id: UUID) -> UUID | None:
    """Return the id of the job that an upload's file caused; None: it has not arrived."""
    row = db.execute(sql("uploads/job_of"), {"upload_id": upload_id}).fetchone()
    return None if row is None else row["id"]
