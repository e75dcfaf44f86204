"""Goal: a source that begins elsewhere takes its analysis along, exactly, or changes nothing.

Method: twelve seconds of a real film, then the same a second earlier or later; all parts of the
analysis are read back and compared with what was put there.
"""

import hashlib
import json
import struct
from pathlib import Path

import psycopg
import pytest

from pixr.adapters.postgres import contents
from pixr.domain.arrays import Array, read_array, write_array
from tests.clips import levels, sound_md5
from tests.functions.reprocess.conftest import Film, Studio, fund

TRANSCRIPT = """WEBVTT

00:00.100 --> 00:00.900
gone

00:02.000 --> 00:04.500
kept
"""
EMBEDDINGS = [struct.pack("<4f", *range(row, row + 4)) for row in range(12)]


def times(values: list[float]) -> bytes:
    rows = [struct.pack("<d", value) for value in values]
    return write_array(Array(descr="<f8", shape=(len(rows),), rows=rows))


def parts() -> dict[str, bytes]:
    """An analysis of twelve seconds, a row of embeddings in the middle of each second."""
    made = {
        "transcript.vtt": TRANSCRIPT.encode(),
        "scenes.json": b'{"unit": "seconds", "cuts": [0.5, 6.25]}',
        "embeddings.npy": write_array(Array(descr="<f4", shape=(12, 4), rows=EMBEDDINGS)),
        "embeddings_times.npy": times([row + 0.5 for row in range(12)]),
        "boxes.json": b'{"faces": [[0.1, 0.2, 0.3, 0.4]]}',
        # A folder of its own, with a name that must not be mistaken.
        "faces/manifest.json": b'{"faces": 1}',
    }
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in made.items()}
    return {**made, "manifest.json": json.dumps({"sha256": hashes}).encode()}


@pytest.fixture
def old(studio: Studio, film: Film) -> Studio:
    """A content that is live in 240 lines, with an analysis."""
    studio.upload("bunny", film(240))
    studio.settle()
    for name, body in parts().items():
        studio.s3.put_object(Bucket=studio.bucket, Key=f"analysis/bunny/{name}", Body=body)
    # As a job that looked at it before has remembered it.
    contents.set_analysis(
        studio.db,
        "bunny",
        analysis_key="analysis/bunny/manifest.json",
        analysis_sha256=hashlib.sha256(studio.read("analysis/bunny/manifest.json")).hexdigest(),
    )
    assert [row["rung"] for row in studio.rows("SELECT rung FROM renditions")] == [240]
    return studio


def state(studio: Studio) -> tuple[object, ...]:
    """Everything that a refused source must leave as it is."""
    content = studio.content("bunny")
    objects = {
        key: studio.read(key)
        for prefix in ("media/", "analysis/", "analysis_versions/", "fingerprints/")
        for key in studio.keys(prefix)
    }
    return content, studio.rows("SELECT * FROM renditions ORDER BY rung"), objects


