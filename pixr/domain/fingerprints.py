"""What is kept of a source to tell another one by: tiny pictures of it, and its sound.

    chunk encoder ──second output──▶ 9x8 grey pictures of its frames ──┐
    whole source  ──one pass───────▶ chromaprint words of its sound ───┴─▶ Fingerprint ─▶ S3

Time is a grid of 24 places a second from the film's first picture on, whatever chunk a place
falls into, so that the chunks' pictures join without a seam. Of the six places of each quarter of
a second, three are kept: the least that hold every distance between two places, so that films
can be compared at every shift to a frame. A frame counts: a copy at another rate shows the one
before or after at the same time, and in live action that is another picture.

    place     0  1     3        6  7     9        12 13
    picture   0  1     2        3  4     5        6  7

A frame is chosen before it is scaled, so an encoder that has decoded it anyway pays next to
nothing. Seventy-two grey values hold all that is compared.
"""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final, NewType, Self

from pixr.domain.media import Chunk, Plan
from pixr.domain.sources import DURATION_MAX_MS, SourceFacts, Treatment, read_listing

SAMPLE_MS: Final = 250
"""The time between two samples, of three pictures each."""

PLACES_PER_S: Final = 24
PLACES_PER_SAMPLE: Final = PLACES_PER_S * SAMPLE_MS // 1000
KEPT_PLACES: Final = (0, 1, 3)
"""Of each sample: modulo 6, their distances are all of 0 to 5."""

COLUMNS: Final = 9
ROWS: Final = 8
PICTURE_BYTES: Final = COLUMNS * ROWS
"""Nine columns have eight steps a row: 64 of them."""

