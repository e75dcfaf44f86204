"""Goal: a line that passes is one that COPY takes; one that does not is named, alone.

Method: examples of each fault, then whatever hypothesis can think of, taken apart by a reader
that knows nothing of the regular expression.
"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.view_lines import (
    OCCURRED_US_MAX,
    WATCHED_MS_MAX,
    Lines,
    check_parts,
    joined,
    read_lines,
    write_line,
    write_lines,
)
from pixr.domain.views import ViewEvent

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
GOOD = b"e\tc\tv\t1\t2"

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
events = st.builds(
    ViewEvent,
    event_id=text.filter(lambda given: len(given) <= 128),
    content_id=text.filter(lambda given: len(given) <= 64),
    viewer_id=text.filter(lambda given: len(given) <= 128),
    watched_ms=st.integers(0, WATCHED_MS_MAX),
    occurred_at=st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 -- hypothesis adds the zone
)


def copied(line: bytes) -> tuple[str, ...]:
    """What COPY makes of a line, by the words of its documentation."""
    values: list[str] = [""]
    characters = iter(line.decode())
    for character in characters:
        if character == "\t":
            values.append("")
        elif character == "\\":
            values[-1] += {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}[next(characters)]
        else:
            assert character not in "\n\r\0"
            values[-1] += character
    return tuple(values)


@given(st.lists(events, max_size=8))
def test_what_is_written_is_sound_and_means_the_same(given: list[ViewEvent]) -> None:
    lines = write_lines(given)
    assert lines.count == len(given)
    assert [copied(line) for line in lines.each()] == [
        (
            event.event_id,
            event.content_id,
            event.viewer_id,
            str(event.watched_ms),
            str((event.occurred_at - EPOCH) // timedelta(microseconds=1)),
        )
        for event in given
    ]
    assert read_lines(lines.text) == (lines, [])
    assert read_lines(lines.text[:-1]) == (lines, [])


@given(st.lists(st.binary(max_size=40) | st.just(GOOD), max_size=6))
def test_every_line_is_sound_or_named(given: list[bytes]) -> None:
    payload = b"".join(line + b"\n" for line in given)
    lines, bad = read_lines(payload)
    assert lines.count + len(bad) == payload.count(b"\n")
    assert payload.count(GOOD + b"\n") <= lines.count
    for line in lines.each():
        event_id, content_id, viewer_id, watched_ms, occurred_us = copied(line)
        assert (
            check_parts(event_id, content_id, viewer_id, int(watched_ms), int(occurred_us)) is None
        )
        # As the database would write it again: it is found by its bytes.
        again = write_line(event_id, content_id, viewer_id, int(watched_ms), int(occurred_us))
        assert again == line + b"\n"
    assert read_lines(lines.text) == (lines, [])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not a view event"),
        (b"e\tc\tv\t1", "not a view event"),
        (b"e\tc\tv\t1\t2\t3", "not a view event"),
        (b"\tc\tv\t1\t2", "event_id"),
        (b"e\t\tv\t1\t2", "content_id"),
        (b"e\tc\t\t1\t2", "viewer_id"),
        (b"e" * 129 + b"\tc\tv\t1\t2", "event_id"),
        (b"e\t" + b"c" * 65 + b"\tv\t1\t2", "content_id"),
        (b"e\tc\t" + "é".encode() * 129 + b"\t1\t2", "viewer_id"),
        (b"e\tc\tv\t86400001\t2", "watched_ms"),
        (b"e\tc\tv\t-1\t2", "watched_ms"),
        (b"e\tc\tv\t1.5\t2", "watched_ms"),
        (b"e\tc\tv\t01\t2", "watched_ms"),
        ("e\tc\tv\t١\t2".encode(), "watched_ms"),
        (b"e\tc\tv\t\t2", "watched_ms"),
        (b"e\tc\tv\t1\t" + b"9" * 17, "occurred_us"),
        (b"e\tc\tv\t1\t02", "occurred_us"),
        (b"e\tc\tv\t1\t ", "occurred_us"),
        (b"\\N\tc\tv\t1\t2", "an escape that means nothing"),
        (b"\\.", "not a view event"),
        (b"e\\", "not a view event"),
        (b"e\tc\tv\\\t1\t2", "an escape that means nothing"),
        (b"e\0\tc\tv\t1\t2", "no database can store"),
        (b"e\xed\xa0\x80\tc\tv\t1\t2", "not Unicode"),
        (b"\xff\tc\tv\t1\t2", "not Unicode"),
    ],
)
def test_a_bad_line_is_named_and_its_neighbours_pass(line: bytes, reason: str) -> None:
    lines, (bad,) = read_lines(b"\n".join([GOOD, line, GOOD]) + b"\n")
    assert lines == Lines(text=(GOOD + b"\n") * 2, count=2)
    assert (bad.payload, bad.position) == (line, 1)
    assert reason in bad.reason


@pytest.mark.parametrize(
    "line",
    [
        GOOD,
        b"e\tc\tv\t0\t0",
        b"e\tc\tv\t%d\t%d" % (WATCHED_MS_MAX, OCCURRED_US_MAX),
        b"e" * 128 + b"\t" + b"c" * 64 + b"\t" + "é".encode() * 128 + b"\t86399999\t2",
        rb"a\\b" + b"\tc\tv\t1\t2",
        b"e\x7f\tc \tv'\"\t1\t2",
        b"e\x01\tc\tv\t1\t2",
        "\u2028\tc\t\U0001f600\t1\t2".encode(),
    ],
)
def test_the_largest_and_the_oddest_that_is_sound_passes(line: bytes) -> None:
    assert read_lines(line) == (Lines(text=line + b"\n", count=1), [])


def test_halves_are_the_whole() -> None:
    lines = Lines(text=b"a\nb\nc\n", count=3)
    first, second = lines.split()
    assert (first, second) == (Lines(text=b"a\n", count=1), Lines(text=b"b\nc\n", count=2))
    assert joined([first, second]) == lines
    assert joined([]) == Lines() == read_lines(b"")[0]


def test_every_line_knows_its_day() -> None:
    us = 86_400_000_000
    lines = [write_line("e", "c", "v", 1, occurred_us) for occurred_us in (0, us - 1, us)]
    found = read_lines(b"".join(lines))[0].days()
    assert [str(day) for day in found] == ["1970-01-01", "1970-01-01", "1970-01-02"]
