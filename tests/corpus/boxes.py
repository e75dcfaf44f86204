"""MP4 files whose boxes are in odd places, of odd sizes, too many, or not there."""

import zlib
from collections.abc import Callable

from tests.corpus import atoms
from tests.corpus.case import HURT, OPEN, PUBLISHED, REJECTED, Case, edited, recut
from tests.corpus.fragments import CASES as FRAGMENTS

LOST = r"truncated|not a video that can be read|no video in the file|cannot be (read|decoded)"
DRM = r"(?i)encrypted|DRM|protected"
AVC1 = "moov/trak/mdia/minf/stbl/stsd/avc1"
STBL = "moov/trak/mdia/minf/stbl"
STSD = "moov/trak/mdia/minf/stbl/stsd"

NEEDED = (
    "moov/mvhd",
    "moov/trak/tkhd",
    "moov/trak/mdia",
    "moov/trak/mdia/mdhd",
    "moov/trak/mdia/hdlr",
    "moov/trak/mdia/minf",
    "moov/trak/mdia/minf/stbl",
    "moov/trak/mdia/minf/stbl/stsd/avc1/avcC",
    *(f"moov/trak/mdia/minf/stbl/{kind}" for kind in ("stsd", "stts", "stsc", "stsz", "stco")),
    "moov/trak[1]/mdia/minf/stbl/stsz",
    "moov/trak[1]/mdia/minf/stbl/stsd/mp4a/esds",
)


def _without(path: str) -> Case:
    return edited(f"without {path}", HURT, lambda data: atoms.remove(data, path))


def _moved(data: bytes) -> bytes:
    """The index between two halves of frames, which therefore have lost their places."""
    moov, mdat = atoms.whole(data, "moov"), atoms.find(data, "mdat")
    half = (mdat.body + mdat.end) // 2
    first = atoms.box(b"mdat", data[mdat.body : half])
    return data[: mdat.start] + first + moov + atoms.box(b"mdat", data[half : mdat.end])


def _wide(data: bytes) -> bytes:
    """The frames' box with a size of 64 bits, into the room of the free one before it."""
    mdat = atoms.find(data, "mdat")
    size = mdat.end - mdat.start + 8
    head = atoms.u32(1) + b"mdat" + size.to_bytes(8, "big")
    return data[: mdat.start - 8] + head + data[mdat.body :]


def _wide_lie(size: int) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        wide = _wide(data)
        start = atoms.find(data, "mdat").start
        return wide[:start] + size.to_bytes(8, "big") + wide[start + 8 :]

    return edit


def _claiming(path: str, size: int) -> Callable[[bytes], bytes]:
    return lambda data: atoms.resize(data, path, size)


def _nested(depth: int, kind: bytes) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        inner = b""
        for _ in range(depth):
            inner = atoms.box(kind, inner)
        return atoms.append(data, "moov", inner)

    return edit


def _squeezed(claim: int | None) -> Callable[[bytes], bytes]:
    """QuickTime's compressed index, which says how large it will be."""

    def edit(data: bytes) -> bytes:
        moov = atoms.whole(data, "moov")
        size = len(moov) if claim is None else claim
        packed = atoms.box(b"cmvd", atoms.u32(size), zlib.compress(moov))
        cmov = atoms.box(b"cmov", atoms.box(b"dcom", b"zlib"), packed)
        return atoms.swap(data, "moov", atoms.box(b"moov", cmov))

    return edit


def _encrypted(scheme: bytes) -> Callable[[bytes], bytes]:
    """Common encryption as its sample entry tells it; without a key nobody can say more."""
    tenc = atoms.full(b"tenc", bytes([0, 0, 1, 8]), bytes(range(16)))
    schm = atoms.full(b"schm", scheme, atoms.u32(1 << 16))
    sinf = atoms.box(b"sinf", atoms.box(b"frma", b"avc1"), schm, atoms.box(b"schi", tenc))
    pssh = atoms.full(b"pssh", bytes(range(16)), atoms.u32(0))

    def edit(data: bytes) -> bytes:
        data = atoms.append(atoms.rename(data, AVC1, b"encv"), f"{STSD}/encv", sinf)
        return atoms.append(data, "moov", pssh)

    return edit


