"""Time codes moved by a shift, and moved back."""

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixr.domain.analysis_versions import NeedsAnalysis, move
from pixr.domain.arrays import Array, Malformed, read_array, write_array
from pixr.domain.captions import read_stamp, write_stamp

# Written by NumPy 2.4: np.save of np.array([0.5, 2.25], "<f4").
PLAIN = bytes.fromhex(
    "934e554d5059010076007b276465736372273a20273c6634272c2027666f727472616e5f6f72646572273a2046616c73"
    "652c20277368617065273a2028322c292c207d" + "20" * 60 + "0a" + "0000003f00001040"
)
DAY_MS = 24 * 60 * 60 * 1000


def analysis(**parts: bytes | str) -> dict[str, bytes]:
    """With a manifest; a double underscore stands for the point."""
    data = {
        name.replace("__", "."): text.encode() if isinstance(text, str) else text
        for name, text in parts.items()
    }
    hashes = {name: hashlib.sha256(text).hexdigest() for name, text in data.items()}
    return {**data, "manifest.json": json.dumps({"sha256": hashes}).encode()}


def times(values: list[float], kind: str = "<f8") -> bytes:
    code = kind[0] + {"4": "f", "8": "d"}[kind[2]]
    rows = tuple(struct.pack(code, value) for value in values)
    return write_array(Array(descr=kind, shape=(len(rows),), rows=rows))


def vectors(count: int) -> bytes:
    rows = tuple(bytes([number] * 8) for number in range(count))
    return write_array(Array(descr="<f4", shape=(count, 2), rows=rows))


def check_manifest(parts: Mapping[str, bytes]) -> None:
    for name, digest in json.loads(parts["manifest.json"])["sha256"].items():
        assert hashlib.sha256(parts[name]).hexdigest() == digest


TRANSCRIPT = """WEBVTT - made by a service
Kind: captions

NOTE that nothing is said at first

intro
00:00.500 --> 00:01.500 align:start
Hello

01:00.000 --> 01:02.000
<v Ann>Go <01:01.000>on

STYLE
::cue { color: red }
"""


def test_a_transcript_moves_with_its_settings_notes_and_inner_times() -> None:
    moved = move(analysis(transcript__vtt=TRANSCRIPT), shift_ms=-1000, duration_ms=61_000)
    assert moved.parts["transcript.vtt"].decode() == (
        "WEBVTT - made by a service\nKind: captions\n\n"
        "NOTE that nothing is said at first\n\n"
        "intro\n00:00:00.000 --> 00:00:00.500 align:start\nHello\n\n"
        "00:00:59.000 --> 00:01:01.000\n<v Ann>Go <00:01:00.000>on\n\n"
        "STYLE\n::cue { color: red }\n"
    )
    assert moved.changes == ("transcript.vtt: 2 cues moved by -1000 ms, 0 dropped",)
    check_manifest(moved.parts)


def test_a_cue_outside_of_the_film_is_dropped() -> None:
    parts = analysis(transcript__vtt=TRANSCRIPT)
    moved = move(parts, shift_ms=-1500, duration_ms=60_000)
    assert "Hello" not in moved.parts["transcript.vtt"].decode()
    assert moved.changes == ("transcript.vtt: 1 cues moved by -1500 ms, 1 dropped",)
    late = move(parts, shift_ms=0, duration_ms=60_000)
    assert "Ann" not in late.parts["transcript.vtt"].decode()


CUES = st.lists(
    st.tuples(st.integers(0, DAY_MS), st.integers(1, 10_000)), min_size=1, max_size=6
).map(lambda cues: [(start, start + length) for start, length in cues])


@given(cues=CUES, shift_ms=st.integers(0, 600_000))
def test_a_transcript_that_moves_there_and_back_is_what_it_was(
    cues: list[tuple[int, int]], shift_ms: int
) -> None:
    body = "".join(f"\n{write_stamp(start)} --> {write_stamp(end)}\nword\n" for start, end in cues)
    first = analysis(transcript__vtt=f"WEBVTT\n{body}")
    there = move(first, shift_ms=shift_ms, duration_ms=2 * DAY_MS)
    back = move(there.parts, shift_ms=-shift_ms, duration_ms=2 * DAY_MS)
    assert back.parts["transcript.vtt"] == first["transcript.vtt"]


