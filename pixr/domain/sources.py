"""What an uploaded file really is, read from what FFmpeg prints about it.

    banner  (stderr)  container, declared duration, pixel format, HDR, interlacing
    listing (stdout)  every packet's time and flags, machine-readable ``-f framecrc``
    picture (stdout)  the first decoded frame: upright size and pixel shape
          └──────────▶ judge ──▶ SourceFacts, or Unusable with the reason in plain words

There is no ffprobe: the one binary that encodes also tells. The declared duration is a claim
and the packets are the proof; a file whose claim is longer than its packets was cut off.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from pixr.domain.renditions import Size

DURATION_MAX_MS: Final = 4 * 60 * 60 * 1000
"""Four hours: longer sources would not fit one Lambda's disk with what is made of them."""

FRAMES_MAX: Final = 1_000_000
"""Four hours at 60 frames a second, rounded up; bounds what a plan holds in memory."""

SIDE_MAX_PX: Final = 8192
"""8K; beyond it one decoded frame is larger than what H.264 or HEVC levels allow."""

SIDE_MIN_PX: Final = 16
"""One macroblock; smaller pictures are markers, not videos."""

MISSING_MAX_MS: Final = 500
"""How far the packets may end before the declared duration: muxers round and pad."""

ENCRYPTED: Final = "the file is encrypted (DRM): only its owner's player can read it"

_MATROSKA_KEY: Final = re.compile(r"^\S*\s+enc_key_id\s*:", re.MULTILINE)
"""FFmpeg names the key of a track that is encrypted, and leaves its packets away."""

_FLAG_KEY: Final = 1
_FLAG_CORRUPT: Final = 2
_FLAG_DISCARD: Final = 4
_SEEKABLE: Final = ("mov", "matroska")
"""Containers with an index, in which a seek lands where it should."""


class Treatment(Enum):
    """What the picture needs before it is scaled; the value of HDR is its transfer function."""

    NONE = "none"
    DEINTERLACE = "deinterlace"
    HDR10 = "smpte2084"
    HLG = "arib-std-b67"


