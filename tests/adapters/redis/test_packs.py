"""Goal: whatever stands in an entry, its good events are read and its bad ones are named.

Method: examples of each fault; tests/domain/test_view_lines.py has what hypothesis thinks of.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.adapters.redis.packs import (
    PACK_EVENTS_MAX,
    PACK_EVENTS_READ_MAX,
    decode,
    decode_event,
    decode_pack,
    encode_packs,
    whole,
)
from pixr.domain.view_lines import Lines, joined, write_lines
from tests.adapters.redis.conftest import event, in_json, line


def test_what_is_packed_is_read_back() -> None:
    events = [event(number) for number in range(2 * PACK_EVENTS_MAX + 1)]
    packs = list(encode_packs(events))
    assert [pack.count for pack in packs] == [PACK_EVENTS_MAX, PACK_EVENTS_MAX, 1]
    decoded = [decode({b"p": pack.text, b"n": b"1"}) for pack in packs]
    assert joined(lines for lines, _ in decoded) == write_lines(events)
    assert all(bad == [] for _, bad in decoded)


def test_a_bad_line_of_a_pack_is_named_with_its_place() -> None:
    lines, (bad,) = decode_pack(b"\n".join([line(1), b"what", line(2)]))
    assert lines.each() == [line(1), line(2)]
    assert (bad.payload, bad.position, bad.is_json) == (b"what", 1, False)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "an empty pack"),
        (b"e\tc\tv\t1\t1\n" * (PACK_EVENTS_READ_MAX + 1), "a pack of more than 1000 events"),
    ],
)
def test_what_is_no_pack_is_put_aside_as_a_whole(payload: bytes, reason: str) -> None:
    lines, (bad,) = decode_pack(payload)
    assert lines == Lines()
    assert (bad.payload, bad.reason, bad.position) == (payload, reason, None)


def test_an_event_from_before_packs_is_read() -> None:
    assert decode({b"e": in_json(1).encode()}) == (Lines(text=line(1) + b"\n", count=1), [])


GOOD: list[Any] = ["e", "c", "v", 1, 2]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not a view event"),
        (b"null", "not a view event"),
        (b"not json", "not a view event"),
        (b"\xff", "not a view event"),
        (b"[" * 100_000, "not a view event"),
        (b'["e","c","v",1,' + b"9" * 5_000 + b"]", "not a view event"),
        (json.dumps(GOOD[:4]).encode(), "not a view event"),
        (json.dumps([*GOOD, 3]).encode(), "not a view event"),
        (json.dumps("abcde").encode(), "watched_ms is not"),
        (json.dumps(dict.fromkeys("abcde", 1)).encode(), "watched_ms is not"),
        (json.dumps([7, *GOOD[1:]]).encode(), "event_id is not a text"),
        (json.dumps(["e", "c", "v", True, 2]).encode(), "watched_ms is not"),
        (json.dumps(["e", "c", "v", "1", 2]).encode(), "watched_ms is not"),
        (json.dumps(["e", "c", "v", 1, 2.5]).encode(), "occurred_us is not"),
        (json.dumps(["e\0", "c", "v", 1, 2]).encode(), "no database can store"),
        (json.dumps(["e", "c", "v\ud800", 1, 2]).encode(), "no database can store"),
    ],
    ids=range(16),
)
def test_what_is_no_event_from_before_packs_is_named(payload: bytes, reason: str) -> None:
    lines, (bad,) = decode_event(payload)
    assert lines == Lines()
    assert reason in bad.reason
    assert (bad.payload, bad.is_json) == (payload, True)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fall_over(payload: bytes) -> None:
    for read in (decode_pack, decode_event):
        lines, bad = read(payload)
        assert lines.count == len(lines.each())
        assert lines.count or bad


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=6) | st.dictionaries(st.text(), children),
)


@given(JSON)
def test_every_json_is_an_event_or_a_complaint(item: Any) -> None:
    lines, bad = decode_event(json.dumps(item).encode())
    assert lines.count + len(bad) == 1


def test_an_entry_that_is_not_ours_is_written_down_for_a_person() -> None:
    bad = whole({b"x": b"1", b"\xff": b"\xfe"}, "why")
    assert json.loads(bad.payload) == {"x": "1", "\\xff": "\\xfe"}
