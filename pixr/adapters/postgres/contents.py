"""Contents, their uploads and their published renditions.

    upload: expected ─▶ accepted            content: awaiting ─▶ live
                    └─▶ rejected (reason)

A content has one source at most: ``accept_source`` says False to a second one.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, Row, sql
from pixr.domain.renditions import Size
from pixr.domain.sources import SourceFacts


def create(db: Database, content_id: str, creator_id: str, now: datetime) -> bool:
    """Register a content that awaits its first rendition.

    Returns:
        False when the id is taken, by this creator or by another: ``get`` tells.
    """
    parameters = {"content_id": content_id, "creator_id": creator_id, "now": now}
    return db.execute(sql("contents/create"), parameters).rowcount == 1


def get(db: Database, content_id: str) -> Row | None:
    """The content's row, or None."""
    return db.execute(sql("contents/get"), {"content_id": content_id}).fetchone()


def list_renditions(db: Database, content_id: str) -> list[Row]:
    """What viewers can watch, lowest rung first."""
    return db.execute(sql("renditions/list"), {"content_id": content_id}).fetchall()


def create_upload(
    db: Database, *, upload_id: UUID, content_id: str, user_id: str, object_key: str, now: datetime
) -> None:
    """Expect one file at ``object_key``, which is ``originals/{content}/{upload}/{file}``."""
    db.execute(
        sql("uploads/create"),
        {
            "upload_id": upload_id,
            "content_id": content_id,
            "user_id": user_id,
            "object_key": object_key,
            "now": now,
        },
    )


def get_upload(db: Database, upload_id: UUID) -> Row | None:
    """The upload's row, or None."""
    return db.execute(sql("uploads/get"), {"upload_id": upload_id}).fetchone()


def latest_upload(db: Database, content_id: str) -> Row | None:
    """Return ``{upload_id, state, reason, created_at}`` of the newest upload, or None."""
    return db.execute(sql("uploads/latest"), {"content_id": content_id}).fetchone()


def accept_source(
    db: Database,
    *,
    content_id: str,
    source_key: str,
    source_bytes: int,
    source_etag: str,
    facts: SourceFacts,
    detail: Mapping[int, int] | None = None,
) -> bool:
    """Make this the content's source.

    Args:
        db: The database.
        content_id: Whose.
        source_key: Where it is.
        source_bytes: How large it is.
        source_etag: Which version of the object was looked at.
        facts: What it is.
        detail: Rung → PSNR-Y in centidecibels of a round trip through the rung below; None: not
            measured.

    Returns:
        False when the content has another source already; nothing was changed.
    """
    parameters = {
        "content_id": content_id,
        **_source(source_key, source_bytes, source_etag, facts=facts, detail=detail),
    }
    return db.execute(sql("contents/accept_source"), parameters).rowcount == 1


def _source(
    key: str,
    size_bytes: int,
    etag: str,
    *,
    facts: SourceFacts,
    detail: Mapping[int, int] | None,
) -> dict[str, object]:
    """What a content says of its source."""
    return {
        "source_key": key,
        "source_bytes": size_bytes,
        "source_etag": etag,
        "width_px": facts.size.width_px,
        "height_px": facts.size.height_px,
        "duration_ms": facts.duration_ms,
        "frames": facts.frames,
        "has_audio": facts.audio is not None,
        "detail": None if detail is None else json.dumps(detail),
    }


def keep_fingerprint(
    db: Database, content_id: str, *, source_key: str, fingerprint_key: str
) -> None:
    """Remember what tells this source from others, while it is the content's."""
    parameters = {
        "content_id": content_id,
        "source_key": source_key,
        "fingerprint_key": fingerprint_key,
    }
    db.execute(sql("contents/keep_fingerprint"), parameters)


def replace_source(
    db: Database,
    *,
    content_id: str,
    present_key: str,
    source_key: str,
    source_bytes: int,
    source_etag: str,
    facts: SourceFacts,
    detail: Mapping[int, int] | None,
    fingerprint_key: str,
) -> bool:
    """Let a better source take the place of the one at ``present_key``, and accept its upload.

    Returns:
        False when another one has taken it meanwhile; nothing was changed.
    """
    parameters = {
        "content_id": content_id,
        "present_key": present_key,
        "fingerprint_key": fingerprint_key,
        **_source(source_key, source_bytes, source_etag, facts=facts, detail=detail),
    }
    return db.execute(sql("contents/replace_source"), parameters).rowcount == 1


def is_invested(db: Database, content_id: str) -> bool:
    """Whether a quality of it was paid for, or is being paid for or made."""
    row = db.execute(sql("contents/is_invested"), {"content_id": content_id}).fetchone()
    assert row is not None
    return bool(row["is_invested"])


def begin_again(db: Database, content_id: str, *, analysis_key: str, analysis_sha256: str) -> bool:
    """Take down what was made of a source that begins elsewhere than the new one.

    Call inside the transaction in which the new one is shown.

    Args:
        db: Inside that transaction.
        content_id: Whose.
        analysis_key: The manifest of the version that fits the new one.
        analysis_sha256: What it hashes to.

    Returns:
        False when somebody has put money into a quality meanwhile; nothing was changed.
    """
    assert db.info.transaction_status.name == "INTRANS"
    # First of all the lock: whoever opens a job or a funding meanwhile has, or waits.
    db.execute(sql("contents/lock"), {"content_id": content_id})
    if is_invested(db, content_id):
        return False
    parameters = {
        "content_id": content_id,
        "analysis_key": analysis_key,
        "analysis_sha256": analysis_sha256,
    }
    db.execute(sql("contents/begin_again"), parameters)
    return True


def accept_upload(db: Database, upload_id: UUID) -> None:
    """An expected upload becomes accepted; any other stays what it is."""
    db.execute(sql("uploads/accept"), {"upload_id": upload_id})


def reject_upload(db: Database, upload_id: UUID, reason: str) -> None:
    """An expected upload becomes rejected, with the reason in plain words."""
    db.execute(sql("uploads/reject"), {"upload_id": upload_id, "reason": reason})


def set_analysis(db: Database, content_id: str, *, analysis_key: str, analysis_sha256: str) -> None:
    """Remember where the analysis is and what its manifest hashed to, once."""
    db.execute(
        sql("contents/set_analysis"),
        {
            "content_id": content_id,
            "analysis_key": analysis_key,
            "analysis_sha256": analysis_sha256,
        },
    )


def publish_rendition(
    db: Database,
    *,
    content_id: str,
    rung: int,
    job_id: UUID,
    size: Size,
    frames: int,
    duration_ms: int,
    size_bytes: int,
    bits_per_s: int,
    playlist_key: str,
    manifest_key: str,
    now: datetime,
) -> None:
    """Show a verified rendition to viewers. Call inside ``db.transaction()`` with the job."""
    assert db.info.transaction_status.name == "INTRANS"
    db.execute(
        sql("renditions/publish"),
        {
            "content_id": content_id,
            "rung": rung,
            "job_id": job_id,
            "width_px": size.width_px,
            "height_px": size.height_px,
            "frames": frames,
            "duration_ms": duration_ms,
            "bytes": size_bytes,
            "bits_per_s": bits_per_s,
            "playlist_key": playlist_key,
            "now": now,
        },
    )
    db.execute(
        sql("contents/publish"),
        {"content_id": content_id, "rung": rung, "manifest_key": manifest_key},
    )