PICTURES_MAX: Final = 3 * (DURATION_MAX_MS // SAMPLE_MS + 4)
"""Four hours, and the second that a source may be longer than it says."""

SOUND_RATE_HZ: Final = 11_025
"""What chromaprint works with."""

SOUND_STEP_FRAMES: Final = 1_365
"""Sound frames from one word of chromaprint to the next: 123.8 ms."""

SOUND_WORDS_MAX: Final = DURATION_MAX_MS * SOUND_RATE_HZ // (1000 * SOUND_STEP_FRAMES) + 80
"""Four hours and ten seconds."""

KEY_PICTURES_MAX: Final = 7_200
"""One each two seconds of four hours; a film with more is looked at as far as they reach."""

MISSING_MAX: Final = 2
"""Pictures at the end that a source may lack: it need not say how long its last frame is shown."""

KEY_FRAMES_ONLY: Final = ("-skip_frame", "nokey")
"""Stands before the input: only key frames are decoded. Everything is read: FFmpeg 9.0.2 gives key
frames of MP4 the times of others when it leaves out reading what is between (``-discard``)."""

_TAP_MAGIC: Final = b"PXT1"
_FILM_MAGIC: Final = b"PXF1"
_TAP_HEAD: Final = struct.Struct("<4sII")
_FILM_HEAD: Final = struct.Struct("<4sIIIIB")

Picture = NewType("Picture", bytes)
"""``PICTURE_BYTES`` of grey, 0 to 255, row by row."""


class Unreadable(Exception):
    """Bytes that are no fingerprint of ours; the text says what is wrong with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tap:
    """Pictures ``first``, ``first + 1``, … of a film."""

    first: int
    pictures: Sequence[Picture]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPicture:
    """A key frame, and when it is shown after the first picture."""

    time_ms: int
    picture: Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """All that is kept of one source."""

    duration_ms: int
    frame_ms: int
    """How long a frame is shown on average, rounded up."""
    pictures: Sequence[Picture]
    sound: Sequence[int] | None
    """Words of 32 bits, ``SOUND_STEP_FRAMES`` apart, from the first picture on; None: no sound."""

    @classmethod
    def of(
        cls, film: SourceFacts | Plan, pictures: Sequence[Picture], sound: Sequence[int] | None
    ) -> Self:
        """With the duration and frame time that the source's packets prove."""
        return cls(
            duration_ms=film.duration_ms,
            frame_ms=max(1, -(-film.duration_ms // film.frames)),
            pictures=pictures,
            sound=sound,
        )


def tap_range(plan: Plan, position: int) -> range:
    """The numbers of the pictures that chunk ``position`` holds."""
    begin_s = plan.start_s(0)
    first, end = (plan.start_s(at) - begin_s for at in (position, position + 1))
    return range(_pictures_before(_place(first)), _pictures_before(_place(end)))


def film_range(plan: Plan) -> range:
    """The numbers of all pictures of a source."""
    return range(_pictures_before(_place(plan.start_s(len(plan.starts)) - plan.start_s(0))))


def _place(time_s: Fraction) -> int:
    """The first place of the grid that is not before ``time_s``."""
    return -((-time_s * PLACES_PER_S).__floor__())


def _pictures_before(place: int) -> int:
    """How many of the places before ``place`` are kept."""
    samples, rest = divmod(place, PLACES_PER_SAMPLE)
    return len(KEPT_PLACES) * samples + sum(kept < rest for kept in KEPT_PLACES)


def tap_arguments(
    encode: Sequence[str],
    plan: Plan,
    chunk: Chunk,
    *,
    output: Path,
) -> list[str]:
    """Give the process that encodes ``chunk`` a second output: its pictures as raw grey.

    It needs the first frame after the chunk to know how long the last one is shown, and ends by
    its count of pictures. Both outputs come from one graph: two graphs on one decoder wait for
    each other forever when frames come irregularly (FFmpeg 9.0.2).

    Args:
        encode: What ``encode_arguments`` gave, with one ``-map`` and one ``-vf``.
        plan: Of the job.
        chunk: Of the job.
        output: The file that is written; ``read_tap`` reads it.

    Returns:
        ``encode`` as it was when no picture falls into the chunk.
    """
    numbers = tap_range(plan, chunk.position)
    if not numbers:
        return list(encode)
    begin = plan.starts[chunk.position] - plan.starts[0]
    mapped, shown = encode.index("-map"), encode.index("-vf")
    assert mapped < shown
    picture = encode[shown + 1]
    sampled = _sampled(plan.time_base, begin, plan.treatment)
    graph = f"[{encode[mapped + 1]}]split[film][tap];[film]{picture}[picture];[tap]{sampled}[grey]"
    return [
        *encode[:mapped],
        *["-filter_complex", graph, "-map", "[picture]"],
        *encode[mapped + 2 : shown],
        *encode[shown + 2 :],
        *["-map", "[grey]", *_raw(len(numbers), output)],
    ]


def film_arguments(plan: Plan, *, output: Path) -> list[str]:
    """All pictures of a source in one output, for a source that no chunk is encoded from."""
    sampled = _sampled(plan.time_base, 0, plan.treatment)
    return ["-map", "0:V:0", "-vf", sampled, *_raw(len(film_range(plan)), output)]


def _sampled(time_base: Fraction, begin: int, treatment: Treatment) -> str:
    """Choose the frames that are kept, of a stream whose first one is shown at tick ``begin``."""
    # Rounding up gives each place of the grid the last frame that began before or at it.
    place = f"mod(n+{_place(begin * time_base)},{PLACES_PER_SAMPLE})"
    kept = "+".join(f"eq({place},{kept})" for kept in KEPT_PLACES)
    grid = [
        f"settb={time_base.numerator}/{time_base.denominator}",
        f"setpts=PTS-STARTPTS+{begin}",
        f"fps={PLACES_PER_S}:round=up",
        f"select='{kept}'",
    ]
    return ",".join([*grid, *_grey(treatment)])


def _raw(count: int, output: Path) -> list[str]:
    # Passed through: the muxer would fill the time before the chunk with copies.
    return [
        *["-an", "-sn", "-dn", "-frames:v", str(count), "-fps_mode", "passthrough"],
        *["-c:v", "rawvideo", "-f", "rawvideo", str(output)],
    ]


def _grey(treatment: Treatment) -> list[str]:
    """The filters that make a frame the picture that is kept."""
    # In two steps: the scaler refuses to make 8 lines of 4320 in one.
    width, height = 16 * COLUMNS, 16 * ROWS
    small = [f"scale={width}:{height}:flags=area:out_range=full"]
    if treatment in (Treatment.HDR10, Treatment.HLG):
        # As the renditions are made; a source without HDR must look like it.
        read = f"tin={treatment.value}:pin=bt2020:min=bt2020nc:p=bt2020"
        small = [
            f"zscale=w={width}:h={height}:{read}:t=linear:npl=100",
            *["format=gbrpf32le", "zscale=p=bt709", "tonemap=tonemap=hable:desat=0"],
            *["zscale=t=bt709:m=bt709:r=full", "format=yuv444p"],
        ]
    return [
        *small,
        f"scale={COLUMNS}:{ROWS}:flags=area:in_range=full:out_range=full",
        "format=gray",
    ]


def read_tap(raw: bytes, numbers: range) -> Tap:
    """Read what ``tap_arguments`` or ``film_arguments`` wrote.

    Args:
        raw: The file.
        numbers: Of the pictures that must be in it.

    Raises:
        Unreadable: There are none, or more than asked for, or the file is not whole.
    """
    pictures = _cut(raw)
    missing = len(numbers) - len(pictures)
    if not pictures or not 0 <= missing <= MISSING_MAX:
        raise Unreadable(f"{len(pictures)} pictures instead of {len(numbers)}")
    padded = [*pictures, *[pictures[-1]] * missing]
    return Tap(first=numbers.start, pictures=tuple(padded))


def _cut(raw: bytes) -> list[Picture]:
    if len(raw) % PICTURE_BYTES:
        raise Unreadable(f"{len(raw)} bytes are not whole pictures of {PICTURE_BYTES} bytes")
    return [
        Picture(raw[start : start + PICTURE_BYTES]) for start in range(0, len(raw), PICTURE_BYTES)
    ]


def join_taps(taps: Sequence[Tap]) -> tuple[Picture, ...]:
    """The pictures of a whole film from those of its chunks, in any order.

    Raises:
        Unreadable: A picture is missing, or there are two of one.
    """
    ordered = sorted(taps, key=lambda tap: tap.first)
    if not ordered or ordered[0].first != 0:
        raise Unreadable("the first pictures are missing")
    for earlier, later in pairwise(ordered):
        end = earlier.first + len(earlier.pictures)
        if end != later.first:
            raise Unreadable(f"pictures end before {end} and go on at {later.first}")
    return tuple(picture for tap in ordered for picture in tap.pictures)


def pack(tap: Tap) -> bytes:
    """As ``upgrade_chunks.samples`` holds it: about 4 kB for ten seconds."""
    head = _TAP_HEAD.pack(_TAP_MAGIC, tap.first, len(tap.pictures))
    return head + zlib.compress(b"".join(tap.pictures), 9)


def unpack(data: bytes) -> Tap:
    """What ``pack`` made.

    Raises:
        Unreadable: It is something else, another version, or not whole.
    """
    if len(data) < _TAP_HEAD.size or data[:4] != _TAP_MAGIC:
        raise Unreadable(f"pictures begin with {data[:4]!r} instead of {_TAP_MAGIC!r}")
    _, first, count = _TAP_HEAD.unpack_from(data)
    raw = _inflate(data[_TAP_HEAD.size :], count * PICTURE_BYTES, PICTURES_MAX * PICTURE_BYTES)
    return Tap(first=first, pictures=tuple(_cut(raw)))


def pack_film(film: Fingerprint) -> bytes:
    """As an object in S3 holds it: about 6 MB for four hours."""
    sound = film.sound or ()
    head = _FILM_HEAD.pack(
        _FILM_MAGIC,
        film.duration_ms,
        film.frame_ms,
        len(film.pictures),
        len(sound),
        film.sound is not None,
    )
    words = struct.pack(f"<{len(sound)}I", *sound)
    return head + zlib.compress(b"".join(film.pictures) + words, 9)


def unpack_film(data: bytes) -> Fingerprint:
    """What ``pack_film`` made.

    Raises:
        Unreadable: It is something else, another version, or not whole.
    """
    if len(data) < _FILM_HEAD.size or data[:4] != _FILM_MAGIC:
        raise Unreadable(f"a fingerprint begins with {data[:4]!r} instead of {_FILM_MAGIC!r}")
    _, duration_ms, frame_ms, count, word_count, has_sound = _FILM_HEAD.unpack_from(data)
    size = count * PICTURE_BYTES + word_count * 4
    limit = PICTURES_MAX * PICTURE_BYTES + SOUND_WORDS_MAX * 4
    raw = _inflate(data[_FILM_HEAD.size :], size, limit)
    return Fingerprint(
        duration_ms=duration_ms,
        frame_ms=frame_ms,
        pictures=tuple(_cut(raw[: count * PICTURE_BYTES])),
        sound=struct.unpack(f"<{word_count}I", raw[count * PICTURE_BYTES :]) if has_sound else None,
    )


def _inflate(data: bytes, size: int, limit: int) -> bytes:
    if size > limit:
        raise Unreadable(f"it claims {size} bytes, and {limit} are the most there can be")
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(data, size + 1)
    except zlib.error as error:
        raise Unreadable(f"its pictures cannot be unpacked: {error}") from error
    if len(raw) != size or not inflater.eof:
        raise Unreadable(f"it is not whole: {size} bytes were announced")
    return raw


def key_arguments(treatment: Treatment, *, output: Path) -> list[str]:
    """Two outputs of an input that ``KEY_FRAMES_ONLY`` stands before: pictures, and their times.

    The pictures go to ``output``, a listing of the packets to the standard output: the decoder of
    HEVC gives key frames the times of others when it skips what is between (FFmpeg 9.0.2).
    """
    track = ["-map", "0:V:0", "-an", "-sn", "-dn"]
    grey = ["-vf", ",".join(_grey(treatment)), "-fps_mode", "passthrough"]
    return [
        *[*track, "-frames:v", str(KEY_PICTURES_MAX), *grey],
        *["-c:v", "rawvideo", "-f", "rawvideo", str(output)],
        *[*track, "-c", "copy", "-f", "framecrc", "-"],
    ]


def read_keys(raw: bytes, listing: str, begin_s: Fraction) -> tuple[KeyPicture, ...]:
    """Read what ``key_arguments`` wrote and printed.

    Raises:
        Unreadable: Pictures and times do not belong together.
    """
    pictures = _cut(raw)
    keys = "\n".join(line for line in listing.splitlines() if _is_key(line))
    track = read_listing(keys).get("video")
    times = track.pts[:KEY_PICTURES_MAX] if track else ()
    if track is None or len(times) != len(pictures):
        raise Unreadable(f"{len(pictures)} key frames with {len(times)} times")
    return tuple(
        KeyPicture(time_ms=round((pts * track.time_base - begin_s) * 1000), picture=picture)
        for pts, picture in zip(times, pictures, strict=True)
    )


def _is_key(line: str) -> bool:
    """Whether a line of a listing is a header or a key packet, whose flags are not printed."""
    _, has_flags, flags = line.partition(", F=0x")
    return not has_flags or int(flags.partition(",")[0], 16) % 2 == 1
