"""The index of an MP4 file: when every frame is shown, read from a fraction of the file.

    ftyp ─ mdat (skipped) ─ moov ─┬─ mvhd            how long it says it is
                                  └─ trak × n ─┬─ elst   what of the track is shown, and from when
                                               └─ stbl   times, sizes and places of the samples

A 454 MB file tells all of this in 372 kB. Only the plain kind is understood here, which is what
phones, cameras and encoders write: one ``moov``, no fragments, at most one edit per track with an
empty one before it, one picture. Whatever else there is raises ``NotPlain``, and the file is
listed packet by packet by FFmpeg, whose times this must equal.

Source:
    ISO/IEC 14496-12, clauses 8.2 to 8.8.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from pixr.domain.boxes import HEAD_BYTES, Malformed, Read, box_at
from pixr.domain.sources import ENCRYPTED, Track, Unusable

BOXES_MAX: Final = 1_000
"""At the top level of a file, or in any one box; a plain file has about ten."""

MOOV_BYTES_MAX: Final = 64 * 1024**2
"""Four hours at 60 frames a second take about 30 MB."""

SAMPLES_MAX: Final = 2_000_000

_VIDEO: Final = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc"}
_TOP: Final = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide"})
_STILLS: Final = frozenset({b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1"})
_ENCRYPTED: Final = frozenset({b"encv", b"enca", b"drmi", b"drms"})
_AUDIO: Final = {b"Opus": "opus", b"ac-3": "ac3", b"ec-3": "eac3", b"fLaC": "flac"}
_OBJECT_TYPES: Final[Mapping[int | None, str]] = {0x40: "aac", 0x69: "mp3", 0x6B: "mp3"}
_FIELDS: Final = {b"vide": "video", b"soun": "audio"}


class NotPlain(Exception):
    """The file may be good, but its index is not of the kind that is understood here."""


@dataclass(frozen=True, slots=True)
class _Times:
    """Of every sample of a track, in its ticks."""

    dts: list[int]
    pts: list[int]
    deltas: list[int]
    keys: list[bool]
    """Whether it can be decoded without another."""


def read_index(read: Read, size_bytes: int) -> dict[str, Track]:
    """Read the index of a file of ``size_bytes``.

    Returns:
        ``video``, and ``audio`` where there is sound: as FFmpeg's listing would have them.

    Raises:
        NotPlain: It is no MP4, or not a plain one.
        Unusable: It is one, and samples of it lie beyond the end of the file.
    """
    moov = _find_moov(read, size_bytes)
    boxes = _children(moov)
    for trak in boxes.get(b"trak", []):
        _check_encrypted(trak)
    if b"mvex" in boxes:
        raise NotPlain("fragments")
    timescale = _timescale(_one(boxes, b"mvhd"))
    tracks: dict[str, Track] = {}
    for trak in boxes.get(b"trak", []):
        found = _track(trak, timescale, size_bytes)
        if found is not None and found.kind == "video" and "video" in tracks:
            raise NotPlain("several pictures")
        if found is not None:
            tracks.setdefault(found.kind, found)
    if "video" not in tracks:
        raise NotPlain("no picture")
    return tracks


def _find_moov(read: Read, size_bytes: int) -> bytes:
    start = 0
    for _ in range(BOXES_MAX):
        header = read(start, HEAD_BYTES)
        _check_top(header, read, start, size_bytes)
        kind, head, size = _box_at(header, 0, size_bytes - start)
        if kind == b"moov":
            if size > MOOV_BYTES_MAX:
                raise NotPlain(f"an index of {size} bytes")
            return read(start + head, size - head)
        if kind in {b"moof", b"sidx"} or start + size >= size_bytes:
            break
        start += size
    raise NotPlain("no index")


def _check_top(header: bytes, read: Read, start: int, size_bytes: int) -> None:
    """Say what is wrong with a file that is an MP4 beyond doubt.

    Raises:
        Unusable: It was cut off, or is a still picture in an MP4's clothes.
    """
    claimed, kind = struct.unpack_from(">I4s", header.ljust(8, b"\0"))
    if start == 0 and kind == b"ftyp" and read(8, 4) in _STILLS:
        raise Unusable("the file is a still picture, not a video")
    if kind in _TOP and claimed > size_bytes - start:
        raise Unusable(
            f"the file is truncated: a part of {claimed} bytes begins"
            f" {size_bytes - start} bytes before its end"
        )


def _box_at(data: bytes, start: int, room: int) -> tuple[bytes, int, int]:
    try:
        return box_at(data, start, room, may_fill=True)
    except Malformed as error:
        raise NotPlain(str(error)) from error


def _children(data: bytes) -> dict[bytes, list[bytes]]:
    """The boxes in a box, by kind, in order."""
    found: dict[bytes, list[bytes]] = {}
    start = 0
    for _ in range(BOXES_MAX):
        if start >= len(data):
            return found
        kind, head, size = _box_at(data, start, len(data) - start)
        found.setdefault(kind, []).append(data[start + head : start + size])
        start += size
    raise NotPlain("too many boxes")


def _one(boxes: Mapping[bytes, list[bytes]], kind: bytes) -> bytes:
    found = boxes.get(kind, [])
    if len(found) != 1:
        raise NotPlain(f"{len(found)} boxes {kind!r}")
    return found[0]


def _unpack(layout: str, data: bytes, start: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, data, start)
    except struct.error as error:
        raise NotPlain("a box is too short") from error


def _timescale(data: bytes) -> int:
    """Ticks a second of mvhd or mdhd; the duration that follows must be there, and is not asked."""
    layout, start = (">IQ", 20) if data[:1] == b"\x01" else (">II", 12)
    timescale, _ = _unpack(layout, data, start)
    if timescale == 0:
        raise NotPlain("no timescale")
    return timescale


def _rows(data: bytes, layout: str) -> Iterator[tuple[int, ...]]:
    """Rows of a full box that begins with their count."""
    (count,) = _unpack(">I", data, 4)
    width = struct.calcsize(layout)
    if count > (len(data) - 8) // width:
        raise NotPlain(f"{count} rows in {len(data)} bytes")
    return struct.iter_unpack(layout, data[8 : 8 + count * width])


def _track(trak: bytes, movie_timescale: int, size_bytes: int) -> Track | None:
    """A picture or a sound; None for any other kind of track."""
    boxes = _children(trak)
    mdia = _children(_one(boxes, b"mdia"))
    kind = _FIELDS.get(_one(mdia, b"hdlr")[8:12])
    if kind is None:
        return None
    timescale = _timescale(_one(mdia, b"mdhd"))
    stbl = _children(_one(_children(_one(mdia, b"minf")), b"stbl"))
    sizes = _sizes(_one(stbl, b"stsz"))
    times = _times(stbl, len(sizes))
    _check_places(stbl, sizes, size_bytes)
    edit = _edit(boxes.get(b"edts", []), timescale, movie_timescale)
    if kind == "audio" and edit is not None:
        times = _near(times, edit.start - timescale)
    pts, shown = _shown(kind, times, edit)
    codec, width_px, height_px = _sample_entry(kind, _one(stbl, b"stsd"))
    return Track(
        kind=kind,
        codec=codec,
        time_base=Fraction(1, timescale),
        width_px=width_px,
        height_px=height_px,
        pixel_shape=Fraction(1),
        pts=[item for item, _, _ in shown],
        key_pts=[item for item, _, is_key in shown if is_key],
        end_pts=shown[-1][0] + max(1, shown[-1][1]) if shown else 0,
        first_pts=min(pts),
        packets=len(pts),
        is_ordered=all(earlier < later for earlier, later in pairwise(times.dts)),
        is_damaged=False,
        has_untimed=False,
    )


def _sizes(data: bytes) -> list[int]:
    size, count = _unpack(">II", data, 4)
    if not 0 < count <= SAMPLES_MAX:
        raise NotPlain(f"{count} samples")
    if size:
        return [size] * count
    return list(_unpack(f">{count}I", data, 12))


def _times(stbl: Mapping[bytes, list[bytes]], count: int) -> _Times:
    deltas: list[int] = []
    for repeats, delta in _rows(_one(stbl, b"stts"), ">II"):
        if len(deltas) + repeats > count:
            raise NotPlain("more times than samples")
        deltas += [delta] * repeats
    offsets: list[int] = []
    for repeats, offset in _rows(_one(stbl, b"ctts"), ">Ii") if b"ctts" in stbl else ():
        if len(offsets) + repeats > count:
            raise NotPlain("more offsets than samples")
        offsets += [offset] * repeats
    if len(deltas) != count or len(offsets) not in {0, count}:
        raise NotPlain("samples without times")
    dts, ticks = [0] * count, 0
    for number, delta in enumerate(deltas):
        dts[number] = ticks
        ticks += delta
    pts = [item + offset for item, offset in zip(dts, offsets, strict=True)] if offsets else dts
    return _Times(dts, pts, deltas, _keys(stbl, count))


def _keys(stbl: Mapping[bytes, list[bytes]], count: int) -> list[bool]:
    """Without a table of those that are, all are."""
    if b"stss" not in stbl:
        return [True] * count
    keys = [False] * count
    for (number,) in _rows(_one(stbl, b"stss"), ">I"):
        if not 0 < number <= count:
            raise NotPlain(f"a key frame {number} of {count}")
        keys[number - 1] = True
    return keys


def _check_places(stbl: Mapping[bytes, list[bytes]], sizes: list[int], size_bytes: int) -> None:
    """Every sample lies in the file.

    Raises:
        Unusable: One does not: the file was cut off.
    """
    if b"co64" in stbl:
        places = [place for (place,) in _rows(_one(stbl, b"co64"), ">Q")]
    else:
        places = [place for (place,) in _rows(_one(stbl, b"stco"), ">I")]
    runs = list(_rows(_one(stbl, b"stsc"), ">III"))
    if not runs or runs[0][0] != 1:
        raise NotPlain("samples without places")
    sample = 0
    for number, (first, per_chunk, _) in enumerate(runs):
        end = runs[number + 1][0] if number + 1 < len(runs) else len(places) + 1
        if not first < end <= len(places) + 1:
            raise NotPlain("places out of order")
        for place in places[first - 1 : end - 1]:
            length = sum(sizes[sample : sample + per_chunk])
            sample += per_chunk
            if place + length > size_bytes:
                raise Unusable(
                    f"the file is truncated: frames lie at byte {place + length},"
                    f" and it has {size_bytes}"
                )
    if sample != len(sizes):
        raise NotPlain(f"places of {sample} samples of {len(sizes)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """Which part of a track is shown, from when; in its ticks."""

    wait: int
    start: int
    length: int


def _edit(edts: list[bytes], timescale: int, movie_timescale: int) -> _Edit | None:
    if not edts:
        return None
    elst = _one(_children(edts[0]), b"elst")
    edits = list(_rows(elst, ">QqI" if elst[:1] == b"\x01" else ">IiI"))
    wait = 0
    if edits and edits[0][1] == -1:
        wait = round(Fraction(edits[0][0] * timescale, movie_timescale))
        edits = edits[1:]
    if len(edits) != 1 or edits[0][1] < 0 or edits[0][2] != 1 << 16:
        raise NotPlain("several edits, or one at another speed")
    length = round(Fraction(edits[0][0] * timescale, movie_timescale))
    if length == 0:
        raise NotPlain("an edit without a length")
    return _Edit(wait=wait, start=edits[0][1], length=length)


def _near(times: _Times, start: int) -> _Times:
    """Sound that is hidden by more than a second is not even read: FFmpeg begins a second early."""
    early = sum(item <= start for item in times.pts)
    first = max(0, early - 1)
    return _Times(times.dts[first:], times.pts[first:], times.deltas[first:], times.keys[first:])


def _shown(
    kind: str, times: _Times, edit: _Edit | None
) -> tuple[list[int], list[tuple[int, int, bool]]]:
    """When all samples are, hidden ones included; and time, length and key of those shown.

    As FFmpeg has it: a sound that is partly before the edit is shown, a picture is not, and the
    first picture is shown at once even where the edit begins within the one before.
    """
    if edit is None:
        return times.pts, sorted(zip(times.pts, times.deltas, times.keys, strict=True))
    pts = [item - edit.start for item in times.pts]
    if max(pts) >= edit.length:
        raise NotPlain("an edit that cuts the end")
    shown = sorted(
        (item, delta, is_key)
        for item, delta, is_key in zip(pts, times.deltas, times.keys, strict=True)
        if item >= 0 or (kind == "audio" and item + delta > 0)
    )
    late = shown[0][0] if shown and kind == "video" else 0
    moved = edit.wait - late
    return (
        [item + moved for item in pts],
        [(item + moved, delta, is_key) for item, delta, is_key in shown],
    )


def _sample_entry(kind: str, data: bytes) -> tuple[str, int, int]:
    """Codec, and the size of the coded picture."""
    (count,) = _unpack(">I", data, 4)
    if count != 1:
        raise NotPlain(f"{count} kinds of samples")
    fourcc, head, size = _box_at(data, 8, len(data) - 8)
    entry = data[8 + head : 8 + size]
    if kind == "video":
        width_px, height_px = _unpack(">HH", entry, 24)
        if fourcc not in _VIDEO:
            raise NotPlain(f"a picture in {fourcc!r}")
        return _VIDEO[fourcc], width_px, height_px
    if fourcc in _AUDIO:
        return _AUDIO[fourcc], 0, 0
    if fourcc != b"mp4a":
        raise NotPlain(f"sound in {fourcc!r}")
    # QuickTime's entry is longer, and keeps the descriptor one box deeper.
    is_quicktime = entry[8:10] == b"\0\1"
    boxes = _children(entry[44 if is_quicktime else 28 :])
    if b"wave" in boxes:
        boxes = _children(_one(boxes, b"wave"))
    return _OBJECT_TYPES.get(_object_type(_one(boxes, b"esds")), "mp4a"), 0, 0


def _check_encrypted(trak: bytes) -> None:
    """Name what no decoder here can open.

    Raises:
        Unusable: The track is encrypted.
    """
    inner = trak
    try:
        for kind in (b"mdia", b"minf", b"stbl", b"stsd"):
            inner = _one(_children(inner), kind)
    except NotPlain:
        return
    if inner[12:16] in _ENCRYPTED:
        raise Unusable(ENCRYPTED)


def _object_type(esds: bytes) -> int | None:
    """The codec's number in an ES descriptor; None when it is not where it should be."""
    config = esds.find(b"\x04", 4)
    for position in range(config + 1, min(config + 5, len(esds) - 1)):
        # A length has up to four bytes, all but the last with the high bit.
        if not esds[position] & 0x80:
            return esds[position + 1]
    return None
