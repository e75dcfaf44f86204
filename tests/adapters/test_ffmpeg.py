"""The real binary: results, limits, and what is left behind."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from pixr.adapters import ffmpeg as adapter
from pixr.adapters.ffmpeg import Ffmpeg, FfmpegFailed, FfmpegMissing, FfmpegTimedOut
from pixr.domain.renditions import Size
from pixr.domain.sources import Unusable
from tests.clips import BUNNY, FFMPEG, ffmpeg, numbered

ENDLESS = ["-nostdin", "-f", "lavfi", "-i", "testsrc2=size=640x480", "-f", "null", "-"]


def script(path: Path, text: str) -> Ffmpeg:
    """A stand-in binary that behaves badly on command."""
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)
    return Ffmpeg(path)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_probe_of_the_real_clip() -> None:
    facts = Ffmpeg(FFMPEG).probe(BUNNY)
    assert facts.size == Size(width_px=1920, height_px=1080)
    assert (facts.frames, facts.duration_ms) == (720, 30_000)
    assert facts.audio is not None
    assert (facts.audio.codec, facts.audio.delay_ms) == ("aac", -21)
    assert facts.is_seekable


def test_probe_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(Unusable, match="not a video"):
        Ffmpeg(FFMPEG).probe(tmp_path / "text.mp4")


def test_a_matroska_that_begins_late_is_whole_until_it_is_cut(tmp_path: Path) -> None:
    """It declares when it ends, by its own clock, and others how long they are."""
    clip, late = numbered(tmp_path / "a.mp4", seconds=6), tmp_path / "late.mkv"
    ffmpeg("-i", clip, "-c", "copy", "-output_ts_offset", "2.5", late)
    assert Ffmpeg(FFMPEG).probe(late).duration_ms == 6000
    late.write_bytes(late.read_bytes()[: late.stat().st_size * 2 // 3])
    with pytest.raises(Unusable, match="truncated"):
        Ffmpeg(FFMPEG).probe(late)


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.mp4\n",
    ],
    ids=["hls", "concat"],
)
@pytest.mark.parametrize("name", ["a.m3u8", "a.mp4", "a.ffconcat"])
def test_a_playlist_cannot_make_it_open_another_file(
    tmp_path: Path, name: str, playlist: str
) -> None:
    numbered(tmp_path / "secret.mp4", seconds=1)
    (tmp_path / name).write_text(playlist)
    with pytest.raises(Unusable, match="not a video"):
        Ffmpeg(FFMPEG).probe(tmp_path / name)


def test_cpu_time_is_measured() -> None:
    run = Ffmpeg(FFMPEG).make(["-nostdin", "-t", "5", *ENDLESS[1:]], timeout_s=30)
    assert run.return_code == 0
    assert 0 < run.cpu_ms < 60_000


def test_failure_tells_the_end_of_the_log() -> None:
    with pytest.raises(FfmpegFailed, match="No such file"):
        Ffmpeg(FFMPEG).make(["-i", "/nowhere/at/all.mp4"], timeout_s=30)


def test_timeout_kills_it_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    stuck = script(tmp_path / "stuck", f"sleep 600 & echo $! $$ > {pids}; wait")
    with pytest.raises(FfmpegTimedOut, match="killed after 1 s"):
        stuck.run([], timeout_s=1)
    child, parent = map(int, pids.read_text().split())
    assert not is_alive(child)
    assert not is_alive(parent)


def test_endless_work_ends_at_the_time_limit() -> None:
    with pytest.raises(FfmpegTimedOut):
        Ffmpeg(FFMPEG).run(ENDLESS, timeout_s=1)


def is_waited_for() -> bool:
    """Whether the last thread that watches over it runs: until then it is still being started."""
    return any("_drain" in thread.name for thread in threading.enumerate())


def test_interruption_kills_it(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    stuck = script(tmp_path / "stuck", f"echo $$ > {pids}; exec sleep 600")

    def interrupt() -> None:
        while not (pids.exists() and pids.read_text().strip() and is_waited_for()):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A shell that starts us in the background makes us ignore SIGINT.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            stuck.run([], timeout_s=60)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not is_alive(int(pids.read_text()))


def test_it_sees_none_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    run = script(tmp_path / "env", "/usr/bin/env; cat").run([], timeout_s=10)
    assert "hunter2" not in run.output


def test_output_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "OUTPUT_BYTES_MAX", 1000)
    with pytest.raises(FfmpegFailed, match="more than 1000 bytes"):
        script(tmp_path / "loud", "yes").run([], timeout_s=30)


def test_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    loud = script(tmp_path / "loud", "echo first >&2; seq 200000 >&2; echo last >&2")
    log = loud.run([], timeout_s=30).log
    assert log.startswith("first\n1\n")
    assert log.endswith("\n200000\nlast\n")
    assert len(log) <= adapter.LOG_HEAD_BYTES + adapter.LOG_TAIL_BYTES


@pytest.mark.parametrize("how", ["missing", "a folder", "no program"])
def test_binary_that_cannot_run_says_what_to_set(tmp_path: Path, how: str) -> None:
    path = tmp_path / "ffmpeg"
    if how == "a folder":
        path.mkdir()
    elif how == "no program":
        path.write_text("text")
    with pytest.raises(FfmpegMissing, match="set FFMPEG"):
        Ffmpeg(path).probe(BUNNY)


def test_file_that_crashes_the_reader_is_unusable(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="makes the reader fail"):
        script(tmp_path / "crash", "kill -SEGV $$").probe(BUNNY)


def test_file_that_hangs_the_reader_is_unusable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "PROBE_TIMEOUT_S", 1)
    with pytest.raises(Unusable, match="takes more than 1 seconds"):
        script(tmp_path / "hang", "exec sleep 600").probe(BUNNY)
