"""MP4 boxes, read and written, so that a good file can be made wrong in exactly one place.

Paths name a box by its parents, with a number where a kind comes more than once:
``moov/trak[1]/mdia/minf/stbl/stsz``. A path without a number means the first.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

PARENTS = {
    b"moov": 0, b"trak": 0, b"edts": 0, b"mdia": 0, b"minf": 0, b"dinf": 0, b"stbl": 0,
    b"udta": 0, b"mvex": 0, b"moof": 0, b"traf": 0, b"mfra": 0, b"sinf": 0, b"schi": 0,
    b"dref": 8, b"stsd": 8, b"meta": 4, b"avc1": 78, b"hvc1": 78, b"encv": 78,
    b"mp4a": 28, b"enca": 28,
}  # fmt: skip
"""Boxes that hold boxes, and how many bytes of their own come before these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a box is."""

    path: str
    kind: bytes
    start: int
    body: int
    """Where what it holds begins, after size, kind and a 64-bit size."""
    end: int


def walk(data: bytes) -> Iterator[Box]:
    """Every box of a sound file, parents before children, in the order of the file."""
    yield from _walk(data, "", 0, len(data))


def _walk(data: bytes, parent: str, start: int, end: int) -> Iterator[Box]:
    seen: dict[bytes, int] = {}
    while end - start >= 8:
        size, kind = struct.unpack_from(">I4s", data, start)
        body = start + 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, body)
            body += 8
        size = size or end - start
        number = seen.get(kind, 0)
        seen[kind] = number + 1
        path = f"{parent}{kind.decode('latin-1')}" + (f"[{number}]" if number else "")
        yield Box(path=path, kind=kind, start=start, body=body, end=start + size)
        if kind in PARENTS:
            yield from _walk(data, f"{path}/", body + PARENTS[kind], start + size)
        start += size


def find(data: bytes, path: str) -> Box:
    """The box at ``path``.

    Raises:
        KeyError: There is none.
    """
    for box in walk(data):
        if box.path == path:
            return box
    raise KeyError(path)


def box(kind: bytes, *parts: bytes) -> bytes:
    """A box around ``parts``."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def u32(*values: int) -> bytes:
    """Numbers as boxes hold them."""
    return struct.pack(f">{len(values)}I", *values)


def read(data: bytes, path: str) -> bytes:
    """What the box holds, without size and kind."""
    where = find(data, path)
    return data[where.body : where.end]


def patch(data: bytes, path: str, offset: int, new: bytes) -> bytes:
    """Write over a box's content from its byte ``offset``; no size changes."""
    where = find(data, path)
    start = where.body + offset
    assert start + len(new) <= where.end, f"{path} is too short"
    return data[:start] + new + data[start + len(new) :]


def rename(data: bytes, path: str, kind: bytes) -> bytes:
    """Give a box another kind."""
    where = find(data, path)
    return data[: where.start + 4] + kind + data[where.start + 8 :]


def resize(data: bytes, path: str, size: int) -> bytes:
    """Let a box claim ``size`` bytes; nothing else changes."""
    where = find(data, path)
    return data[: where.start] + u32(size) + data[where.start + 4 :]


def swap(data: bytes, path: str, new: bytes) -> bytes:
    """Put the box(es) ``new`` in the place of one, and let the parents' sizes fit again.

    Places in the file are not moved, so what changes must come after the frames.
    """
    where = find(data, path)
    grown = len(new) - (where.end - where.start)
    for above in walk(data):
        if path.startswith(above.path + "/") and above.start < where.start:
            data = (
                data[: above.start] + u32(above.end - above.start + grown) + data[above.start + 4 :]
            )
    return data[: where.start] + new + data[where.end :]


def remove(data: bytes, path: str) -> bytes:
    """Take a box out."""
    return swap(data, path, b"")


def refill(data: bytes, path: str, *parts: bytes) -> bytes:
    """Give a box another content."""
    return swap(data, path, box(find(data, path).kind, *parts))


def append(data: bytes, path: str, new: bytes) -> bytes:
    """Put ``new`` behind the last child of a box."""
    where = find(data, path)
    return swap(data, path, box(where.kind, data[where.body : where.end], new))


def whole(data: bytes, path: str) -> bytes:
    """A box with all that it holds."""
    where = find(data, path)
    return data[where.start : where.end]
