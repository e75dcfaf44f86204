"""What players open: HLS and DASH, written from what is known of each published file.

    stream.json of every file ─┬─▶ master.m3u8, each rung a line that names the shared sound
                               └─▶ manifest.mpd, each rung a Representation, the sound another

Both point into the same files. A rung that was published before sound was kept apart carries its
own; it stands in the HLS manifest as it always did, and DASH, which cannot, is left without it.

Source:
    RFC 8216 (HLS), ISO/IEC 23009-1 (DASH).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Self

from pixr.domain.fragments import TrackFile
from pixr.domain.media import Plan, seconds
from pixr.domain.packaging import Segment

MEDIA_NAME: Final = "media.mp4"
PLAYLIST_NAME: Final = "index.m3u8"
STREAM_NAME: Final = "stream.json"
MASTER_NAME: Final = "master.m3u8"
DASH_NAME: Final = "manifest.mpd"

SOUND: Final = "sound"
_CHANNELS: Final = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One published file, as manifests describe it; kept beside it as stream.json."""

    kind: str
    """'video', 'audio', or 'muxed': a picture with its sound, as before sound was kept apart."""
    codecs: str
    bits_per_s: int
    peak_bits_per_s: int
    """In its largest segment."""
    end_ms: int
    """When its last sample ends."""
    init_bytes: int
    index_bytes: int
    """Of the sidx, right behind the init."""
    timescale: int
    lead_ms: int = 0
    """When the first picture is shown; the sound may begin before it."""
    width_px: int = 0
    height_px: int = 0
    frame_rate: Fraction = Fraction(0)
    channels: int = 0

    def document(self) -> dict[str, Any]:
        """As stream.json holds it."""
        rate = self.frame_rate
        return {
            "kind": self.kind,
            "codecs": self.codecs,
            "bits_per_s": self.bits_per_s,
            "peak_bits_per_s": self.peak_bits_per_s,
            "end_ms": self.end_ms,
            "init_bytes": self.init_bytes,
            "index_bytes": self.index_bytes,
            "timescale": self.timescale,
            "lead_ms": self.lead_ms,
            "width_px": self.width_px,
            "height_px": self.height_px,
            "frame_rate": [rate.numerator, rate.denominator],
            "channels": self.channels,
        }

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """What ``document()`` wrote."""
        fields: dict[str, Any] = {**document, "frame_rate": Fraction(*document["frame_rate"])}
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Early:
    """A rung that was published before sound was kept apart: its line of the HLS manifest."""

    line: str

    @property
    def is_muxed(self) -> bool:
        """It carries its own sound."""
        codecs = re.search(r'CODECS="([^"]*)"', self.line)
        return codecs is not None and "," in codecs[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A published file and its folder, seen from the manifests'."""

    stream: Stream | Early
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything of a content that viewers can open."""

    renditions: Sequence[Placed]
    """Lowest rung first."""
    sound: Placed | None = None

    @property
    def carries_sound(self) -> bool:
        """Rungs carry the sound themselves, and so must every further one: players do not mix."""
        return any(
            placed.stream.is_muxed
            if isinstance(placed.stream, Early)
            else placed.stream.kind == "muxed"
            for placed in self.renditions
        )

    @property
    def lead_ms(self) -> int | None:
        """When the first picture is shown in every rung; None before there is any sound."""
        return None if self.sound is None else _stream(self.sound).lead_ms


def describe(
    track: TrackFile,
    segments: Sequence[Segment],
    *,
    index_bytes: int,
    lead_ms: int = 0,
    plan: Plan | None = None,
) -> Stream:
    """What manifests say about a file.

    Args:
        track: The file.
        segments: All of it.
        index_bytes: Size of its sidx.
        lead_ms: When the first picture is shown.
        plan: Of a picture; None for a sound.
    """
    timescale = track.main.timescale
    total = sum(segment.length for segment in segments)
    size_bytes = sum(segment.size_bytes for segment in segments)
    return Stream(
        kind="muxed" if len(track.codecs) > 1 else track.main.kind,
        codecs=",".join(codec.name for codec in track.codecs),
        bits_per_s=_rate_up(size_bytes, total, timescale),
        peak_bits_per_s=max(
            _rate_up(segment.size_bytes, segment.length, timescale) for segment in segments
        ),
        end_ms=round(Fraction((segments[-1].begin + segments[-1].length) * 1000, timescale)),
        init_bytes=track.init_bytes,
        index_bytes=index_bytes,
        timescale=timescale,
        lead_ms=lead_ms,
        width_px=plan.size.width_px if plan else 0,
        height_px=plan.size.height_px if plan else 0,
        frame_rate=_frame_rate(plan) if plan else Fraction(0),
        channels=track.main.channels,
    )


def _rate_up(size_bytes: int, ticks: int, timescale: int) -> int:
    return -(-size_bytes * 8 * timescale // max(1, ticks))


def _frame_rate(plan: Plan) -> Fraction:
    """Frames a second on average, as 24000/1001 rather than what a clock's rounding makes of it."""
    lasting_s = (plan.end - plan.starts[0]) * plan.time_base
    exact = Fraction(plan.frames * lasting_s.denominator, lasting_s.numerator)
    near = min(
        (Fraction(round(exact), 1), Fraction(1000 * round(exact * Fraction(1001, 1000)), 1001)),
        key=lambda rate: abs(rate - exact),
    )
    return near if near and abs(near - exact) * 5000 < exact else exact.limit_denominator(1000)


def media_playlist(track: TrackFile, segments: Sequence[Segment], *, index_bytes: int) -> str:
    """The HLS playlist of one file, which lies beside it."""
    timescale = track.main.timescale
    longest = max(Fraction(segment.length, timescale) for segment in segments)
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{max(1, round(longest))}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{MEDIA_NAME}",BYTERANGE="{track.init_bytes}@0"',
    ]
    for segment in segments:
        lines += [
            f"#EXTINF:{seconds(Fraction(segment.length, timescale), places=6)},",
            f"#EXT-X-BYTERANGE:{segment.size_bytes}@{segment.start_byte + index_bytes}",
            MEDIA_NAME,
        ]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def master_playlist(shown: Shown) -> str:
    """The HLS manifest."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    sound = None if shown.sound is None else _stream(shown.sound)
    if shown.sound is not None and sound is not None:
        channels = f'CHANNELS="{sound.channels}",' if sound.channels else ""
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="{SOUND}",NAME="{SOUND}",DEFAULT=YES,'
            f'AUTOSELECT=YES,{channels}URI="{shown.sound.folder}/{PLAYLIST_NAME}"'
        )
    for placed in shown.renditions:
        stream = placed.stream
        lines.append(stream.line if isinstance(stream, Early) else _stream_line(stream, sound))
        lines.append(f"{placed.folder}/{PLAYLIST_NAME}")
    return "\n".join([*lines, ""])


def _stream_line(stream: Stream, sound: Stream | None) -> str:
    """One rung's line; figures are of picture and sound together."""
    parts = [stream] if sound is None or stream.kind == "muxed" else [stream, sound]
    return (
        f"#EXT-X-STREAM-INF:BANDWIDTH={sum(part.peak_bits_per_s for part in parts)},"
        f"AVERAGE-BANDWIDTH={sum(part.bits_per_s for part in parts)},"
        f"RESOLUTION={stream.width_px}x{stream.height_px},"
        f'CODECS="{",".join(part.codecs for part in parts)}",'
        f"FRAME-RATE={seconds(stream.frame_rate, places=3)}"
        + (f',AUDIO="{SOUND}"' if len(parts) > 1 else "")
    )


