"""Files that end too early, and files with single bits turned over."""

import random

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, REJECTED, Case, Clips

STBL = ("stsd", "stsd/avc1", "stsd/avc1/avcC", "stts", "stss", "ctts", "stsc", "stsz", "stco")
SOUND_STBL = ("stsd", "stsd/mp4a", "stsd/mp4a/esds", "stts", "stsc", "stsz", "stco", "sgpd", "sbgp")
TRAK = ("", "/tkhd", "/edts", "/edts/elst", "/mdia", "/mdia/mdhd", "/mdia/hdlr", "/mdia/minf")
INSIDE = ("dinf", "dinf/dref", "stbl")
PLACES = (
    "ftyp",
    "moov",
    "moov/mvhd",
    *(f"moov/trak{part}" for part in TRAK),
    "moov/trak/mdia/minf/vmhd",
    *(f"moov/trak/mdia/minf/{part}" for part in INSIDE),
    *(f"moov/trak/mdia/minf/stbl/{part}" for part in STBL),
    *(f"moov/trak[1]{part}" for part in TRAK),
    "moov/trak[1]/mdia/minf/smhd",
    *(f"moov/trak[1]/mdia/minf/{part}" for part in INSIDE),
    *(f"moov/trak[1]/mdia/minf/stbl/{part}" for part in SOUND_STBL),
    "moov/udta",
    "moov/udta/meta",
    "free",
    "mdat",
)
"""Boxes of the clip with its index in front, known without making it; a test compares."""

LAST = ("free", "mdat", "moov", "moov/trak", "moov/trak[1]", "moov/udta")
"""Of the clip with its index at the end."""

FLIPS = (("ftyp", 3), ("moov/mvhd", 3), ("moov/trak", 14), ("moov/trak[1]", 8), ("mdat", 8))
TRUNCATED = r"truncated|not a video that can be read"


def _cut(of: str, path: str, *, in_middle: bool) -> Case:
    def make(clips: Clips) -> bytes:
        data: bytes = getattr(clips, of)
        where = atoms.find(data, path)
        return data[: (where.start + where.end) // 2 if in_middle else where.start]

    where = "within" if in_middle else "before"
    # Without its last box a file has all that matters.
    ends = OPEN if path == "moov/udta" and of == "mp4" else REJECTED
    return Case(name=f"cut {where} {path} of {of}", make=make, ends=ends, reason=TRUNCATED)


def _flipped(path: str, seed: int) -> Case:
    def make(clips: Clips) -> bytes:
        where = atoms.find(clips.front, path)
        draw = random.Random(f"{path} {seed}")
        data = bytearray(clips.front)
        for _ in range(draw.choice((1, 1, 1, 3, 20))):
            data[draw.randrange(where.start, where.end)] ^= 1 << draw.randrange(8)
        return bytes(data)

    return Case(name=f"bits {seed} of {path}", make=make, ends=HURT)


CASES = (
    *(_cut("front", path, in_middle=False) for path in PLACES if path != "ftyp"),
    *(_cut("front", path, in_middle=True) for path in PLACES),
    *(_cut("mp4", path, in_middle=middle) for path in LAST for middle in (False, True)),
    *(
        Case(
            name=f"the last {count} bytes missing of {of}",
            make=lambda clips, of=of, count=count: getattr(clips, of)[:-count],  # type: ignore[misc]  # bound early
            ends=REJECTED if of == "front" else OPEN,
            reason=TRUNCATED,
        )
        for of in ("front", "mp4")
        for count in (1, 100)
    ),
    *(_flipped(path, seed) for path, count in FLIPS for seed in range(count)),
)
