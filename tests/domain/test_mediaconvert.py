"""Goal: what we ask of MediaConvert is a document that it takes; what it says is understood.

Method: every document is held against botocore's own model of the service, as boto3 does before it
sends one, and beyond that against the model's lists, bounds and patterns, which boto3 leaves to
the service; both are what the local MediaConvert does with every request.
"""

from fractions import Fraction
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from botocore.validate import ParamValidator

from pixr.domain.mediaconvert import (
    HEARD,
    Canceled,
    Completed,
    Conversion,
    Errored,
    Progressed,
    Unconvertible,
    UnknownEvent,
    job_document,
    read_event,
)
from pixr.domain.renditions import BASE_RUNGS, LADDER, Size, rung_size
from pixr.local.mediaconvert.documents import complaints, request_shape
from tests.conversions import conversion as small_conversion

JOB = UUID("01930000-0000-7000-8000-0000000000a1")
LARGE = Size(width_px=3840, height_px=2160)
SHAPES = {
    "landscape": LARGE,
    "portrait": Size(width_px=2160, height_px=3840),
    "square": Size(width_px=2160, height_px=2160),
    "wide": Size(width_px=4096, height_px=2160),
    "odd": Size(width_px=3845, height_px=2163),
}
RATES = (Fraction(24000, 1001), Fraction(25), Fraction(30000, 1001), Fraction(48), Fraction(60))
RUNGS = sorted({*LADDER, *BASE_RUNGS})


def conversion(source: Size = LARGE, rung: int = 1080, **changed: Any) -> Conversion:
    large = {
        "job_id": JOB,
        "stage": "prod",
        "source_uri": "s3://pixr-media/originals/movie/01930000/my clip.mov",
        "destination_uri": f"s3://pixr-media/chunks/{JOB}/converted",
        "source_size": source,
        # Below the ladder a base keeps its source's size; any smaller size shows as much here.
        "size": rung_size(source, rung) if rung in LADDER else rung_size(source, 480),
        "rung": rung,
        "gop_frames": 48,
        "frame_rate": Fraction(24),
    }
    return small_conversion(**large | changed)


def assert_taken(document: dict[str, Any]) -> None:
    report = ParamValidator().validate(document, request_shape())
    assert not report.has_errors(), report.generate_report()
    assert complaints(document) == []


def h264(document: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = video(document)["CodecSettings"]["H264Settings"]
    return settings


def video(document: dict[str, Any]) -> dict[str, Any]:
    (group,) = document["Settings"]["OutputGroups"]
    (output,) = group["Outputs"]
    assert "AudioDescriptions" not in output
    described: dict[str, Any] = output["VideoDescription"]
    return described


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("shape", SHAPES)
def test_service_takes_every_rung_of_every_shape(shape: str, rung: int) -> None:
    for rate, hdr, is_interlaced in product(RATES, (None, "HDR10", "HLG"), (False, True)):
        gop_frames = max(1, round(rate * 2))
        asked = conversion(
            SHAPES[shape],
            rung,
            frame_rate=rate,
            gop_frames=gop_frames,
            hdr=hdr,
            is_interlaced=is_interlaced,
        )
        document = job_document(asked)
        assert_taken(document)
        assert (video(document)["Width"], video(document)["Height"]) == (
            asked.size.width_px,
            asked.size.height_px,
        )
        assert h264(document)["GopSize"] == gop_frames


def test_key_frames_fall_on_the_grid_and_nowhere_else() -> None:
    settings = h264(job_document(conversion(gop_frames=50)))
    assert (settings["GopSizeUnits"], settings["GopSize"]) == ("FRAMES", 50)
    assert settings["GopClosedCadence"] == 1
    assert settings["SceneChangeDetect"] == "DISABLED"
    assert settings["MinIInterval"] == 0


def test_frames_are_the_sources_own() -> None:
    settings = h264(job_document(conversion()))
    assert settings["FramerateControl"] == "INITIALIZE_FROM_SOURCE"
    assert settings["InterlaceMode"] == "PROGRESSIVE"
    assert "FramerateNumerator" not in settings


def test_higher_rungs_and_faster_pictures_may_have_more_bits() -> None:
    limits = [conversion(rung=rung).bits_per_s_max for rung in RUNGS]
    assert limits == sorted(set(limits))
    slow, fast = (conversion(frame_rate=Fraction(rate)).bits_per_s_max for rate in (30, 60))
    assert fast == slow * 3 // 2


def test_job_carries_who_asked_and_is_asked_once() -> None:
    document = job_document(conversion())
    assert document["ClientRequestToken"] == str(JOB)
    assert document["UserMetadata"] == {"job_id": str(JOB), "stage": "prod"}
    assert conversion().output_uri == f"s3://pixr-media/chunks/{JOB}/converted.mp4"


@pytest.mark.parametrize(("hdr", "space"), [("HDR10", "HDR10"), ("HLG", "HLG_2020")])
def test_hdr_becomes_sdr(hdr: str, space: str) -> None:
    document = job_document(conversion(hdr=hdr))
    selector = document["Settings"]["Inputs"][0]["VideoSelector"]
    assert (selector["ColorSpace"], selector["ColorSpaceUsage"]) == (space, "FALLBACK")
    corrector = video(document)["VideoPreprocessors"]["ColorCorrector"]
    assert corrector["ColorSpaceConversion"] == "FORCE_709"
    assert corrector["HdrToSdrToneMapper"] == "PRESERVE_DETAILS"


def test_interlaced_pictures_are_deinterlaced_and_others_left_alone() -> None:
    interlaced = video(job_document(conversion(is_interlaced=True)))
    assert interlaced["VideoPreprocessors"]["Deinterlacer"]["Mode"] == "DEINTERLACE"
    assert "VideoPreprocessors" not in video(job_document(conversion()))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"size": Size(width_px=3842, height_px=2160)}, "3842 × 2160 would be larger"),
        ({"size": Size(width_px=1920, height_px=2162)}, "1920 × 2162 would be larger"),
        ({"size": Size(width_px=640, height_px=30)}, "fewer than 32 lines"),
        ({"is_steady": False}, "the frame rate varies"),
        (
            {
                "source_size": Size(width_px=5040, height_px=2160),
                "size": Size(width_px=5040, height_px=2160),
            },
            "larger than H.264 allows",
        ),
    ],
)
def test_what_cannot_be_made_is_not_asked_for(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unconvertible, match=reason):
        job_document(conversion(**changed))


