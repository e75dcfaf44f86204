"""MP4 files whose tables claim what is not so: sizes, places, counts, dimensions."""

from collections.abc import Callable

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, Case, edited

STBL = "moov/trak/mdia/minf/stbl"
SOUND = "moov/trak[1]/mdia/minf/stbl"
AVC1 = f"{STBL}/stsd/avc1"
BEYOND = r"truncated|not a video that can be read|no frames|cannot be decoded|no usable times"


def _set(path: str, offset: int, *values: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.patch(data, path, offset, atoms.u32(*values))


def _short(path: str, offset: int, *values: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.patch(
        data, path, offset, b"".join(value.to_bytes(2, "big") for value in values)
    )


def _refilled(path: str, *rows: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.refill(data, path, atoms.u32(0, *rows))


def _claim(table: str, count: int) -> Case:
    """A hundred bytes of table that say how many rows they have."""
    name = f"{table} of {count:,} rows in a hundred bytes"
    at = 8 if table == "stsz" else 4
    return edited(name, HURT, _set(f"{STBL}/{table}", at, count))


def _uneven(data: bytes) -> bytes:
    """As if all frames had one size, and there were 2 million of them."""
    return atoms.refill(data, f"{STBL}/stsz", atoms.u32(0, 1, 2_000_000))


def _tall_picture(width_px: int, height_px: int) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        data = _short(AVC1, 24, width_px, height_px)(data)
        return _set("moov/trak/tkhd", 76, width_px << 16, height_px << 16)(data)

    return edit


COUNTS = (0, 1_000_000, 2**32 - 1)

CASES = (
    *(_claim(table, count)
      for table in ("stts", "stss", "ctts", "stsc", "stsz", "stco") for count in COUNTS),
    edited("2 million frames of one byte", REJECTED, _uneven, reason=BEYOND),
    edited("first frame larger than the file", REJECTED,
           _set(f"{STBL}/stsz", 12, 10_000_000), reason=BEYOND),
    edited("first frame of 4 GB", REJECTED, _set(f"{STBL}/stsz", 12, 2**32 - 1), reason=BEYOND),
    edited("a frame of no bytes", HURT, _set(f"{STBL}/stsz", 16, 0)),
    edited("all frames of no bytes", REJECTED,
           _set(f"{STBL}/stsz", 12, *([0] * 24)), reason=BEYOND),
    edited("first frame beyond the end", REJECTED,
           _set(f"{STBL}/stco", 8, 10_000_000), reason=BEYOND),
    edited("last frame beyond the end", REJECTED,
           _set(f"{STBL}/stco", 96, 10_000_000), reason=BEYOND),
    edited("all frames in the header", HURT,
           _set(f"{STBL}/stco", 8, *([0] * 20))),
    edited("frames at 64-bit places beyond all files", REJECTED, lambda data: atoms.swap(
        data, f"{STBL}/stco", atoms.full(b"co64", atoms.u32(23, *([2**31 - 1, 0] * 23)))),
        reason=BEYOND),
    edited("sound beyond the end", REJECTED, _set(f"{SOUND}/stco", 8, 10_000_000), reason=BEYOND),
    edited("sound larger than the file", REJECTED,
           _set(f"{SOUND}/stsz", 16, 10_000_000), reason=BEYOND),
    edited("no frames in a chunk", HURT, _set(f"{STBL}/stsc", 12, 0)),
    edited("4 billion frames in a chunk", HURT, _set(f"{STBL}/stsc", 12, 2**32 - 1)),
    edited("chunks that begin at 0", HURT, _set(f"{STBL}/stsc", 8, 0)),
    edited("chunks that begin at 4 billion", HURT, _set(f"{STBL}/stsc", 8, 2**32 - 1)),
    edited("key frames that are none", OPEN, _set(f"{STBL}/stss", 8, 5, 6)),
    edited("key frames beyond the end", OPEN, _set(f"{STBL}/stss", 8, 2**31, 2**32 - 1)),
    edited("no key frames at all", OPEN, _refilled(f"{STBL}/stss", 0)),
    edited("two kinds of frames declared, one there", HURT, _set(f"{STBL}/stsd", 4, 2)),
    edited("no kinds of frames declared", HURT, _set(f"{STBL}/stsd", 4, 0)),
    edited("4 billion kinds of frames", HURT, _set(f"{STBL}/stsd", 4, 2**32 - 1)),
    edited("frames of a kind that is not declared", HURT, _set(f"{STBL}/stsc", 16, 9)),
    edited("8K in the header only", OPEN, _tall_picture(7680, 4320)),
    edited("64K in the header only", OPEN, _tall_picture(65535, 65535)),
    edited("no size in the header", OPEN, _tall_picture(0, 0)),
    edited("one pixel in the header only", OPEN, _tall_picture(1, 1)),
    edited("decoder's settings cut", HURT, lambda data: atoms.refill(
        data, f"{AVC1}/avcC", atoms.read(data, f"{AVC1}/avcC")[:10])),
    edited("decoder's settings of zeros", HURT, lambda data: atoms.refill(
        data, f"{AVC1}/avcC", bytes(40))),
    edited("sound's settings of zeros", HURT, lambda data: atoms.patch(
        data, f"{SOUND}/stsd/mp4a/esds", 8, bytes(30))),
    edited("no sound channels in the header", OPEN, _short(f"{SOUND}/stsd/mp4a", 16, 0)),
    edited("65,535 sound channels in the header", OPEN, _short(f"{SOUND}/stsd/mp4a", 16, 65535)),
    edited("sound at no rate in the header", OPEN, _set(f"{SOUND}/stsd/mp4a", 24, 0)),
    edited("pixels of no shape", OPEN, _set(f"{AVC1}/pasp", 0, 0, 0)),
    edited("pixels 1000 times as wide as tall, by the header", OPEN,
           _set(f"{AVC1}/pasp", 0, 1000, 1)),
    edited("pixels 1000 times as tall as wide, by the header", OPEN,
           _set(f"{AVC1}/pasp", 0, 1, 1000)),
    edited("pixels of 4 billion to one", OPEN, _set(f"{AVC1}/pasp", 0, 2**32 - 1, 1)),
    edited("a matrix of nonsense", OPEN,
           _set("moov/trak/tkhd", 40, *range(7, 70_000_000, 7_777_777))),
    edited("a matrix of zeros", OPEN, _set("moov/trak/tkhd", 40, *([0] * 9))),
    edited("a matrix that turns by 45 degrees", OPEN, _set(
        "moov/trak/tkhd", 40, 46341, 46341, 0, 2**32 - 46341, 46341, 0, 0, 0, 1 << 30)),
    edited("a matrix that mirrors", OPEN, _set("moov/trak/tkhd", 40, 2**32 - 65536)),
    edited("track 0", OPEN, _set("moov/trak/tkhd", 12, 0)),
    edited("two tracks of one number", OPEN, _set("moov/trak[1]/tkhd", 12, 1)),
    edited("a track that is switched off", OPEN, _set("moov/trak/tkhd", 0, 0)),
    edited("a picture that says it is sound", HURT,
           lambda data: atoms.patch(data, "moov/trak/mdia/hdlr", 8, b"soun")),
    edited("a sound that says it is a picture", HURT,
           lambda data: atoms.patch(data, "moov/trak[1]/mdia/hdlr", 8, b"vide")),
    edited(
        "a picture of no known kind",
        OPEN,
        lambda data: atoms.patch(data, "moov/trak/mdia/hdlr", 8, b"xxxx"),
        reason="no video in the file",
    ),
    edited("a title of 100,000 letters", PUBLISHED, lambda data: atoms.append(
        data, "moov/udta/meta/ilst",
        atoms.box(b"\xa9nam", atoms.box(b"data", atoms.u32(1, 0), b"%s" * 50_000)))),
)  # fmt: skip
