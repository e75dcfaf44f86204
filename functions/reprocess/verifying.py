"""Look at what was made as a player would, before any player does."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, Run, plain
from pixr.domain.media import Chunk, Plan
from pixr.domain.packaging import packet_arguments, published_arguments
from pixr.domain.sources import Track, read_listing

LISTING_TIMEOUT_S: Final = 60
DECODE_TIMEOUT_S: Final = 480

DRIFT_MAX_S: Final = Fraction(1, 1000)
"""How far a chunk may start from where the source has it."""

DELAY_MAX_S: Final = {"copy": Fraction(2, 1000), "encode": Fraction(50, 1000)}
"""How far sound may move against the picture; an encoder adds a frame of its own in front."""


class Unfit(Exception):
    """The rendition is not what was planned; the text says what differs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """What the sound must be."""

    way: str
    """'copy' or 'encode'."""
    digest: str
    """MD5 of the source's packets, as FFmpeg prints it."""
    lead_ms: int
    """When the first picture is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What the picture must be."""

    chunks: Sequence[Chunk]
    """Which frames each has."""
    digest: str
    """MD5 of the chunks' packets, as FFmpeg prints it."""
    lead_ms: int | None
    """When its first frame is shown; None: it carries its sound itself, whose place counts."""
    is_seen: bool
    """Whether whoever made the chunks has decoded every frame of them."""


def verify_picture(
    ffmpeg: Ffmpeg, plan: Plan, picture: Picture, playlist: Path
) -> tuple[Track, int]:
    """Check count, times, packets and, where nobody has, that every frame decodes.

    Packets that are those of decoded chunks decode as they did there: a chunk begins with a key
    frame that refers to nothing before it, and all have one set of parameters.

    Returns:
        What players see, and the CPU milliseconds that it took.

    Raises:
        Unfit: With what differs.
        FfmpegTimedOut: It takes too long.
    """
    listed = _listed(ffmpeg, playlist)
    cpu_ms, tracks = listed.cpu_ms, read_listing(listed.output)
    video = tracks.get("video")
    if video is None:
        raise Unfit("it has no picture")
    if video.packets != plan.frames:
        raise Unfit(f"it has {video.packets} frames, and {plan.frames} were planned")
    if not picture.is_seen:
        decoded = _decoded(ffmpeg, playlist)
        cpu_ms += decoded.cpu_ms
        shown = read_listing(decoded.output).get("video")
        frames = shown.packets if shown else 0
        if frames != plan.frames:
            raise Unfit(f"{frames} of its {plan.frames} frames decode")
    _check_times(plan, picture.chunks, video)
    cpu_ms += _check_copied(ffmpeg, playlist, "v", picture.digest)
    start_s = video.pts[0] * video.time_base
    if picture.lead_ms is None:
        _check_own_sound(plan, tracks.get("audio"), start_s)
    elif abs(start_s - Fraction(picture.lead_ms, 1000)) > DRIFT_MAX_S:
        raise Unfit(f"it starts at {_s(start_s)} s instead of {picture.lead_ms} ms")
    return video, cpu_ms


def verify_sound(ffmpeg: Ffmpeg, plan: Plan, sound: Sound, playlist: Path) -> int:
    """Check that it is the source's, at its place, and that all of it decodes.

    Returns:
        CPU milliseconds that it took.

    Raises:
        Unfit: With what differs.
        FfmpegTimedOut: It takes too long.
    """
    listed, decoded = _listed(ffmpeg, playlist), _decoded(ffmpeg, playlist)
    audio = read_listing(listed.output).get("audio")
    if audio is None or "audio" not in read_listing(decoded.output):
        raise Unfit("the sound is missing")
    if not audio.is_ordered:
        raise Unfit("the sound's timestamps do not rise")
    cpu_ms = listed.cpu_ms + decoded.cpu_ms
    if sound.way == "copy":
        _check_packets(plan, audio)
        cpu_ms += _check_copied(ffmpeg, playlist, "a", sound.digest)
    _check_delay(plan, sound.way, audio, Fraction(sound.lead_ms, 1000))
    return cpu_ms


def _listed(ffmpeg: Ffmpeg, playlist: Path) -> Run:
    """All packets."""
    arguments = published_arguments(playlist, is_decoding=False)
    try:
        return ffmpeg.make(arguments, timeout_s=LISTING_TIMEOUT_S)
    except FfmpegFailed as error:
        raise Unfit(f"it cannot be read: {error}") from error


def _decoded(ffmpeg: Ffmpeg, playlist: Path) -> Run:
    """All frames and samples."""
    arguments = published_arguments(playlist, is_decoding=True)
    try:
        decoded = ffmpeg.make(arguments, timeout_s=DECODE_TIMEOUT_S)
    except FfmpegFailed as error:
        raise Unfit(f"it does not decode: {error}") from error
    if "[error]" in decoded.log:
        raise Unfit(f"it does not decode cleanly: {plain(decoded.log)}")
    return decoded


def _check_copied(ffmpeg: Ffmpeg, playlist: Path, kind: str, digest: str) -> int:
    copied = ffmpeg.make(packet_arguments(playlist, kind), timeout_s=LISTING_TIMEOUT_S)
    if copied.output.strip() != digest.strip():
        what = {"v": "the picture has other packets than its chunks",
                "a": "the sound has other packets than the source"}  # fmt: skip
        raise Unfit(what[kind])
    return copied.cpu_ms


def _check_times(plan: Plan, chunks: Sequence[Chunk], video: Track) -> None:
    if not video.is_ordered or len(set(video.pts)) != plan.frames:
        raise Unfit("its timestamps do not rise")
    length_s = (video.end_pts - video.pts[0]) * video.time_base
    planned_s = (plan.end - plan.starts[0]) * plan.time_base
    if abs(length_s - planned_s) * plan.frames > planned_s:
        raise Unfit(f"it lasts {_s(length_s)} s instead of {_s(planned_s)} s")
    for chunk in chunks:
        start_s = (video.pts[chunk.frame_start] - video.pts[0]) * video.time_base
        planned_s = plan.start_s(chunk.position) - plan.start_s(0)
        if abs(start_s - planned_s) > DRIFT_MAX_S:
            raise Unfit(
                f"chunk {chunk.position} starts at {_s(start_s)} s instead of {_s(planned_s)} s"
            )


def _check_own_sound(plan: Plan, audio: Track | None, start_s: Fraction) -> None:
    if audio is None or plan.audio is None:
        raise Unfit("the sound is missing")
    if plan.audio == "copy":
        _check_packets(plan, audio)
    _check_delay(plan, plan.audio, audio, start_s)


def _check_packets(plan: Plan, audio: Track) -> None:
    if audio.packets != plan.audio_packets:
        raise Unfit(f"{audio.packets} of {plan.audio_packets} sound packets were copied")


def _check_delay(plan: Plan, way: str, audio: Track, start_s: Fraction) -> None:
    """Compare when the first packet plays, hidden or not, with what the source has."""
    delay_s = audio.first_pts * audio.time_base - start_s
    moved_s = delay_s - Fraction(plan.audio_delay_ms, 1000)
    if abs(moved_s) > DELAY_MAX_S[way]:
        raise Unfit(f"the sound moved by {round(moved_s * 1000)} ms against the picture")


def _s(value: Fraction) -> str:
    return f"{float(value):.3f}"
