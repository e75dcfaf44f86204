"""What a job's document may be: the model of the service, and those of its rules that we meet.

boto3 looks for missing and misspelled parameters only; lists of values, bounds and patterns are
left to the service, which is us. Beyond the model stand the rules that MediaConvert itself tells
in its answers, and last what this stand-in cannot do although the service can.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.validate import ParamValidator

TOKEN_CHARACTERS_MAX = 64
CONTAINERS = {
    "FILE_GROUP_SETTINGS": {"F4V", "GIF", "M2TS", "MOV", "MP4", "MXF", "OGG", "RAW", "WEBM", "Y4M"},
    "HLS_GROUP_SETTINGS": {"M3U8"},
    "DASH_ISO_GROUP_SETTINGS": {"MPD"},
    "CMAF_GROUP_SETTINGS": {"CMFC"},
    "MS_SMOOTH_GROUP_SETTINGS": {"ISMV"},
}
SETTINGS = {
    "FILE_GROUP_SETTINGS": "FileGroupSettings",
    "HLS_GROUP_SETTINGS": "HlsGroupSettings",
    "DASH_ISO_GROUP_SETTINGS": "DashIsoGroupSettings",
    "CMAF_GROUP_SETTINGS": "CmafGroupSettings",
    "MS_SMOOTH_GROUP_SETTINGS": "MsSmoothGroupSettings",
}
IN_MP4 = {"AV1", "H_264", "H_265", "MPEG2", "PASSTHROUGH", "XAVC"}
SCALING = {None, "DEFAULT", "STRETCH_TO_OUTPUT"}


@functools.cache
def model() -> ServiceModel:
    """The service as boto3 knows it."""
    return botocore.session.get_session().get_service_model("mediaconvert")


def request_shape() -> StructureShape:
    """What CreateJob takes."""
    shape = model().operation_model("CreateJob").input_shape
    assert isinstance(shape, StructureShape)
    return shape


def from_wire(shape: Shape, value: Any) -> Any:
    """Give members the names that boto3 has for them; what is unknown keeps its own."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {member.serialization.get("name", n): n for n, member in shape.members.items()}
        return {
            names.get(key, key): from_wire(shape.members[names[key]], inner)
            if key in names
            else inner
            for key, inner in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [from_wire(shape.member, inner) for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: from_wire(shape.value, inner) for key, inner in value.items()}
    return value


def to_wire(shape: Shape, value: Any) -> Any:
    """The reverse, for answers."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {
            shape.members[key].serialization.get("name", key): to_wire(shape.members[key], inner)
            for key, inner in value.items()
        }
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [to_wire(shape.member, inner) for inner in value]
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: to_wire(shape.value, inner) for key, inner in value.items()}
    return value


def complaints(document: Mapping[str, Any]) -> list[str]:
    """Everything that the service would not take, in the words of a BadRequestException."""
    report = ParamValidator().validate(document, request_shape())
    if report.has_errors():
        return [report.generate_report()]
    return [*_against_model(request_shape(), document, ""), *_against_rules(document)]


def _against_model(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """What boto3 does not look at: lists of values, upper bounds, patterns."""
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            yield from _against_model(shape.members[name], inner, f"{path}/{_lower(name)}")
    elif isinstance(shape, ListShape):
        for number, inner in enumerate(value):
            yield from _against_model(shape.member, inner, f"{path}/{number}")
    elif isinstance(shape, MapShape):
        for key, inner in value.items():
            yield from _against_model(shape.value, inner, f"{path}/{key}")
    else:
        yield from _against_scalar(shape, value, path)


def _against_scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    allowed, rules = getattr(shape, "enum", None), shape.metadata
    if allowed and value not in allowed:
        yield f"{path}: {value!r} is none of {', '.join(allowed)}"
    if "max" in rules and (len(value) if isinstance(value, str) else value) > rules["max"]:
        yield f"{path}: {value!r} is more than {rules['max']}"
    if "pattern" in rules and re.search(rules["pattern"], value) is None:
        yield f"{path}: {value!r} does not match {rules['pattern']}"


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]


def _against_rules(document: Mapping[str, Any]) -> Iterator[str]:
    if len(document.get("ClientRequestToken", "")) > TOKEN_CHARACTERS_MAX:
        yield f"/clientRequestToken: has more than {TOKEN_CHARACTERS_MAX} characters"
    settings = document["Settings"]
    inputs = settings.get("Inputs", [])
    if not inputs:
        yield "/inputs: at least one input is required"
    for number, given in enumerate(inputs):
        if not given.get("FileInput"):
            yield f"/inputs/{number}/fileInput: is a required property"
    groups = settings.get("OutputGroups", [])
    if not groups:
        yield "/outputGroups: at least one output group is required"
    for number, group in enumerate(groups):
        yield from _against_group(group, f"/outputGroups/{number}")
    if len(inputs) > 1 or len(groups) > 1:
        yield "/: the local service makes one output of one input"


def _against_group(group: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = group.get("OutputGroupSettings", {}).get("Type")
    if kind not in CONTAINERS:
        yield f"{path}/outputGroupSettings/type: is a required property"
        return
    here = group["OutputGroupSettings"].get(SETTINGS[kind])
    if here is None or not here.get("Destination"):
        yield f"{path}/outputGroupSettings/{_lower(SETTINGS[kind])}/destination: is required"
    outputs = group.get("Outputs", [])
    if not outputs:
        yield f"{path}/outputs: at least one output is required"
    if kind != "FILE_GROUP_SETTINGS" or len(outputs) > 1:
        yield f"{path}: the local service makes one file only"
    for number, output in enumerate(outputs):
        container = output.get("ContainerSettings", {}).get("Container")
        if container not in CONTAINERS[kind]:
            yield f"{path}/outputs/{number}: container {container} does not go with {kind}"
        elif container != "MP4":
            yield f"{path}/outputs/{number}: the local service writes MP4 only"
        if output.get("AudioDescriptions"):
            yield f"{path}/outputs/{number}: the local service makes no sound"
        if "VideoDescription" not in output:
            yield f"{path}/outputs/{number}: there is neither picture nor sound"
        else:
            video = output["VideoDescription"]
            yield from _against_video(video, f"{path}/outputs/{number}/videoDescription")


def _against_video(video: Mapping[str, Any], path: str) -> Iterator[str]:
    for side in ("Width", "Height"):
        if video.get(side, 0) % 2:
            yield f"{path}/{side.lower()}: Should be a multiple of 2"
    if ("Width" in video) != ("Height" in video):
        yield f"{path}: the local service wants both sides or none"
    if video.get("ScalingBehavior") not in SCALING:
        yield f"{path}/scalingBehavior: the local service stretches, or fits with bars"
    codec = video.get("CodecSettings", {}).get("Codec")
    if codec not in IN_MP4:
        yield f"{path}/codecSettings: codec {codec} does not go into MP4"
    elif codec != "H_264":
        yield f"{path}/codecSettings: the local service encodes H_264 only"
    else:
        h264 = video["CodecSettings"].get("H264Settings", {})
        yield from _against_h264(h264, f"{path}/codecSettings/h264Settings")


def _against_h264(h264: Mapping[str, Any], path: str) -> Iterator[str]:
    yield from _against_rates(h264, path)
    yield from _against_gops(h264, path)
    yield from _against_controls(h264, path)
    if h264.get("InterlaceMode", "PROGRESSIVE") != "PROGRESSIVE":
        yield f"{path}/interlaceMode: the local service makes whole pictures only"


def _against_rates(h264: Mapping[str, Any], path: str) -> Iterator[str]:
    mode = h264.get("RateControlMode")
    if mode is None:
        yield f"{path}/rateControlMode: is a required property"
    if mode == "QVBR" and "MaxBitrate" not in h264:
        yield f"{path}/maxBitrate: is required when rateControlMode is QVBR"
    if mode == "QVBR" and "Bitrate" in h264:
        yield f"{path}/bitrate: is not allowed when rateControlMode is QVBR"
    if mode in ("CBR", "VBR") and "Bitrate" not in h264:
        yield f"{path}/bitrate: is required when rateControlMode is {mode}"
    if mode != "QVBR" and "QvbrSettings" in h264:
        yield f"{path}/qvbrSettings: is not allowed unless rateControlMode is QVBR"


def _against_gops(h264: Mapping[str, Any], path: str) -> Iterator[str]:
    units, size = h264.get("GopSizeUnits", "AUTO"), h264.get("GopSize")
    if units == "AUTO" and size is not None:
        yield f"{path}/gopSize: must be blank when gopSizeUnits is AUTO"
    if units != "AUTO" and not size:
        yield f"{path}/gopSize: is required when gopSizeUnits is {units}"
    if units == "FRAMES" and size is not None and size != int(size):
        yield f"{path}/gopSize: must be a whole number when gopSizeUnits is FRAMES"


def _against_controls(h264: Mapping[str, Any], path: str) -> Iterator[str]:
    for control, parts in (
        ("FramerateControl", ("FramerateNumerator", "FramerateDenominator")),
        ("ParControl", ("ParNumerator", "ParDenominator")),
    ):
        is_said, parts_said = h264.get(control) == "SPECIFIED", [part in h264 for part in parts]
        if is_said and not all(parts_said):
            yield f"{path}/{_lower(control)}: SPECIFIED needs {' and '.join(map(_lower, parts))}"
        if not is_said and any(parts_said):
            yield f"{path}/{_lower(control)}: must be SPECIFIED for {' and '.join(parts)}"
