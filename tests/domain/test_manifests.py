"""Goal: manifests say what the published files are, and no more than players can do with them."""

import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from pixr.domain.manifests import Early, Placed, Shown, Stream, dash_manifest, master_playlist
from pixr.domain.media import plan
from pixr.domain.packaging import place_sound
from pixr.domain.quality import Look, promised_vmaf
from tests.domain.test_media import AAC, facts

PICTURE = Stream(
    kind="video",
    codecs="avc1.64001e",
    bits_per_s=900,
    peak_bits_per_s=1_000,
    end_ms=10_500,
    init_bytes=800,
    index_bytes=68,
    timescale=90_000,
    lead_ms=500,
    width_px=854,
    height_px=480,
    frame_rate=Fraction(24_000, 1001),
)
SOUND = Stream(
    kind="audio",
    codecs="mp4a.40.2",
    bits_per_s=120,
    peak_bits_per_s=130,
    end_ms=10_600,
    init_bytes=700,
    index_bytes=80,
    timescale=48_000,
    lead_ms=500,
    channels=2,
)
EARLY = Early(line='#EXT-X-STREAM-INF:BANDWIDTH=5,RESOLUTION=854x480,CODECS="avc1.1,mp4a.40.2"')
BOTH = Shown(
    renditions=[Placed(stream=PICTURE, folder="480/a")],
    sound=Placed(stream=SOUND, folder="sound/a"),
)


def test_descriptions_come_back_as_they_were() -> None:
    for stream in (PICTURE, SOUND):
        assert Stream.read(stream.document()) == stream


def test_hls_sums_picture_and_sound() -> None:
    lines = master_playlist(BOTH).splitlines()
    assert lines[-2] == (
        "#EXT-X-STREAM-INF:BANDWIDTH=1130,AVERAGE-BANDWIDTH=1020,RESOLUTION=854x480,"
        'CODECS="avc1.64001e,mp4a.40.2",FRAME-RATE=23.976,AUDIO="sound"'
    )
    assert lines[-1] == "480/a/index.m3u8"
    assert 'CHANNELS="2",URI="sound/a/index.m3u8"' in lines[3]


def test_dash_begins_with_the_picture() -> None:
    text = dash_manifest(BOTH)
    assert text is not None
    root = ET.fromstring(text)  # noqa: S314 -- we wrote it
    assert root.get("mediaPresentationDuration") == "PT10.100S"
    offsets = [one.get("presentationTimeOffset") for one in root.iter() if "Base" in one.tag]
    assert [offset for offset in offsets if offset] == ["45000", "24000"]
    assert [one.get("range") for one in root.iter() if "Init" in one.tag] == ["0-799", "0-699"]


def test_rungs_with_their_own_sound_are_for_hls_alone() -> None:
    shown = Shown(renditions=[Placed(stream=EARLY, folder="480/a")])
    assert shown.carries_sound
    assert dash_manifest(shown) is None
    assert master_playlist(shown).splitlines()[-2:] == [EARLY.line, "480/a/index.m3u8"]
    silent = Early(line=EARLY.line.replace(",mp4a.40.2", ""))
    assert not Shown(renditions=[Placed(stream=silent, folder="480/a")]).carries_sound


@pytest.mark.parametrize(
    ("delay_ms", "first", "heard", "lead_ms", "base"),
    [
        (-21, Fraction(-1024, 48_000), Fraction(0), 0, 0),  # hidden priming, nothing else
        (
            -521,
            Fraction(-1024, 48_000),
            Fraction(0),
            500,
            Fraction(1, 3000),
        ),  # heard half a second early
        (479, Fraction(479, 1000), Fraction(479, 1000), 0, Fraction(479, 1000)),
        (-21, Fraction(0), Fraction(0), 21, 0),  # nothing is hidden: the picture waits
    ],
)
def test_sound_lies_to_the_picture_as_in_the_source(
    delay_ms: int, first: Fraction, heard: Fraction, lead_ms: int, base: Fraction
) -> None:
    sound = AAC.__class__(codec="aac", packets=9, delay_ms=delay_ms)
    frozen, _ = plan(facts(24, audio=sound), 480)
    place = place_sound(frozen, first=first, heard=heard)
    assert (place.lead_ms, place.base) == (lead_ms, base)
    # The file's own zero is what is heard first.
    assert heard + place.shift == 0


def test_a_search_that_could_not_reach_the_target_promises_less() -> None:
    frozen, _ = plan(facts(24), 480)
    tuning = {"tried": {"19": 90.0, "25": 84.0, "31": 70.0}}
    assert promised_vmaf(frozen, tuning) is None
    for crf, promise in ((18, 91), (24, 85), (28, 77)):
        made = type(frozen).read({**frozen.document(), "crf": crf})
        assert promised_vmaf(made, tuning) == promise
        assert promised_vmaf(made, {"tried": {}}) is None
        good = {"tried": {"19": 99.0, "25": 98.0, "31": 97.0}}
        assert promised_vmaf(made, good) == frozen.vmaf_target


@pytest.mark.parametrize(
    ("own", "beside", "still", "complaint"),
    [
        ("0.925", "0.874", "0.900", None),  # the worst good one that was measured
        ("0.970", "0.975", "0.999", None),  # a still
        ("0.600", "0.300", "0.310", None),  # confetti
        ("0.888", "0.960", "0.904", "another time"),  # a frame late, the hardest to see
        ("0.477", "0.478", "0.904", "does not show"),  # grey
        ("0.101", "0.102", "0.200", "does not show"),  # another scene
    ],
)
def test_a_frame_at_a_join_is_held_against_its_own_source(
    own: str, beside: str, still: str, complaint: str | None
) -> None:
    look = Look(own=Fraction(own), beside=Fraction(beside), still=Fraction(still))
    assert (look.complaint is None) == (complaint is None)
    assert complaint is None or complaint in str(look.complaint)
