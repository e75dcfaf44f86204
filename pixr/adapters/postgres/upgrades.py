"""Upgrade jobs and their chunks: what turns a source into a rendition.

    QUEUED ──plan──▶ TUNING ──▶ ENCODING ──last chunk──▶ ASSEMBLING ──publish──▶ PUBLISHED
       │                │    └▶ CONVERTING ──event──▶──────┘  │
       └────────────────┴─────────close───────────────────────┴──▶ REJECTED (the file) / FAILED

Every step is one guarded statement, so any message may come twice or late: the second planner,
the second completion and the second publisher find the state moved on and change nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg import Rollback

from pixr.adapters.postgres import Database, Row, sql
from pixr.domain.media import Chunk, Plan

Hashes = Mapping[str, str | None]
"""SHA-256 of each analysis part by its key; None: the part is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What planning decided about a job."""

    job_id: UUID
    rung: int
    source_etag: str
    plan: Plan
    chunks: Sequence[Chunk]
    analysis: Hashes | None
    """None when there is no analysis to preserve."""
    estimate: Mapping[str, Any] | None = None
    """What it should cost; see ``pixr.domain.costs``."""


def open_base(
    db: Database,
    *,
    job_id: UUID,
    content_id: str,
    upload_id: UUID,
    source_key: str,
    now: datetime,
) -> Row:
    """The job of this upload: a new one, or the one that an earlier event opened."""
    db.execute(
        sql("upgrade_jobs/open_base"),
        {
            "job_id": job_id,
            "content_id": content_id,
            "upload_id": upload_id,
            "source_key": source_key,
            "now": now,
        },
    )
    job = db.execute(sql("upgrade_jobs/of_upload"), {"upload_id": upload_id}).fetchone()
    assert job is not None
    return job


def get(db: Database, job_id: UUID) -> Row | None:
    """The job's row, or None."""
    return db.execute(sql("upgrade_jobs/get"), {"job_id": job_id}).fetchone()


def list_making(db: Database, content_id: str) -> set[int]:
    """The rungs of a content that jobs make at the moment."""
    rows = db.execute(sql("upgrade_jobs/list_making"), {"content_id": content_id})
    return {row["rung"] for row in rows}


def start(db: Database, planned: Planned, *, now: datetime) -> bool:
    """Store the frozen plan with its chunks, all of it or nothing.

    Returns:
        False when the job is not queued any more: another planner was first, or it is closed.
    """
    is_mine = False
    with db.transaction() as attempt:
        is_mine = (
            db.execute(
                sql("upgrade_jobs/plan"),
                {
                    "job_id": planned.job_id,
                    "rung": planned.rung,
                    "source_etag": planned.source_etag,
                    "settings": json.dumps(planned.plan.document()),
                    "state": "TUNING" if planned.plan.crf is None else "ENCODING",
                    "estimate": None if planned.estimate is None else json.dumps(planned.estimate),
                    "frames_total": planned.plan.frames,
                    "chunks_total": len(planned.chunks),
                    "analysis_before": _json(planned.analysis),
                    "now": now,
                },
            ).rowcount
            == 1
        )
        if not is_mine:
            raise Rollback(attempt)
        db.execute(
            sql("upgrade_chunks/insert"),
            {
                "job_id": planned.job_id,
                "positions": [chunk.position for chunk in planned.chunks],
                "frame_starts": [chunk.frame_start for chunk in planned.chunks],
                "frame_counts": [chunk.frame_count for chunk in planned.chunks],
            },
        )
    return is_mine


def tuned(
    db: Database,
    job_id: UUID,
    tuning: Mapping[str, Any],
    *,
    is_look_only: bool,
    cpu_ms: int,
    bytes_read: int,
    now: datetime,
) -> bool:
    """Freeze the quality ``tuning["crf"]`` for all chunks, and whether they are only looked at.

    Returns:
        False when another search was first, or the job is closed.
    """
    parameters = {
        "job_id": job_id,
        "crf": tuning["crf"],
        "is_look_only": is_look_only,
        "tuning": json.dumps(tuning),
        "cpu_ms": cpu_ms,
        "bytes_read": bytes_read,
        "now": now,
    }
    return db.execute(sql("upgrade_jobs/tuned"), parameters).rowcount == 1