def event(status: str, **detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "1234abcd-12ab-34cd-56ef-1234567890ab",
        "detail-type": "MediaConvert Job State Change",
        "source": "aws.mediaconvert",
        "account": "111111111111",
        "time": "2026-11-28T11:00:00Z",
        "region": "us-east-1",
        "resources": ["arn:aws:mediaconvert:us-east-1:111111111111:jobs/1515368087458-qnoxtd"],
        "detail": {
            "timestamp": 1515368120764,
            "accountId": "111111111111",
            "queue": "arn:aws:mediaconvert:us-east-1:111111111111:queues/Default",
            "jobId": "1515368087458-qnoxtd",
            "status": status,
            "userMetadata": {"job_id": str(JOB), "stage": "prod"},
            **detail,
        },
    }


WHO: dict[str, Any] = {"job_id": JOB, "stage": "prod", "converter_job": "1515368087458-qnoxtd"}


def test_events_are_understood() -> None:
    groups = [
        {
            "outputDetails": [
                {
                    "outputFilePaths": ["s3://pixr-media/chunks/a/converted.mp4"],
                    "durationInMs": 180041,
                    "videoDetails": {"widthInPx": 1280, "heightInPx": 720},
                }
            ],
            "type": "FILE_GROUP",
        }
    ]
    warnings = [{"code": 230001, "count": 2}]
    found = read_event(event("COMPLETE", outputGroupDetails=groups, warnings=warnings))
    uris = ("s3://pixr-media/chunks/a/converted.mp4",)
    assert found == Completed(output_uris=uris, warnings={230001: 2}, **WHO)
    found = read_event(event("ERROR", errorCode=1040, errorMessage="Example error message"))
    assert found == Errored(code=1040, message="Example error message", **WHO)
    assert read_event(event("CANCELED")) == Canceled(**WHO)
    assert read_event(event("PROGRESSING")) == Progressed(frames=None, **WHO)
    assert read_event(event("STATUS_UPDATE", framesDecoded=353)) == Progressed(frames=353, **WHO)


def test_every_status_that_is_heard_is_read() -> None:
    extra = {"outputGroupDetails": [], "errorCode": 1, "errorMessage": "x"}
    for status in HEARD:
        read_event(event(status, **extra))


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("text", "the event 'text' is no object"),
        ([], "is no object"),
        ({}, "of None is not"),
        ({**event("CANCELED"), "source": "aws.s3"}, "of 'aws.s3' is not"),
        ({**event("CANCELED"), "detail-type": "MediaConvert Queue Hop"}, "Queue Hop"),
        ({**event("CANCELED"), "detail": None}, "detail None is no object"),
        (event("CANCELED", userMetadata={}), "userMetadata.job_id None is no text"),
        (event("CANCELED", userMetadata={"job_id": "7", "stage": "x"}), "'7' is no UUID"),
        (event("CANCELED", userMetadata={"job_id": str(JOB)}), "stage None is no text"),
        (event("CANCELED", jobId=""), "detail.jobId '' is no text"),
        (event("NEW_WARNING"), "detail.status 'NEW_WARNING' is none of COMPLETE, ERROR"),
        (event("COMPLETE"), "outputGroupDetails None is no list"),
        (event("COMPLETE", outputGroupDetails=[{"outputDetails": [{}]}]), "None is no list"),
        (event("ERROR", errorCode="x", errorMessage="y"), "errorCode 'x' is no whole number"),
        (event("ERROR", errorCode=1), "errorMessage None is no text"),
        (event("STATUS_UPDATE", framesDecoded=-1), "framesDecoded -1 is no whole number"),
        (event("STATUS_UPDATE", framesDecoded=True), "framesDecoded True is no whole number"),
    ],
)
def test_anything_else_is_refused_clearly(document: object, reason: str) -> None:
    with pytest.raises(UnknownEvent) as refused:
        read_event(document)
    assert reason in str(refused.value)
