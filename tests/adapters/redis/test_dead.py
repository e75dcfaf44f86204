"""Goal: what was put aside can be read, and put back as it was sent."""

from collections.abc import Iterator

import pytest
import redis

from pixr.adapters.redis import DEAD, PACKS, DeadLetters, StreamUnreachable, ViewStream
from pixr.adapters.redis.layout import DEAD_BEFORE
from tests.adapters.redis.conftest import event, in_json, line
from tests.adapters.redis.test_stream import lines

MANY = 10_000


@pytest.fixture
def dead(redis_url: str) -> Iterator[DeadLetters]:
    opened = DeadLetters(redis_url)
    yield opened
    opened.close()


def put_aside(stream: ViewStream, raw: redis.Redis, *items: bytes) -> None:
    """One pack; everything bad in it becomes a letter."""
    raw.xadd(PACKS, {"p": b"\n".join(items), "n": len(items)})
    entries = stream.read(MANY, "a")
    stream.finish(entries, [(entry, bad) for entry in entries for bad in entry.bad])


def test_there_are_no_letters_at_first(dead: DeadLetters) -> None:
    assert list(dead.list()) == []
    assert dead.get("1-1") is None
    dead.replay([])
    assert dead.drop([]) == 0


def test_letters_are_listed_with_where_they_came_from(
    dead: DeadLetters, patient: ViewStream, raw: redis.Redis
) -> None:
    put_aside(patient, raw, line(1), b"x", b"y")
    first, second = dead.list()
    assert (first.stream, first.position, first.is_json) == (PACKS, 1, False)
    assert (first.payload, first.reason) == (b"x", "not a view event")
    assert (second.payload, second.entry_id) == (b"y", first.entry_id)
    assert dead.get(second.id) == second
    assert second.decode()[0].count == 0


def test_more_letters_than_one_answer_holds_are_all_listed(
    dead: DeadLetters, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixr.adapters.redis.dead.LETTERS_PER_READ", 2)
    raw.xadd(DEAD_BEFORE, {"entry": "1-1", "payload": "older", "reason": "not a view event"})
    for number in range(5):
        raw.xadd(DEAD, {"payload": str(number)})
    found = [letter.payload for letter in dead.list()]
    assert found == [b"older", b"0", b"1", b"2", b"3", b"4"]


def test_a_replayed_pack_is_what_was_sent(
    dead: DeadLetters, stream: ViewStream, raw: redis.Redis
) -> None:
    stream.append([event(1), event(2)])
    for _ in range(6):
        stream.read(MANY, "clumsy")
    (letter,) = dead.list()
    assert letter.decode()[0].each() == [line(1), line(2)]
    dead.replay([letter])
    assert (list(dead.list()), stream.depth()) == ([], 2)
    assert lines(stream.read(MANY, "a")) == [line(1), line(2)]


def test_a_replayed_event_becomes_a_pack_of_its_own(
    dead: DeadLetters, patient: ViewStream, raw: redis.Redis
) -> None:
    """Also one that an older settler put aside."""
    raw.xadd(DEAD_BEFORE, {"entry": "1-1", "payload": in_json(1), "reason": "late"})
    patient.append([event(2), event(3)])
    (entry,) = patient.read(MANY, "a")
    patient.finish([entry], [(entry, entry.put_aside({line(3): "late"})[0])])
    dead.replay(list(dead.list()))
    assert (list(dead.list()), patient.depth()) == ([], 2)
    assert lines(patient.read(MANY, "a")) == [line(1), line(3)]


def test_dropped_letters_are_gone(dead: DeadLetters, patient: ViewStream, raw: redis.Redis) -> None:
    put_aside(patient, raw, b"x", b"y")
    first, second = dead.list()
    assert dead.drop([first]) == 1
    assert dead.drop([first]) == 0
    assert list(dead.list()) == [second]


def test_an_absent_redis_is_an_outage() -> None:
    dead = DeadLetters("redis://127.0.0.1:1/0", timeout_s=0.2)
    for ask in (lambda: list(dead.list()), lambda: dead.get("1-1")):
        with pytest.raises(StreamUnreachable):
            ask()
    dead.close()
