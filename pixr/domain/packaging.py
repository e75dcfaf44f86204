"""How a rendition is published: one file a track, and two manifests that point into them.

    chunks ─join─▶ media/{content}/{rung}/{job}/media.mp4     the picture of one rung
    source ──────▶ media/{content}/sound/{job}/media.mp4      one sound for all rungs
                       │ byte ranges
       master.m3u8 ◀───┴───▶ manifest.mpd                     HLS and DASH, of the same files

A segment is two GOPs and begins at the same frame in every rung. A later rung adds its own files
and a line to each manifest; what is there keeps its bytes.

Source:
    RFC 8216 (HLS), ISO/IEC 23009-1 (DASH) and 23000-19 (CMAF).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from pixr.domain.fragments import TrackFile
from pixr.domain.media import EXACT, QUIET, Input, Plan, input_arguments, seconds

SEGMENT_GOPS: Final = 2
"""What a player fetches at once: about four seconds."""

LAST_SEGMENT_S_MIN: Final = 1
"""hls.js 1.7 waits for ever for the end of a film whose last piece of sound has milliseconds."""

SOUND_SEGMENT_US: Final = 4_000_000
USABLE_CODECS: Final = ("mp4a.40.2", "mp4a.40.5", "mp4a.40.29", "opus")
"""What browsers play as it is: AAC-LC, HE-AAC and Opus. Other kinds of AAC are encoded again."""

LISTED_PACKETS: Final = 500
"""Ten seconds of sound: hidden packets are at its beginning."""

# All chunks have the same parameters, so none need to be put into the stream.
_CONCAT: Final = ("-f", "concat", "-safe", "0", "-auto_convert", "0")
_CMAF: Final = "+cmaf+delay_moov+skip_trailer"


class Uneven(ValueError):
    """The picture has no key frame where every rung must have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A part that players fetch at once."""

    start_byte: int
    size_bytes: int
    begin: int
    length: int
    """In ticks, like ``begin``; what is hidden is not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPlace:
    """Where the sound is on the published timeline, which begins with whatever is first."""

    lead_ms: int
    """When the first picture is shown: later than at zero where sound is heard before it."""
    base: Fraction
    """When the sound begins to be heard, in seconds."""
    shift: Fraction
    """What makes the source's own times begin with zero there, in seconds."""


def place_sound(plan: Plan, *, first: Fraction, heard: Fraction) -> SoundPlace:
    """Put the sound to the picture as the source has it.

    Args:
        plan: Of the job.
        first: When the first packet of the source's sound plays, in its own time, in seconds.
        heard: When its first packet that is not hidden plays.
    """
    hidden = -first if first < 0 else heard - first
    delay = Fraction(plan.audio_delay_ms, 1000) + hidden
    if abs(delay) < Fraction(1, 1000):
        delay = Fraction(0)  # the plan knows milliseconds
    lead_ms = max(0, round(-delay * 1000))
    base = max(Fraction(0), Fraction(lead_ms, 1000) + delay)
    return SoundPlace(lead_ms=lead_ms, base=base, shift=-first - hidden)


def join_arguments(script: Path, *, output: Path, digest: Path) -> list[str]:
    """Join the chunks by stream copy, from time zero; every GOP becomes a fragment.

    Args:
        script: Lists the chunks.
        output: A new file.
        digest: A new file, for the MD5 of the packets that were read.
    """
    return [
        *[*QUIET, "-y", "-protocol_whitelist", "file"],
        *[*_CONCAT, "-i", f"file:{script}", "-copyts"],
        *["-map", "0:v:0", "-c", "copy", *EXACT, "-avoid_negative_ts", "disabled"],
        *["-movflags", f"{_CMAF}+frag_keyframe", "-f", "mp4", str(output)],
        *["-map", "0:v:0", "-c", "copy", "-f", "md5", str(digest)],
    ]


def join_muxed_arguments(
    plan: Plan, script: Path, *, source: Input, output: Path, digest: Path
) -> list[str]:
    """Join the chunks with the source's sound, for a content whose rungs all carry their own."""
    opened = ["-protocol_whitelist", "file", *_CONCAT, "-i", f"file:{script}"]
    return [
        *[*QUIET, "-y", "-itsoffset", seconds(plan.start_s(0), places=9), *opened],
        *["-copyts", *input_arguments(source), "-map", "0:v:0", "-map", "1:a:0"],
        *["-c:v", "copy", "-c:a", *_coding(plan.audio or "copy"), *EXACT],
        *["-avoid_negative_ts", "disabled"],
        *["-movflags", f"{_CMAF}+frag_keyframe", "-f", "mp4", str(output)],
        *["-map", "0:v:0", "-c", "copy", "-f", "md5", str(digest)],
    ]