@given(st.integers(0, 5 * DAY_MS))
def test_a_stamp_is_read_back(time_ms: int) -> None:
    assert read_stamp(write_stamp(time_ms)) == time_ms


@given(
    cuts=st.lists(st.decimals(0, 10_000, places=6), max_size=9),
    shift_ms=st.integers(-600_000, 600_000),
)
def test_cuts_move_exactly_and_back(cuts: list[Any], shift_ms: int) -> None:
    text = f'{{"unit": "seconds", "cuts": [{", ".join(map(str, cuts))}]}}'
    there = move(analysis(scenes__json=text), shift_ms=shift_ms, duration_ms=10 * DAY_MS)
    back = move(there.parts, shift_ms=-shift_ms, duration_ms=10 * DAY_MS)
    kept = [float(cut) for cut in cuts if cut * 1000 + shift_ms >= 0]
    assert json.loads(back.parts["scenes.json"]) == {"unit": "seconds", "cuts": kept}
    check_manifest(back.parts)


def test_a_cut_at_the_end_of_the_film_is_none() -> None:
    scenes = '{"unit": "seconds", "cuts": [0, 1.5, 9.999, 10]}'
    moved = move(analysis(scenes__json=scenes), shift_ms=0, duration_ms=10_000)
    assert json.loads(moved.parts["scenes.json"])["cuts"] == [0, 1.5, 9.999]


@pytest.mark.parametrize("kind", ["<f4", "<f8", ">f4", ">f8"])
def test_embeddings_and_their_times_move_together(kind: str) -> None:
    parts = analysis(
        embeddings__npy=vectors(4), embeddings_times__npy=times([0, 0.5, 1.25, 3], kind)
    )
    moved = move(parts, shift_ms=-500, duration_ms=2_500)
    rows = read_array(moved.parts["embeddings.npy"])
    assert rows.shape == (2, 2)
    assert rows.rows == (bytes([1] * 8), bytes([2] * 8))
    assert moved.parts["embeddings_times.npy"] == times([0, 0.75], kind)
    assert moved.changes == ("embeddings.npy: 2 rows moved by -500 ms, 2 dropped",)
    check_manifest(moved.parts)


@given(values=st.lists(st.integers(1, 14_400_000), max_size=8), shift_ms=st.integers(0, 600_000))
def test_times_come_back_to_the_microsecond(values: list[int], shift_ms: int) -> None:
    first = analysis(
        embeddings__npy=vectors(len(values)),
        embeddings_times__npy=times([value / 1000 for value in values]),
    )
    there = move(first, shift_ms=shift_ms, duration_ms=DAY_MS)
    back = move(there.parts, shift_ms=-shift_ms, duration_ms=DAY_MS)
    rows = read_array(back.parts["embeddings_times.npy"]).rows
    found = [struct.unpack("<d", row)[0] for row in rows]
    assert [round(time_s * 1e6) for time_s in found] == [value * 1000 for value in values]
    assert back.parts["embeddings.npy"] == first["embeddings.npy"]


def test_a_time_field_moves_in_its_row_and_the_rest_stays() -> None:
    descr = [("label", "|u1"), ("time_s", "<f4"), ("vector", "<f2", (3,))]
    rows = tuple(struct.pack("<Bf6s", 7, at, b"vector") for at in (0.0, 1.0))
    parts = analysis(embeddings__npy=write_array(Array(descr=descr, shape=(2,), rows=rows)))
    moved = move(parts, shift_ms=250, duration_ms=1_250)
    found = read_array(moved.parts["embeddings.npy"])
    assert found.rows == (struct.pack("<Bf6s", 7, 0.25, b"vector"),)
    assert found.descr == descr


