"""MPEG-TS, MPEG-PS, AVI, FLV and Ogg: as they should be, with parts missing, and with lies."""

import random
from collections.abc import Callable

from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, Case, Clips

PACKET_BYTES = 188
LOST = r"truncated|not a video that can be read|no video in the file|decoded|times|rewritten"
Edit = Callable[[bytes], bytes]


def _in(file: str, *options: str) -> Callable[[Clips], bytes]:
    return lambda clips: clips.container(file, *options)


def _case(  # noqa: PLR0917 -- a row of a table
    name: str, source: Callable[[Clips], bytes], edit: Edit, ends: frozenset[str], file: str,
    reason: str = "",
) -> Case:  # fmt: skip
    return Case(
        name=name, make=lambda clips: edit(source(clips)), ends=ends, reason=reason, file=file
    )


def _packets(data: bytes) -> list[bytes]:
    return [data[start : start + PACKET_BYTES] for start in range(0, len(data), PACKET_BYTES)]


def _number(packet: bytes) -> int:
    return int.from_bytes(packet[1:3], "big") & 0x1FFF


def _without(numbers: set[int]) -> Edit:
    """A transport stream without the packets of some numbers."""
    return lambda data: b"".join(one for one in _packets(data) if _number(one) not in numbers)


def _losing(share: float) -> Edit:
    """A transport stream that lost packets on its way."""

    def edit(data: bytes) -> bytes:
        draw = random.Random(share)
        kept = [one for one in _packets(data)[4:] if draw.random() > share]
        return b"".join(_packets(data)[:4] + kept)

    return edit


def _scrambled(data: bytes) -> bytes:
    """Packets that say they are encrypted, and are: 0x100 is the picture, and 0x101 the sound."""

    def hide(one: bytes) -> bytes:
        return one[:3] + bytes([one[3] | 0xC0]) + bytes(byte ^ 0x5A for byte in one[4:])

    return b"".join(hide(one) if _number(one) in {0x100, 0x101} else one for one in _packets(data))


def _bytes_set(step: int, value: int, start: int = 0) -> Edit:
    def edit(data: bytes) -> bytes:
        changed = bytearray(data)
        for place in range(start, len(changed), step):
            changed[place] = value
        return bytes(changed)

    return edit


def _noisy(seed: str, count: int) -> Edit:
    """So many bytes replaced, behind the first 512."""

    def edit(data: bytes) -> bytes:
        draw, changed = random.Random(seed), bytearray(data)
        for _ in range(count):
            changed[draw.randrange(512, len(changed))] = draw.randrange(256)
        return bytes(changed)

    return edit


def _after(mark: bytes, offset: int, new: bytes) -> Edit:
    """Write ``new`` so far behind the first ``mark``."""

    def edit(data: bytes) -> bytes:
        start = data.index(mark) + offset
        return data[:start] + new + data[start + len(new) :]

    return edit


