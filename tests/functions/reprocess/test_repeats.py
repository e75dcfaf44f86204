"""Goal: any message may come twice, late, in any order, or to two workers; the end is the same.

Method: hand the same real messages over again at every stage, kill steps between their commit
and their send, and count what came of it.
"""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Never
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from pixr.adapters import queue
from pixr.adapters.postgres import upgrades
from tests.clips import levels, numbered
from tests.functions.reprocess.conftest import Studio, chunk_record, job_record, record


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Two chunks."""
    return numbered(tmp_path / "a.mp4", seconds=16)


def test_setting_up_the_notification_is_not_work(studio: Studio) -> None:
    body = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": studio.bucket}
    assert studio.run("plan", [record(body)]) == []


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"job_id": "x"}', '{"Records": []}', "nonsense"])
def test_malformed_message_fails_alone(studio: Studio, clip: Path, body: str) -> None:
    studio.upload("clip", clip)
    good = studio.receive("plan")
    bad = record(body)
    assert studio.run("plan", [bad, *good]) == [bad["messageId"]]
    assert studio.job("clip")["state"] == "TUNING"
    for name in ("encode", "assemble"):
        assert studio.run(name, [bad]) == [bad["messageId"]]


def test_upload_event_repeated_at_every_stage(studio: Studio, clip: Path) -> None:
    studio.upload("clip", clip)
    events = studio.receive("plan")
    for _ in range(2):
        assert studio.run("plan", events) == []
    job = studio.job("clip")
    assert (job["chunks_total"], job["state"]) == (2, "TUNING")
    # The quality is searched once; who comes second finds it, and asks for the chunks again.
    assert len(searches := studio.receive("encode")) == 2
    assert studio.run("encode", searches) == []
    tuning = studio.job("clip")["tuning"]
    assert studio.job("clip")["settings"]["crf"] == tuning["crf"]
    # Asked for twice, because both were open both times; made once each.
    assert len(chunks := studio.receive("encode")) == 4
    assert studio.run("encode", chunks[:1]) == studio.run("plan", events) == []
    assert len(studio.receive("encode")) == 1
    assert studio.run("encode", chunks) == studio.run("plan", events) == []
    studio.settle()
    assert studio.run("plan", events) == []
    assert studio.receive("encode") == []
    assert studio.job("clip")["state"] == "PUBLISHED"
    assert len(studio.rows("SELECT FROM renditions")) == 1


def test_rejected_upload_event_repeated(studio: Studio) -> None:
    studio.upload("text", b"text")
    events = studio.receive("plan")
    for _ in range(3):
        assert studio.run("plan", events) == []
    assert studio.job("text")["state"] == "REJECTED"
    assert len(studio.keys("rejected/")) == 1


def test_chunk_message_repeated_at_every_stage(studio: Studio, clip: Path, tmp_path: Path) -> None:
    studio.upload("clip", clip)
    studio.step("plan")
    first, second = studio.receive("encode")
    for _ in range(2):
        assert studio.run("encode", [second]) == []
    assert studio.job("clip")["chunks_done"] == 1
    assert studio.receive("assemble") == []
    assert studio.run("encode", [first]) == []
    assert len(studio.receive("assemble")) == 1
    assert studio.job("clip")["state"] == "ASSEMBLING"
    # Whoever comes now asks for the assembly again: its message may have been lost.
    assert studio.run("encode", [second]) == []
    assembly = studio.receive("assemble")
    assert len(assembly) == 1
    assert studio.run("assemble", assembly) == []
    assert studio.run("encode", [first, second]) == []
    assert studio.receive("assemble") == []
    done = studio.job("clip")
    assert (done["state"], done["chunks_done"]) == ("PUBLISHED", 2)
    studio.fetch_media("clip", tmp_path)
    (rendition,) = studio.rows("SELECT * FROM renditions")
    assert len(levels(tmp_path / rendition["playlist_key"])) == 192


def test_assembly_message_repeated(studio: Studio, clip: Path) -> None:
    studio.upload("clip", clip)
    studio.step("plan")
    (job_id,) = {job["id"] for job in studio.jobs("clip")}
    assembly = [job_record(job_id)]
    assert studio.run("assemble", assembly) == []
    assert studio.job("clip")["state"] == "ENCODING"
    studio.settle()
    published = {key: studio.read(key) for key in studio.keys("media/")}
    row = studio.rows("SELECT * FROM renditions")
    assert len(studio.receive("settle")) == 1
    # A crash after the commit: the master is not there yet, the settler was not told.
    studio.s3.delete_object(Bucket=studio.bucket, Key="media/clip/master.m3u8")
    assert studio.run("assemble", assembly) == []
    assert {key: studio.read(key) for key in studio.keys("media/")} == published
    assert studio.rows("SELECT * FROM renditions") == row
    assert len(studio.receive("settle")) == 1


@pytest.mark.parametrize("name", ["plan", "encode", "assemble"])
def test_messages_of_jobs_that_nobody_knows(studio: Studio, name: str) -> None:
    message = chunk_record(uuid4(), 0) if name == "encode" else job_record(uuid4())
    assert studio.run(name, [message]) == []


class Crash(Exception):
    """The process died here."""


def crash(*_: object) -> Never:
    raise Crash


@pytest.mark.parametrize("step", ["plan", "search", "encode", "assemble"])
def test_death_between_commit_and_send(
    studio: Studio, clip: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    studio.upload("clip", clip)
    for stage in ("plan", "search", "encode", "assemble"):
        name = "encode" if stage == "search" else stage
        messages = studio.receive(name)
        if stage == step:
            with monkeypatch.context() as patch:
                patch.setattr(queue, "send", crash)
                patch.setattr(queue, "send_all", crash)
                assert studio.run(name, messages) != []
            assert studio.receive("encode") == studio.receive("assemble") == []
        assert studio.run(name, messages) == []
    studio.settle()
    assert studio.job("clip")["state"] == "PUBLISHED"
    assert studio.receive("settle") != []


def test_last_chunks_that_finish_together_start_one_assembly(
    studio: Studio, clip: Path, database_url: str
) -> None:
    studio.upload("clip", clip)
    studio.step("plan")
    job_id: UUID = studio.job("clip")["id"]
    barrier = threading.Barrier(4)
    verdicts: list[bool] = []

    def complete(position: int) -> None:
        with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as db:
            now = db.execute("SELECT now() AS now").fetchone()
            assert now is not None
            barrier.wait(timeout=20)
            verdicts.append(
                upgrades.complete_chunk(
                    db,
                    job_id=job_id,
                    position=position,
                    object_key="k",
                    size_bytes=1,
                    cpu_ms=1,
                    now=now["now"],
                )
            )

    threads = [threading.Thread(target=complete, args=(number % 2,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(verdicts) == [False, False, False, True]
    job = studio.job("clip")
    assert (job["state"], job["chunks_done"]) == ("ASSEMBLING", 2)
    assert job["cpu_ms"] == job["tuning"]["cpu_ms"] + 2


def in_two_threads(work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_planners_at_once_plan_once(studio: Studio, clip: Path) -> None:
    studio.upload("clip", clip)
    events = studio.receive("plan")
    failures: list[str] = []
    in_two_threads(lambda: failures.extend(studio.run("plan", events)))
    assert failures == []
    assert studio.job("clip")["state"] == "TUNING"
    assert len(studio.rows("SELECT FROM upgrade_chunks")) == 2
    studio.settle()
    assert studio.job("clip")["state"] == "PUBLISHED"


def test_two_assemblers_at_once_publish_once(studio: Studio, clip: Path, tmp_path: Path) -> None:
    (message,) = at_stage(studio, clip, "assemble")
    failures: list[str] = []
    in_two_threads(lambda: failures.extend(studio.run("assemble", [message])))
    assert failures == []
    (rendition,) = studio.rows("SELECT * FROM renditions")
    assert studio.job("clip")["state"] == "PUBLISHED"
    studio.fetch_media("clip", tmp_path)
    assert levels(tmp_path / rendition["playlist_key"]) == pytest.approx(levels(clip), abs=4)


def test_two_uploads_of_one_content_at_once_make_one_source(studio: Studio, clip: Path) -> None:
    for file in ("a.mp4", "b.mp4"):
        studio.upload("clip", clip, file)
    studio.settle()
    assert sorted(job["state"] for job in studio.jobs("clip")) == ["PUBLISHED", "REJECTED"]


def at_stage(studio: Studio, clip: Path, stage: str) -> list[dict[str, Any]]:
    """Bring a job to where ``stage`` comes next, and give that stage's messages."""
    studio.upload("clip", clip)
    studio.step("plan")
    if stage == "assemble":
        studio.step("encode")
    return studio.receive(stage)