def get_chunk(db: Database, job_id: UUID, position: int) -> Row | None:
    """One chunk's row, or None."""
    parameters = {"job_id": job_id, "position": position}
    return db.execute(sql("upgrade_chunks/get"), parameters).fetchone()


def list_chunks(db: Database, job_id: UUID) -> list[Row]:
    """All chunks of the job, in order."""
    return db.execute(sql("upgrade_chunks/list"), {"job_id": job_id}).fetchall()


def complete_chunk(
    db: Database,
    *,
    job_id: UUID,
    position: int,
    object_key: str,
    size_bytes: int,
    cpu_ms: int,
    bytes_read: int = 0,
    samples: bytes | None = None,
    sha256: str | None = None,
    now: datetime,
) -> bool:
    """Count a chunk as done, once.

    Args:
        db: The database.
        job_id: Whose chunk.
        position: Which, from 0.
        object_key: Where it is.
        size_bytes: How large it is.
        cpu_ms: What making it took.
        bytes_read: Of the source.
        samples: Frame hashes of its part of the source; see ``pixr.domain.sameness``.
        sha256: Of the file, each of whose frames was decoded; None: nobody looked.
        now: The time.

    Returns:
        True for the completion that made the job whole, which is exactly one. False for any
        other, for a repeat, and when the job is no longer encoding.
    """
    row = db.execute(
        sql("upgrade_chunks/complete"),
        {
            "job_id": job_id,
            "position": position,
            "object_key": object_key,
            "bytes": size_bytes,
            "cpu_ms": cpu_ms,
            "bytes_read": bytes_read,
            "samples": samples,
            "sha256": sha256,
            "now": now,
        },
    ).fetchone()
    return row is not None and bool(row["is_last"])


def publish(
    db: Database,
    job_id: UUID,
    *,
    analysis: Hashes | None,
    cpu_ms: int,
    actual: Mapping[str, Any] | None = None,
    sameness: Mapping[str, Any] | None = None,
    analysis_moved: Mapping[str, Any] | None = None,
    now: datetime,
) -> bool:
    """Close the job as published. Call inside ``db.transaction()`` with the rendition.

    Args:
        db: Inside a transaction.
        job_id: Which job.
        analysis: Its hashes as they are now.
        cpu_ms: What joining and checking took.
        actual: What the whole job cost; see ``pixr.domain.costs``.
        sameness: How its source compares with the one before; see ``pixr.domain.sameness``.
        analysis_moved: The version of the analysis that fits its source; None: every time code of
            the present one does.
        now: The time.

    Returns:
        False when another worker closed the job before.
    """
    assert db.info.transaction_status.name == "INTRANS"
    parameters = {
        "job_id": job_id,
        "analysis_after": _json(analysis),
        "cpu_ms": cpu_ms,
        "actual": None if actual is None else json.dumps(actual),
        "sameness": None if sameness is None else json.dumps(sameness),
        "analysis_moved": None if analysis_moved is None else json.dumps(analysis_moved),
        "now": now,
    }
    return db.execute(sql("upgrade_jobs/publish"), parameters).rowcount == 1


def close(
    db: Database,
    job_id: UUID,
    state: Literal["REJECTED", "FAILED"],
    reason: str,
    *,
    now: datetime,
    analysis: Hashes | None = None,
    sameness: Mapping[str, Any] | None = None,
    only_in: str | None = None,
) -> bool:
    """Give the job up, for a reason in plain words.

    Args:
        db: The database.
        job_id: Which job.
        state: Whether the file is to blame, or the job.
        reason: In plain words.
        now: The time.
        analysis: Its hashes as they were found.
        sameness: How its source compares with the one before.
        only_in: The state that the failure is about; None: whatever it is in.

    Returns:
        False when it was closed before, whatever as, or is in another state.
    """
    parameters = {
        "job_id": job_id,
        "state": state,
        "reason": reason,
        "analysis_after": _json(analysis),
        "sameness": None if sameness is None else json.dumps(sameness),
        "only_in": only_in,
        "now": now,
    }
    return db.execute(sql("upgrade_jobs/close"), parameters).rowcount == 1


def _json(hashes: Hashes | None) -> str | None:
    return None if hashes is None else json.dumps(hashes)
