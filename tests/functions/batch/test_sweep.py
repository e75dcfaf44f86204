"""Goal: no upgrade stands still for ever, and none that moves is disturbed."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from functions.batch.sweep import PATIENCE, RESTARTS_MAX, sweep
from pixr.adapters.postgres import Database, connect, outbox, upgrades
from pixr.domain.costs import actual_document, estimate_document
from pixr.domain.quotes import Source
from pixr.domain.renditions import Size
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler
from tests.functions.batch.test_upgrades import end_job, funded, states

__all__ = ["funded"]

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STILL = {
    "QUEUED": PATIENCE.still,
    "TUNING": PATIENCE.still,
    "ENCODING": PATIENCE.still,
    "CONVERTING": PATIENCE.converting,
    "ASSEMBLING": PATIENCE.still,
}


def still(state: str, restarts: int) -> timedelta:
    """How long a job may stand still that was pushed so often: twice as long each time."""
    return STILL[state] if state == "CONVERTING" else STILL[state] * 2**restarts


def open_job(db: Database, state: str, *, moved_at: datetime = NOW) -> UUID:
    """A job of three chunks, as planning leaves it, in any open state."""
    job_id = uuid4()
    content_id = f"film-{job_id}"
    is_planned = state != "QUEUED"
    db.execute(
        "INSERT INTO contents (content_id, creator_id, source_key, created_at)"
        " VALUES (%s, 'carol', 'originals/x', now())",
        (content_id,),
    )
    db.execute(
        "INSERT INTO upgrade_jobs (id, content_id, kind, rung, source_key, settings, state,"
        " chunks_total, frames_total, way, way_reason, created_at, moved_at)"
        " VALUES (%s, %s, 'funded', 720, 'originals/x', %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            job_id,
            content_id,
            "{}" if is_planned else None,
            state,
            3 if is_planned else None,
            30 if is_planned else None,
            "mediaconvert" if state == "CONVERTING" else "chunks",
            "HDR" if state == "CONVERTING" else None,
            moved_at,
            moved_at,
        ),
    )
    for position in range(3 if is_planned else 0):
        db.execute(
            "INSERT INTO upgrade_chunks (job_id, position, frame_start, frame_count)"
            " VALUES (%s, %s, %s, 10)",
            (job_id, position, 10 * position),
        )
    return job_id


def job(db: Database, job_id: UUID) -> dict[str, Any]:
    row = upgrades.get(db, job_id)
    assert row is not None
    return row


def flush(db: Database) -> list[UUID]:
    """Send what was promised; whom it is about."""
    sent: list[UUID] = []

    def send(topic: str, payload: dict[str, Any]) -> None:
        assert topic == "upgrade.plan"
        assert set(payload) == {"job_id"}
        sent.append(UUID(payload["job_id"]))

    outbox.flush(db, send, now=NOW)
    return sent


@pytest.mark.parametrize("state", STILL)
def test_a_job_that_stands_still_is_pushed_once_its_time_is_over(db: Database, state: str) -> None:
    job_id = open_job(db, state)
    assert sweep(db, now=NOW + STILL[state]).pushed == []
    later = NOW + STILL[state] + timedelta(seconds=1)
    assert sweep(db, now=later).pushed == [job_id]
    assert flush(db) == [job_id]
    found = job(db, job_id)
    assert (found["state"], found["restarts"], found["moved_at"]) == (state, 1, later)
    assert flush(db) == []
    assert sweep(db, now=later + still(state, 1)).pushed == []


@pytest.mark.parametrize("state", STILL)
def test_a_job_that_no_push_moves_is_given_up(db: Database, state: str) -> None:
    job_id = open_job(db, state)
    now = NOW
    for restarts in range(RESTARTS_MAX):
        now += still(state, restarts) + MINUTE
        assert sweep(db, now=now).pushed == [job_id]
        assert flush(db) == [job_id]
    assert sweep(db, now=now + MINUTE).given_up == {}
    end = now + still(state, RESTARTS_MAX) + MINUTE
    swept = sweep(db, now=end)
    assert swept.pushed == []
    reason = f"it stalled in {state}, and to push it 5 times did not help"
    assert swept.given_up == {str(job_id): reason}
    found = job(db, job_id)
    assert (found["state"], found["reason"]) == ("FAILED", reason)
    assert found["closed_at"] == end
    assert sweep(db, now=end + timedelta(days=9)).given_up == {}
    assert flush(db) == []


def test_a_message_that_has_not_left_is_not_promised_twice_and_not_counted(db: Database) -> None:
    """The queue is away for a day: that is no fault of the job's."""
    job_id = open_job(db, "ENCODING")
    assert sweep(db, now=NOW + 21 * MINUTE).pushed == [job_id]
    for hours in range(1, 24):
        swept = sweep(db, now=NOW + timedelta(hours=hours))
        assert (swept.pushed, swept.given_up) == ([], {})
    assert flush(db) == [job_id]
    assert sweep(db, now=NOW + timedelta(hours=24)).pushed == [job_id]


