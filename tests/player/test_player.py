"""Goal: what is published plays in a browser, in HLS and in DASH, as if it had never been cut.

Method: a film of four chunks goes through the real pipeline and gets a second rung; Chromium opens
it with hls.js and dash.js from a web server that knows byte ranges. Each frame has its own
brightness, so the test sees which one is on the screen.
"""

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.clips import KEYED, numbered
from tests.functions.reprocess.conftest import Studio, fund
from tests.functions.reprocess.test_upgrades import upgrade
from tests.player.browser import NoBrowser, Page, browsing, unpacked
from tests.player.server import Site, serving

logger = logging.getLogger(__name__)

HERE = Path(__file__).parent
MODULES = Path("node_modules").absolute()
RATE, SECONDS = 12, 40
JOINS_S = (10, 20, 30)


@pytest.fixture
def film(studio: Studio, tmp_path: Path) -> Path:
    """Where media/film/ is, published in two rungs."""
    clip = numbered(
        tmp_path / "a.mp4", seconds=SECONDS, rate=str(RATE), size="1280x720", options=KEYED
    )
    studio.upload("film", clip)
    studio.settle()
    upgrade(studio, fund(studio, "film", 720))
    jobs = studio.jobs("film")
    assert [job["state"] for job in jobs] == ["PUBLISHED"] * 2
    starts = studio.rows("SELECT DISTINCT frame_start FROM upgrade_chunks ORDER BY 1")
    assert [row["frame_start"] for row in starts] == [0, *(at_s * RATE for at_s in JOINS_S)]
    studio.fetch_media("film", tmp_path)
    return tmp_path


def places(film: Path) -> dict[str, Path]:
    return {
        "media": film / "media",
        "page.html": HERE / "page.html",
        "player.js": HERE / "player.js",
        "hls.js": MODULES / "hls.js/dist/hls.min.js",
        "dash.js": MODULES / "dashjs/dist/modern/umd/dash.all.min.js",
    }


def test_hls_and_dash_play_over_every_join_and_change_rungs(
    film: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("chromium")
    with serving(places(film)) as site, browsing(folder) as page:
        for kind, manifest in (("hls", "master.m3u8"), ("dash", "manifest.mpd")):
            page.open(f"{site.url}/page.html?{kind}")
            report = watch(page, site, kind, f"{site.url}/media/film/{manifest}")
            logger.info("%s: %s", kind, report)


def watch(page: Page, site: Site, kind: str, url: str) -> dict[str, Any]:
    """Watch the film as a restless person would; what the player says of it."""
    site.asked.clear()
    begun = page.run(f"begin({kind!r}, {url!r})")
    assert begun["duration"] == pytest.approx(SECONDS, abs=0.1)
    assert begun["rungs"] == [480, 720]
    changes = []
    for number, height in ((0, 480), (1, 720), (0, 480)):
        changes.append(page.run(f"choose({number}, {height})"))
        assert changes[-1]["waits"] == 0, changes
    for at_s in JOINS_S:
        crossed = page.run(f"cross({at_s})")
        assert crossed["covers"]
        assert crossed["waits"] == 0
        assert_frames(crossed["seen"], at_s)
    end: dict[str, Any] = page.run("finish()")
    assert end["errors"] == []
    assert end["corrupted"] == 0
    assert end["heard_bytes"] > 0
    media = [is_range for path, is_range in site.asked if path.endswith(".mp4")]
    assert media
    assert all(media), "a file was loaded whole"
    return {**end, "changes": changes}


def assert_frames(seen: list[tuple[float, int]], at_s: float) -> None:
    """Each picture is the one of its time, and both sides of the join were seen."""
    assert min(time for time, _ in seen) < at_s <= max(time for time, _ in seen)
    for time, brightness in seen:
        luma = 40 + round(time * RATE) * 53 % 160
        # From studio range to the screen's.
        assert brightness == pytest.approx((luma - 16) * 255 / 219, abs=5), time


def test_opus_is_heard_as_it_came(
    studio: Studio, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    sound = ("-c:a", "libopus")
    clip = numbered(tmp_path / "a.mp4", seconds=8, rate=str(RATE), size="640x480", audio=sound)
    studio.upload("film", clip)
    studio.settle()
    assert studio.job("film")["settings"]["audio"] == "copy"
    studio.fetch_media("film", tmp_path)
    folder = tmp_path_factory.mktemp("chromium")
    with serving(places(tmp_path)) as site, browsing(folder) as page:
        for kind, manifest in (("hls", "master.m3u8"), ("dash", "manifest.mpd")):
            page.open(f"{site.url}/page.html?{kind}")
            page.run(f"begin({kind!r}, '{site.url}/media/film/{manifest}')")
            end = page.run("finish()")
            assert end["errors"] == []
            assert end["heard_bytes"] > 0


def test_a_missing_browser_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr("tests.player.browser.PACKAGE", tmp_path / "missing")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    with pytest.raises(NoBrowser, match="make setup"):
        unpacked(tmp_path)
