"""What is in a fragmented MP4 file: where its fragments lie, when they play, what decodes them.

    [ftyp moov] [sidx] [moof mdat] [moof mdat] …
     init        ours   a fragment: one GOP of the picture, or four seconds of sound

Read from the boxes themselves, in whole ticks; playlists and the index are made from it, so what
they promise is what the file holds.

Source:
    ISO/IEC 14496-12, clauses 8.6, 8.8 and 8.16.3; RFC 6381 for the codecs' names.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pixr.domain.boxes import HEAD_BYTES, Malformed, Read, box_at

FRAGMENTS_MAX: Final = 100_000
"""Four hours in pieces of 144 ms; a fragment lasts two seconds or more."""

BOXES_MAX: Final = 2 * FRAGMENTS_MAX + 10
BOX_BYTES_MAX: Final = 64 * 1024**2
"""A moof of a GOP has some kilobytes, the moov of a chunk of minutes a megabyte."""

_KINDS: Final = {b"vide": "video", b"soun": "audio"}
_EXTENDED: Final = 31
"""In an AAC configuration: the object type is in the next six bits."""
_LENGTH: Final = 0x100
_OFFSET: Final = 0x800
"""Flags of a run: its samples say how long they last, and how long after decoding they show."""
_EIGHT_CHANNELS: Final = 7
_RATE_FOLLOWS: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """What one track needs to be decoded."""

    kind: str
    """'video' or 'audio'."""
    name: str
    """As in CODECS."""
    config: bytes
    """The decoder's configuration record; for H.264 its SPS and PPS."""
    channels: int
    """Of a sound; 0 of a picture."""
    timescale: int
    """Ticks a second."""
    number: int
    """The track's number in the file."""
    edit: int
    """Ticks that its edit list takes off every time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """A moof and its mdat. Times are in ticks of the file's first picture, or of its sound."""

    start_byte: int
    size_bytes: int
    samples: int
    begin: int
    """When its first sample is shown."""
    length: int
    """How long its samples last."""
    clocks: Sequence[tuple[int, int]]
    """Where the decoding times are in the file: byte and track number, eight bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFile:
    """A fragmented file of one track; or, as it was before sound was kept apart, of two."""

    init_bytes: int
    codecs: Sequence[Codec]
    """The main one first, whose times the fragments have."""
    fragments: Sequence[Fragment]

    @property
    def main(self) -> Codec:
        """The picture, or the sound of a file without one."""
        return self.codecs[0]


def read_track(read: Read, size_bytes: int) -> TrackFile:
    """Read a fragmented file of ``size_bytes``, skipping what is played.

    Raises:
        Malformed: It is none.
    """
    try:
        return _track(read, size_bytes)
    except (struct.error, IndexError) as error:
        raise Malformed(f"a box is too short: {error}") from error


def _track(read: Read, size_bytes: int) -> TrackFile:
    init_bytes, codecs, defaults = 0, list[Codec](), dict[int, int]()
    fragments: list[Fragment] = []
    moof: tuple[int, bytes] | None = None
    for kind, start, size in _top_level(read, size_bytes):
        if kind == b"moov":
            body = _body(read, start, size)
            codecs = sorted(_codecs(body), key=lambda codec: codec.kind != "video")
            defaults = _defaults(body)
            init_bytes = start + size
        elif kind == b"moof":
            moof = start, read(start, size)
        elif kind == b"mdat" and moof is not None and codecs:
            at, data = moof
            fragments.append(_fragment(at, data, start + size - at, codecs[0], defaults))
            moof = None
        if len(fragments) > FRAGMENTS_MAX:
            raise Malformed(f"more than {FRAGMENTS_MAX} fragments")
    if not codecs or not fragments:
        raise Malformed("no fragments")
    return TrackFile(init_bytes=init_bytes, codecs=codecs, fragments=fragments)


def read_config(read: Read, size_bytes: int) -> bytes:
    """The configuration record of the picture in any MP4 file.

    Raises:
        Malformed: There is no picture in it.
    """
    for kind, start, size in _top_level(read, size_bytes):
        if kind == b"moov":
            try:
                codecs = _codecs(_body(read, start, size))
            except (struct.error, IndexError) as error:
                raise Malformed(f"a box is too short: {error}") from error
            for codec in codecs:
                if codec.kind == "video":
                    return codec.config
    raise Malformed("no picture")


def sidx(track: TrackFile, lengths: Sequence[tuple[int, int]]) -> bytes:
    """The index that DASH players look segments up in; it belongs right behind the init.

    Args:
        track: The file.
        lengths: Size in bytes and length in ticks of each segment, in order.
    """
    main, begin = track.main, max(0, track.fragments[0].begin)
    rows = b"".join(
        struct.pack(">III", size_bytes, length, 0x9000_0000) for size_bytes, length in lengths
    )
    body = struct.pack(
        ">IIIQQHH", 1 << 24, main.number, main.timescale, begin, 0, 0,
        len(lengths),
    )  # fmt: skip
    return struct.pack(">I4s", 8 + len(body) + len(rows), b"sidx") + body + rows


def _codecs(moov: bytes) -> list[Codec]:
    """What decodes each picture and sound that a moov names."""
    found: list[Codec] = []
    for trak in _all(moov, b"trak"):
        mdia = _one(trak, b"mdia")
        kind = _KINDS.get(_one(mdia, b"hdlr")[8:12])
        if kind is None:
            continue
        entry = _one(_one(_one(mdia, b"minf"), b"stbl"), b"stsd")[8:]
        fourcc, body = next(_boxes(entry), (b"", b""))
        name, config, channels = _codec(fourcc, body)
        header = _one(mdia, b"mdhd")
        (timescale,) = struct.unpack_from(">I", header, 20 if header[:1] == b"\x01" else 12)
        tkhd = _one(trak, b"tkhd")
        (number,) = struct.unpack_from(">I", tkhd, 20 if tkhd[:1] == b"\x01" else 12)
        found.append(
            Codec(
                kind=kind,
                name=name,
                config=config,
                channels=channels,
                timescale=timescale,
                number=number,
                edit=_edit(trak),
            )
        )
    return found


def _codec(fourcc: bytes, entry: bytes) -> tuple[str, bytes, int]:
    """Name, configuration and channels of a sample entry."""
    if fourcc in {b"avc1", b"avc3"}:
        config = _one(entry[78:], b"avcC")
        return f"{fourcc.decode()}.{config[1:4].hex()}", config, 0
    (channels,) = struct.unpack_from(">H", entry, 16)
    if fourcc == b"mp4a":
        config = _aac_config(_one(entry[28:], b"esds"))
        kind, channels = _aac(config)
        return f"mp4a.40.{kind}", config, channels
    if fourcc == b"Opus":
        return "opus", _one(entry[28:], b"dOps"), channels
    raise Malformed(f"a track in {fourcc!r}")


def _aac_config(esds: bytes) -> bytes:
    """The AudioSpecificConfig: the payload of the descriptor with tag 5."""
    at = 4
    for tag, skip in ((3, 3), (4, 13), (5, 0)):
        if esds[at : at + 1] != bytes([tag]):
            break
        length, at = 0, at + 1
        for _ in range(4):  # seven bits a byte, the high bit says that more follow
            byte = esds[at]
            length, at = length << 7 | byte & 0x7F, at + 1
            if not byte & 0x80:
                break
        if tag == 5:  # noqa: PLR2004 -- DecoderSpecificInfo
            return esds[at : at + length]
        at += skip
    raise Malformed("no configuration of AAC")


def _aac(config: bytes) -> tuple[int, int]:
    """Object type and channels."""
    bits, at = int.from_bytes(config.ljust(8, b"\0")[:8]), 64

    def take(count: int) -> int:
        nonlocal at
        at -= count
        return bits >> at & (1 << count) - 1

    kind = take(5)
    if kind == _EXTENDED:
        kind = 32 + take(6)
    if take(4) == _RATE_FOLLOWS:
        take(24)
    channels = take(4)
    return kind, 8 if channels == _EIGHT_CHANNELS else channels


def _edit(trak: bytes) -> int:
    """Where the shown part of the track begins; an empty edit before it is not counted."""
    for edts in _all(trak, b"edts"):
        elst = _one(edts, b"elst")
        layout = ">Qqi" if elst[:1] == b"\x01" else ">Iii"
        (count,) = struct.unpack_from(">I", elst, 4)
        for number in range(min(count, 2)):
            _, time, _ = struct.unpack_from(layout, elst, 8 + number * struct.calcsize(layout))
            if time >= 0:
                return int(time)
    return 0


def _defaults(moov: bytes) -> dict[int, int]:
    """The length of a sample by track, where a fragment does not say."""
    found: dict[int, int] = {}
    for mvex in _all(moov, b"mvex"):
        for trex in _all(mvex, b"trex"):
            number, _, length = struct.unpack_from(">III", trex, 4)
            found[number] = length
    return found


def _fragment(
    start: int, data: bytes, size_bytes: int, main: Codec, defaults: Mapping[int, int]
) -> Fragment:
    clocks: list[tuple[int, int]] = []
    samples = length = 0
    begin: int | None = None
    for at, traf in _places(data, b"traf"):
        number, default = _header(_one(traf, b"tfhd"), defaults)
        clock_at, tfdt = next(iter(_places(traf, b"tfdt", head=0)), (0, b""))
        if tfdt[:1] != b"\x01":
            raise Malformed("no decoding time, or one of four bytes")
        (clock,) = struct.unpack_from(">Q", tfdt, 4)
        clocks.append((start + at + clock_at + 4, number))
        if number != main.number:
            continue
        for lasting, offset in _samples(_all(traf, b"trun"), default):
            shown = clock + offset - main.edit
            begin = shown if begin is None else min(begin, shown)
            clock += lasting
            length += lasting
            samples += 1
    if begin is None:
        raise Malformed(f"no sample of track {main.number} in the fragment at byte {start}")
    return Fragment(
        start_byte=start,
        size_bytes=size_bytes,
        samples=samples,
        begin=begin,
        length=length,
        clocks=clocks,
    )


def _header(tfhd: bytes, defaults: Mapping[int, int]) -> tuple[int, int]:
    """Track number and the length of a sample that does not say its own."""
    flags, number = struct.unpack_from(">II", tfhd, 0)
    if flags & 0x1:
        raise Malformed("a fragment with places counted from the start of the file")
    at = 8 + (4 if flags & 0x2 else 0)
    if flags & 0x8:
        (length,) = struct.unpack_from(">I", tfhd, at)
        return number, length
    return number, defaults.get(number, 0)


def _samples(truns: Iterator[bytes], default: int) -> Iterator[tuple[int, int]]:
    """Length and offset from decoding to showing, of every sample."""
    for trun in truns:
        flags, count = struct.unpack_from(">II", trun, 0)
        at = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
        fields = [bit for bit in (_LENGTH, 0x200, 0x400, _OFFSET) if flags & bit]
        width = 4 * len(fields)
        rows = trun[at : at + count * width]
        if len(rows) != count * width:
            raise Malformed("a run of samples is cut")
        layout = ">" + "".join("i" if bit == _OFFSET else "I" for bit in fields)
        lasting_at = fields.index(_LENGTH) if _LENGTH in fields else None
        offset_at = fields.index(_OFFSET) if _OFFSET in fields else None
        for row in struct.iter_unpack(layout, rows) if fields else [()] * count:
            yield (
                default if lasting_at is None else row[lasting_at],
                0 if offset_at is None else row[offset_at],
            )


def _top_level(read: Read, size_bytes: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, place and size of each box of the file."""
    start = 0
    for _ in range(BOXES_MAX):
        if start >= size_bytes:
            return
        kind, _, size = _box(read(start, HEAD_BYTES), 0, size_bytes - start)
        if kind != b"mdat" and size > BOX_BYTES_MAX:
            raise Malformed(f"box {kind!r} of {size} bytes")
        yield kind, start, size
        start += size
    raise Malformed(f"more than {BOXES_MAX} boxes")


