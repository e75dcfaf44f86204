"""Jobs that MediaConvert makes, from the decision to the file.

    QUEUED │ TUNING │ ENCODING ─divert▶ CONVERTING ─converted▶ ASSEMBLING
                                            └─fail─▶ FAILED

Each step is guarded by the state and by MediaConvert's name of its job: an event that comes twice,
late, or about another conversion changes nothing.
"""

from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database, sql


def divert(db: Database, job_id: UUID, reason: str, now: datetime) -> bool:
    """Take a planned job from the encoders and give it to MediaConvert, all of it or nothing.

    What was encoded of it counts no more: its chunks are replaced by one of all frames, and a
    completion that arrives later finds none to count. A job that is not planned yet is planned
    first (``upgrades.start``), in the same transaction.

    Args:
        db: The database.
        job_id: Which job.
        reason: Why it does not go the usual way, in plain words.
        now: The time.

    Returns:
        False when there is no plan, when its chunks are being joined already, and when it is closed
        or was diverted before.
    """
    with db.transaction():
        db.execute(sql("conversions/lock_chunks"), {"job_id": job_id})
        row = db.execute(
            sql("conversions/divert"), {"job_id": job_id, "reason": reason, "now": now}
        ).fetchone()
        if row is None:
            return False
        db.execute(sql("conversions/drop_chunks"), {"job_id": job_id})
        db.execute(
            sql("conversions/insert_chunk"), {"job_id": job_id, "frames": row["frames_total"]}
        )
    return True


def begun(db: Database, job_id: UUID, converter_job: str, now: datetime) -> bool:
    """Remember MediaConvert's name of its job.

    Returns:
        False when the job has a name already, this one or another.
    """
    parameters = {"job_id": job_id, "converter_job": converter_job, "now": now}
    return db.execute(sql("conversions/begun"), parameters).rowcount == 1


def progressed(
    db: Database, job_id: UUID, converter_job: str, *, frames: int | None, now: datetime
) -> bool:
    """Note how far MediaConvert is.

    Returns:
        False when this is not the job's conversion, or it is over.
    """
    parameters = {"job_id": job_id, "converter_job": converter_job, "frames": frames, "now": now}
    return db.execute(sql("conversions/progressed"), parameters).rowcount == 1


def converted(
    db: Database,
    job_id: UUID,
    converter_job: str,
    *,
    object_key: str,
    size_bytes: int,
    now: datetime,
) -> bool:
    """Count MediaConvert's file as the job's one chunk, once, and let it be joined.

    Returns:
        False for a repeat, for another conversion than the job's, and when the job is over.
    """
    parameters = {
        "job_id": job_id,
        "converter_job": converter_job,
        "object_key": object_key,
        "bytes": size_bytes,
        "now": now,
    }
    return db.execute(sql("conversions/converted"), parameters).rowcount == 1


def fail(db: Database, job_id: UUID, converter_job: str, reason: str, now: datetime) -> bool:
    """Give the job up because MediaConvert did.

    Returns:
        False for another conversion than the job's, and when the job is over.
    """
    parameters = {
        "job_id": job_id,
        "converter_job": converter_job,
        "reason": reason,
        "now": now,
    }
    return db.execute(sql("conversions/fail"), parameters).rowcount == 1