def dash_manifest(shown: Shown) -> str | None:
    """The DASH manifest; None when no rung has a picture without sound in it.

    Players read the places and times of segments from each file's own index.
    """
    pictures = [
        (placed, placed.stream)
        for placed in shown.renditions
        if isinstance(placed.stream, Stream) and placed.stream.kind == "video"
    ]
    if not pictures:
        return None
    lead_ms = pictures[0][1].lead_ms
    files = [stream for _, stream in pictures]
    sets = [_adaptation_set("video", pictures, lead_ms)]
    if shown.sound is not None:
        sound = _stream(shown.sound)
        files.append(sound)
        sets.append(_adaptation_set("audio", [(shown.sound, sound)], lead_ms))
    lasting_ms = max(stream.end_ms for stream in files) - lead_ms
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
        ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"'
        f' mediaPresentationDuration="PT{seconds(Fraction(lasting_ms, 1000), places=3)}S"'
        ' minBufferTime="PT4S">\n'
        ' <Period id="0">\n' + "".join(sets) + " </Period>\n</MPD>\n"
    )


def _adaptation_set(kind: str, files: Sequence[tuple[Placed, Stream]], lead_ms: int) -> str:
    return (
        f'  <AdaptationSet contentType="{kind}" mimeType="{kind}/mp4"'
        ' subsegmentAlignment="true" subsegmentStartsWithSAP="1">\n'
        + "".join(_representation(placed.folder, stream, lead_ms) for placed, stream in files)
        + "  </AdaptationSet>\n"
    )


def _representation(folder: str, stream: Stream, lead_ms: int) -> str:
    rate = stream.frame_rate
    if stream.kind == "video":
        shape = f' width="{stream.width_px}" height="{stream.height_px}" sar="1:1"'
        shape += f' frameRate="{rate.numerator}/{rate.denominator}"'
        inside = ""
    else:
        shape = ""
        inside = (
            f'    <AudioChannelConfiguration schemeIdUri="{_CHANNELS}"'
            f' value="{stream.channels}"/>\n'
        )
    index_end = stream.init_bytes + stream.index_bytes - 1
    offset = round(Fraction(lead_ms * stream.timescale, 1000))
    return (
        f'   <Representation id="{folder}" bandwidth="{stream.peak_bits_per_s}"'
        f' codecs="{stream.codecs}"{shape}>\n{inside}'
        f"    <BaseURL>{folder}/{MEDIA_NAME}</BaseURL>\n"
        f'    <SegmentBase indexRange="{stream.init_bytes}-{index_end}"'
        f' timescale="{stream.timescale}" presentationTimeOffset="{offset}">\n'
        f'     <Initialization range="0-{stream.init_bytes - 1}"/>\n'
        "    </SegmentBase>\n"
        "   </Representation>\n"
    )


def _stream(placed: Placed) -> Stream:
    assert isinstance(placed.stream, Stream)
    return placed.stream