def test_a_closed_job_is_let_be(db: Database) -> None:
    job_id = open_job(db, "ENCODING")
    upgrades.close(db, job_id, "FAILED", "no", now=NOW)
    swept = sweep(db, now=NOW + timedelta(days=1))
    assert (swept.pushed, swept.given_up) == ([], {})


def test_a_pass_is_bounded_and_takes_the_stillest_first(db: Database) -> None:
    jobs = [
        open_job(db, "QUEUED", moved_at=NOW - number * MINUTE)
        for number in range(PATIENCE.jobs_max + 2)
    ]
    first = sweep(db, now=NOW + timedelta(hours=2)).pushed
    assert set(first) == set(jobs[2:])
    assert set(sweep(db, now=NOW + timedelta(hours=2)).pushed) == set(jobs[:2])


@pytest.mark.parametrize("seed", range(12))
def test_who_moves_within_five_pushes_is_never_given_up(db: Database, seed: int) -> None:
    """A worker that is slow, dies or is not heard for a while, drawn by lot, and a model of it."""
    luck = Random(seed)
    job_id = open_job(db, "ENCODING")
    now, moved_at, restarts, done = NOW, NOW, 0, 0
    while True:
        now += timedelta(minutes=luck.choice([1, 19, 21, 80, 700]))
        if luck.random() < 0.15:
            is_last = upgrades.complete_chunk(
                db,
                job_id=job_id,
                position=done,
                object_key=f"chunks/{done}",
                size_bytes=1,
                cpu_ms=1,
                now=now,
            )
            done, moved_at, restarts = done + 1, now, 0
            assert is_last == (done == 3)
            if is_last:
                break
        swept = sweep(db, now=now)
        is_still = now - moved_at > still("ENCODING", restarts)
        if is_still and restarts == RESTARTS_MAX:
            assert list(swept.given_up) == [str(job_id)]
            break
        assert swept.pushed == ([job_id] if is_still else [])
        assert swept.given_up == {}
        if is_still:
            moved_at, restarts = now, restarts + 1
        flush(db)
    found = job(db, job_id)
    assert (found["chunks_done"], found["frames_done"]) == (done, 10 * done)
    assert found["state"] == ("ASSEMBLING" if done == 3 else "FAILED")


def age(settler: Settler, restarts: int) -> None:
    by = still("ENCODING", restarts) + MINUTE
    settler.db.execute("UPDATE upgrade_jobs SET moved_at = moved_at - %s", (by,))


def test_a_stalled_upgrade_is_pushed_by_the_settler_and_then_refunded(funded: Settler) -> None:
    first = list(funded.sent)
    for restarts in range(RESTARTS_MAX):
        age(funded, restarts)
        report = funded.tick()
        assert len(report.upgrades_pushed) == 1
        assert funded.sent == first * (restarts + 2)
    age(funded, RESTARTS_MAX)
    report = funded.tick()
    assert len(report.upgrades_stalled) == 1
    assert states(funded) == ["REFUNDED", "REFUNDED"]
    for name in ("bob", "carol"):
        assert funded.balance(funded.keyring.seed.wallet(name).address) == 10**9
    assert [check for check in verify(funded.db, funded.chain) if check.differences] == []


def test_how_far_an_estimate_was_off_is_told_once(funded: Settler) -> None:
    source = Source(size=Size(width_px=1920, height_px=1080), frames=14_400, duration_ms=600_000)
    estimate = estimate_document(source, 1080)
    actual = actual_document(
        cpu_ms=2 * estimate["vcpu_ms"],
        megapixels=estimate["megapixels"],
        size_bytes=estimate["bytes"],
        chunks=60,
    )
    funded.db.execute(
        "UPDATE upgrade_jobs SET estimate = jsonb_build_object('usd', %s::text),"
        " actual = jsonb_build_object('usd', %s::text)",
        (estimate["usd"], actual["usd"]),
    )
    end_job(funded, "PUBLISHED")
    (error_percent,) = funded.tick().cost_errors_percent
    assert -30 < error_percent < -15  # processor time is a third of it, and was twice as much
    assert funded.tick().cost_errors_percent == []


def test_a_job_that_a_worker_has_in_hand_is_not_given_up(db: Database, database_url: str) -> None:
    """A chunk is counted just while the sweep looks: it waits for nobody and closes nothing."""
    job_id = open_job(db, "ENCODING")
    db.execute("UPDATE upgrade_jobs SET restarts = %s", (RESTARTS_MAX,))
    later = NOW + timedelta(hours=1)
    with connect(database_url) as worker:
        with worker.transaction():
            upgrades.complete_chunk(
                worker,
                job_id=job_id,
                position=0,
                object_key="chunks/0",
                size_bytes=1,
                cpu_ms=1,
                now=later,
            )
            swept = sweep(db, now=later)
            assert (swept.pushed, swept.given_up) == ([], {})
        swept = sweep(db, now=later)
    assert (swept.pushed, swept.given_up) == ([], {})
    assert job(db, job_id)["state"] == "ENCODING"
