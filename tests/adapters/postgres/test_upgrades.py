"""Every step of a job is taken once, whoever asks how often."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Literal
from uuid import UUID, uuid4

import psycopg
import pytest

from pixr.adapters.postgres import Database, contents, upgrades
from pixr.adapters.postgres.upgrades import Hashes, Planned
from pixr.domain.media import Plan, plan
from pixr.domain.renditions import Size
from pixr.domain.sources import SourceFacts

NOW = datetime(2026, 11, 23, tzinfo=UTC)
FACTS = SourceFacts(
    size=Size(width_px=1920, height_px=1080),
    time_base=Fraction(1, 24),
    pts=range(720),
    end_pts=720,
    audio=None,
    is_seekable=True,
)


def open_job(db: Database, content_id: str = "movie") -> UUID:
    upload_id, job_id = uuid4(), uuid4()
    key = f"originals/{content_id}/{upload_id}/a.mp4"
    contents.create(db, content_id, "alice", NOW)
    contents.create_upload(
        db, upload_id=upload_id, content_id=content_id, user_id="alice", object_key=key, now=NOW
    )
    for attempt in (job_id, uuid4()):
        job = upgrades.open_base(
            db, job_id=attempt, content_id=content_id, upload_id=upload_id, source_key=key, now=NOW
        )
        assert (job["id"], job["state"], job["rung"]) == (job_id, "QUEUED", None)
    return job_id


def start(db: Database, job_id: UUID, *, analysis: Hashes | None = None) -> bool:
    frozen, chunks = plan(FACTS, 480)
    return upgrades.start(
        db,
        Planned(
            job_id=job_id,
            rung=480,
            source_etag='"e"',
            plan=frozen,
            chunks=chunks,
            analysis=analysis,
        ),
        now=NOW,
    )


def tune(db: Database, job_id: UUID) -> bool:
    found = {"crf": 25, "target": 93, "tried": {"25": 93.1}, "cpu_ms": 5}
    return upgrades.tuned(db, job_id, found, is_look_only=False, cpu_ms=5, bytes_read=9, now=NOW)


def complete(db: Database, job_id: UUID, position: int) -> bool:
    return upgrades.complete_chunk(
        db,
        job_id=job_id,
        position=position,
        object_key=f"chunks/{position}",
        size_bytes=10,
        cpu_ms=100,
        now=NOW,
    )


def publish(db: Database, job_id: UUID, *, analysis: Hashes | None = None) -> bool:
    with db.transaction():
        return upgrades.publish(db, job_id, analysis=analysis, cpu_ms=7, now=NOW)


def state(db: Database, job_id: UUID) -> str:
    job = upgrades.get(db, job_id)
    assert job is not None
    return str(job["state"])


def test_whole_life_of_a_job_with_every_step_asked_for_twice(db: Database) -> None:
    job_id = open_job(db)
    assert [start(db, job_id), start(db, job_id)] == [True, False]
    assert [tune(db, job_id), tune(db, job_id)] == [True, False]
    chunks = upgrades.list_chunks(db, job_id)
    assert [(row["frame_start"], row["frame_count"]) for row in chunks] == [
        (0, 240),
        (240, 240),
        (480, 240),
    ]
    assert [complete(db, job_id, position) for position in (2, 2, 0, 2, 1, 1)] == [
        False, False, False, False, True, False,
    ]  # fmt: skip
    assert state(db, job_id) == "ASSEMBLING"
    assert [publish(db, job_id), publish(db, job_id)] == [True, False]
    job = upgrades.get(db, job_id)
    assert job is not None
    assert (job["state"], job["chunks_done"], job["cpu_ms"]) == ("PUBLISHED", 3, 312)
    assert job["closed_at"] == NOW
    assert not upgrades.close(db, job_id, "FAILED", "too late", now=NOW)
    assert Plan.read(job["settings"]) == replace(plan(FACTS, 480)[0], crf=25)
    assert (job["frames_done"], job["frames_total"], job["bytes_read"]) == (720, 720, 9)


def test_steps_cannot_be_skipped(db: Database) -> None:
    job_id = open_job(db)
    assert not tune(db, job_id)
    assert not complete(db, job_id, 0)
    assert not publish(db, job_id)
    assert start(db, job_id)
    assert state(db, job_id) == "TUNING"
    assert not complete(db, job_id, 0)
    assert tune(db, job_id)
    assert not publish(db, job_id)
    assert not complete(db, job_id, 3)
    assert state(db, job_id) == "ENCODING"


@pytest.mark.parametrize("closed_as", ["REJECTED", "FAILED"])
def test_closed_job_stays_closed(db: Database, closed_as: Literal["REJECTED", "FAILED"]) -> None:
    job_id = open_job(db)
    assert start(db, job_id)
    assert tune(db, job_id)
    assert not complete(db, job_id, 0)
    assert upgrades.close(db, job_id, closed_as, "first", now=NOW)
    assert not upgrades.close(db, job_id, "FAILED", "second", now=NOW)
    assert not any(complete(db, job_id, position) for position in (1, 2))
    assert not publish(db, job_id)
    job = upgrades.get(db, job_id)
    assert job is not None
    assert (job["state"], job["reason"], job["chunks_done"]) == (closed_as, "first", 1)
    chunk = upgrades.get_chunk(db, job_id, 1)
    assert chunk is not None
    assert chunk["state"] == "QUEUED"


def test_database_itself_refuses_a_changed_analysis(db: Database) -> None:
    job_id = open_job(db)
    assert start(db, job_id, analysis={"k": "a" * 64})
    assert tune(db, job_id)
    for position in range(3):
        complete(db, job_id, position)
    with pytest.raises(psycopg.errors.CheckViolation):
        publish(db, job_id, analysis={"k": "b" * 64})
    with pytest.raises(psycopg.errors.CheckViolation):
        publish(db, job_id, analysis={"k": None})
    assert publish(db, job_id, analysis={"k": "a" * 64})


def test_one_live_job_per_rung_of_a_content(db: Database) -> None:
    first, second = open_job(db), open_job(db)
    assert start(db, first)
    with pytest.raises(psycopg.errors.UniqueViolation):
        start(db, second)
    assert state(db, second) == "QUEUED"
    assert upgrades.list_chunks(db, second) == []
    upgrades.close(db, first, "FAILED", "x", now=NOW)
    assert start(db, second)


def test_what_nobody_knows(db: Database) -> None:
    assert upgrades.get(db, uuid4()) is None
    assert upgrades.get_chunk(db, uuid4(), 0) is None
    assert upgrades.list_chunks(db, uuid4()) == []