def _share(percent: int) -> Edit:
    return lambda data: data[: len(data) * percent // 100]


TS, AVI, FLV = _in("kept.ts"), _in("kept.avi", "-bf", "0"), _in("kept.flv")
OLD = ("-c:v", "mpeg2video", "-c:a", "mp2")


def _old(file: str, *coding: str) -> Callable[[Clips], bytes]:
    """What the old containers hold."""
    rated = ("-r", "25", *coding)
    return lambda clips: clips.made(file, *rated, source=clips.mp4)


PS = _old("kept.mpg", *OLD)
OGG = _old("kept.ogv", "-c:v", "libtheora", "-c:a", "libvorbis")

TRANSPORT = (
    _case("transport stream", TS, bytes, PUBLISHED, "clip.ts"),
    _case("transport stream without PAT", TS, _without({0}), OPEN, "clip.ts", LOST),
    _case("transport stream without PMT", TS, _without({0x1000}), OPEN, "clip.ts", LOST),
    _case("transport stream without PAT and PMT", TS, _without({0, 0x1000}), HURT, "clip.ts", LOST),
    _case("transport stream without its picture", TS, _without({0x100}), REJECTED, "clip.ts", LOST),
    _case("transport stream without its sound", TS, _without({0x101}), OPEN, "clip.ts"),
    *(_case(f"transport stream, {share:.0%} lost", TS, _losing(share), HURT, "clip.ts", LOST)
      for share in (0.01, 0.05, 0.3, 0.9)),
    _case("transport stream that is encrypted", TS, _scrambled, REJECTED, "clip.ts",
          r"(?i)encrypted|DRM|truncated|no video|no frames|not a video|decoded"),
    _case("transport stream cut within a packet", TS, lambda data: data[:-100], OPEN, "clip.ts"),
    _case("half a transport stream", TS, _share(50), OPEN, "clip.ts"),
    _case("transport stream without marks", TS, _bytes_set(PACKET_BYTES, 0), REJECTED, "clip.ts"),
    _case("transport stream from its middle", TS, lambda data: data[len(data) // 2 :], HURT,
          "clip.ts", LOST),
    _case("transport stream after garbage", TS, lambda data: bytes(range(256)) * 4 + data, OPEN,
          "clip.ts"),
    _case("two transport streams in a row", TS, lambda data: data + data, HURT, "clip.ts"),
    _case("transport stream in packets of 192", TS,
          lambda data: b"".join(bytes(4) + one for one in _packets(data)), OPEN, "clip.m2ts"),
    *(_case(f"transport stream with noise {seed}", TS, _noisy(f"ts {seed}", 40), HURT, "clip.ts")
      for seed in range(3)),
)  # fmt: skip

OTHERS = (
    _case("program stream", PS, bytes, OPEN, "clip.mpg"),
    _case("half a program stream", PS, _share(50), OPEN, "clip.mpg"),
    _case("program stream from its middle", PS, lambda data: data[len(data) // 2 :], HURT,
          "clip.mpg"),
    *(_case(f"program stream with noise {seed}", PS, _noisy(f"ps {seed}", 40), HURT, "clip.mpg")
      for seed in range(2)),
    _case("AVI", AVI, bytes, OPEN, "clip.avi"),
    _case("AVI with an index of zeros", AVI, _after(b"idx1", 8, bytes(400)), OPEN, "clip.avi"),
    _case("AVI with an index of nonsense", AVI, _after(b"idx1", 8, b"\xff" * 400), OPEN,
          "clip.avi"),
    _case("AVI with an index of 4 GB", AVI, _after(b"idx1", 4, b"\xff" * 4), OPEN, "clip.avi"),
    _case("AVI without its index", AVI, lambda data: data[: data.index(b"idx1")], OPEN, "clip.avi"),
    _case("AVI of 4 GB by its header", AVI, _after(b"RIFF", 4, b"\xff" * 4), OPEN, "clip.avi"),
    _case("AVI of no frame rate", AVI, _after(b"vids", 20, bytes(8)), OPEN, "clip.avi"),
    _case("AVI of 4 billion frames", AVI, _after(b"vids", 32, b"\xff" * 4), OPEN, "clip.avi"),
    _case("half an AVI", AVI, _share(50), OPEN, "clip.avi"),
    *(_case(f"AVI with noise {seed}", AVI, _noisy(f"avi {seed}", 40), HURT, "clip.avi")
      for seed in range(2)),
    _case("Flash", FLV, bytes, OPEN, "clip.flv"),
    _case("half a Flash", FLV, _share(50), OPEN, "clip.flv"),
    _case("Flash of its header alone", FLV, lambda data: data[:13], REJECTED, "clip.flv"),
    _case("Flash of a day by its header", FLV,
          _after(b"duration", 9, b"\x40\xf5\x18\0\0\0\0\0"), OPEN, "clip.flv"),
    _case("Flash with tags of 16 MB", FLV, _after(b"onMetaData", -13, b"\xff" * 3), OPEN,
          "clip.flv"),
    *(_case(f"Flash with noise {seed}", FLV, _noisy(f"flv {seed}", 40), HURT, "clip.flv")
      for seed in range(2)),
    _case("Ogg", OGG, bytes, OPEN, "clip.ogv"),
    _case("half an Ogg", OGG, _share(50), OPEN, "clip.ogv"),
    _case("Ogg with a broken page", OGG, _after(b"OggS", 5000, bytes(20)), OPEN | HURT, "clip.ogv"),
    _case("Ogg without its first page", OGG, lambda data: data[data.index(b"OggS", 4) :], OPEN,
          "clip.ogv"),
    *(_case(f"Ogg with noise {seed}", OGG, _noisy(f"ogg {seed}", 40), HURT, "clip.ogv")
      for seed in range(2)),
)  # fmt: skip

CASES = (*TRANSPORT, *OTHERS)
