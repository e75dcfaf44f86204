"""Contents, uploads and renditions on the real schema."""

from datetime import UTC, datetime
from fractions import Fraction
from uuid import UUID, uuid4

import psycopg
import pytest

from pixr.adapters.postgres import Database, connect, contents, investments, sql, upgrades
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


def expect(db: Database, content_id: str) -> tuple[UUID, str]:
    upload_id = uuid4()
    key = f"originals/{content_id}/{upload_id}/a.mp4"
    contents.create(db, content_id, "alice", NOW)
    contents.create_upload(
        db, upload_id=upload_id, content_id=content_id, user_id="alice", object_key=key, now=NOW
    )
    return upload_id, key


def accept(db: Database, content_id: str, key: str) -> bool:
    return contents.accept_source(
        db, content_id=content_id, source_key=key, source_bytes=9, source_etag='"e"', facts=FACTS
    )


def publish(db: Database, content_id: str, job_id: UUID, rung: int) -> None:
    contents.publish_rendition(
        db,
        content_id=content_id,
        rung=rung,
        job_id=job_id,
        size=Size(width_px=854, height_px=480),
        frames=720,
        duration_ms=30_000,
        size_bytes=4_000_000,
        bits_per_s=1_066_666,
        playlist_key="p",
        manifest_key="m",
        now=NOW,
    )


def test_first_to_name_a_content_owns_it(db: Database) -> None:
    assert contents.create(db, "movie", "alice", NOW)
    assert not contents.create(db, "movie", "bob", NOW)
    row = contents.get(db, "movie")
    assert row is not None
    assert (row["creator_id"], row["state"], row["created_at"]) == ("alice", "awaiting", NOW)
    assert contents.get(db, "other") is None


