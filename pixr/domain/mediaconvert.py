"""MediaConvert, for what our own encoders cannot do: the job's document and its events, as values.

    Conversion ─▶ job_document ─▶ CreateJob …  …EventBridge ─▶ read_event ─▶ Completed, Errored, …

One job makes one rung: one MP4 file without sound, because sound is joined from the source by us,
as it is for every other rendition. Key frames fall on the plan's grid and nowhere else, so that
players can switch between this rung and those that were encoded in chunks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Literal, cast
from uuid import UUID

from pixr.domain.renditions import Size

SOURCE: Final = "aws.mediaconvert"
DETAIL_TYPE: Final = "MediaConvert Job State Change"
FILE_SUFFIX: Final = ".mp4"

HEARD: Final = ("COMPLETE", "ERROR", "CANCELED", "PROGRESSING", "STATUS_UPDATE")
"""The events that say something to us; the service has others (NEW_WARNING, QUEUE_HOP, …)."""

SIDE_MIN_PX: Final = 32
"""MediaConvert makes no smaller picture."""

MACROBLOCKS_MAX: Final = 36_864
"""In one picture of H.264 level 5.2, the highest that MediaConvert writes."""

FAST_FPS: Final = 30
"""Above it a picture lasts less long, and a second needs half as many bits again."""

_QUALITY: Final[Mapping[int, tuple[int, int]]] = {
    240: (7, 700_000),
    360: (7, 1_500_000),
    480: (7, 3_000_000),
    720: (8, 6_000_000),
    1080: (8, 8_500_000),
    1440: (8, 14_000_000),
    2160: (8, 24_000_000),
}
"""QVBR level and the most bits a second, near those of AWS's own video-on-demand templates."""

_COLOURS: Final[Mapping[str, str]] = {"HDR10": "HDR10", "HLG": "HLG_2020"}

Hdr = Literal["HDR10", "HLG"]


class Unconvertible(Exception):
    """MediaConvert cannot make what was planned; the text says why, for the job's owner."""


class UnknownEvent(Exception):
    """It is none of MediaConvert's events about a job of ours; the text says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Everything that the document is made of."""

    job_id: UUID
    stage: str
    """Whose job: two stages may share an account, and each hears only its own events."""
    source_uri: str
    """``s3://`` of the original."""
    destination_uri: str
    """``s3://`` of the file to make, without ``FILE_SUFFIX``, which the service appends."""
    source_size: Size
    size: Size
    rung: int
    gop_frames: int
    frame_rate: Fraction
    """Frames a second, on average; the source's own is followed."""
    is_steady: bool
    """Every frame lasts equally long; MediaConvert writes nothing else."""
    hdr: Hdr | None
    is_interlaced: bool
    role_arn: str
    """What MediaConvert becomes, to read the original and write the file."""
    queue_arn: str

    @property
    def output_uri(self) -> str:
        """``s3://`` of the one file that is made."""
        return self.destination_uri + FILE_SUFFIX

    @property
    def bits_per_s_max(self) -> int:
        """The most that any second may take, on average over the buffer."""
        bits = _QUALITY[self.rung][1]
        return bits * 3 // 2 if self.frame_rate > FAST_FPS else bits


def job_document(conversion: Conversion) -> dict[str, Any]:
    """The parameters of CreateJob for this conversion.

    Raises:
        Unconvertible: It would scale up, or MediaConvert cannot make such a picture.
    """
    _check(conversion)
    selector: dict[str, Any] = {"Rotate": "AUTO", "ColorSpace": "FOLLOW"}
    if conversion.hdr is not None:
        # What the file itself says about its light goes before this.
        selector = {
            "Rotate": "AUTO",
            "ColorSpace": _COLOURS[conversion.hdr],
            "ColorSpaceUsage": "FALLBACK",
        }
    return {
        # The service forgets a token after a minute, so a repeat must come sooner; it does.
        "ClientRequestToken": str(conversion.job_id),
        "Role": conversion.role_arn,
        "Queue": conversion.queue_arn,
        "UserMetadata": {"job_id": str(conversion.job_id), "stage": conversion.stage},
        "Tags": {"project": "pixr", "stage": conversion.stage, "rung": str(conversion.rung)},
        "BillingTagsSource": "JOB",
        "StatusUpdateInterval": "SECONDS_60",
        "AccelerationSettings": {"Mode": "DISABLED"},
        "Priority": 0,
        "Settings": {
            "TimecodeConfig": {"Source": "ZEROBASED"},
            "Inputs": [
                {
                    "FileInput": conversion.source_uri,
                    "TimecodeSource": "ZEROBASED",
                    "VideoSelector": selector,
                }
            ],
            "OutputGroups": [_output_group(conversion)],
        },
    }


