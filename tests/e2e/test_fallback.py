"""A film that our encoders cannot make goes through MediaConvert, on the deployed stack."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import boto3

from pixr.adapters import queue
from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.postgres import Row, contents, conversions, upgrades
from pixr.domain.media import plan
from pixr.domain.renditions import base_rung
from tests.clips import FFMPEG, levels, numbered, sound_md5
from tests.e2e.conftest import World
from tests.e2e.test_thread import wait


def diverted(world: World, clip: Path) -> tuple[UUID, str]:
    """A job as planning leaves it whose source is none for our encoders; and the source's key."""
    now, content_id, upload_id, job_id = datetime.now(UTC), f"odd-{uuid4()}", uuid4(), uuid4()
    key = f"originals/{content_id}/{upload_id}/clip.mp4"
    facts = Ffmpeg(FFMPEG).probe(clip)
    etag = f'"{hashlib.md5(clip.read_bytes(), usedforsecurity=False).hexdigest()}"'
    rung = base_rung(facts.size)
    frozen, chunks = plan(facts, rung)
    with world.db.transaction():
        contents.create(world.db, content_id, "carol", now)
        contents.create_upload(
            world.db,
            upload_id=upload_id,
            content_id=content_id,
            user_id="carol",
            object_key=key,
            now=now,
        )
        upgrades.open_base(
            world.db,
            job_id=job_id,
            content_id=content_id,
            upload_id=upload_id,
            source_key=key,
            now=now,
        )
        assert contents.accept_source(
            world.db,
            content_id=content_id,
            source_key=key,
            source_bytes=clip.stat().st_size,
            source_etag=etag,
            facts=facts,
        )
        planned = upgrades.Planned(
            job_id=job_id,
            rung=rung,
            source_etag=etag,
            plan=frozen,
            chunks=chunks,
            analysis=None,
        )
        assert upgrades.start(world.db, planned, now=now)
        assert conversions.divert(world.db, job_id, "the source cannot be split", now)
    return job_id, key


def test_mediaconvert_makes_what_our_encoders_cannot(world: World, tmp_path: Path) -> None:
    clip = numbered(tmp_path / "clip.mp4", seconds=3)
    job_id, key = diverted(world, clip)
    s3, bucket = boto3.client("s3"), world.machine.outputs.bucket
    s3.put_object(Bucket=bucket, Key=key, Body=clip.read_bytes())
    fallback = world.machine.outputs.queue_urls["Fallback"]
    queue.send(fallback, {"job_id": str(job_id)})

    def closed() -> Row | None:
        job = upgrades.get(world.db, job_id)
        return job if job is not None and job["closed_at"] is not None else None

    job = wait(closed)
    assert (job["state"], job["reason"]) == ("PUBLISHED", None)
    assert job["converter_job"]
    (rendition,) = contents.list_renditions(world.db, job["content_id"])
    assert rendition["frames"] == 36
    folder = f"media/{job['content_id']}/"
    for item in s3.list_objects_v2(Bucket=bucket, Prefix=folder)["Contents"]:
        copy = tmp_path / item["Key"]
        copy.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, item["Key"], str(copy))
    assert len(levels(tmp_path / rendition["playlist_key"])) == 36
    content = contents.get(world.db, job["content_id"])
    assert content is not None
    assert sound_md5(tmp_path / content["sound_key"]) == sound_md5(clip)