@pytest.mark.parametrize("content_id", ["", "a/b", "a b", "x" * 65, "ü"])
def test_names_that_are_no_names(db: Database, content_id: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        contents.create(db, content_id, "alice", NOW)


def test_upload_is_decided_once(db: Database) -> None:
    upload_id, key = expect(db, "movie")
    contents.reject_upload(db, upload_id, "first reason")
    contents.reject_upload(db, upload_id, "second reason")
    contents.accept_upload(db, upload_id)
    row = contents.get_upload(db, upload_id)
    assert row is not None
    assert (row["state"], row["reason"], row["object_key"]) == ("rejected", "first reason", key)
    assert contents.get_upload(db, uuid4()) is None


def test_one_source_per_content(db: Database) -> None:
    upload_id, key = expect(db, "movie")
    upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    assert accept(db, "movie", key)
    assert accept(db, "movie", key)
    assert not accept(db, "movie", key + "2")
    row = contents.get(db, "movie")
    assert row is not None
    assert (row["source_key"], row["width_px"], row["height_px"]) == (key, 1920, 1080)
    assert (row["frames"], row["duration_ms"], row["has_audio"]) == (720, 30_000, False)


def test_source_can_be_followed_by_another_until_something_is_published(db: Database) -> None:
    upload_id, key = expect(db, "movie")
    job = upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    assert accept(db, "movie", key)
    upgrades.close(db, job["id"], "FAILED", "x", now=NOW)
    assert accept(db, "movie", key + "2")
    with db.transaction():
        publish(db, "movie", job["id"], 480)
    assert not accept(db, "movie", key)


def test_a_source_that_investors_have_paid_for_stays(db: Database) -> None:
    """The price was made of its length: a longer one must not be had for it."""
    upload_id, key = expect(db, "movie")
    job = upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    assert accept(db, "movie", key)
    upgrades.close(db, job["id"], "FAILED", "x", now=NOW)
    investments.open_funding(db, "movie", 1080, price_lamports=100, quote={}, now=NOW)
    assert investments.promise(db, "movie", 1080, lamports=100) is not None
    assert not accept(db, "movie", key + "2")
    assert accept(db, "movie", key)
    # Once everybody has their money back the content may have another.
    db.execute("UPDATE fundings SET state = 'FAILED'")
    assert accept(db, "movie", key + "2")


def test_best_rung_only_rises(db: Database) -> None:
    upload_id, key = expect(db, "movie")
    job = upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    assert accept(db, "movie", key)
    for rung, best in ((720, 720), (480, 720), (1080, 1080)):
        with db.transaction():
            publish(db, "movie", job["id"], rung)
        row = contents.get(db, "movie")
        assert row is not None
        assert (row["state"], row["best_rung"], row["manifest_key"]) == ("live", best, "m")
    assert [row["rung"] for row in contents.list_renditions(db, "movie")] == [480, 720, 1080]
    assert contents.list_renditions(db, "other") == []


def test_publishing_outside_a_transaction_is_a_bug(db: Database) -> None:
    _, key = expect(db, "movie")
    assert accept(db, "movie", key)
    with pytest.raises(AssertionError):
        publish(db, "movie", uuid4(), 480)


def test_nothing_goes_live_without_a_source(db: Database) -> None:
    upload_id, key = expect(db, "movie")
    job = upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    with pytest.raises(psycopg.errors.CheckViolation), db.transaction():
        publish(db, "movie", job["id"], 480)
    assert contents.list_renditions(db, "movie") == []


def test_analysis_is_remembered_once(db: Database) -> None:
    expect(db, "movie")
    for sha256 in ("a" * 64, "b" * 64):
        contents.set_analysis(
            db, "movie", analysis_key="analysis/movie/manifest.json", analysis_sha256=sha256
        )
    row = contents.get(db, "movie")
    assert row is not None
    assert row["analysis_sha256"] == "a" * 64


def begin_again(db: Database, content_id: str) -> bool:
    with db.transaction():
        return contents.begin_again(
            db,
            content_id,
            analysis_key="analysis_versions/movie/job/manifest.json",
            analysis_sha256="0" * 64,
        )


def open_funding(db: Database, content_id: str) -> None:
    db.execute(
        "INSERT INTO fundings (content_id, rung, price_lamports, quote, funded_lamports, opened_at)"
        " VALUES (%s, 720, 100, '{}', 1, now())",
        (content_id,),
    )


def live(db: Database) -> UUID:
    """A movie with one free rendition; its job."""
    upload_id, key = expect(db, "movie")
    accept(db, "movie", key)
    job = upgrades.open_base(
        db, job_id=uuid4(), content_id="movie", upload_id=upload_id, source_key=key, now=NOW
    )
    with db.transaction():
        publish(db, "movie", job["id"], 480)
    job_id: UUID = job["id"]
    return job_id


def test_a_film_begins_again_without_what_was_made_of_it(db: Database) -> None:
    live(db)
    assert begin_again(db, "movie")
    content = contents.get(db, "movie")
    assert content is not None
    assert (content["analysis_version"], content["sound_key"]) == (2, None)
    assert contents.list_renditions(db, "movie") == []


@pytest.mark.parametrize("state", ["OPEN", "FUNDED", "LIVE"])
def test_what_is_paid_for_keeps_a_film_as_it_is(db: Database, state: str) -> None:
    job_id = live(db)
    open_funding(db, "movie")
    if state != "OPEN":
        db.execute(
            "UPDATE fundings SET funded_lamports = 100, escrowed_lamports = 100, state = %s,"
            " job_id = %s",
            (state, job_id),
        )
    assert contents.is_invested(db, "movie")
    assert not begin_again(db, "movie")
    db.execute("UPDATE fundings SET state = 'FAILED'")
    assert not contents.is_invested(db, "movie")


def test_money_and_a_film_that_begins_again_wait_for_each_other(
    db: Database, database_url: str
) -> None:
    live(db)
    with connect(database_url) as other:
        for connection in (db, other):
            connection.execute("SET lock_timeout = '200ms'")
        with other.transaction():
            open_funding(other, "movie")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                begin_again(db, "movie")
        assert not begin_again(db, "movie")
        other.execute("DELETE FROM fundings")
        with db.transaction():
            db.execute(sql("contents/lock"), {"content_id": "movie"})
            with pytest.raises(psycopg.errors.LockNotAvailable):
                open_funding(other, "movie")
