"""A film that was blown up carries no detail for its size; a real one does."""

from pathlib import Path

import pytest

from pixr.adapters.ffmpeg import Ffmpeg
from pixr.domain.detail import detail_arguments, measured_rungs, read_detail
from pixr.domain.renditions import DETAIL_MAX_CENTIDB, shows_nothing_new
from tests.clips import BUNNY, FFMPEG, QUICK, ffmpeg


def detail(clip: Path) -> dict[int, int]:
    """What is measured of a clip."""
    reader = Ffmpeg(FFMPEG)
    facts = reader.probe(clip)
    found = read_detail(reader.make(detail_arguments(facts, source=clip), timeout_s=60).log)
    assert sorted(found) == measured_rungs(facts.size)
    return found


def blown_up(folder: Path, *, through: int) -> Path:
    """The film at 1080 lines, of which no more than ``through`` are real."""
    clip = folder / f"{through}.mp4"
    scales = f"scale=-2:{through}:flags=lanczos,scale=1920:1080:flags=bicubic"
    ffmpeg("-ss", "12", "-i", BUNNY, "-t", "3", "-an", "-vf", scales, *QUICK, "-crf", "18", clip)
    return clip


def test_a_real_film() -> None:
    found = detail(BUNNY)
    assert all(shows_nothing_new({str(rung): value for rung, value in found.items()}, rung) is None
               for rung in found)  # fmt: skip
    assert max(found.values()) < DETAIL_MAX_CENTIDB - 350


@pytest.mark.parametrize(("through", "fake"), [(480, {720, 1080}), (720, {1080})])
def test_a_film_that_was_blown_up(tmp_path: Path, through: int, fake: set[int]) -> None:
    found = detail(blown_up(tmp_path, through=through))
    assert {rung for rung, value in found.items() if value >= DETAIL_MAX_CENTIDB} == fake


def test_a_flat_picture_carries_nothing(tmp_path: Path) -> None:
    clip = tmp_path / "flat.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=gray:size=1280x720:rate=12", "-t", "1", *QUICK, clip)
    assert detail(clip) == {720: 10_000}


def test_no_rung_below_nothing_to_measure() -> None:
    assert read_detail("[Parsed_psnr_0 @ 0x1] PSNR y:30.0") == {}
