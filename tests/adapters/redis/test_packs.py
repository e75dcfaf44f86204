"""Goal: whatever stands in an entry, its good events are read and its bad ones are named.

Method: examples of each fault, then anything that hypothesis can think of.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.adapters.redis.packs import (
    PACK_EVENTS_MAX,
    PACK_EVENTS_READ_MAX,
    decode_event,
    decode_pack,
    dump_fields,
    encode_packs,
    encode_row,
    row_of,
)
from tests.adapters.redis.conftest import event, row

GOOD = ["e", "c", "v", 1, 2]
DEEP = "[" * 100_000


def test_what_is_packed_is_read_back() -> None:
    events = [event(number) for number in range(2 * PACK_EVENTS_MAX + 1)]
    packs = list(encode_packs(events))
    assert [count for _, count in packs] == [PACK_EVENTS_MAX, PACK_EVENTS_MAX, 1]
    decoded = [decode_pack(payload) for payload, _ in packs]
    assert [row for rows, _ in decoded for row in rows] == [row_of(event) for event in events]
    assert all(bad == [] for _, bad in decoded)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (None, "not a view event"),
        (7, "not a view event"),
        ([], "not a view event"),
        ("abcde", "content_id"),
        ({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}, "watched_ms"),
        (["e", "c", "v", 1], "not a view event"),
        (["e", "c", "v", 1, 2, 3], "not a view event"),
        (["", "c", "v", 1, 2], "event_id"),
        (["e" * 129, "c", "v", 1, 2], "event_id"),
        ([7, "c", "v", 1, 2], "event_id"),
        (["e", "", "v", 1, 2], "content_id"),
        (["e", "c" * 65, "v", 1, 2], "content_id"),
        (["e", "c", None, 1, 2], "viewer_id"),
        (["e", "c", "v" * 129, 1, 2], "viewer_id"),
        (["e", "c", "v", "1", 2], "watched_ms"),
        (["e", "c", "v", True, 2], "watched_ms"),
        (["e", "c", "v", -1, 2], "watched_ms"),
        (["e", "c", "v", 86_400_001, 2], "watched_ms"),
        (["e", "c", "v", 1, 2.5], "occurred_us"),
        (["e", "c", "v", 1, False], "occurred_us"),
        (["e\0", "c", "v", 1, 2], "no database can store"),
        (["e", "c", "v\ud800", 1, 2], "no database can store"),
    ],
)
def test_a_bad_event_is_named_and_its_neighbours_are_read(item: Any, reason: str) -> None:
    if item == "abcde":  # five parts, and none of them what it should be
        reason = "watched_ms"
    rows, bad = decode_pack(json.dumps([GOOD, item, GOOD]).encode())
    assert rows == [tuple(GOOD), tuple(GOOD)]
    (found,) = bad
    assert reason in found.reason
    assert (found.position, found.is_pack) == (1, False)
    # What was put aside decodes to the same complaint.
    assert decode_event(found.payload)[1][0].reason == found.reason


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"{}",
        b"7",
        b"not json",
        b"[[",
        b"\xff",
        b'[["e","c","v",1,2]',
        DEEP.encode(),
        json.dumps("[" * 50).encode(),
        b"[" + b"9" * 5_000 + b"]",
        json.dumps([GOOD] * (PACK_EVENTS_READ_MAX + 1)).encode(),
    ],
    ids=range(12),
)
def test_what_is_no_pack_is_put_aside_as_a_whole(payload: bytes) -> None:
    rows, (bad,) = decode_pack(payload)
    assert rows == []
    assert (bad.payload, bad.is_pack, bad.position) == (payload, True, None)


def test_escapes_are_read() -> None:
    rows, bad = decode_pack(json.dumps([["é\\\t", "c", "\u2028", 1, 2]]).encode())
    assert (rows, bad) == ([("é\\\t", "c", "\u2028", 1, 2)], [])


@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fall_over(payload: bytes) -> None:
    for decode in (decode_pack, decode_event):
        rows, bad = decode(payload)
        assert isinstance(rows, list)
        assert rows or bad or json.loads(payload) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=6) | st.dictionaries(st.text(), children),
)


@given(st.lists(JSON, max_size=8))
def test_every_item_of_a_pack_is_a_row_or_a_complaint(items: list[Any]) -> None:
    rows, bad = decode_pack(json.dumps(items).encode())
    assert len(rows) + len(bad) == len(items)
    assert all(0 <= one.position < len(items) for one in bad if one.position is not None)


def test_one_event_is_written_as_it_stands_in_a_pack() -> None:
    assert decode_event(encode_row(row(1))) == ([row(1)], [])


def test_an_entry_that_is_not_ours_is_written_down_for_a_person() -> None:
    assert json.loads(dump_fields({b"x": b"1", b"\xff": b"\xfe"})) == {"x": "1", "\\xff": "\\xfe"}