def _fourcc(kind: bytes) -> Case:
    name = kind.decode("latin-1").strip()
    return edited(f"codec {name}", HURT, lambda data: atoms.rename(data, AVC1, kind))


ENCRYPT = ("-c", "copy", "-encryption_key", "0" * 31 + "1", "-encryption_kid", "0" * 31 + "2")

CASES = (
    edited("index first", PUBLISHED, bytes, of="front"),
    edited("index last", PUBLISHED, bytes),
    edited("index between the frames", HURT, _moved),
    edited("index twice", OPEN, lambda data: data + atoms.whole(data, "moov")),
    edited("index twice, the second empty", OPEN, lambda data: data + atoms.box(b"moov")),
    edited("an empty index", REJECTED, lambda data: atoms.refill(data, "moov"), reason=LOST),
    edited("no frames", REJECTED, lambda data: data[:40] + atoms.whole(data, "moov"), reason=LOST),
    edited("no ftyp", OPEN, lambda data: atoms.rename(data, "ftyp", b"free")),
    edited("ftyp of another world", OPEN, lambda data: atoms.patch(data, "ftyp", 0, b"heic")),
    *(_without(path) for path in NEEDED),
    edited("frames with a 64-bit size", PUBLISHED, _wide),
    edited("frames with a 64-bit size beyond all files", OPEN, _wide_lie(2**63 - 1)),
    edited("frames with a negative 64-bit size", OPEN, _wide_lie(2**64 - 1)),
    edited("frames with a 64-bit size of 3", REJECTED, _wide_lie(3), reason=LOST),
    edited("last box of size 0", OPEN, lambda data: atoms.resize(data, "moov", 0)),
    edited("frames of size 0", REJECTED, lambda data: atoms.resize(data, "mdat", 0), reason=LOST),
    edited("frames of size 1", REJECTED, lambda data: atoms.resize(data, "mdat", 1), reason=LOST),
    edited("frames of size 7", REJECTED, lambda data: atoms.resize(data, "mdat", 7), reason=LOST),
    edited("ftyp of size 0", OPEN, lambda data: atoms.resize(data, "ftyp", 0), reason=LOST),
    *(
        edited(f"{path} of size {size}", HURT, _claiming(path, size))
        for path in ("moov", "moov/trak", f"{STBL}", f"{STBL}/stsz")
        for size in (0, 7, 2**32 - 1)
        if (path, size) != ("moov", 0)
    ),
    edited("a box within itself, 5,000 deep", OPEN, _nested(5_000, b"udta")),
    edited("a track within itself, 200 deep", OPEN, _nested(200, b"trak")),
    edited("an index within itself, 200 deep", OPEN, _nested(200, b"moov")),
    edited("2,000 empty boxes", OPEN, lambda data: data + 2_000 * atoms.box(b"free")),
    edited("2,000 empty tracks", OPEN,
           lambda data: atoms.append(data, "moov", 2_000 * atoms.box(b"trak"))),
    edited("an index that is compressed", OPEN, _squeezed(None)),
    edited("a compressed index of 4 GB", REJECTED, _squeezed(2**32 - 1), reason=LOST),
    edited("DRM by cenc", REJECTED, _encrypted(b"cenc"), reason=DRM),
    edited("DRM by cbcs", REJECTED, _encrypted(b"cbcs"), reason=DRM),
    edited("DRM without a scheme", REJECTED,
           lambda data: atoms.rename(data, AVC1, b"encv"), reason=DRM),
    edited("DRM of Apple", REJECTED, lambda data: atoms.rename(data, AVC1, b"drmi"), reason=DRM),
    edited("DRM of the sound", REJECTED, lambda data: atoms.rename(
        data, "moov/trak[1]/mdia/minf/stbl/stsd/mp4a", b"enca"), reason=DRM),
    edited("DRM in fragments", REJECTED,
           lambda data: atoms.rename(data, AVC1, b"encv"), reason=DRM, of="fragments"),
    recut("frames really encrypted", REJECTED, *ENCRYPT, "-encryption_scheme", "cenc-aes-ctr",
          reason=DRM),
    *map(_fourcc, (b"xxxx", b"\0\0\0\0", b"avc3", b"hvc1", b"av01", b"jpeg", b"text")),
    *FRAGMENTS,
)  # fmt: skip
