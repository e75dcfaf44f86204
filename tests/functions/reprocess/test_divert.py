"""Goal: a job may go from our encoders to MediaConvert at any moment, and late chunks are harmless.

Method: real messages and completions arrive after the diversion, and in the middle of it over a
connection of their own, held up by the locks that decide.
"""

import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from pixr.adapters.postgres import Database, connect, conversions, sql, upgrades
from tests.clips import numbered
from tests.functions.reprocess.converter import LATER, REASON, Fallback, house

__all__ = ["house"]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three seconds, four GOPs with sound."""
    return numbered(tmp_path / "clip.mp4", seconds=3)


def test_diverting_replaces_the_chunks(house: Fallback, tmp_path: Path) -> None:
    long = numbered(tmp_path / "long.mp4", seconds=31, rate="6", size="64x48")
    job = house.planned("movie", long)
    records = house.studio.receive("encode")
    assert len(records) == 3
    assert house.studio.run("encode", records[:1]) == []
    assert house.job(job["id"])["chunks_done"] == 1
    assert conversions.divert(house.db, job["id"], REASON, LATER)
    diverted = house.job(job["id"])
    assert (diverted["state"], diverted["way"]) == ("CONVERTING", "mediaconvert")
    assert (diverted["chunks_total"], diverted["chunks_done"]) == (1, 0)
    assert (diverted["frames_total"], diverted["frames_done"]) == (186, 0)
    assert (diverted["moved_at"], diverted["converter_job"]) == (LATER, None)
    assert len(diverted["settings"]["starts"]) == 1
    (chunk,) = upgrades.list_chunks(house.db, job["id"])
    assert (chunk["position"], chunk["frame_start"], chunk["frame_count"]) == (0, 0, 186)
    assert chunk["state"] == "QUEUED"
    # Chunks that were under way: their messages, and a completion that was about to be written.
    assert house.studio.run("encode", records) == []
    for position in range(3):
        assert not completed(house.db, job["id"], position)
    assert house.job(job["id"]) == diverted
    assert not conversions.divert(house.db, job["id"], "again", LATER)


def test_completion_that_waits_for_the_diversion_counts_nothing(
    house: Fallback, database_url: str, tmp_path: Path
) -> None:
    long = numbered(tmp_path / "long.mp4", seconds=21, rate="6", size="64x48")
    job = house.planned("movie", long)
    counted: list[bool] = []
    with connect(database_url) as other:
        late = threading.Thread(target=lambda: counted.append(completed(other, job["id"], 1)))
        with house.db.transaction():
            assert conversions.divert(house.db, job["id"], REASON, LATER)
            late.start()
            late.join(0.5)
            assert late.is_alive()
        late.join(10)
    assert counted == [False]
    after = house.job(job["id"])
    assert (after["state"], after["chunks_done"], after["frames_done"]) == ("CONVERTING", 0, 0)


def test_completion_in_the_middle_of_the_diversion_does_not_lock_both(
    house: Fallback, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = numbered(tmp_path / "long.mp4", seconds=21, rate="6", size="64x48")
    job = house.planned("movie", long)
    counted: list[bool] = []
    with connect(database_url) as other:
        late = threading.Thread(target=lambda: counted.append(completed(other, job["id"], 1)))

        def paused(name: str) -> bytes:
            if name == "conversions/drop_chunks":
                late.start()
                late.join(0.5)
                assert late.is_alive()
            return sql(name)

        monkeypatch.setattr(conversions, "sql", paused)
        assert conversions.divert(house.db, job["id"], REASON, LATER)
        late.join(10)
    assert counted == [False]
    assert house.job(job["id"])["state"] == "CONVERTING"


def test_diversion_that_waits_for_the_last_completion_leaves_it_alone(
    house: Fallback, database_url: str, clip: Path
) -> None:
    job = house.planned("movie", clip)
    diverted: list[bool] = []
    with connect(database_url) as other:
        late = threading.Thread(
            target=lambda: diverted.append(conversions.divert(other, job["id"], REASON, LATER))
        )
        with house.db.transaction():
            assert completed(house.db, job["id"], 0)
            late.start()
            late.join(0.5)
            assert late.is_alive()
        late.join(10)
    assert diverted == [False]
    after = house.job(job["id"])
    assert (after["state"], after["way"]) == ("ASSEMBLING", "chunks")


def completed(db: Database, job_id: UUID, position: int) -> bool:
    return upgrades.complete_chunk(
        db,
        job_id=job_id,
        position=position,
        object_key="late",
        size_bytes=1,
        cpu_ms=1,
        now=LATER,
    )


@pytest.mark.parametrize("state", ["QUEUED", "ASSEMBLING", "PUBLISHED", "FAILED"])
def test_only_planned_jobs_at_work_are_diverted(house: Fallback, clip: Path, state: str) -> None:
    if state == "QUEUED":
        key = house.studio.expect("movie")
        upload = UUID(key.split("/")[2])
        job = upgrades.open_base(
            house.db,
            job_id=uuid4(),
            content_id="movie",
            upload_id=upload,
            source_key=key,
            now=LATER,
        )
    else:
        job = house.planned("movie", clip)
        house.studio.step("encode")
        if state == "PUBLISHED":
            house.studio.step("assemble")
        if state == "FAILED":
            assert upgrades.close(house.db, job["id"], "FAILED", "x", now=LATER)
    before = house.job(job["id"])
    assert before["state"] == state
    assert not conversions.divert(house.db, job["id"], REASON, LATER)
    assert house.job(job["id"]) == before


def test_tuning_jobs_are_diverted(house: Fallback, clip: Path) -> None:
    job = house.planned("movie", clip)
    house.studio.rows(
        "UPDATE upgrade_jobs SET state = 'TUNING' WHERE id = %s RETURNING id", job["id"]
    )
    assert conversions.divert(house.db, job["id"], REASON, LATER)
