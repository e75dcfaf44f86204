"""Goal: the local MediaConvert stands in for the real one, from boto3's request to the event.

Method: our own adapter asks it over HTTP for documents that our own code wrote; the results are
read from the emulator's S3 and looked at with FFmpeg, and the events come off a queue behind a
rule like the deployed one.
"""

import itertools
import json
import os
import time
from collections.abc import Generator, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pytest

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.adapters.mediaconvert import (
    ConversionMissing,
    ConversionRefused,
    Converter,
    ConverterError,
)
from pixr.domain.media import listing_arguments
from pixr.domain.mediaconvert import (
    AnyEvent,
    Canceled,
    Completed,
    Conversion,
    Errored,
    Progressed,
    job_document,
    read_event,
)
from pixr.domain.renditions import Size
from pixr.domain.sources import Track, read_banner, read_listing
from pixr.local.mediaconvert import running_mediaconvert
from pixr.local.workers import is_child
from tests.clips import FFMPEG, ffmpeg, levels, numbered
from tests.cloud import point_boto3_at, running_cloud
from tests.conversions import conversion

WAIT_S = 60.0
WIDE, TALL = Size(width_px=160, height_px=120), Size(width_px=120, height_px=160)
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    with running_cloud(tmp_path_factory.mktemp("cloud")) as endpoint:
        yield endpoint


