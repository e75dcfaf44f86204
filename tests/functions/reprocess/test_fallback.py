"""Goal: a job that our encoders cannot make is made by MediaConvert, once, and published like any.

Method: the real local MediaConvert writes into the emulator's S3 and its events come off
FallbackQueue by a rule like the deployed one; then the same messages come twice, late, in every
order and from strangers, and what came of it is counted.
"""

import itertools
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from functions.reprocess import fallback
from functions.reprocess.converting import read_message
from pixr.adapters.mediaconvert import Converter
from pixr.adapters.postgres import contents, conversions, upgrades
from pixr.domain.fingerprints import KEPT_PLACES, unpack_film
from pixr.domain.mediaconvert import UnknownEvent
from tests.clips import BUNNY, ffmpeg, levels, numbered, sound_md5
from tests.functions.reprocess.conftest import chunk_record, job_record, record
from tests.functions.reprocess.converter import (
    LATER,
    REASON,
    Fallback,
    complete,
    event,
    house,
    put_file,
)

__all__ = ["house"]

PICTURES_PER_S = 4 * len(KEPT_PLACES)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Three seconds, four GOPs with sound."""
    return numbered(tmp_path / "clip.mp4", seconds=3)


def test_conversion_is_published_like_any_rendition(house: Fallback, tmp_path: Path) -> None:
    clip = tmp_path / "bunny.mp4"
    ffmpeg("-i", BUNNY, "-t", "4", "-vf", "scale=640:360", "-c:v", "libx264", "-preset",
           "ultrafast", "-c:a", "copy", clip)  # fmt: skip
    job = house.diverted("film", clip)
    house.start(job["id"])
    events = house.hear()
    assert house.run(events) == []
    done = house.job(job["id"])
    assert (done["state"], done["way"], done["way_reason"]) == (
        "ASSEMBLING",
        "mediaconvert",
        REASON,
    )
    assert (done["chunks_done"], done["chunks_total"]) == (1, 1)
    assert done["frames_done"] == done["frames_total"] == 96
    assert done["converter_job"] == json.loads(events[0]["body"])["detail"]["jobId"]
    (chunk,) = upgrades.list_chunks(house.db, job["id"])
    assert chunk["object_key"] == f"chunks/{job['id']}/converted.mp4"
    assert chunk["bytes"] == len(house.studio.read(chunk["object_key"]))
    house.studio.step("assemble")
    published = house.job(job["id"])
    assert (published["state"], published["reason"]) == ("PUBLISHED", None)
    playlist = house.studio.fetch_media("film", tmp_path / "media")
    assert len(levels(playlist)) == 96
    assert sound_md5(playlist) == sound_md5(clip)
    assert chunk["object_key"] not in house.studio.keys("chunks/")
    # Of four seconds ten are charged, in the cheapest class, and our own work besides.
    assert Decimal("0.002") <= Decimal(published["actual"]["usd"]) < Decimal("0.003")
    # A better source can be compared with this one as with any.
    kept = unpack_film(house.studio.read(house.studio.content("film")["fingerprint_key"]))
    assert (kept.duration_ms, len(kept.pictures)) == (4_000, 4 * PICTURES_PER_S)


def test_start_that_comes_twice_starts_once(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    house.start(job["id"])
    name = house.only_converter_job()
    house.start(job["id"])
    assert house.only_converter_job() == name
    ours = {json.loads(item["body"])["detail"]["jobId"] for item in house.hear()}
    assert ours == {name}


def test_complete_may_come_before_create_has_answered(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    put_file(house, job["id"])
    assert house.run([complete(house, job["id"])]) == []
    done = house.job(job["id"])
    assert (done["state"], done["converter_job"]) == ("ASSEMBLING", "1-abc")
    assert len(house.studio.receive("assemble")) == 1
    # The start that was under way sees what happened; the message of the assembly is sent again.
    house.start(job["id"])
    assert house.job(job["id"]) == done
    assert len(house.studio.receive("assemble")) == 1


def test_every_order_and_number_of_messages_ends_the_same(house: Fallback, clip: Path) -> None:
    for number, order in enumerate(itertools.permutations(range(3))):
        job = house.diverted(f"movie-{number}", clip)
        put_file(house, job["id"])
        messages = [
            event(job["id"], "PROGRESSING"),
            event(job["id"], "STATUS_UPDATE", framesDecoded=20),
            complete(house, job["id"]),
        ]
        for index in order:
            assert house.run([messages[index]]) == []
        assert house.run(messages) == []
        done = house.job(job["id"])
        assert (done["state"], done["chunks_done"], done["frames_done"]) == ("ASSEMBLING", 1, 36)
        # Again with each repeat: whoever counted the file may have died before it sent.
        assert len(house.studio.receive("assemble")) >= 2


def test_progress_is_told_and_never_goes_back(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    for frames, shown in ((10, 10), (4, 10), (None, 10), (1000, 36)):
        more: dict[str, Any] = {} if frames is None else {"framesDecoded": frames}
        assert house.run([event(job["id"], "STATUS_UPDATE", **more)]) == []
        assert house.job(job["id"])["frames_done"] == shown
    assert house.job(job["id"])["moved_at"] < LATER


@pytest.mark.parametrize(
    ("status", "detail", "reason"),
    [
        (
            "ERROR",
            {"errorCode": 1076, "errorMessage": "Is file truncated?"},
            "MediaConvert gave up: Is file truncated? (its error 1076)",
        ),
        ("CANCELED", {}, "MediaConvert's job was canceled"),
        (
            "COMPLETE",
            {"outputGroupDetails": []},
            "MediaConvert wrote nothing, not chunks/{id}/converted.mp4",
        ),
    ],
)
def test_what_mediaconvert_gives_up_fails(
    house: Fallback, clip: Path, status: str, detail: dict[str, Any], reason: str
) -> None:
    job = house.diverted("movie", clip)
    for _ in range(2):
        assert house.run([event(job["id"], status, **detail)]) == []
    failed = house.job(job["id"])
    assert (failed["state"], failed["reason"]) == ("FAILED", reason.format(id=job["id"]))
    assert failed["closed_at"] is not None
    # Too late.
    put_file(house, job["id"])
    assert house.run([complete(house, job["id"])]) == []
    assert house.job(job["id"]) == failed
    assert house.studio.receive("assemble") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [(None, "the file that MediaConvert wrote is gone"), (b"", "has 0 bytes, not 1 to")],
)
def test_file_must_be_there(house: Fallback, clip: Path, body: bytes | None, reason: str) -> None:
    job = house.diverted("movie", clip)
    if body is not None:
        put_file(house, job["id"], body)
    assert house.run([complete(house, job["id"])]) == []
    failed = house.job(job["id"])
    assert failed["state"] == "FAILED"
    assert reason in failed["reason"]


def test_other_conversions_and_stages_are_not_heard(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    assert conversions.begun(house.db, job["id"], "1-mine", LATER)
    put_file(house, job["id"])
    before = house.job(job["id"])
    strangers = [
        complete(house, job["id"], converter_job="1-other"),
        event(job["id"], "ERROR", converter_job="1-other", errorCode=1, errorMessage="x"),
        event(job["id"], "CANCELED", converter_job="1-other"),
        event(job["id"], "STATUS_UPDATE", converter_job="1-other", framesDecoded=3),
        complete(house, job["id"], converter_job="1-mine", stage="prod"),
        complete(house, uuid4(), converter_job="1-mine"),
        job_record(uuid4()),
    ]
    assert house.run(strangers) == []
    assert house.job(job["id"]) == before
    # And what the code looked at before is guarded in the database again.
    assert not conversions.fail(house.db, job["id"], "1-other", "x", LATER)
    assert not conversions.converted(
        house.db, job["id"], "1-other", object_key="x", size_bytes=1, now=LATER
    )
    assert not conversions.progressed(house.db, job["id"], "1-other", frames=1, now=LATER)
    assert not conversions.begun(house.db, job["id"], "1-other", LATER)
    assert house.job(job["id"]) == before


@pytest.mark.parametrize("state", ["ENCODING", "ASSEMBLING", "PUBLISHED"])
def test_late_failure_undoes_nothing(house: Fallback, clip: Path, state: str) -> None:
    job = house.planned("movie", clip)
    if state != "ENCODING":
        house.studio.step("encode")
    if state == "PUBLISHED":
        house.studio.step("assemble")
    before = house.job(job["id"])
    assert before["state"] == state
    assert not conversions.fail(house.db, job["id"], "1-mine", "x", LATER)
    assert not conversions.progressed(house.db, job["id"], "1-mine", frames=1, now=LATER)
    assert not conversions.begun(house.db, job["id"], "1-mine", LATER)
    assert house.job(job["id"]) == before


def test_jobs_that_are_encoded_are_left_alone(house: Fallback, clip: Path) -> None:
    job = house.planned("movie", clip)
    put_file(house, job["id"])
    assert house.run([job_record(job["id"]), complete(house, job["id"])]) == []
    assert house.job(job["id"]) == job
    assert house.studio.run("encode", [chunk_record(job["id"], 0)]) == []
    assert house.job(job["id"])["state"] == "ASSEMBLING"


def test_lost_event_is_found_by_another_start(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    house.start(job["id"])
    house.hear()  # and lost
    house.start(job["id"])
    assert house.job(job["id"])["state"] == "ASSEMBLING"
    assert len(house.studio.receive("assemble")) == 1


@pytest.mark.parametrize("way", ["error", "canceled", "forgotten"])
def test_lost_failure_is_found_by_another_start(house: Fallback, clip: Path, way: str) -> None:
    job = house.diverted("movie", clip)
    if way == "forgotten":
        assert conversions.begun(house.db, job["id"], "1-gone", LATER)
    else:
        if way == "error":
            etag = house.studio.s3.put_object(
                Bucket=house.studio.bucket, Key=job["source_key"], Body=b"no video"
            )["ETag"]
            house.studio.rows("UPDATE upgrade_jobs SET source_etag = %s RETURNING id", etag)
        house.start(job["id"])
        if way == "canceled":
            Converter().cancel(house.only_converter_job())
        house.hear(until=way.upper())
    house.start(job["id"])
    failed = house.job(job["id"])
    assert failed["state"] == "FAILED"
    expected = {"error": "(its error 1010)", "canceled": "was canceled", "forgotten": "any more"}
    assert expected[way] in failed["reason"]


def test_job_that_was_called_off_meanwhile_calls_off_the_conversion(
    house: Fallback, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = house.diverted("movie", clip)
    create, made = Converter.create, []

    def slow(self: Converter, document: Any) -> Any:
        made.append(create(self, document))
        assert upgrades.close(house.db, job["id"], "FAILED", "cancelled: enough", now=LATER)
        return made[0]

    monkeypatch.setattr(Converter, "create", slow)
    house.start(job["id"])
    assert Converter().get(made[0].id).status in ("CANCELED", "COMPLETE")
    assert house.job(job["id"])["reason"] == "cancelled: enough"


@pytest.mark.parametrize("by", ["the next event", "another start"])
def test_conversion_of_a_job_that_was_given_up_is_called_off(
    house: Fallback, tmp_path: Path, by: str
) -> None:
    slow = tmp_path / "slow.mp4"
    noise = "testsrc2=size=640x360:rate=30,noise=c0s=60:c0f=t"
    ffmpeg("-f", "lavfi", "-i", noise, "-t", "20", "-c:v", "libx264", "-preset", "ultrafast", slow)
    job = house.diverted("movie", slow)
    house.start(job["id"])
    name = house.only_converter_job()
    assert upgrades.close(house.db, job["id"], "FAILED", "cancelled: enough", now=LATER)
    message = event(job["id"], "STATUS_UPDATE", converter_job=name)
    assert house.run([message if by == "the next event" else job_record(job["id"])]) == []
    assert Converter().get(name).status == "CANCELED"
    # Again, and about one that MediaConvert never had: nothing.
    assert house.run([message, job_record(job["id"])]) == []
    house.studio.rows("UPDATE upgrade_jobs SET converter_job = '1-gone' RETURNING id")
    assert house.run([job_record(job["id"])]) == []
    assert house.job(job["id"])["reason"] == "cancelled: enough"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("deleted", "the source was deleted while the job ran"),
        ("replaced", "the source was replaced while the job ran"),
        ("unsteady", "the frame rate varies"),
        ("comparison", "only to be compared"),
        ("refused", "MediaConvert does not take the job"),
    ],
)
def test_what_cannot_be_started_fails_at_once(
    house: Fallback, clip: Path, change: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = house.diverted("movie", clip)
    bucket = house.studio.bucket
    if change == "deleted":
        house.studio.s3.delete_object(Bucket=bucket, Key=job["source_key"])
    if change == "replaced":
        house.studio.s3.put_object(Bucket=bucket, Key=job["source_key"], Body=b"another")
    if change == "unsteady":
        gap = "jsonb_set(settings, '{gap}', '1')"
        house.studio.rows(f"UPDATE upgrade_jobs SET settings = {gap} RETURNING id")
    if change == "comparison":
        look = "settings || '{\"is_look_only\": true}'"
        house.studio.rows(f"UPDATE upgrade_jobs SET settings = {look} RETURNING id")
    if change == "refused":
        monkeypatch.setattr(
            "functions.reprocess.converting.job_document", lambda _: {"Role": "r", "Settings": {}}
        )
    house.start(job["id"])
    failed = house.job(job["id"])
    assert failed["state"] == "FAILED"
    assert reason in failed["reason"]


def test_silence_is_tried_again(
    house: Fallback, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = house.diverted("movie", clip)
    monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", "http://127.0.0.1:9")
    fallback.settings.cache_clear()
    message = job_record(job["id"])
    assert house.run([message]) == [message["messageId"]]
    assert house.job(job["id"]) == job


@pytest.mark.parametrize("body", ["", "no JSON", "[]", "{}", '{"job_id": "7"}', '{"job_id": 7}'])
def test_what_is_no_message_fails_its_record(house: Fallback, body: str) -> None:
    with pytest.raises(UnknownEvent):
        read_message(body)
    bad = record(body)
    assert house.run([bad]) == [bad["messageId"]]


@pytest.mark.parametrize(
    ("treatment", "asked"),
    [
        ("none", (False, "FOLLOW")),
        ("deinterlace", (True, "FOLLOW")),
        ("smpte2084", (False, "HDR10")),
        ("arib-std-b67", (False, "HLG_2020")),
    ],
)
def test_plan_decides_what_is_done_to_the_picture(
    house: Fallback, clip: Path, treatment: str, asked: tuple[bool, str], monkeypatch: Any
) -> None:
    job = house.diverted("movie", clip)
    house.studio.rows(
        "UPDATE upgrade_jobs SET settings = settings || jsonb_build_object('treatment', %s::text)"
        " RETURNING id",
        treatment,
    )
    create, documents = Converter.create, []

    def noted(self: Converter, document: Any) -> Any:
        documents.append(document["Settings"])
        return create(self, document)

    monkeypatch.setattr(Converter, "create", noted)
    house.start(job["id"])
    (settings,) = documents
    video = settings["OutputGroups"][0]["Outputs"][0]["VideoDescription"]
    preprocessors = video.get("VideoPreprocessors", {})
    found = "Deinterlacer" in preprocessors, settings["Inputs"][0]["VideoSelector"]["ColorSpace"]
    assert found == asked
    assert ("ColorCorrector" in preprocessors) == (asked[1] != "FOLLOW")
    house.hear()


def test_source_of_another_size_is_never_scaled_up(house: Fallback, clip: Path) -> None:
    job = house.diverted("movie", clip)
    content = contents.get(house.db, "movie")
    assert content is not None
    house.studio.rows("UPDATE contents SET width_px = 80, height_px = 60 RETURNING content_id")
    house.start(job["id"])
    assert "would be larger than its source" in house.job(job["id"])["reason"]