@pytest.mark.parametrize(
    ("start", "shift_ms", "cuts", "uncovered"),
    [
        (5.0, -1000, ["5.250"], [[11_000, 12_000]]),
        (3.0, 1000, ["1.500", "7.250"], [[0, 1000]]),
    ],
    ids=["begins later", "begins earlier"],
)
def test_an_exact_shift_moves_the_analysis(  # noqa: PLR0917 -- fixtures
    old: Studio,
    film: Film,
    start: float,
    shift_ms: int,
    cuts: list[str],
    uncovered: list[list[int]],
) -> None:
    before = {key: old.read(key) for key in old.keys("analysis/")}
    better = film(360, start=start)
    key = old.upload("bunny", better, "shifted.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert (job["kind"], job["state"], job["rung"]) == ("source", "PUBLISHED", 360), job["reason"]
    sameness = job["sameness"]
    assert (sameness["verdict"], sameness["shift_ms"]) == ("SHIFTED", shift_ms)

    content = old.content("bunny")
    assert (content["source_key"], content["height_px"]) == (key, 360)
    assert content["analysis_version"] == 2
    folder = f"analysis_versions/bunny/{job['id']}/"
    assert content["analysis_key"] == f"{folder}manifest.json"
    # The version before is what it was, byte for byte, and the job says so of both.
    assert {key: old.read(key) for key in old.keys("analysis/")} == before
    assert job["analysis_before"] == job["analysis_after"] != {}
    moved = {key: old.read(key) for key in old.keys(folder)}
    hashes = {key: hashlib.sha256(data).hexdigest() for key, data in moved.items()}
    assert job["analysis_moved"]["parts"] == hashes
    assert content["analysis_sha256"] == hashes[content["analysis_key"]]
    assert job["analysis_moved"]["uncovered_ms"] == uncovered

    scenes = json.loads(moved[f"{folder}scenes.json"], parse_float=str)
    assert scenes["cuts"] == cuts
    kept = [row for row in range(12) if 0 <= row + 0.5 + shift_ms / 1000 < 12]
    moved_times = times([row + 0.5 + shift_ms / 1000 for row in kept])
    assert moved[f"{folder}embeddings_times.npy"] == moved_times
    embeddings = read_array(moved[f"{folder}embeddings.npy"])
    assert list(embeddings.rows) == [EMBEDDINGS[row] for row in kept]
    assert moved[f"{folder}boxes.json"] == before["analysis/bunny/boxes.json"]


def test_all_that_viewers_get_is_of_the_new_film(old: Studio, film: Film, tmp_path: Path) -> None:
    sound_before = old.content("bunny")["sound_key"]
    better = film(360, start=5.0)
    old.upload("bunny", better, "shifted.mp4")
    old.settle()
    (rendition,) = old.rows("SELECT * FROM renditions")
    assert rendition["job_id"] == old.jobs("bunny")[-1]["id"]
    content = old.content("bunny")
    assert (content["state"], content["best_rung"]) == ("live", 360)
    assert content["sound_key"] not in (None, sound_before)
    master = old.fetch_media("bunny", tmp_path / "media")
    text = master.read_text()
    assert text.count("#EXT-X-STREAM-INF") == 1
    assert str(rendition["job_id"]) in text
    assert len(levels(master)) == rendition["frames"] == content["frames"]
    assert sound_md5(tmp_path / "media" / content["sound_key"]) == sound_md5(better)
    # What players have open goes on: the files of the old film stay.
    assert any(sound_before in key for key in old.keys("media/"))
    assert old.read("media/bunny/manifest.mpd").decode().count("<Representation ") == 2


def test_a_quality_that_is_there_is_made_anew(old: Studio, film: Film) -> None:
    """Of the same film it would only be looked at."""
    old.upload("bunny", film(480), "better.mp4")
    old.settle()
    old.upload("bunny", film(540, start=5.0), "shifted.mp4")
    old.step("plan")
    (_, earlier, job) = old.jobs("bunny")
    assert not job["settings"]["is_look_only"]
    old.settle()
    (rendition,) = old.rows("SELECT * FROM renditions")
    assert (rendition["rung"], rendition["job_id"]) == (480, job["id"])
    assert str(earlier["id"]) not in old.read("media/bunny/master.m3u8").decode()


def test_the_next_source_is_compared_with_the_new_film(old: Studio, film: Film) -> None:
    old.upload("bunny", film(360, start=5.0), "shifted.mp4")
    old.settle()
    version = {key: old.read(key) for key in old.keys("analysis_versions/")}
    old.upload("bunny", film(480, start=5.0), "same.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert (job["state"], job["sameness"]["verdict"]) == ("PUBLISHED", "SAME"), job["reason"]
    assert set(job["analysis_before"]) == set(version)
    assert job["analysis_before"] == job["analysis_after"]
    assert old.content("bunny")["analysis_version"] == 2
    assert {key: old.read(key) for key in old.keys("analysis_versions/")} == version


def invest(studio: Studio) -> None:
    studio.rows(
        "INSERT INTO fundings (content_id, rung, price_lamports, quote, funded_lamports, opened_at)"
        " VALUES ('bunny', 480, 1000000, '{}', 1, now()) RETURNING 1"
    )


def test_what_was_paid_for_is_not_taken_down(old: Studio, film: Film) -> None:
    invest(old)
    before = state(old)
    old.upload("bunny", film(360, start=5.0), "shifted.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert job["state"] == "REJECTED"
    assert "investors have put money into" in job["reason"]
    # It is told before anything is encoded.
    assert job["chunks_done"] == 0
    assert state(old) == before


@pytest.mark.parametrize("what", ["funding", "job"])
def test_money_that_comes_while_it_is_made_is_seen(old: Studio, film: Film, what: str) -> None:
    before = state(old)
    old.upload("bunny", film(360, start=5.0), "shifted.mp4")
    old.step("plan")
    old.step("encode")
    if what == "funding":
        invest(old)
    else:
        fund(old, "bunny", 240)
    old.step("assemble")
    job = old.rows("SELECT * FROM upgrade_jobs WHERE kind = 'source' ORDER BY created_at")[-1]
    assert job["state"] == "REJECTED"
    assert "investors have put money into" in job["reason"]
    after_content, after_renditions, _ = state(old)
    assert (after_content, after_renditions) == before[:2]


def test_an_analysis_that_cannot_be_moved_refuses_the_source(old: Studio, film: Film) -> None:
    body = b'{"begin_ms": 1200}'
    old.s3.put_object(Bucket=old.bucket, Key="analysis/bunny/words.json", Body=body)
    before = state(old)
    old.upload("bunny", film(360, start=5.0), "shifted.mp4")
    old.settle()
    job = old.jobs("bunny")[-1]
    assert job["state"] == "REJECTED"
    assert job["reason"].startswith("needs re-analysis: words.json cannot be moved")
    assert state(old) == before


def test_without_an_analysis_there_is_nothing_to_move(studio: Studio, film: Film) -> None:
    """It may be on its way, made of the present film."""
    studio.upload("bunny", film(240))
    studio.settle()
    studio.upload("bunny", film(360, start=5.0), "shifted.mp4")
    studio.settle()
    job = studio.jobs("bunny")[-1]
    assert job["state"] == "REJECTED"
    assert "there is no analysis yet" in job["reason"]


def test_only_one_of_two_better_sources_is_next(old: Studio, film: Film) -> None:
    """Both were compared with the same one; the second to be done would undo the first."""
    old.upload("bunny", film(360, start=5.0), "shifted.mp4")
    old.step("plan")
    old.step("encode")
    (waiting,) = old.receive("assemble")
    old.rows("UPDATE contents SET height_px = 1080, width_px = 1920 RETURNING 1")
    before = state(old)
    assert old.run("assemble", [waiting]) == []
    job = old.jobs("bunny")[-1]
    assert job["state"] == "REJECTED"
    assert "it is no better" in job["reason"]
    assert state(old)[:2] == before[:2]


def test_the_database_knows_whose_analysis_moves(studio: Studio, film: Film) -> None:
    studio.upload("bunny", film(240))
    studio.settle()
    with pytest.raises(psycopg.errors.CheckViolation, match="upgrade_jobs_moved"):
        studio.rows("UPDATE upgrade_jobs SET analysis_moved = '{}' RETURNING 1")