def test_what_has_no_times_is_carried_over_byte_for_byte() -> None:
    parts = analysis(labels__json='["cat", "dog"]', model__bin=b"\x00\xff", readme__txt="By us.")
    moved = move(parts, shift_ms=1000, duration_ms=9_000)
    assert {**moved.parts, "manifest.json": b""} == {**parts, "manifest.json": b""}
    assert moved.changes == ()


NAN = times([float("nan")])


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"transcript__srt": "1"}, "transcript.srt cannot be moved: its times are in a format"),
        ({"speakers__json": '[{"who": 1, "start": 2.5}]'}, "seems to hold times: '\"start"),
        ({"log__txt": "at 1:02:03 he left"}, "seems to hold times"),
        ({"beats__csv": "time_s,label\n1,a"}, "seems to hold times"),
        ({"scene_times__npy": times([1])}, "seems to hold times"),
        ({"scenes__json": '{"unit": "frames", "cuts": [1]}'}, "it is not"),
        ({"scenes__json": '{"unit": "seconds", "cuts": [NaN]}'}, "NaN is no number"),
        ({"scenes__json": '{"unit": "seconds", "cuts": [true]}'}, "a cut is no number"),
        ({"scenes__json": '{"unit": "seconds", "cuts": 1}'}, "a cut is no number"),
        ({"scenes__json": "[1]"}, "no JSON object"),
        ({"scenes__json": "{"}, "no JSON"),
        ({"transcript__vtt": "1\n00:00 --> 00:01"}, "does not begin with WEBVTT"),
        ({"transcript__vtt": "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:1"}, "another clock"),
        ({"transcript__vtt": "WEBVTT\n\n1 --> 2\nx"}, "times cannot be read"),
        ({"transcript__vtt": "WEBVTT\n\na\nb\n00:00.000 --> 00:01.000"}, "neither a cue nor"),
        ({"transcript__vtt": b"WEBVTT\n\n\xff"}, "not UTF-8"),
        ({"embeddings__npy": vectors(2)}, "there is neither"),
        ({"embeddings__npy": vectors(2), "embeddings_times__npy": times([1])}, "one time for each"),
        ({"embeddings__npy": vectors(1), "embeddings_times__npy": NAN}, "nan is no time"),
        ({"embeddings__npy": vectors(1), "embeddings_times__npy": vectors(1)}, "one time for each"),
        ({"embeddings__npy": b"\x93NUMPY\x02\x00"}, "no .npy file of version 1.0"),
    ],
)
def test_what_is_not_understood_needs_a_new_analysis(
    parts: dict[str, bytes | str], reason: str
) -> None:
    with pytest.raises(NeedsAnalysis, match="needs re-analysis") as refused:
        move(analysis(**parts), shift_ms=500, duration_ms=10_000)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "no JSON"),
        ("{}", "a hash for each part"),
        ('{"sha256": {"a.bin": "00"}}', "not what the manifest says"),
        ('{"sha256": {"b.bin": "00"}}', "it is not there"),
        ('{"sha256": {}, "duration": 9}', "may hold a time"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(manifest: str | None, reason: str) -> None:
    parts = {"a.bin": b"a"} | ({} if manifest is None else {"manifest.json": manifest.encode()})
    with pytest.raises(NeedsAnalysis, match=reason):
        move(parts, shift_ms=0, duration_ms=1)


def test_an_array_is_read_and_written_as_numpy_writes_it() -> None:
    array = read_array(PLAIN)
    assert (array.descr, array.shape) == ("<f4", (2,))
    assert [struct.unpack("<f", row)[0] for row in array.rows] == [0.5, 2.25]
    assert write_array(array) == PLAIN


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 1, }",
        "{'descr': [('a', ['<f4'])], 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<f4', 'shape': (1,), }",
        "[1]",
        "__import__('os')",
        "(" * 5_000,
    ],
)
def test_arrays_that_are_not_understood_are_refused(header: str) -> None:
    text = header.encode()
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"\0\0\0\0"
    with pytest.raises(Malformed):
        read_array(data)
