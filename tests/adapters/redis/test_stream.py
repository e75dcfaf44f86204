"""Goal: an event that was taken is counted or put aside, whatever reader dies.

Method: a real Valkey; readers that never finish stand for those that died.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from pixr.adapters.redis import (
    DEAD,
    DELIVERIES_MAX,
    GROUP,
    PACKS,
    STREAM,
    WAITING,
    Entry,
    StreamUnreachable,
    ViewStream,
)
from pixr.adapters.redis.stream import _COMPANY
from pixr.domain.view_lines import Lines
from tests.adapters.redis.conftest import event, in_json, line

MANY = 1_000


def lines(entries: Sequence[Entry]) -> list[bytes]:
    return [line for entry in entries for line in entry.lines.each()]


def letters(raw: redis.Redis) -> list[dict[bytes, bytes]]:
    found: Any = raw.xrange(DEAD)
    return [fields for _, fields in found]


def test_what_is_appended_is_read_in_order_and_once(patient: ViewStream) -> None:
    patient.append([event(number) for number in range(250)])
    first = patient.read(MANY, "a")
    assert lines(first) == [line(number) for number in range(250)]
    assert len(first) == 3
    assert patient.read(MANY, "b") == []
    assert patient.depth() == 250
    patient.finish(first)
    assert (patient.depth(), patient.dead_depth()) == (0, 0)


def test_a_slice_ends_where_enough_was_read(patient: ViewStream) -> None:
    for number in range(600):
        patient.append([event(number)])
    first = patient.read(300, "a")
    assert 300 <= len(lines(first)) <= 500
    second = patient.read(MANY, "b")
    assert lines([*first, *second]) == [line(number) for number in range(600)]


def test_entries_of_an_older_api_are_read_as_well(patient: ViewStream, raw: redis.Redis) -> None:
    raw.xadd(STREAM, {"e": in_json(1)})
    patient.append([event(2)])
    assert patient.depth() == 2
    entries = patient.read(MANY, "a")
    assert sorted(lines(entries)) == [line(1), line(2)]
    patient.finish(entries)
    assert (raw.xlen(STREAM), raw.xlen(PACKS), patient.depth()) == (0, 0, 0)


def test_what_a_dead_reader_left_comes_before_new_events(stream: ViewStream) -> None:
    stream.append([event(1)])
    (left,) = stream.read(MANY, "dead")
    stream.append([event(2)])
    taken = stream.read(MANY, "alive")
    assert taken[0] == left
    assert lines(taken) == [line(1), line(2)]


def test_what_is_given_back_comes_at_once_and_was_never_delivered(
    patient: ViewStream, raw: redis.Redis
) -> None:
    patient.append([event(1)])
    for _ in range(2 * DELIVERIES_MAX):
        entries = patient.read(MANY, "a")
        assert lines(entries) == [line(1)]
        assert not entries[0].is_suspect
        patient.give_back(entries, "a")
    assert patient.dead_depth() == 0


def test_to_give_back_to_a_redis_that_is_away_is_no_fault() -> None:
    stream = ViewStream("redis://127.0.0.1:1/0", timeout_s=0.2)
    stream.give_back([Entry(key=PACKS, id="1-1", lines=Lines(), bad=(), waiting=0)], "a")
    stream.close()


def test_an_entry_that_nobody_finishes_is_put_aside_as_it_was(
    stream: ViewStream, raw: redis.Redis
) -> None:
    stream.append([event(1)])
    sent: Any = raw.xrange(PACKS)
    for _ in range(DELIVERIES_MAX):
        assert lines(stream.read(MANY, "clumsy")) == [line(1)]
    stream.append([event(2)])
    assert lines(stream.read(MANY, "clumsy")) == [line(2)]
    assert (stream.depth(), stream.dead_depth()) == (1, 1)
    (letter,) = letters(raw)
    assert (letter[b"payload"], letter[b"kind"]) == (sent[0][1][b"p"], b"lines")
    assert letter[b"reason"] == b"delivered 5 times"


def test_what_kills_readers_takes_no_neighbour_with_it(stream: ViewStream) -> None:
    """One entry of many kills whoever reads it: in the end it alone is put aside."""
    entries_total = 100
    for number in range(entries_total):
        stream.append([event(number)])
    poison, earned, deaths = line(57), set[bytes](), 0
    for _ in range(1_000):
        entries = stream.read(10 * MANY, "reader")
        if not entries:
            break
        if poison in lines(entries):
            deaths += 1
            continue
        earned.update(lines(entries))
        stream.finish(entries)
    assert deaths == DELIVERIES_MAX
    assert earned == {line(number) for number in range(entries_total)} - {poison}
    assert (stream.depth(), stream.dead_depth()) == (0, 1)


def test_suspects_come_in_small_company(stream: ViewStream) -> None:
    for number in range(100):
        stream.append([event(number)])
    sizes = [len(stream.read(10 * MANY, "reader")) for _ in range(4)]
    assert sizes == [100, 100, _COMPANY[2], _COMPANY[3]]


@pytest.mark.parametrize(
    "fields",
    [
        {"x": "1"},
        {"p": "not a line"},
        {"p": "", "n": "1"},
        {"p": "a\tb", "n": "-5"},
        {"p": "\n", "n": "999999999999"},
        {"e": "not json"},
        {"e": '["e","c","v","1",1]'},
        {"e": b"\xff"},
        {"p": b"e\tc\0\tv\t1\t1", "n": "1"},
    ],
)
@pytest.mark.parametrize("key", [STREAM, PACKS])
def test_what_is_not_an_event_is_told_and_can_be_put_aside(
    patient: ViewStream, raw: redis.Redis, key: str, fields: dict[Any, Any]
) -> None:
    raw.xadd(key, {**fields})
    (entry,) = patient.read(MANY, "a")
    (bad,) = entry.bad
    assert (entry.key, entry.lines) == (key, Lines())
    patient.finish([entry], [(entry, bad)])
    assert (patient.depth(), patient.dead_depth()) == (0, 1)
    (letter,) = letters(raw)
    assert letter[b"reason"].decode() == bad.reason
    assert (letter[b"stream"].decode(), letter[b"entry"].decode()) == (key, entry.id)


def test_a_flood_of_garbage_is_put_aside_in_bounded_steps(
    patient: ViewStream, raw: redis.Redis
) -> None:
    for _ in range(120):
        raw.xadd(PACKS, {"p": "x\n" * 20, "n": 20})
    entries = patient.read(10 * MANY, "a")
    patient.finish(entries, [(entry, bad) for entry in entries for bad in entry.bad])
    assert patient.dead_depth() == 120 * 20
    assert [letter[b"position"] for letter in letters(raw)[:3]] == [b"0", b"1", b"2"]


def test_the_place_of_a_good_event_counts_the_bad_ones_before_it(
    patient: ViewStream, raw: redis.Redis
) -> None:
    raw.xadd(PACKS, {"p": b"\n".join([b"x", line(1), b"x", line(2)])})
    (entry,) = patient.read(MANY, "a")
    assert [event.position for event in entry.put_aside({line(1): "late"})] == [1]
    (letter,) = entry.put_aside({line(2): "late"})
    assert (letter.position, letter.payload, letter.reason) == (3, line(2), "late")


def test_a_redis_that_lost_everything_is_used_again(patient: ViewStream, raw: redis.Redis) -> None:
    patient.append([event(1)])
    taken = patient.read(MANY, "a")
    raw.flushall()
    assert patient.read(MANY, "a") == []
    patient.finish(taken)
    assert patient.depth() == 0
    patient.append([event(2)])
    assert lines(patient.read(MANY, "a")) == [line(2)]


def test_a_number_that_somebody_claimed_ends_with_the_entry(
    patient: ViewStream, raw: redis.Redis
) -> None:
    raw.incrby(WAITING, -5)
    patient.append([event(1)])
    assert patient.depth() == 1
    patient.tidy()
    assert raw.get(WAITING) == b"-4", "something waits, and may be counted"
    patient.finish(patient.read(MANY, "a"))
    assert patient.depth() == 0
    patient.tidy()
    assert raw.get(WAITING) is None


def test_readers_that_have_gone_are_forgotten_and_those_that_hold_something_are_not(
    patient: ViewStream, raw: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patient.tidy() == 0
    patient.append([event(1)])
    patient.read(MANY, "holds")
    patient.read(MANY, "empty")
    assert patient.tidy() == 0, "an hour has not passed"
    monkeypatch.setattr("pixr.adapters.redis.stream.CONSUMER_IDLE_MS", 0)
    assert patient.tidy() >= 1
    names: Any = raw.xinfo_consumers(PACKS, GROUP)
    assert [reader["name"] for reader in names] == [b"holds"]


def test_too_few_replicas_are_an_outage(redis_url: str) -> None:
    stream = ViewStream(redis_url, replicas_min=1, timeout_s=1.0)
    with pytest.raises(StreamUnreachable, match="0 of 1 replicas"):
        stream.append([event(1)])
    stream.close()


def test_a_full_redis_takes_nothing_at_all(patient: ViewStream, raw: redis.Redis) -> None:
    raw.config_set("maxmemory", "1")
    try:
        with pytest.raises(StreamUnreachable):
            patient.append([event(1), event(2)])
    finally:
        raw.config_set("maxmemory", "0")
    assert patient.depth() == 0


def test_an_absent_redis_is_an_outage_that_names_no_address() -> None:
    stream = ViewStream("redis://:secret@127.0.0.1:1/0", timeout_s=0.2)
    asked = (
        stream.ping,
        stream.depth,
        stream.dead_depth,
        stream.tidy,
        lambda: stream.read(1, "a"),
    )
    for ask in asked:
        with pytest.raises(StreamUnreachable) as caught:
            ask()
        assert "secret" not in str(caught.value)
    stream.close()


def test_nothing_is_nothing(patient: ViewStream) -> None:
    patient.append([])
    patient.finish([])
    patient.give_back([], "a")
    patient.ping()
    assert (patient.depth(), patient.dead_depth()) == (0, 0)


def test_all_keys_share_a_slot() -> None:
    """A clustered Redis refuses a transaction over two."""
    assert len({key_slot(key.encode()) for key in (STREAM, PACKS, WAITING, DEAD)}) == 1