@pytest.mark.parametrize("stage", ["encode", "assemble"])
@pytest.mark.parametrize("fate", ["deleted", "replaced"])
def test_source_that_goes_away_fails_the_job(
    studio: Studio, clip: Path, stage: str, fate: str
) -> None:
    messages = at_stage(studio, clip, stage)
    (source,) = studio.keys("originals/")
    if fate == "deleted":
        studio.s3.delete_object(Bucket=studio.bucket, Key=source)
    else:
        studio.s3.put_object(Bucket=studio.bucket, Key=source, Body=b"other")
    assert studio.run(stage, messages) == []
    job = studio.job("clip")
    assert job["state"] == "FAILED"
    assert fate in job["reason"]
    assert studio.content("clip")["state"] == "awaiting"
    assert studio.rows("SELECT FROM renditions") == []
    # The late event of the replacement changes nothing either.
    studio.settle()
    assert studio.job("clip")["state"] == "FAILED"


def test_chunk_that_fails_is_tried_again_and_then_left_to_mediaconvert(
    studio: Studio, clip: Path
) -> None:
    messages = at_stage(studio, clip, "encode")
    job_id = studio.job("clip")["id"]
    studio.rows(
        "UPDATE upgrade_jobs SET settings = jsonb_set(settings, '{preset}', '\"none\"') RETURNING 1"
    )
    for attempt in (1, 2):
        assert studio.run("encode", [chunk_record(job_id, 1, attempt=attempt)]) != []
        assert studio.job("clip")["state"] == "ENCODING"
    assert studio.run("encode", [chunk_record(job_id, 1, attempt=3)]) == []
    job = studio.job("clip")
    assert (job["state"], job["way"]) == ("CONVERTING", "mediaconvert")
    assert job["way_reason"].startswith("chunk 1 could not be encoded")
    (told,) = studio.receive("fallback")
    assert json.loads(told["body"]) == {"job_id": str(job_id)}
    # Whoever comes late has nothing to count any more, and asks again for what may be lost.
    assert studio.run("encode", messages[:1]) == []
    assert len(studio.receive("fallback")) == 1
    assert studio.job("clip")["chunks_total"] == 1
    # And so does a push.
    assert studio.run("plan", [job_record(job_id)]) == []
    assert len(studio.receive("fallback")) == 1
