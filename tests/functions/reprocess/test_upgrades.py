"""Goal: a funded upgrade adds its rung, and leaves the old rungs and the analysis as they were."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from tests.clips import levels, numbered, times
from tests.functions.reprocess.conftest import Studio, fund, job_record


def publish_base(studio: Studio, folder: Path, *, size: str = "1280x720", seconds: int = 1) -> Path:
    clip = numbered(folder / "a.mp4", seconds=seconds, size=size)
    studio.upload("movie", clip)
    studio.settle()
    studio.receive("settle")
    return clip


def rungs(studio: Studio) -> list[int]:
    return [row["rung"] for row in studio.rows("SELECT rung FROM renditions ORDER BY rung")]


def upgrade(studio: Studio, job_id: UUID) -> None:
    assert studio.run("plan", [job_record(job_id)]) == []
    studio.settle()


def test_upgrade_adds_a_rung_and_players_find_both(studio: Studio, tmp_path: Path) -> None:
    clip = publish_base(studio, tmp_path, seconds=6)
    before = {key: studio.read(key) for key in studio.keys("media/movie/480/")}
    job_id = fund(studio, "movie", 720)
    upgrade(studio, job_id)

    assert {key: studio.read(key) for key in studio.keys("media/movie/480/")} == before
    assert studio.content("movie")["best_rung"] == 720
    assert rungs(studio) == [480, 720]
    master = studio.fetch_media("movie", tmp_path)
    streams = [line for line in master.read_text().splitlines() if not line.startswith("#")]
    assert len(streams) == 2
    for stream in streams:
        assert levels(master.parent / stream) == pytest.approx(levels(clip), abs=4)
    # Players switch at key frames: both rungs have them at the same times.
    low, high = ((master.parent / stream).read_text() for stream in streams)
    assert [line for line in low.splitlines() if line.startswith("#EXTINF")] == [
        line for line in high.splitlines() if line.startswith("#EXTINF")
    ]
    told = [json.loads(one["body"]) for one in studio.receive("settle")]
    assert told == [{"reason": "upgrade.published", "job_id": str(job_id)}]


def test_two_upgrades_at_once_both_end_in_the_master(studio: Studio, tmp_path: Path) -> None:
    publish_base(studio, tmp_path, size="1920x1080")
    jobs = [fund(studio, "movie", rung) for rung in (1080, 720)]
    assert studio.run("plan", [job_record(job_id) for job_id in jobs]) == []
    studio.settle()
    master = studio.fetch_media("movie", tmp_path).read_text()
    assert re.findall(r"RESOLUTION=(\d+x\d+)", master) == ["854x480", "1280x720", "1920x1080"]
    assert studio.content("movie")["best_rung"] == 1080


def test_rung_above_the_source_fails_and_viewers_keep_what_they_had(
    studio: Studio, tmp_path: Path
) -> None:
    clip = publish_base(studio, tmp_path)
    job_id = fund(studio, "movie", 1080)
    upgrade(studio, job_id)
    job = next(job for job in studio.jobs("movie") if job["id"] == job_id)
    assert job["state"] == "FAILED"
    assert job["reason"] == "the source's short side is 720 px: no 1080 in it"
    assert studio.content("movie")["best_rung"] == 480
    assert len(times(studio.fetch_media("movie", tmp_path))) == len(times(clip))
    assert len(studio.keys("originals/")) == 1


def test_source_replaced_after_publication_fails_the_upgrade(
    studio: Studio, tmp_path: Path
) -> None:
    publish_base(studio, tmp_path)
    (source,) = studio.keys("originals/")
    studio.s3.put_object(Bucket=studio.bucket, Key=source, Body=b"something else")
    job_id = fund(studio, "movie", 720)
    upgrade(studio, job_id)
    job = next(job for job in studio.jobs("movie") if job["id"] == job_id)
    assert (job["state"], job["reason"]) == (
        "FAILED",
        "the source was replaced after it was accepted",
    )


def test_source_deleted_after_publication_fails_the_upgrade(studio: Studio, tmp_path: Path) -> None:
    publish_base(studio, tmp_path)
    (source,) = studio.keys("originals/")
    studio.s3.delete_object(Bucket=studio.bucket, Key=source)
    job_id = fund(studio, "movie", 720)
    upgrade(studio, job_id)
    job = next(job for job in studio.jobs("movie") if job["id"] == job_id)
    assert (job["state"], job["reason"]) == (
        "FAILED",
        "the object was deleted before it was read",
    )
    assert studio.content("movie")["best_rung"] == 480


PARTS = {"manifest.json": b"{}", "transcript.vtt": b"WEBVTT", "embeddings.npy": bytes(3_000_000)}


def analyse(studio: Studio) -> None:
    """What the analysis service writes."""
    for name, body in PARTS.items():
        studio.s3.put_object(Bucket=studio.bucket, Key=f"analysis/movie/{name}", Body=body)


def test_analysis_is_hashed_before_and_after(studio: Studio, tmp_path: Path) -> None:
    publish_base(studio, tmp_path)
    analyse(studio)
    job_id = fund(studio, "movie", 720)
    upgrade(studio, job_id)
    job = next(job for job in studio.jobs("movie") if job["id"] == job_id)
    assert job["state"] == "PUBLISHED"
    assert job["analysis_before"] == job["analysis_after"]
    assert set(job["analysis_before"]) == {f"analysis/movie/{name}" for name in PARTS}
    content = studio.content("movie")
    assert content["analysis_key"] == "analysis/movie/manifest.json"
    assert content["analysis_sha256"] == job["analysis_before"]["analysis/movie/manifest.json"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda s3, where: s3.put_object(**where, Body=b"WEBVTT!"),
        lambda s3, where: s3.delete_object(**where),
    ],
    ids=["changed", "deleted"],
)
def test_analysis_that_changed_stops_the_publication(
    studio: Studio, tmp_path: Path, harm: Callable[..., object]
) -> None:
    publish_base(studio, tmp_path)
    analyse(studio)
    job_id = fund(studio, "movie", 720)
    assert studio.run("plan", [job_record(job_id)]) == []
    studio.step("encode")
    harm(studio.s3, {"Bucket": studio.bucket, "Key": "analysis/movie/transcript.vtt"})
    studio.settle()
    job = next(job for job in studio.jobs("movie") if job["id"] == job_id)
    assert job["state"] == "FAILED"
    assert job["reason"].endswith("the job ran: analysis/movie/transcript.vtt")
    assert job["analysis_before"] != job["analysis_after"]
    assert studio.content("movie")["best_rung"] == 480
    assert studio.receive("settle") == []


def test_parts_that_are_added_meanwhile_harm_nothing(studio: Studio, tmp_path: Path) -> None:
    publish_base(studio, tmp_path)
    analyse(studio)
    job_id = fund(studio, "movie", 720)
    assert studio.run("plan", [job_record(job_id)]) == []
    studio.s3.put_object(Bucket=studio.bucket, Key="analysis/movie/scenes.json", Body=b"[]")
    studio.settle()
    assert studio.content("movie")["best_rung"] == 720
