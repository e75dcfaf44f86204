"""Goal: a key, its work and its answer are there together or not at all."""

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pixr.adapters.postgres import Database, connect, idempotency
from pixr.adapters.postgres.idempotency import Claim, find, keep, take
from pixr.domain.errors import KeyReused, StillRunning

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def claim(key: str = "k", *, user: str = "alice", route: str = "r", body: bytes = b"1") -> Claim:
    return Claim(user_id=user, key=key, route=route, body_sha256=body * 32)


def work(db: Database, asked: Claim, answer: dict[str, Any]) -> dict[str, Any]:
    with db.transaction():
        known = take(db, asked, now=NOW)
        if known is not None:
            return known
        keep(db, asked, status=202, answer=answer)
    return answer


def test_the_first_answer_is_the_only_one(db: Database) -> None:
    assert find(db, claim()) is None
    assert work(db, claim(), {"n": 1}) == {"n": 1}
    assert work(db, claim(), {"n": 2}) == {"n": 1}
    assert find(db, claim()) == {"n": 1}


@pytest.mark.parametrize("other", [claim(body=b"2"), claim(route="s")], ids=["body", "route"])
def test_a_key_means_one_request(db: Database, other: Claim) -> None:
    work(db, claim(), {})
    with pytest.raises(KeyReused):
        find(db, other)
    with pytest.raises(KeyReused):
        work(db, other, {})


def test_two_users_may_choose_the_same_key(db: Database) -> None:
    assert work(db, claim(user="alice"), {"n": 1}) == {"n": 1}
    assert work(db, claim(user="bob"), {"n": 2}) == {"n": 2}


def fail(db: Database) -> None:
    with db.transaction():
        assert take(db, claim(), now=NOW) is None
        raise ValueError("broken")


def test_work_that_fails_leaves_the_key_free(db: Database) -> None:
    with pytest.raises(ValueError, match="broken"):
        fail(db)
    assert work(db, claim(), {"n": 2}) == {"n": 2}


def test_a_key_at_work_is_waited_for_and_then_answered(db: Database, database_url: str) -> None:
    answers: list[dict[str, Any]] = []

    def second() -> None:
        with connect(database_url) as other:
            answers.append(work(other, claim(), {"n": 2}))

    thread = threading.Thread(target=second)
    with db.transaction():
        assert take(db, claim(), now=NOW) is None
        thread.start()
        keep(db, claim(), status=202, answer={"n": 1})
    thread.join()
    assert answers == [{"n": 1}]


def test_a_key_that_stays_at_work_is_told_so(db: Database, database_url: str) -> None:
    with connect(database_url) as other:
        other.execute("SET lock_timeout = '50ms'")
        with db.transaction():
            take(db, claim(), now=NOW)
            with pytest.raises(StillRunning), other.transaction():
                take(other, claim(), now=NOW)


def aged(db: Database, key: str, age: timedelta) -> None:
    work(db, claim(key), {})
    db.execute("UPDATE idempotency SET claimed_at = now() - %s WHERE key = %s", [age, key])


HOUR = timedelta(hours=1)


def test_a_key_is_forgotten_after_a_month_and_some_at_a_time(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "PRUNED_TOGETHER", 2)
    for number in range(3):
        aged(db, f"old{number}", idempotency.KEPT + HOUR)
    aged(db, "young", idempotency.KEPT - HOUR)
    now = datetime.now(UTC)
    assert [idempotency.prune(db, now=now) for _ in range(3)] == [2, 1, 0]
    assert find(db, claim("young")) == {}
    assert work(db, claim("old0"), {"n": 9}) == {"n": 9}


def test_a_clock_that_runs_ahead_forgets_nothing(db: Database) -> None:
    aged(db, "k", idempotency.KEPT - HOUR)
    assert idempotency.prune(db, now=datetime.now(UTC) + timedelta(days=400)) == 0


def test_a_key_that_is_looked_at_is_left_alone(db: Database, database_url: str) -> None:
    aged(db, "k", idempotency.KEPT + HOUR)
    now = datetime.now(UTC)
    with connect(database_url) as other, other.transaction():
        other.execute("SELECT FROM idempotency FOR UPDATE")
        assert idempotency.prune(db, now=now) == 0
    assert idempotency.prune(db, now=now) == 1
