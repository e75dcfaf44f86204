"""How a source becomes a rendition: the chunk plan, frozen, and FFmpeg's arguments as values.

    source ──frames [0, 240)───▶ chunk 0 ─┐
      │  ╲──frames [240, 480)──▶ chunk 1 ─┼─▶ join (stream copy) ─▶ HLS in fMP4
      └───audio, bit for bit──────────────┘

The source is never split: every worker seeks into the original, shows the decoder one chunk's
frames by count, and the join puts back the exact times from the plan. Of the ways measured,
this is the only one that keeps every frame and timestamp with open GOPs, edit lists, variable
frame rates and delays.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

from pixr.domain.cutting import GOP_MS, cut
from pixr.domain.renditions import Size, rung_size
from pixr.domain.sources import SourceFacts, Treatment

GOP_FRAMES_MAX: Final = 600

VMAF_TARGET: Final = 93
"""Of 100: most people see no difference to the source any more. The film decides which CRF that is;
the price table was measured with 23, about what it takes."""

CRF_UNTUNED: Final = 23
"""Where the search found nothing to judge."""

PRESET: Final = "fast"
"""The preset that the price table was measured with."""

BY_NUMBER: Final = "settb=1/1000,setpts=N*40"
"""Frames that are compared are paired by number, never by time: a rounded time pairs a frame with
its neighbour."""

TIMESCALE: Final = 90_000
"""Ticks a second of every chunk: the common multiple of all usual frame rates."""

# Demuxers that read one file and nothing else. Playlists (hls, concat, dash) are not among
# them: a text file may not make FFmpeg open another file.
_FORMATS: Final = "mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,ogg"

TOLD: Final = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+info")
"""What every command begins with: nothing is asked for, and the log says what FFmpeg finds."""

QUIET: Final = (*TOLD[:-1], "level+error")
"""Likewise, where only errors matter."""

EXACT: Final = (
    *("-map_metadata", "-1", "-map_chapters", "-1"),
    *("-fflags", "+bitexact", "-flags", "+bitexact"),
)
"""The same input gives the same bytes, whoever runs it and when; and nothing that is neither
picture nor sound comes along."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Frames ``[frame_start, frame_start + frame_count)`` of the source."""

    position: int
    frame_start: int
    frame_count: int

    @classmethod
    def read(cls, row: Mapping[str, Any]) -> Self:
        """The chunk that a row of ``upgrade_chunks`` is about."""
        return cls(
            position=row["position"],
            frame_start=row["frame_start"],
            frame_count=row["frame_count"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that all workers of one job must agree on; stored with the job.

    Times are in ticks of ``time_base`` seconds.
    """

    size: Size
    frames: int
    gop_frames: int
    crf: int | None
    """None until it was searched."""
    vmaf_target: int
    preset: str
    treatment: Treatment
    time_base: Fraction
    starts: Sequence[int]
    """When the first frame of each chunk is shown."""
    end: int
    gap: int
    """The shortest time between two frames; half of it separates them safely."""
    audio: str | None
    """'copy', 'encode', or None without sound."""
    audio_packets: int
    audio_delay_ms: int
    is_remuxed: bool
    """Workers read a rewritten copy, because the source's own container cannot be sought in."""
    is_look_only: bool = False
    """The source is only compared with the one before: its rendition is there already."""

    def start_s(self, position: int) -> Fraction:
        """When chunk ``position`` begins; one past the last is the end."""
        ticks = self.starts[position] if position < len(self.starts) else self.end
        return ticks * self.time_base

    def duration_s(self, position: int) -> Fraction:
        """How long chunk ``position`` is shown."""
        return self.start_s(position + 1) - self.start_s(position)

    @property
    def duration_ms(self) -> int:
        """How long the rendition must be, from its first frame."""
        return max(1, round((self.end - self.starts[0]) * self.time_base * 1000))

    def document(self) -> dict[str, Any]:
        """As ``upgrade_jobs.settings`` holds it."""
        return {
            "width_px": self.size.width_px,
            "height_px": self.size.height_px,
            "frames": self.frames,
            "gop_frames": self.gop_frames,
            "crf": self.crf,
            "vmaf_target": self.vmaf_target,
            "preset": self.preset,
            "treatment": self.treatment.value,
            "time_base": [self.time_base.numerator, self.time_base.denominator],
            "starts": list(self.starts),
            "end": self.end,
            "gap": self.gap,
            "audio": self.audio,
            "audio_packets": self.audio_packets,
            "audio_delay_ms": self.audio_delay_ms,
            "is_remuxed": self.is_remuxed,
            "is_look_only": self.is_look_only,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """The plan that ``document()`` wrote."""
        return cls(
            size=Size(width_px=document["width_px"], height_px=document["height_px"]),
            frames=document["frames"],
            gop_frames=document["gop_frames"],
            crf=document["crf"],
            # A job that was planned before there was a search is judged by what it was sold as.
            vmaf_target=document.get("vmaf_target", 0),
            preset=document["preset"],
            treatment=Treatment(document.get("treatment", "none")),
            time_base=Fraction(*document["time_base"]),
            starts=tuple(document["starts"]),
            end=document["end"],
            gap=document["gap"],
            audio=document["audio"],
            audio_packets=document["audio_packets"],
            audio_delay_ms=document["audio_delay_ms"],
            is_remuxed=document["is_remuxed"],
            is_look_only=document.get("is_look_only", False),
        )


def plan(
    facts: SourceFacts, rung: int, *, is_remuxed: bool = False, is_look_only: bool = False
) -> tuple[Plan, list[Chunk]]:
    """Cut the source's timeline into chunks of about ten seconds and freeze the settings.

    Chunks are whole GOPs, so key frames fall on the same frames in every rung.
    """
    gop_frames = _gop_frames(facts)
    starts = cut(facts.frames, gop_frames, facts.keys)
    chunks = [
        Chunk(position=position, frame_start=start, frame_count=end - start)
        for position, (start, end) in enumerate(pairwise([*starts, facts.frames]))
    ]
    assert sum(chunk.frame_count for chunk in chunks) == facts.frames
    gaps = (later - earlier for earlier, later in pairwise(facts.pts))
    frozen = Plan(
        size=rung_size(facts.size, rung),
        frames=facts.frames,
        gop_frames=gop_frames,
        crf=None,
        vmaf_target=VMAF_TARGET,
        preset=PRESET,
        treatment=facts.treatment,
        time_base=facts.time_base,
        starts=tuple(facts.pts[chunk.frame_start] for chunk in chunks),
        end=facts.end_pts,
        gap=min(gaps, default=facts.end_pts - facts.pts[0]),
        audio=None if facts.audio is None else "copy" if facts.audio.is_copied else "encode",
        audio_packets=facts.audio.packets if facts.audio else 0,
        audio_delay_ms=facts.audio.delay_ms if facts.audio else 0,
        is_remuxed=is_remuxed,
        is_look_only=is_look_only,
    )
    return frozen, chunks


def _gop_frames(facts: SourceFacts) -> int:
    """How many frames are shown in ``GOP_MS`` on average, at least one."""
    exact = Fraction(facts.frames * GOP_MS, facts.duration_ms)
    return max(1, min(GOP_FRAMES_MAX, round(exact)))


Input = Path | str
"""A file on this machine, or the address on 127.0.0.1 where ``pixr.adapters.ranges`` serves one."""

SEEKABLE_TICK_S: Final = Fraction(2, 10**6)
"""FFmpeg seeks in microseconds: rounded to one, a longer tick is still itself."""

READ_TIMEOUT_US: Final = 60_000_000

RECEIVE_BUFFER_BYTES: Final = 8 * 1024
"""Left alone, the system takes megabytes ahead of what FFmpeg reads, and most of it for nothing.
With half of this it would read no faster than from S3."""


def input_arguments(source: Input) -> list[str]:
    """Open one file, which may make FFmpeg open nothing else."""
    formats = ["-format_whitelist", _FORMATS]
    if isinstance(source, Path):
        return ["-protocol_whitelist", "file", *formats, "-i", f"file:{source}"]
    wait = ["-rw_timeout", str(READ_TIMEOUT_US), "-seekable", "1"]
    wait += ["-recv_buffer_size", str(RECEIVE_BUFFER_BYTES)]
    return ["-protocol_whitelist", "http,tcp", *wait, *formats, "-i", source]


def listing_arguments(source: Input) -> list[str]:
    """Print every packet of the first video and the first sound; decode nothing."""
    tracks = ["-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy"]
    return [*TOLD, *input_arguments(source), *tracks, "-f", "framecrc", "-"]


def decode_arguments(made: Path) -> list[str]:
    """Decode every frame of a chunk of ours and print it; fail where one is not whole."""
    shown = ["-map", "0:V:0", "-fps_mode", "passthrough", "-enc_time_base", "demux"]
    return [*QUIET, "-xerror", *input_arguments(made), *shown, "-f", "framecrc", "-"]


def picture_arguments(source: Input) -> list[str]:
    """Decode one frame and print its upright size; the banner goes to the log."""
    one = ["-map", "0:V:0", "-frames:v", "1", "-f", "framecrc", "-"]
    return [*TOLD, *input_arguments(source), *one]


def remux_arguments(source: Input, output: Path) -> list[str]:
    """Rewrite a container that has no index into one that has, touching no frame."""
    tracks = ["-map", "0:V:0", "-map", "0:a:0?", "-c", "copy"]
    quiet = [*QUIET, "-y"]
    return [*quiet, *input_arguments(source), *tracks, *EXACT, "-f", "matroska", str(output)]


def open_arguments(plan: Plan, position: int, source: Input) -> list[str]:
    """Open the source at the first frame of a chunk.

    ``-seek_timestamp`` makes the seek absolute, to the frame itself: half a gap before it, a frame
    that is a key frame would be reached from the key frame before, a whole GOP away. Only where
    ticks are finer than what FFmpeg's times can tell apart that is the price of not missing it.
    """
    if position == 0:
        return input_arguments(source)
    target_s = plan.start_s(position)
    if plan.time_base < SEEKABLE_TICK_S:
        target_s -= plan.gap * plan.time_base * Fraction(1, 2)
    return ["-seek_timestamp", "1", "-ss", seconds(target_s, places=6), *input_arguments(source)]


def key_frame_arguments(second: str, source: Input) -> list[str]:
    """Open the source at the key frame before a second of it: nothing is decoded in vain."""
    return ["-seek_timestamp", "1", "-noaccurate_seek", "-ss", second, *input_arguments(source)]


def laid_out(counts: Sequence[int], *, first: int = 0, chain: str = "") -> str:
    """The head of a filter graph: the beginnings of several inputs, one after the other.

    Args:
        counts: Frames of each input, from its first one on.
        first: Number of the first input.
        chain: Filters for each input alone, before they follow each other.
    """
    filters = f",{chain}" if chain else ""
    cut = "".join(
        f"[{number}:V:0]trim=end_frame={count}{filters}[w{number}];"
        for number, count in enumerate(counts, first)
    )
    joined = "".join(f"[w{number}]" for number, _ in enumerate(counts, first))
    return f"{cut}{joined}concat=n={len(counts)}"


def picture_chain(plan: Plan) -> str:
    """The filters that make the source's picture the rendition's."""
    size = plan.size
    scaled = f"scale={size.width_px}:{size.height_px}:flags=bicubic"
    match plan.treatment:
        case Treatment.DEINTERLACE:
            return f"bwdif=mode=send_frame:parity=auto:deint=all,{scaled},setsar=1"
        case Treatment.HDR10 | Treatment.HLG:
            # Light is only mixed right when it is linear; what is too bright is rolled off.
            read = f"tin={plan.treatment.value}:pin=bt2020:min=bt2020nc:p=bt2020"
            linear = f"zscale=w={size.width_px}:h={size.height_px}:{read}:t=linear:npl=100"
            rolled = "format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0"
            return f"{linear},{rolled},zscale=t=bt709:m=bt709:r=limited,format=yuv420p,setsar=1"
        case Treatment.NONE:
            return f"{scaled},setsar=1"


def encoder_arguments(plan: Plan, crf: int) -> list[str]:
    """The encoder with the job's frozen settings, at one quality."""
    gop = f"keyint={plan.gop_frames}:min-keyint={plan.gop_frames}:scenecut=0:open-gop=0"
    quality = ["-c:v", "libx264", "-preset", plan.preset, "-crf", str(crf)]
    return [*quality, "-pix_fmt", "yuv420p", "-x264-params", gop]


def encode_arguments(plan: Plan, chunk: Chunk, *, source: Input, output: Path) -> list[str]:
    """Encode exactly the chunk's frames as one closed-GOP piece that starts at zero.

    The count of frames ends the chunk, not a duration, which would gain or lose a frame at the
    edges.
    """
    assert plan.crf is not None
    return [
        *[*QUIET, "-y"],
        *open_arguments(plan, chunk.position, source),
        *["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", str(chunk.frame_count)],
        *["-vf", f"setpts=PTS-STARTPTS,{picture_chain(plan)}"],
        *["-fps_mode", "passthrough", "-enc_time_base", "demux"],
        *encoder_arguments(plan, plan.crf),
        *[*EXACT, "-video_track_timescale", str(TIMESCALE), "-f", "mp4", str(output)],
    ]


def look_arguments(plan: Plan, chunk: Chunk, *, source: Input) -> list[str]:
    """Decode exactly the chunk's frames and keep none of them."""
    return [
        *[*QUIET, "-y"],
        *open_arguments(plan, chunk.position, source),
        *["-map", "0:V:0", "-an", "-sn", "-dn", "-frames:v", str(chunk.frame_count)],
        *["-vf", "setpts=PTS-STARTPTS", "-fps_mode", "passthrough", "-f", "null", "-"],
    ]


def join_list(plan: Plan, names: Sequence[str]) -> str:
    """The ffconcat script: each chunk with its exact duration, so that nothing drifts."""
    assert len(names) == len(plan.starts)
    entries = (
        f"file '{name}'\nduration {seconds(plan.duration_s(position), places=9)}\n"
        for position, name in enumerate(names)
    )
    return "ffconcat version 1.0\n" + "".join(entries)


def seconds(value: Fraction, *, places: int) -> str:
    """A decimal number as FFmpeg reads it, rounded to the nearest."""
    scaled = round(value * 10**places)
    sign = "-" if scaled < 0 else ""
    whole, rest = divmod(abs(scaled), 10**places)
    return f"{sign}{whole}.{rest:0{places}d}"
