"""From a job's document to FFmpeg's arguments: what the service would do, as far as FFmpeg can."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FORMATS = "mov,mp4,matroska,webm,mpegts,mpeg,avi,flv,ogg"
TIMESCALE = 90_000
TRANSFERS = {"HDR10": "smpte2084", "HLG_2020": "arib-std-b67"}
QUIET = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "level+error", "-y")


def output_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The one output that a document may have here."""
    output: dict[str, Any] = document["Settings"]["OutputGroups"][0]["Outputs"][0]
    return output


def output_uri(document: Mapping[str, Any]) -> str:
    """Where the file goes: the destination, or the input's name in it, and the endings."""
    settings = document["Settings"]
    group = settings["OutputGroups"][0]["OutputGroupSettings"]["FileGroupSettings"]
    base = str(group["Destination"])
    if base.endswith("/"):
        base += Path(settings["Inputs"][0]["FileInput"]).stem
    output = output_of(document)
    return f"{base}{output.get('NameModifier', '')}.{output.get('Extension', 'mp4')}"


def encode_arguments(
    document: Mapping[str, Any], *, pixel_text: str, source: Path, output: Path
) -> list[str]:
    """Make the document's output.

    Args:
        document: One that ``documents.complaints`` has nothing against.
        pixel_text: What FFmpeg says about the source's pixels, colours and fields.
        source: The input, on disk.
        output: The file to make.
    """
    given = document["Settings"]["Inputs"][0].get("VideoSelector", {})
    video = output_of(document)["VideoDescription"]
    h264 = video["CodecSettings"]["H264Settings"]
    # By default the service neither rotates nor passes on how to; FFmpeg does the one or the other.
    upright = [] if given.get("Rotate") == "AUTO" else ["-display_rotation", "0"]
    # It writes a steady rate whatever comes in.
    rate = ["-fps_mode", "cfr"]
    if h264.get("FramerateControl") == "SPECIFIED":
        rate += ["-r", f"{h264['FramerateNumerator']}/{h264['FramerateDenominator']}"]
    filters = ",".join(["setpts=PTS-STARTPTS", *_filters(given, video, pixel_text)])
    return [
        *[*QUIET, *upright],
        *["-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i", f"file:{source}"],
        *["-map", "0:V:0", "-an", "-sn", "-dn", "-vf", filters, *rate],
        *["-c:v", "libx264", "-preset", "fast", "-pix_fmt", "yuv420p", *_rates(h264)],
        *["-x264-params", _gops(h264), "-map_metadata", "-1"],
        *["-video_track_timescale", str(TIMESCALE), "-movflags", "+faststart"],
        *["-f", "mp4", str(output)],
    ]


def _filters(given: Mapping[str, Any], video: Mapping[str, Any], pixel_text: str) -> list[str]:
    before = video.get("VideoPreprocessors", {})
    filters: list[str] = []
    if deinterlacer := before.get("Deinterlacer"):
        marked = "all" if deinterlacer.get("Control") == "FORCE_ALL_FRAMES" else "interlaced"
        filters.append(f"bwdif=mode=send_frame:deint={marked}")
    if "Width" in video:
        size = f"{video['Width']}:{video['Height']}"
        if video.get("ScalingBehavior") == "STRETCH_TO_OUTPUT":
            filters.append(f"scale={size}:flags=bicubic")
        else:
            fit = "force_original_aspect_ratio=decrease:force_divisible_by=2"
            filters += [f"scale={size}:{fit}", f"pad={size}:(ow-iw)/2:(oh-ih)/2"]
    transfer = _transfer(given, pixel_text)
    if before.get("ColorCorrector", {}).get("ColorSpaceConversion") == "FORCE_709" and transfer:
        filters += [
            f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}",
            "zscale=transfer=linear:npl=100",
            "format=gbrpf32le",
            "zscale=primaries=bt709",
            "tonemap=tonemap=hable:desat=0",
            "zscale=transfer=bt709:matrix=bt709:range=tv",
        ]
    return [*filters, "setsar=1"]


def _transfer(given: Mapping[str, Any], pixel_text: str) -> str | None:
    """The HDR curve of the source, by its own word or the document's; None: it is SDR."""
    said = TRANSFERS.get(given.get("ColorSpace", "FOLLOW"))
    if said is not None and given.get("ColorSpaceUsage", "FORCE") == "FORCE":
        return said
    for transfer in TRANSFERS.values():
        if transfer in pixel_text:
            return transfer
    is_silent = not any(word in pixel_text for word in ("bt709", "smpte170m", "bt470bg"))
    return said if is_silent else None


def _rates(h264: Mapping[str, Any]) -> list[str]:
    if h264["RateControlMode"] != "QVBR":
        return ["-b:v", str(h264["Bitrate"])]
    level = h264.get("QvbrSettings", {}).get("QvbrQualityLevel", 7)
    bits = h264["MaxBitrate"]
    bounds = ["-maxrate", str(bits), "-bufsize", str(h264.get("HrdBufferSize") or 2 * bits)]
    # Level 7 is about what x264 calls 23; each level up is two steps better.
    return ["-crf", str(37 - 2 * level), *bounds]


def _gops(h264: Mapping[str, Any]) -> str:
    parts = [f"open-gop={int(h264.get('GopClosedCadence', 1) != 1)}"]
    if h264.get("SceneChangeDetect") == "DISABLED":
        parts.append("scenecut=0")
    if h264.get("GopSizeUnits") == "FRAMES":
        frames = int(h264["GopSize"])
        parts += [f"keyint={frames}", f"min-keyint={frames}"]
    if "NumberBFramesBetweenReferenceFrames" in h264:
        parts.append(f"bframes={h264['NumberBFramesBetweenReferenceFrames']}")
    return ":".join(parts)