class House:
    """A bucket, the service, and a queue behind a rule."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.converter = Converter()
        self.s3, self.sqs = boto3.client("s3"), boto3.client("sqs")
        self.events: Any = boto3.client("events")
        self.bucket = f"mediaconvert-{number}"
        self.stage = f"stage-{number}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.url = self.sqs.create_queue(QueueName=f"fallback-{number}")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        pattern = {
            "source": ["aws.mediaconvert"],
            "detail": {"userMetadata": {"stage": [self.stage]}},
        }
        self.events.put_rule(Name=self.stage, EventPattern=json.dumps(pattern))
        target = {"Id": "queue", "Arn": arn["Attributes"]["QueueArn"]}
        self.events.put_targets(Rule=self.stage, Targets=[target])

    def put(self, body: Path | bytes) -> None:
        data = body if isinstance(body, bytes) else body.read_bytes()
        self.s3.put_object(Bucket=self.bucket, Key="originals/clip", Body=data)

    def conversion(self, whole: Size = WIDE, **changed: Any) -> Conversion:
        here = {
            "job_id": uuid4(),
            "stage": self.stage,
            "source_uri": f"s3://{self.bucket}/originals/clip",
            "destination_uri": f"s3://{self.bucket}/chunks/converted",
            "source_size": whole,
            "size": whole,
        }
        return conversion(**here | changed)

    def hear(self) -> Iterator[AnyEvent]:
        """Events as they come; ends when a job is over."""
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s:
            found = self.sqs.receive_message(
                QueueUrl=self.url, MaxNumberOfMessages=1, WaitTimeSeconds=1
            )
            for message in found.get("Messages", []):
                self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
                event = read_event(json.loads(message["Body"]))
                yield event
                if not isinstance(event, Progressed):
                    return
        raise AssertionError("the job does not end")

    def convert(self, conversion: Conversion, folder: Path) -> Path:
        """Make it and fetch the result, which must be there."""
        started = self.converter.create(job_document(conversion))
        *_, last = self.hear()
        assert isinstance(last, Completed), last
        assert (last.job_id, last.converter_job) == (conversion.job_id, started.id)
        assert last.output_uris == (f"s3://{self.bucket}/chunks/converted.mp4",)
        path = folder / "converted.mp4"
        self.s3.download_file(self.bucket, "chunks/converted.mp4", str(path))
        return path


@pytest.fixture(scope="module")
def service(cloud: str) -> Generator[str]:
    with running_mediaconvert(cloud, FFMPEG) as url:
        yield url


@pytest.fixture
def house(cloud: str, service: str, monkeypatch: pytest.MonkeyPatch) -> House:
    point_boto3_at(monkeypatch, cloud)
    monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", service)
    return House()


def picture(path: Path) -> Track:
    listed = Ffmpeg(FFMPEG).make(listing_arguments(path), timeout_s=30).output
    tracks = read_listing(listed)
    assert set(tracks) == {"video"}
    return tracks["video"]


def key_frames(path: Path) -> list[int]:
    """Which frames are key frames."""
    show = ("-skip_frame", "nokey", "-i", path, "-fps_mode", "passthrough")
    text = ffmpeg(*show, "-enc_time_base", "demux", "-f", "framecrc", "-").decode()
    track = read_listing(text)["video"]
    all_pts = picture(path)
    step = (all_pts.pts[1] - all_pts.pts[0]) * all_pts.time_base
    start = all_pts.pts[0] * all_pts.time_base
    return [round((pts * track.time_base - start) / step) for pts in track.pts]


def test_file_is_what_the_document_says(house: House, tmp_path: Path) -> None:
    house.put(numbered(tmp_path / "a.mp4", seconds=5, size="320x240"))
    wide = Size(width_px=320, height_px=240)
    made = house.convert(house.conversion(wide, size=WIDE), tmp_path)
    video = picture(made)
    assert (video.width_px, video.height_px, video.packets) == (160, 120, 60)
    assert key_frames(made) == [0, 12, 24, 36, 48]
    differences = zip(levels(made), levels(tmp_path / "a.mp4"), strict=True)
    assert all(abs(ours - theirs) <= 3 for ours, theirs in differences)


def test_cuts_make_no_key_frames(house: House, tmp_path: Path) -> None:
    """Every frame of a numbered clip is a cut; forty in a row and the grid still stands."""
    house.put(numbered(tmp_path / "a.mp4", seconds=4, rate="10"))
    made = house.convert(house.conversion(gop_frames=25, frame_rate=Fraction(10)), tmp_path)
    assert key_frames(made) == [0, 25]


@pytest.mark.parametrize("rate", ["24000/1001", "25", "30000/1001", "60"])
def test_every_frame_is_kept_at_usual_rates(house: House, tmp_path: Path, rate: str) -> None:
    source = numbered(tmp_path / "a.mkv", seconds=2, rate=rate)
    house.put(source)
    made = house.convert(house.conversion(frame_rate=Fraction(rate)), tmp_path)
    assert picture(made).packets == picture_count(source)
    assert len(levels(made)) == picture_count(source)


def picture_count(path: Path) -> int:
    listed = Ffmpeg(FFMPEG).make(listing_arguments(path), timeout_s=30).output
    return read_listing(listed)["video"].packets


def test_events_tell_the_whole_story(house: House, tmp_path: Path) -> None:
    house.put(numbered(tmp_path / "a.mp4", seconds=2))
    started = house.converter.create(job_document(house.conversion()))
    assert started.status in ("SUBMITTED", "PROGRESSING")
    events = list(house.hear())
    assert [type(event) for event in events] == [Progressed, Progressed, Completed]
    assert [event.frames for event in events if isinstance(event, Progressed)] == [None, 24]
    found = house.converter.get(started.id)
    assert (found.status, found.percent) == ("COMPLETE", 100)


def test_those_behind_another_rule_are_not_told(house: House, tmp_path: Path) -> None:
    neighbour = House()
    house.put(numbered(tmp_path / "a.mp4", seconds=1))
    house.converter.create(job_document(house.conversion()))
    assert [type(event) for event in house.hear()][-1] is Completed
    assert "Messages" not in neighbour.sqs.receive_message(QueueUrl=neighbour.url)


def test_rotated_picture_is_upright(house: House, tmp_path: Path) -> None:
    corner = "drawbox=w=iw/2:h=ih/2:color=white:t=fill"
    flat = numbered(tmp_path / "flat.mp4", seconds=1, audio=(), filters=corner)
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", turned)
    house.put(turned)
    made = house.convert(house.conversion(TALL), tmp_path)
    video = picture(made)
    assert (video.width_px, video.height_px) == (120, 160)
    sides = zip(quarters(made), quarters(turned), strict=True)
    assert all(abs(ours - theirs) < 10 for ours, theirs in sides)
    assert max(quarters(made)) - min(quarters(made)) > 50


def quarters(path: Path) -> bytes:
    """How bright the quarters of the upright first picture are."""
    small = ("-vf", "format=gray,scale=2:2:flags=area", "-f", "rawvideo", "-")
    return ffmpeg("-i", path, "-frames:v", "1", *small)


def test_interlaced_picture_becomes_whole(house: House, tmp_path: Path) -> None:
    source = numbered(
        tmp_path / "a.mp4",
        seconds=2,
        rate="24",
        audio=(),
        filters="interlace=lowpass=off",
        options=("-flags", "+ildct+ilme", "-x264-params", "tff=1"),
    )
    assert "top" in banner(source)
    house.put(source)
    made = house.convert(house.conversion(is_interlaced=True), tmp_path)
    assert picture(made).packets == picture_count(source)
    assert "progressive" in banner(made) or "first" not in banner(made)
    assert rows_apart(made) < rows_apart(source) // 2


def rows_apart(path: Path) -> int:
    """How much neighbouring rows of the second picture differ: fields of two moments do."""
    grey = ("-vf", "format=gray,crop=1:64:80:20", "-f", "rawvideo", "-")
    rows = ffmpeg("-i", path, "-frames:v", "2", *grey)[64:]
    return sum(abs(above - below) for above, below in itertools.pairwise(rows))


@pytest.mark.parametrize(("hdr", "transfer"), [("HDR10", "smpte2084"), ("HLG", "arib-std-b67")])
def test_hdr_becomes_sdr(house: House, tmp_path: Path, hdr: str, transfer: str) -> None:
    tags = f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={transfer}"
    source = numbered(
        tmp_path / "a.mp4",
        seconds=1,
        audio=(),
        filters=f"format=yuv420p10le,{tags}",
        video=("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    )
    assert transfer in banner(source)
    house.put(source)
    made = house.convert(house.conversion(hdr=hdr), tmp_path)
    assert transfer not in banner(made)
    assert "yuv420p(" in banner(made) + "("
    assert "10le" not in banner(made)
    moved = [abs(a - b) for a, b in zip(levels(made), levels(source), strict=True)]
    # HLG was made to look right on screens that know nothing of it.
    assert max(moved) > {"HDR10": 10, "HLG": 2}[hdr]


def banner(path: Path) -> str:
    run = Ffmpeg(FFMPEG).run(listing_arguments(path), timeout_s=30)
    found = read_banner(run.log)
    assert found is not None
    return found.pixel_text


def test_a_repeat_within_a_minute_finds_the_job(house: House, tmp_path: Path) -> None:
    house.put(numbered(tmp_path / "a.mp4", seconds=1))
    document = job_document(house.conversion())
    first, second = house.converter.create(document), house.converter.create(document)
    assert first.id == second.id
    other = house.converter.create(job_document(house.conversion()))
    assert other.id != first.id
    assert [type(event) for event in house.hear()][-1] is Completed
    assert [type(event) for event in house.hear()][-1] is Completed


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (None, 1404, "Unable to open input file [s3://"),
        (b"just a text, " * 100, 1010, "Can't find parser for container"),
    ],
)
def test_bad_input_is_an_error_with_the_services_words(
    house: House, body: bytes | None, code: int, reason: str
) -> None:
    if body is not None:
        house.put(body)
    started = house.converter.create(job_document(house.conversion()))
    *_, last = house.hear()
    assert isinstance(last, Errored)
    assert last.code == code
    assert reason in last.message
    found = house.converter.get(started.id)
    assert (found.status, found.error_code) == ("ERROR", code)
    assert found.error_message == last.message


def test_running_and_waiting_jobs_can_be_called_off(house: House, tmp_path: Path) -> None:
    long = tmp_path / "long.mp4"
    noise = "testsrc2=size=640x360:rate=30,noise=c0s=60:c0f=t"
    ffmpeg("-f", "lavfi", "-i", noise, "-t", "20", "-c:v", "libx264", "-preset", "ultrafast", long)
    house.put(long)
    large = Size(width_px=640, height_px=360)
    running = house.converter.create(job_document(house.conversion(large)))
    waiting = house.converter.create(job_document(house.conversion(large)))
    deadline_s = time.monotonic() + WAIT_S
    while house.converter.get(running.id).percent != 10:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert house.converter.cancel(waiting.id)
    assert house.converter.cancel(running.id)
    assert not house.converter.cancel(running.id)
    deadline_s = time.monotonic() + 1
    while encoders():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    ended = {event.converter_job for _ in range(2) for event in house.hear() if canceled(event)}
    assert ended == {running.id, waiting.id}
    assert house.converter.get(running.id).status == "CANCELED"
    listed = house.s3.list_objects_v2(Bucket=house.bucket, Prefix="chunks/")
    assert "Contents" not in listed


def encoders() -> list[str]:
    """What runs of FFmpeg for us."""
    return [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit()
        and is_child(int(entry.name), parent=os.getpid())
        and b"pixr-mediaconvert-" in (entry / "cmdline").read_bytes()
    ]


def canceled(event: AnyEvent) -> bool:
    assert isinstance(event, Canceled | Progressed)
    return isinstance(event, Canceled)


def test_unknown_jobs_are_missing(house: House) -> None:
    with pytest.raises(ConversionMissing, match="get MediaConvert job 1-x: there is no such job"):
        house.converter.get("1-x")
    with pytest.raises(ConversionMissing, match="cancel MediaConvert job 1-x"):
        house.converter.cancel("1-x")


def test_silent_service_is_an_outage(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_MEDIACONVERT", "http://127.0.0.1:9")
    with pytest.raises(ConverterError, match="get MediaConvert job 1-x: Could not connect"):
        Converter().get("1-x")


def test_bad_document_is_refused_in_the_services_words(house: House) -> None:
    document = job_document(house.conversion())
    document["Settings"]["OutputGroups"][0]["Outputs"][0]["VideoDescription"]["Width"] = 161
    with pytest.raises(ConversionRefused) as refused:
        house.converter.create(document)
    assert str(refused.value) == (
        f"create MediaConvert job {document['ClientRequestToken']}:"
        " /outputGroups/0/outputs/0/videoDescription/width: Should be a multiple of 2"
    )