class Unusable(Exception):
    """The file cannot become a rendition; the text tells its owner why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio:
    """The first sound track."""

    codec: str
    packets: int
    delay_ms: int
    """When its first packet, hidden or not, plays after the first picture; may be negative."""

    @property
    def is_copied(self) -> bool:
        """Whether it may go to players bit for bit; anything else is encoded once."""
        return self.codec in ("aac", "opus")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """An accepted source. Times are in ticks of ``time_base`` seconds."""

    size: Size
    time_base: Fraction
    pts: Sequence[int]
    """When each frame is shown, rising."""
    end_pts: int
    """When the last frame ends."""
    audio: Audio | None
    is_seekable: bool
    """False when the container must be rewritten once before workers can seek in it."""
    treatment: Treatment = Treatment.NONE
    keys: Sequence[int] = ()
    """Numbers of the frames that it can be decoded from, rising; empty where nobody knows."""

    @property
    def frames(self) -> int:
        """How many frames are shown."""
        return len(self.pts)

    @property
    def duration_ms(self) -> int:
        """From the first frame's start to the last frame's end; at least 1."""
        return max(1, round((self.end_pts - self.pts[0]) * self.time_base * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """What FFmpeg says when it opens a file."""

    container: str
    declared_ms: int | None
    start_ms: int
    """When its first packet is, by its own clock."""
    has_video: bool
    pixel_text: str
    """Pixel format, colours and field order of the first video stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One stream of a listing. Times are in ticks of ``time_base`` seconds."""

    kind: str
    codec: str
    time_base: Fraction
    width_px: int
    height_px: int
    pixel_shape: Fraction
    pts: Sequence[int]
    """Shown packets only, rising."""
    key_pts: Sequence[int]
    """Of them those that can be decoded without another."""
    end_pts: int
    first_pts: int
    """Of all packets, hidden ones included."""
    packets: int
    """All of them, hidden ones included."""
    is_ordered: bool
    """Decoding times rise from packet to packet."""
    is_damaged: bool
    has_untimed: bool


def read_banner(log: str) -> Banner | None:
    """Decode the banner; None when FFmpeg could not open the file at all."""
    opened = re.search(r"Input #0, (\S+), from ", log)
    if opened is None:
        return None
    declared = re.search(r"Duration: (\d+):(\d\d):(\d\d)\.(\d\d),", log)
    start = re.search(r"Duration: .*, start: (-?\d+\.\d+)", log)
    declared_ms: int | None = None
    if declared:
        hours, minutes, seconds, hundredths = map(int, declared.groups())
        declared_ms = ((hours * 60 + minutes) * 60 + seconds) * 1000 + hundredths * 10
    # The first line that is not a cover picture; what follows the codec is format and colours.
    video = re.search(
        r"Stream #0:\d+.*?: Video: (?!.*\(attached pic\))[^,\n]*, (\w+(?:\([^)\n]*\))?)", log
    )
    return Banner(
        container=opened[1],
        declared_ms=declared_ms,
        start_ms=round(Fraction(start[1]) * 1000) if start else 0,
        has_video=video is not None,
        pixel_text=video[1] if video else "",
    )


def read_listing(text: str) -> dict[str, Track]:
    """Decode ``-f framecrc``: the first track of each kind ("video", "audio")."""
    headers: dict[tuple[str, int], str] = {}
    packets: dict[int, list[_Packet]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            if header := re.match(r"#(\w+) (\d+): +(.*)", line):
                headers[header[1], int(header[2])] = header[3]
        elif line:
            stream, dts, pts, duration, *_ = (field.strip() for field in line.split(",", 5))
            flags = re.search(r", F=0x([0-9A-F]+)", line)
            packet = _Packet(
                None if dts == "NOPTS" else int(dts),
                None if pts == "NOPTS" else int(pts),
                int(duration),
                int(flags[1], 16) if flags else 1,
            )
            packets.setdefault(int(stream), []).append(packet)
    tracks: dict[str, Track] = {}
    for (name, number), kind in headers.items():
        if name == "media_type" and kind not in tracks and number in packets:
            tracks[kind] = _track(kind, number, headers, packets[number])
    return tracks


class _Packet(NamedTuple):
    dts: int | None
    pts: int | None
    duration: int
    flags: int


def _track(
    kind: str,
    stream: int,
    headers: Mapping[tuple[str, int], str],
    packets: Sequence[_Packet],
) -> Track:
    shown = sorted(
        (packet.pts, packet.duration, packet.flags & _FLAG_KEY)
        for packet in packets
        if packet.pts is not None and not packet.flags & _FLAG_DISCARD
    )
    order = [packet.dts for packet in packets if packet.dts is not None]
    width, _, height = headers.get(("dimensions", stream), "0x0").partition("x")
    shape = _ratio(headers.get(("sar", stream), "1/1"))
    return Track(
        kind=kind,
        codec=headers.get(("codec_id", stream), ""),
        time_base=_ratio(headers["tb", stream]),
        width_px=int(width),
        height_px=int(height),
        pixel_shape=shape if shape > 0 else Fraction(1),
        pts=[pts for pts, _, _ in shown],
        key_pts=[pts for pts, _, is_key in shown if is_key],
        end_pts=_end(shown),
        first_pts=min((packet.pts for packet in packets if packet.pts is not None), default=0),
        packets=len(packets),
        is_ordered=all(earlier < later for earlier, later in pairwise(order)),
        is_damaged=any(packet.flags & _FLAG_CORRUPT for packet in packets),
        has_untimed=any(packet.pts is None for packet in packets),
    )


def _ratio(text: str) -> Fraction:
    numerator, _, denominator = text.partition("/")
    return Fraction(int(numerator), int(denominator) or 1)


def _end(shown: Sequence[tuple[int, int, int]]) -> int:
    """When the last packet ends; a packet without a duration lasts as long as the one before."""
    if not shown:
        return 0
    last_pts, duration, _ = shown[-1]
    if duration <= 0:
        duration = last_pts - shown[-2][0] if len(shown) > 1 else 1
    return last_pts + max(1, duration)


def judge(log: str, listing: Mapping[str, Track], picture: Mapping[str, Track]) -> SourceFacts:
    """Accept the file as a source, or say in plain words why not.

    Args:
        log: FFmpeg's log while it listed the packets, at level info.
        listing: Its packets.
        picture: The first decoded frame, as a listing of its own.

    Raises:
        Unusable: With the reason.
    """
    banner = read_banner(log)
    if banner is None:
        is_cut = "moov atom not found" in log and "misdetection possible" not in log
        raise Unusable(
            "the file is truncated: its index is missing"
            if is_cut
            else "the file is not a video that can be read here"
        )
    video = listing.get("video")
    if not banner.has_video:
        raise Unusable("there is no video in the file")
    if _MATROSKA_KEY.search(log):
        raise Unusable(ENCRYPTED)
    if video is None or not video.pts:
        raise Unusable("the file is truncated: it has no frames")
    _check_whole(log, banner, listing)
    _check_picture(video)
    shown = picture.get("video")
    if shown is None:
        raise Unusable("the first picture of the video cannot be decoded")
    size = _upright(shown)
    if size.short_px < SIDE_MIN_PX:
        raise Unusable(f"the picture is smaller than {SIDE_MIN_PX} pixels")
    audio = listing.get("audio")
    facts = SourceFacts(
        size=size,
        time_base=video.time_base,
        pts=video.pts,
        end_pts=video.end_pts,
        audio=None if audio is None or not audio.pts else _audio(audio, video),
        is_seekable=banner.container.startswith(_SEEKABLE),
        treatment=_treatment(banner),
        keys=[bisect_left(video.pts, pts) for pts in video.key_pts],
    )
    if facts.duration_ms > DURATION_MAX_MS:
        raise Unusable(f"the video is longer than {DURATION_MAX_MS // 3_600_000} hours")
    return facts


def _check_whole(log: str, banner: Banner, listing: Mapping[str, Track]) -> None:
    tracks = [listing[kind] for kind in ("video", "audio") if kind in listing]
    end_ms = max(round(track.end_pts * track.time_base * 1000) for track in tracks)
    start_ms = min(round(track.pts[0] * track.time_base * 1000) for track in tracks if track.pts)
    readable_ms = end_ms - min(0, start_ms)
    declared_ms = banner.declared_ms or 0
    if banner.container.startswith("matroska"):
        # It declares when it ends, and the listing begins with zero.
        declared_ms -= max(0, banner.start_ms)
    if declared_ms - readable_ms > MISSING_MAX_MS:
        raise Unusable(
            f"the file is truncated: it declares {_tenths(declared_ms)} s,"
            f" and {_tenths(readable_ms)} s can be read"
        )
    if any(track.is_damaged for track in tracks) or "ended prematurely" in log:
        raise Unusable("the file is truncated: its last packet is not whole")


def _tenths(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000 // 100}"


def _check_picture(video: Track) -> None:
    if max(video.width_px, video.height_px) > SIDE_MAX_PX:
        raise Unusable(f"a side of the picture is longer than {SIDE_MAX_PX} pixels")
    if len(video.pts) > FRAMES_MAX:
        raise Unusable(f"the video has more than {FRAMES_MAX} frames")
    if video.has_untimed or any(later <= earlier for earlier, later in pairwise(video.pts)):
        raise Unusable("the frames carry no usable times")


def _treatment(banner: Banner) -> Treatment:
    for hdr in (Treatment.HDR10, Treatment.HLG):
        if hdr.value in banner.pixel_text:
            return hdr
    is_interlaced = re.search(r"(top|bottom) (coded )?first", banner.pixel_text)
    return Treatment.DEINTERLACE if is_interlaced else Treatment.NONE


def _upright(shown: Track) -> Size:
    """As it is shown: FFmpeg has rotated it; pixels that are not square stretch the width."""
    width_px = max(1, round(shown.width_px * shown.pixel_shape))
    return Size(width_px=width_px, height_px=shown.height_px)


def _audio(track: Track, video: Track) -> Audio:
    return Audio(codec=track.codec, packets=track.packets, delay_ms=delay_ms(track, video))


def delay_ms(audio: Track, video: Track) -> int:
    """How long after the first picture the first sound packet plays; negative when before."""
    return round((audio.first_pts * audio.time_base - video.pts[0] * video.time_base) * 1000)
