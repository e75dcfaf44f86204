"""Contents as the reprocessor leaves them, for tests of what comes after."""

import json
from typing import Protocol
from uuid import UUID, uuid4

from pixr.adapters.postgres import Database
from tests.house import House


class Holder(Protocol):
    """Whoever has the database."""

    @property
    def db(self) -> Database: ...


def publish(
    house: Holder,
    content_id: str = "clip",
    *,
    creator_id: str = "carol",
    rungs: tuple[int, ...] = (480,),
    short_px: int = 1080,
    frames: int = 900,
    detail: dict[int, int] | None = None,
) -> None:
    """A live content of 30 s with a source and published renditions; 50 kB a frame."""
    house.db.execute(
        "INSERT INTO contents (content_id, creator_id, state, source_key, source_bytes, width_px,"
        " height_px, duration_ms, frames, has_audio, best_rung, manifest_key, analysis_key,"
        " analysis_sha256, detail, created_at)"
        " VALUES (%s, %s, 'live', 'originals/x', %s, %s, %s, 30000, %s, true, %s,"
        " 'media/clip/master.m3u8', 'analysis/x', %s, %s, now())",
        (
            content_id,
            creator_id,
            50_000 * frames,
            short_px * 16 // 9,
            short_px,
            frames,
            max(rungs),
            "ab" * 32,
            None if detail is None else json.dumps(detail),
        ),
    )
    for rung in rungs:
        job_id = uuid4()
        house.db.execute(
            "INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, settings, state,"
            " chunks_total, chunks_done, created_at, moved_at, closed_at)"
            " VALUES (%s, %s, 'base', %s, 'originals/x', '{}', 'PUBLISHED', 1, 1, now(), now(),"
            " now())",
            (job_id, content_id, rung),
        )
        house.db.execute(
            "INSERT INTO renditions VALUES"
            " (%s, %s, %s, %s, %s, 900, 30000, 5000, 90000, 'media/p', now())",
            (content_id, rung, job_id, rung * 16 // 9, rung),
        )


def pin_escrow(house: House) -> str:
    """What the settler does at its first run; the address."""
    address = house.seed.escrow().address
    house.db.execute("INSERT INTO house_addresses VALUES ('escrow', %s, now())", (address,))
    return address


def start_job(house: House, content_id: str, rung: int, *, done: int, total: int) -> UUID:
    """What the settler does when an upgrade is paid for, and the encoder after it."""
    job_id = uuid4()
    house.db.execute(
        "INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, settings, state,"
        " chunks_total, chunks_done, frames_total, frames_done, created_at, moved_at)"
        " VALUES (%s, %s, 'funded', %s, 'originals/x', '{}', 'ENCODING', %s, %s, %s, %s,"
        " now(), now())",
        (job_id, content_id, rung, total, done, 240 * total, 240 * done),
    )
    house.db.execute(
        "UPDATE fundings SET escrowed_lamports = price_lamports, state = 'FUNDED', job_id = %s"
        " WHERE content_id = %s AND rung = %s",
        (job_id, content_id, rung),
    )
    return job_id
