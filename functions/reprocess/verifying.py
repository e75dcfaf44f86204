"""Look at a rendition as a player would, before any player does."""

from fractions import Fraction
from pathlib import Path
from typing import Final

from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed
from pixr.domain.media import Chunk, Plan, published_arguments
from pixr.domain.sources import Track, delay_ms, read_listing

LISTING_TIMEOUT_S: Final = 60
DECODE_TIMEOUT_S: Final = 480

DRIFT_MAX_S: Final = Fraction(1, 1000)
"""How far a chunk may start from where the source has it."""

DELAY_MAX_MS: Final = {"copy": 2, "encode": 50}
"""How far sound may move against the picture; an encoder adds a frame of its own in front."""


class Unfit(Exception):
    """The rendition is not what was planned; the text says what differs."""


def verify(ffmpeg: Ffmpeg, plan: Plan, chunks: list[Chunk], playlist: Path) -> int:
    """Check count, times, sound and that every frame decodes.

    Returns:
        CPU milliseconds that it took.

    Raises:
        Unfit: With what differs.
        FfmpegTimedOut: It takes too long.
    """
    try:
        listed = ffmpeg.make(
            published_arguments(playlist, is_decoding=False), timeout_s=LISTING_TIMEOUT_S
        )
        decoded = ffmpeg.make(
            published_arguments(playlist, is_decoding=True), timeout_s=DECODE_TIMEOUT_S
        )
    except FfmpegFailed as error:
        raise Unfit(f"it does not decode: {error}") from error
    if "[error]" in decoded.log:
        raise Unfit(f"it does not decode cleanly: {decoded.log.strip()[-300:]}")
    tracks = read_listing(listed.output)
    video = tracks.get("video")
    shown = read_listing(decoded.output).get("video")
    if video is None or shown is None:
        raise Unfit("it has no picture")
    if not video.packets == shown.packets == plan.frames:
        raise Unfit(
            f"it has {video.packets} frames, {shown.packets} of them decode,"
            f" and {plan.frames} were planned"
        )
    _check_times(plan, chunks, video)
    _check_sound(plan, tracks.get("audio"), video)
    return listed.cpu_ms + decoded.cpu_ms


def _check_times(plan: Plan, chunks: list[Chunk], video: Track) -> None:
    if not video.is_ordered or len(set(video.pts)) != plan.frames:
        raise Unfit("its timestamps do not rise")
    length_s = (video.end_pts - video.pts[0]) * video.time_base
    planned_s = (plan.end - plan.starts[0]) * plan.time_base
    if abs(length_s - planned_s) * plan.frames > planned_s:
        raise Unfit(f"it lasts {length_s} s instead of {planned_s} s")
    for chunk in chunks:
        start_s = (video.pts[chunk.frame_start] - video.pts[0]) * video.time_base
        planned_s = plan.start_s(chunk.position) - plan.start_s(0)
        if abs(start_s - planned_s) > DRIFT_MAX_S:
            raise Unfit(f"chunk {chunk.position} starts at {start_s} s instead of {planned_s} s")


def _check_sound(plan: Plan, audio: Track | None, video: Track) -> None:
    if (audio is None) != (plan.audio is None):
        raise Unfit("the sound is missing" if audio is None else "there is sound from nowhere")
    if audio is None or plan.audio is None:
        return
    if plan.audio == "copy" and audio.packets != plan.audio_packets:
        raise Unfit(f"{audio.packets} of {plan.audio_packets} sound packets were copied")
    moved_ms = delay_ms(audio, video) - plan.audio_delay_ms
    if abs(moved_ms) > DELAY_MAX_MS[plan.audio]:
        raise Unfit(f"the sound moved by {moved_ms} ms against the picture")
