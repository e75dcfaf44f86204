"""Goal: the local MediaConvert takes no document that the real one would not take.

Method: one document that it takes, broken in one place at a time.
"""

from typing import Any

import pytest

from pixr.domain.mediaconvert import job_document
from pixr.local.mediaconvert.documents import complaints, from_wire, request_shape, to_wire
from tests.conversions import conversion

OUTPUT = "Settings.OutputGroups.0.Outputs.0"
VIDEO = f"{OUTPUT}.VideoDescription"
H264 = f"{VIDEO}.CodecSettings.H264Settings"


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("Settings.Inputs", [], "at least one input"),
        ("Settings.Inputs.0.FileInput", "clip.mp4", "does not match"),
        ("Settings.OutputGroups", [], "at least one output group"),
        ("Settings.OutputGroups.0.OutputGroupSettings.Type", "HLS_GROUP_SETTINGS", "MP4 does not"),
        (f"{OUTPUT}.ContainerSettings.Container", "M3U8", "M3U8 does not go with FILE_GROUP"),
        (f"{VIDEO}.Width", 161, "Should be a multiple of 2"),
        (f"{VIDEO}.Width", 16, "valid min value: 32"),
        (f"{VIDEO}.Width", 9000, "is more than 8192"),
        (f"{VIDEO}.ScalingBehavior", "SQUEEZE", "is none of DEFAULT"),
        (f"{VIDEO}.CodecSettings.Codec", "VP9", "codec VP9 does not go into MP4"),
        (f"{H264}.MaxBitrate", None, "is required when rateControlMode is QVBR"),
        (f"{H264}.Bitrate", 1_000_000, "is not allowed when rateControlMode is QVBR"),
        (f"{H264}.QvbrSettings.QvbrQualityLevel", 11, "is more than 10"),
        (f"{H264}.GopSize", 12.5, "must be a whole number"),
        (f"{H264}.GopSizeUnits", "AUTO", "must be blank when gopSizeUnits is AUTO"),
        (f"{H264}.FramerateControl", "SPECIFIED", "needs framerateNumerator"),
        (f"{H264}.NumberBFramesBetweenReferenceFrames", 8, "is more than 7"),
        ("Role", None, "Missing required parameter"),
        ("ClientRequestToken", "x" * 65, "more than 64 characters"),
    ],
)
def test_bad_documents_are_refused_by_name(place: str, value: object, reason: str) -> None:
    document = good()
    parts = [int(part) if part.isdigit() else part for part in place.split(".")]
    inner: Any = document
    for part in parts[:-1]:
        inner = inner[part]
    if value is None:
        del inner[parts[-1]]
    else:
        inner[parts[-1]] = value
    assert reason in "; ".join(complaints(document))


def good() -> dict[str, Any]:
    """A document that nothing is wrong with."""
    document = job_document(conversion(hdr="HDR10", is_interlaced=True))
    assert complaints(document) == []
    return document


def test_names_survive_the_way_over_the_wire() -> None:
    document = good()
    sent = to_wire(request_shape(), document)
    assert sent["settings"]["inputs"][0]["fileInput"] == "s3://bucket/originals/clip"
    assert from_wire(request_shape(), sent) == document


def test_unknown_parameters_are_named() -> None:
    sent = to_wire(request_shape(), good()) | {"colour": "red"}
    (complaint,) = complaints(from_wire(request_shape(), sent))
    assert 'Unknown parameter in input: "colour"' in complaint
