"""Goal: a better upload of the same film takes the old one's place, and nothing else does.

Method: real films go through the handlers twice; what changed, and what must not have, is read from
the bucket and the database.
"""

import pytest

from pixr.domain.renditions import Size, is_better
from tests.functions.reprocess.conftest import Film, Studio, chunk_record


@pytest.fixture
def old(studio: Studio, film: Film) -> Studio:
    """A content that is live, with an analysis, made of a small source."""
    studio.upload("bunny", film(240))
    studio.settle()
    analysis = {"manifest.json": b'{"sha256": {}}', "scenes.json": b'{"cuts": [1.5]}'}
    for name, body in analysis.items():
        studio.s3.put_object(Bucket=studio.bucket, Key=f"analysis/bunny/{name}", Body=body)
    assert studio.content("bunny")["fingerprint_key"] is not None
    return studio


def test_a_better_source_takes_the_place_of_the_old_one(old: Studio, film: Film) -> None:
    before = {key: old.read(key) for key in old.keys("analysis/")}
    key = old.upload("bunny", film(360), "better.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert (job["kind"], job["state"], job["rung"]) == ("source", "PUBLISHED", 360), job["reason"]
    assert job["sameness"]["verdict"] == "SAME"
    content = old.content("bunny")
    assert (content["source_key"], content["height_px"], content["best_rung"]) == (key, 360, 360)
    # 240 stays; 360 is what was not possible before.
    rungs = [row["rung"] for row in old.rows("SELECT rung FROM renditions ORDER BY rung")]
    assert rungs == [240, 360]
    # The analysis is what it was, and the job says so.
    assert {key: old.read(key) for key in old.keys("analysis/")} == before
    assert job["analysis_before"] == job["analysis_after"] != {}
    (upload,) = old.rows("SELECT state FROM uploads WHERE object_key = %s", key)
    assert upload["state"] == "accepted"
    assert old.keys("chunks/") == []


def test_what_is_there_already_is_not_made_again(old: Studio, film: Film) -> None:
    old.upload("bunny", film(480), "better.mp4")
    old.settle()
    media = {key: old.read(key) for key in old.keys("media/")}
    renditions = old.rows("SELECT * FROM renditions ORDER BY rung")
    key = old.upload("bunny", film(720), "best.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert (job["kind"], job["state"]) == ("source", "PUBLISHED"), job["reason"]
    assert job["settings"]["is_look_only"]
    content = old.content("bunny")
    assert (content["source_key"], content["height_px"]) == (key, 720)
    assert set(content["detail"]) == {"720"}
    assert {key: old.read(key) for key in old.keys("media/")} == media
    assert old.rows("SELECT * FROM renditions ORDER BY rung") == renditions


@pytest.mark.parametrize(
    ("start", "filters", "reason"),
    [
        (17.0, "null", "another film"),
        (4.0, "hflip", "another film"),
        (4.0, "crop=iw*0.9:ih*0.9,scale=640:360", "another film"),
    ],
    ids=["another part", "mirrored", "cropped"],
)
def test_any_other_film_is_refused_and_changes_nothing(
    old: Studio, film: Film, start: float, filters: str, reason: str
) -> None:
    before = old.content("bunny")
    media = old.keys("media/")
    key = old.upload("bunny", film(360, start=start, filters=filters), "other.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert (job["kind"], job["state"]) == ("source", "REJECTED")
    assert reason in job["reason"]
    after = old.content("bunny")
    assert {**after, "analysis_key": None, "analysis_sha256": None} == {
        **before, "analysis_key": None, "analysis_sha256": None,
    }  # fmt: skip
    assert old.keys("media/") == media
    (upload,) = old.rows("SELECT state, reason FROM uploads WHERE object_key = %s", key)
    assert upload == {"state": "rejected", "reason": job["reason"]}
    # The settler delivers what the refusal has promised: the object goes.
    (told,) = old.rows("SELECT payload FROM outbox")
    old.sqs.send_message(QueueUrl=old.urls["plan"], MessageBody=f'{{"job_id": "{job["id"]}"}}')
    assert told["payload"] == {"job_id": str(job["id"])}
    old.settle()
    assert old.keys("rejected/") == ["rejected/" + key.removeprefix("originals/")]
    assert old.keys("chunks/") == []


def test_a_source_before_fingerprints_were_kept_stays(old: Studio, film: Film) -> None:
    old.rows("UPDATE contents SET fingerprint_key = NULL RETURNING 1")
    old.upload("bunny", film(360), "better.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert job["state"] == "REJECTED"
    assert "before sources could be replaced" in job["reason"]


def test_a_source_that_cannot_be_encoded_is_not_paid_for_elsewhere(old: Studio, film: Film) -> None:
    """MediaConvert would be paid for a rendition that must not be published uncompared."""
    key = old.upload("bunny", film(360), "better.mp4")
    old.step("plan")
    job_id = old.jobs("bunny")[-1]["id"]
    old.rows(
        "UPDATE upgrade_jobs SET settings = jsonb_set(settings, '{preset}', '\"none\"')"
        " WHERE id = %s RETURNING 1",
        job_id,
    )
    assert old.run("encode", [chunk_record(job_id, 0, attempt=3)]) == []
    job = old.jobs("bunny")[-1]
    assert (job["state"], job["way"]) == ("FAILED", "chunks")
    assert job["reason"].startswith("chunk 0 could not be encoded")
    assert old.receive("fallback") == []
    assert old.content("bunny")["source_key"] != key
    (upload,) = old.rows("SELECT state FROM uploads WHERE object_key = %s", key)
    assert upload["state"] == "rejected"


@pytest.mark.parametrize(("new", "is_it"), [(480, False), (490, False), (495, True), (470, False)])
def test_better_is_more_than_what_counts_as_equal(new: int, *, is_it: bool) -> None:
    present = Size(width_px=854, height_px=480)
    assert is_better(Size(width_px=new * 2, height_px=new), present) is is_it