def list_sound_arguments(source: Input) -> list[str]:
    """Print when the first packets of the sound play, in the source's own time."""
    few = ["-frames:a", str(LISTED_PACKETS)]
    copied = ["-map", "0:a:0", "-c", "copy", "-copyts", *few, "-f", "framecrc", "-"]
    return [*QUIET, *input_arguments(source), *copied]


def sound_arguments(
    way: str, source: Input, *, shift: Fraction, output: Path, digest: Path
) -> list[str]:
    """Make the sound that all rungs share.

    Args:
        way: 'copy', bit for bit; or 'encode', to AAC in stereo over the whole timeline.
        source: Where it is.
        shift: As ``place_sound`` says.
        output: A new file.
        digest: A new file, for the MD5 of the packets that were read.
    """
    return [
        *[*QUIET, "-y", "-itsoffset", seconds(shift, places=9), "-copyts"],
        *[*input_arguments(source), "-map", "0:a:0", "-c:a", *_coding(way), *EXACT],
        *["-avoid_negative_ts", "disabled", "-frag_duration", str(SOUND_SEGMENT_US)],
        *["-movflags", _CMAF, "-f", "mp4", str(output)],
        *["-map", "0:a:0", "-c", "copy", "-f", "md5", str(digest)],
    ]


def published_arguments(playlist: Path, *, is_decoding: bool) -> list[str]:
    """Read what viewers would, packet by packet or decoded; our own playlist, local files."""
    opened = ["-protocol_whitelist", "file", "-f", "hls", "-i", f"file:{playlist}", "-copyts"]
    tracks = ["-map", "0:v:0?", "-map", "0:a:0?"]
    coding = (
        ["-fps_mode", "passthrough", "-enc_time_base", "demux"] if is_decoding else ["-c", "copy"]
    )
    stop = ["-xerror"] if is_decoding else []
    return [*QUIET, *stop, *opened, *tracks, *coding, "-f", "framecrc", "-"]


def packet_arguments(playlist: Path, kind: str) -> list[str]:
    """Print the MD5 of all packets of the 'v'ideo or the 'a'udio, one after the other."""
    opened = ["-protocol_whitelist", "file", "-f", "hls", "-i", f"file:{playlist}"]
    return [*QUIET, *opened, "-map", f"0:{kind}:0", "-c", "copy", "-f", "md5", "-"]


def _coding(way: str) -> list[str]:
    if way == "copy":
        return ["copy"]
    # Holes in the sound are filled: a player stops at a hole.
    return ["aac", "-ac", "2", "-b:a", "128k", "-af", "aresample=async=1"]


def picture_segments(track: TrackFile, gop_frames: int) -> list[Segment]:
    """Cut at every second GOP; where an encoder set more key frames, they are no borders.

    Raises:
        Uneven: There is no key frame at such a border.
    """
    step, groups, frames = SEGMENT_GOPS * gop_frames, list[int](), 0
    for number, fragment in enumerate(track.fragments):
        if frames >= len(groups) * step:
            if frames != len(groups) * step:
                raise Uneven(f"there is no key frame at frame {len(groups) * step}")
            groups.append(number)
        frames += fragment.samples
    if frames > len(groups) * step:
        raise Uneven(f"there is no key frame at frame {len(groups) * step}")
    return _segments(track, groups)


def sound_segments(track: TrackFile) -> list[Segment]:
    """A fragment is a segment."""
    return _segments(track, range(len(track.fragments)))


def _segments(track: TrackFile, firsts: Sequence[int]) -> list[Segment]:
    fragments = track.fragments
    film_end = fragments[-1].begin + fragments[-1].length
    rest = film_end - fragments[firsts[-1]].begin
    if len(firsts) > 1 and rest < LAST_SEGMENT_S_MIN * track.main.timescale:
        firsts = firsts[:-1]
    ends = [fragments[first].begin for first in firsts[1:]]
    ends.append(film_end)
    found: list[Segment] = []
    for first, after, end in zip(firsts, [*firsts[1:], len(fragments)], ends, strict=True):
        members = fragments[first:after]
        found.append(
            Segment(
                start_byte=members[0].start_byte,
                size_bytes=sum(member.size_bytes for member in members),
                begin=max(0, members[0].begin),
                length=max(0, end) - max(0, members[0].begin),
            )
        )
    return found