def _body(read: Read, start: int, size: int) -> bytes:
    data = read(start, size)
    _, head, _ = _box(data, 0, size)
    return data[head:]


def _box(data: bytes, at: int, room: int) -> tuple[bytes, int, int]:
    return box_at(data, at, room, may_fill=False)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, at, end in _spans(data):
        yield kind, data[at:end]


def _spans(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    at = 0
    while at < len(data):
        kind, head, size = _box(data, at, len(data) - at)
        yield kind, at + head, at + size
        at += size


def _places(data: bytes, kind: bytes, *, head: int | None = None) -> list[tuple[int, bytes]]:
    """Where the bodies of boxes begin in ``data``, and the bodies.

    Args:
        data: A box with its header, or with ``head=0`` the body of one.
        kind: Of the boxes in it.
        head: Length of the header to skip; None: it is read.
    """
    skip = _box(data, 0, len(data))[1] if head is None else head
    body = data[skip:]
    return [(skip + at, body[at:end]) for found, at, end in _spans(body) if found == kind]


def _all(data: bytes, kind: bytes) -> Iterator[bytes]:
    return (body for found, body in _boxes(data) if found == kind)


def _one(data: bytes, kind: bytes) -> bytes:
    found = next(_all(data, kind), None)
    if found is None:
        raise Malformed(f"no box {kind!r}")
    return found
