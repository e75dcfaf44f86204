"""Matroska and WebM whose elements are of wrong or unknown size, missing, or lie."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, Case, Clips

EBML, SEGMENT, CLUSTER, TRACKS = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B
INFO, CUES, SEEK = 0x1549A966, 0x1C53BB6B, 0x114D9B74
TRACK, SIZE_OF_SCALE, DURATION = 0xAE, 0x2AD7B1, 0x4489
BLOCK = 0xA3
UNKNOWN = b"\x01" + b"\xff" * 7
LOST = r"truncated|not a video that can be read|no video in the file|decoded|times|no frames"
DRM = "the file is encrypted"
Edit = Callable[[bytes], bytes]


class Element(NamedTuple):
    """Where an element is."""

    number: int
    start: int
    size_at: int
    body: int
    end: int


def walk(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Element]:
    """Every element of a sound file; of those that hold others, these too."""
    end = len(data) if end is None else end
    while start < end:
        width = 9 - data[start].bit_length()
        size_at = start + width
        size_width = 9 - data[size_at].bit_length()
        body = size_at + size_width
        size = int.from_bytes(data[size_at:body], "big") & ((1 << 7 * size_width) - 1)
        number = int.from_bytes(data[start:size_at], "big")
        yield Element(number, start, size_at, body, body + size)
        if number in {SEGMENT, TRACKS, INFO, TRACK, CLUSTER}:
            yield from walk(data, body, body + size)
        start = body + size


def _find(data: bytes, number: int, nth: int = 0) -> Element:
    return [one for one in walk(data) if one.number == number][nth]


def _size(length: int) -> bytes:
    """A length in eight bytes."""
    return ((1 << 56) | length).to_bytes(8, "big")


def _sized(number: int, size: bytes, nth: int = 0) -> Edit:
    """Let an element claim another size, in as many bytes as it has."""

    def edit(data: bytes) -> bytes:
        one = _find(data, number, nth)
        width = one.body - one.size_at
        claim = size[-width:] if size != UNKNOWN else _unknown(width)
        return data[: one.size_at] + claim + data[one.body :]

    return edit


def _unknown(width: int) -> bytes:
    return ((1 << (7 * width + 1)) - 1).to_bytes(width, "big")


def _filled(number: int, new: bytes, nth: int = 0) -> Edit:
    """Write over what an element holds; no size changes."""

    def edit(data: bytes) -> bytes:
        one = _find(data, number, nth)
        kept = new[: one.end - one.body].rjust(one.end - one.body, b"\0")
        return data[: one.body] + kept + data[one.end :]

    return edit


def _voided(number: int, nth: int = 0) -> Edit:
    """Give an element a name that nobody knows."""

    def edit(data: bytes) -> bytes:
        one = _find(data, number, nth)
        unknown = data[one.start : one.size_at - 1] + bytes([data[one.size_at - 1] ^ 1])
        return data[: one.start] + unknown + data[one.size_at :]

    return edit


def _all_unknown(data: bytes) -> bytes:
    for one in walk(data):
        if one.number in {SEGMENT, CLUSTER}:
            data = data[: one.size_at] + _unknown(one.body - one.size_at) + data[one.body :]
    return data


def _grown(number: int, more: bytes) -> Edit:
    """Put ``more`` at the end of an element, which moves what follows."""

    def edit(data: bytes) -> bytes:
        one = _find(data, number)
        for above in [element for element in walk(data) if element.body <= one.start < element.end]:
            width = above.body - above.size_at
            claim = (1 << 7 * width) | (
                above.end - above.body + len(more) + 8 - (one.body - one.size_at)
            )
            data = data[: above.size_at] + claim.to_bytes(width, "big") + data[above.body :]
        length = _size(one.end - one.body + len(more))
        return data[: one.size_at] + length + data[one.body : one.end] + more + data[one.end :]

    return edit


def _elements(number: int, body: bytes) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + _size(len(body)) + body


AES = _elements(0x6D80, _elements(0x6240, _elements(0x5033, b"\1") + _elements(
    0x5035, _elements(0x47E1, b"\5") + _elements(0x47E2, bytes(16)))))  # fmt: skip
ZIPPED = _elements(0x6D80, _elements(0x6240, _elements(0x5034, _elements(0x4254, b"\0"))))
LINKED = (_elements(0x3CB923, bytes(range(16))) + _elements(0x3EB923, bytes(range(16)))
          + _elements(0x3CB83A, b"../canary.mkv"))  # fmt: skip


def _encrypted(data: bytes) -> bytes:
    """Frames that are encrypted, and a track that says so."""
    for one in walk(data):
        if one.number == BLOCK:
            start = one.body + 4
            hidden = bytes(byte ^ 0x5A for byte in data[start : one.end])
            data = data[:start] + hidden + data[one.end :]
    return _grown(TRACK, AES)(data)


def _noisy(seed: int, count: int) -> Edit:
    def edit(data: bytes) -> bytes:
        draw, changed = random.Random(f"matroska {seed}"), bytearray(data)
        start = _find(data, CLUSTER).start if seed % 2 else 40
        for _ in range(count):
            changed[draw.randrange(start, len(changed))] = draw.randrange(256)
        return bytes(changed)

    return edit


def _mkv(clips: Clips) -> bytes:
    return clips.container("kept.mkv", "-cluster_time_limit", "500")


def _case(name: str, ends: frozenset[str], edit: Edit, reason: str = LOST) -> Case:
    return Case(
        name=f"Matroska {name}", make=lambda clips: edit(_mkv(clips)), ends=ends, reason=reason,
        file="clip.mkv",
    )  # fmt: skip


def _live(clips: Clips) -> bytes:
    """As a browser records it: no sizes, no length, no index."""
    coding = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
    return clips.made("live.webm", *coding, "-live", "1", "-cluster_time_limit", "500",
                      source=clips.mp4)  # fmt: skip


CASES = (
    _case("as it should be", PUBLISHED, bytes),
    Case(name="WebM of a browser's recorder", make=_live, ends=PUBLISHED, file="clip.webm"),
    _case("of unknown sizes", PUBLISHED, _all_unknown),
    _case("with a segment of unknown size", PUBLISHED, _sized(SEGMENT, UNKNOWN)),
    _case("with a segment of no size", OPEN, _sized(SEGMENT, _size(0))),
    _case("with a segment of 10 bytes", OPEN, _sized(SEGMENT, _size(10))),
    _case("with a segment beyond all files", OPEN, _sized(SEGMENT, _size(2**55))),
    _case("with a first cluster of no size", HURT, _sized(CLUSTER, _size(0)), ""),
    _case("with a first cluster of 100 bytes", HURT, _sized(CLUSTER, _size(100)), ""),
    _case("with a first cluster beyond all files", HURT, _sized(CLUSTER, _size(2**55)), ""),
    _case("with a second cluster of no known name", HURT, _voided(CLUSTER, 1)),
    _case("without tracks", REJECTED, _voided(TRACKS)),
    _case("with tracks of no size", REJECTED, _sized(TRACKS, _size(0))),
    _case("with tracks beyond all files", OPEN, _sized(TRACKS, _size(2**55))),
    _case("without information", OPEN, _voided(INFO)),
    _case("without an index", PUBLISHED, _voided(CUES)),
    _case("with an index of nonsense", OPEN, _filled(CUES, b"\xff" * 9999)),
    _case("with a table of contents of nonsense", OPEN, _filled(SEEK, b"\xff" * 9999)),
    _case("with a clock that stands", OPEN, _filled(SIZE_OF_SCALE, b"\0\0\0")),
    _case("with a clock of 16 ms", HURT, _filled(SIZE_OF_SCALE, b"\xff\xff\xff"), ""),
    _case("of a day by its header", REJECTED, _filled(DURATION, b"\x41\x94\x99\x70\0\0\0\0"),
          r"truncated|longer"),
    _case("of no length by its header", OPEN, _filled(DURATION, b"")),
    _case("of a length that is no number", OPEN, _filled(DURATION, b"\x7f\xf8\0\0\0\0\0\0")),
    _case("of a negative length", OPEN, _filled(DURATION, b"\xc0\x9f\x40\0\0\0\0\0")),
    _case("with a first number too large", REJECTED, lambda data: b"\0" + data[1:]),
    _case("of another kind", OPEN, lambda data: data.replace(b"matroska", b"matruska", 1)),
    _case("twice in a row", OPEN, lambda data: data + data),
    _case("encrypted", REJECTED, _encrypted, DRM),
    _case("that says it is zipped", HURT, _grown(TRACK, ZIPPED)),
    _case("that goes on in another file", PUBLISHED, _grown(INFO, LINKED)),
    *(_case(f"with noise {seed}", HURT, _noisy(seed, 3 + 12 * seed), "") for seed in range(6)),
    *(_case(f"cut at {percent} %", REJECTED, lambda data, p=percent: data[: len(data) * p // 100])  # type: ignore[misc]  # bound early
      for percent in (1, 3, 10, 30, 60, 90)),
)  # fmt: skip