def _check(conversion: Conversion) -> None:
    size, source = conversion.size, conversion.source_size
    if size.width_px > source.width_px or size.height_px > source.height_px:
        raise Unconvertible(
            f"a picture of {size.width_px} × {size.height_px} would be larger than its source,"
            f" which has {source.width_px} × {source.height_px}"
        )
    if size.short_px < SIDE_MIN_PX:
        raise Unconvertible(f"MediaConvert makes no picture with fewer than {SIDE_MIN_PX} lines")
    macroblocks = -(-size.width_px // 16) * -(-size.height_px // 16)
    if macroblocks > MACROBLOCKS_MAX:
        raise Unconvertible(
            f"a picture of {size.width_px} × {size.height_px} is larger than H.264 allows"
        )
    if not conversion.is_steady:
        raise Unconvertible(
            "the frame rate varies, and MediaConvert would drop and repeat frames to make it steady"
        )


def _output_group(conversion: Conversion) -> dict[str, Any]:
    return {
        "Name": "rendition",
        "OutputGroupSettings": {
            "Type": "FILE_GROUP_SETTINGS",
            "FileGroupSettings": {"Destination": conversion.destination_uri},
        },
        "Outputs": [
            {
                "Extension": FILE_SUFFIX.removeprefix("."),
                "ContainerSettings": {
                    "Container": "MP4",
                    "Mp4Settings": {
                        "MoovPlacement": "PROGRESSIVE_DOWNLOAD",
                        "CslgAtom": "INCLUDE",
                        "FreeSpaceBox": "EXCLUDE",
                    },
                },
                "VideoDescription": _video(conversion),
            }
        ],
    }


def _video(conversion: Conversion) -> dict[str, Any]:
    preprocessors: dict[str, Any] = {}
    if conversion.is_interlaced:
        preprocessors["Deinterlacer"] = {
            "Mode": "DEINTERLACE",
            "Algorithm": "INTERPOLATE",
            "Control": "NORMAL",
        }
    if conversion.hdr is not None:
        preprocessors["ColorCorrector"] = {
            "ColorSpaceConversion": "FORCE_709",
            "HdrToSdrToneMapper": "PRESERVE_DETAILS",
        }
    return {
        "Width": conversion.size.width_px,
        "Height": conversion.size.height_px,
        # The size has the source's shape to the pixel; any other behaviour could draw bars.
        "ScalingBehavior": "STRETCH_TO_OUTPUT",
        "AfdSignaling": "NONE",
        "RespondToAfd": "NONE",
        "DropFrameTimecode": "DISABLED",
        "TimecodeInsertion": "DISABLED",
        "ColorMetadata": "INSERT",
        **({"VideoPreprocessors": preprocessors} if preprocessors else {}),
        "CodecSettings": {"Codec": "H_264", "H264Settings": _h264(conversion)},
    }


def _h264(conversion: Conversion) -> dict[str, Any]:
    return {
        "RateControlMode": "QVBR",
        "QualityTuningLevel": "SINGLE_PASS_HQ",
        "QvbrSettings": {"QvbrQualityLevel": _QUALITY[conversion.rung][0]},
        "MaxBitrate": conversion.bits_per_s_max,
        "HrdBufferSize": 2 * conversion.bits_per_s_max,
        # Closed groups of exactly so many frames; no key frame at a cut, and none moved to one.
        "GopSizeUnits": "FRAMES",
        "GopSize": conversion.gop_frames,
        "GopClosedCadence": 1,
        "SceneChangeDetect": "DISABLED",
        "MinIInterval": 0,
        "DynamicSubGop": "STATIC",
        "NumberBFramesBetweenReferenceFrames": 2,
        "GopBReference": "ENABLED",
        "FramerateControl": "INITIALIZE_FROM_SOURCE",
        "FramerateConversionAlgorithm": "DUPLICATE_DROP",
        "InterlaceMode": "PROGRESSIVE",
        "ParControl": "SPECIFIED",
        "ParNumerator": 1,
        "ParDenominator": 1,
        "CodecProfile": "HIGH",
        "CodecLevel": "AUTO",
        "EntropyEncoding": "CABAC",
        "AdaptiveQuantization": "AUTO",
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event says."""

    job_id: UUID
    """Ours, from the metadata that we gave."""
    stage: str
    converter_job: str
    """MediaConvert's own name of its job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed(Event):
    """All outputs are written."""

    output_uris: tuple[str, ...]
    warnings: Mapping[int, int]
    """How often each code came."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errored(Event):
    """The service gave the job up."""

    code: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(Event):
    """Somebody canceled the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed(Event):
    """The service is at work."""

    frames: int | None
    """Decoded so far; None when the event does not say."""


AnyEvent = Completed | Errored | Canceled | Progressed


def read_event(document: object) -> AnyEvent:
    """Decode what EventBridge delivers about a job.

    Args:
        document: The envelope, as JSON gives it.

    Raises:
        UnknownEvent: It comes from elsewhere, names no job of ours, lacks a part, or has a status
            that says nothing to us.
    """
    envelope = _mapping(document, "the event")
    if (envelope.get("source"), envelope.get("detail-type")) != (SOURCE, DETAIL_TYPE):
        raise UnknownEvent(
            f"an event {envelope.get('detail-type')!r} of {envelope.get('source')!r} is not"
            f" {DETAIL_TYPE!r} of {SOURCE!r}"
        )
    detail = _mapping(envelope.get("detail"), "detail")
    metadata = _mapping(detail.get("userMetadata"), "detail.userMetadata")
    name = metadata.get("job_id")
    try:
        job_id = UUID(_text(name, "detail.userMetadata.job_id"))
    except ValueError as error:
        raise UnknownEvent(f"detail.userMetadata.job_id {name!r} is no UUID") from error
    stage = _text(metadata.get("stage"), "detail.userMetadata.stage")
    converter_job = _text(detail.get("jobId"), "detail.jobId")
    match detail.get("status"):
        case "COMPLETE":
            return Completed(
                job_id=job_id,
                stage=stage,
                converter_job=converter_job,
                output_uris=_output_uris(detail),
                warnings=_warnings(detail),
            )
        case "ERROR":
            return Errored(
                job_id=job_id,
                stage=stage,
                converter_job=converter_job,
                code=_count(detail.get("errorCode"), "detail.errorCode"),
                message=_text(detail.get("errorMessage"), "detail.errorMessage"),
            )
        case "CANCELED":
            return Canceled(job_id=job_id, stage=stage, converter_job=converter_job)
        case "PROGRESSING" | "STATUS_UPDATE":
            frames = detail.get("framesDecoded")
            return Progressed(
                job_id=job_id,
                stage=stage,
                converter_job=converter_job,
                frames=None if frames is None else _count(frames, "detail.framesDecoded"),
            )
        case status:
            raise UnknownEvent(f"detail.status {status!r} is none of {', '.join(HEARD)}")


def _output_uris(detail: Mapping[str, Any]) -> tuple[str, ...]:
    where = "detail.outputGroupDetails"
    uris: list[str] = []
    for group in _list(detail.get("outputGroupDetails"), where):
        outputs = _mapping(group, where).get("outputDetails")
        for output in _list(outputs, f"{where}.outputDetails"):
            paths = _mapping(output, where).get("outputFilePaths")
            uris += [
                _text(path, f"{where}.outputFilePaths")
                for path in _list(paths, f"{where}.outputFilePaths")
            ]
    return tuple(uris)


def _warnings(detail: Mapping[str, Any]) -> dict[int, int]:
    found: dict[int, int] = {}
    for item in _list(detail.get("warnings", []), "detail.warnings"):
        warning = _mapping(item, "detail.warnings")
        code = _count(warning.get("code"), "detail.warnings.code")
        found[code] = _count(warning.get("count"), "detail.warnings.count")
    return found


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UnknownEvent(f"{where} {value!r} is no object")
    return cast("Mapping[str, Any]", value)


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise UnknownEvent(f"{where} {value!r} is no list")
    return cast("list[object]", value)


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise UnknownEvent(f"{where} {value!r} is no text")
    return value


def _count(value: object, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise UnknownEvent(f"{where} {value!r} is no whole number from 0 up")
    return value
