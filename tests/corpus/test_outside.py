"""Goal: the watch over files and addresses really sees, and the kernel agrees with it."""

import re
import secrets
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clips import FFMPEG
from tests.corpus import atoms, cuts, references
from tests.corpus.case import Clips
from tests.corpus.conftest import Line, Watched
from tests.functions.reprocess.conftest import forget_settings

EVERYTHING = ("-protocol_whitelist", "file,http,tcp,crypto,concat,subfile,cache")
ALLOWED = re.compile(
    r"(/lib|/usr/|/etc/ld|/proc/|/sys/|/dev/(null|urandom|shm)|/etc/(ssl|pki|localtime)|\.)"
)


def read_openly(clips: Clips, name: str, *options: str) -> None:
    """Let FFmpeg read a case as it does when nobody forbids anything."""
    (case,) = (one for one in references.CASES if one.name == name)
    path = clips.path(f"openly-{case.file}", case.make(clips))
    subprocess.run(
        [FFMPEG, "-nostdin", "-v", "quiet", *EVERYTHING, *options, "-i", path, "-f", "null", "-"],
        check=False,
        timeout=60,
        capture_output=True,
    )


def test_watch_sees_a_file_that_is_opened(clips: Clips, watched: Watched) -> None:
    watched.file.seen()
    watched.outside.file.read_bytes()
    assert watched.file.seen()
    assert not watched.file.seen()


def test_playlist_is_dangerous_where_it_is_allowed(clips: Clips, watched: Watched) -> None:
    read_openly(clips, "playlist of a port called list.m3u8", "-allowed_extensions", "ALL")
    assert watched.port.seen()
    watched.file.seen()
    read_openly(clips, "playlist of a path", "-allowed_extensions", "ALL")
    assert watched.file.seen()


def test_index_that_points_elsewhere_is_dangerous_where_it_is_allowed(
    clips: Clips, watched: Watched
) -> None:
    watched.file.seen()
    loose = ("-enable_drefs", "1", "-use_absolute_path", "1")
    read_openly(clips, "QuickTime whose frames are in a file", *loose)
    assert watched.file.seen()


def test_places_of_cuts_are_those_of_the_clip(clips: Clips) -> None:
    paths = {box.path for box in atoms.walk(clips.front)}
    assert set(cuts.PLACES) <= paths
    assert {path for path in paths if path.count("/") < 5} <= {
        *cuts.PLACES,
        *(path for path in paths if path.startswith("moov/udta") or "dref" in path),
    }


def test_kernel_sees_no_other_file_and_no_other_address(
    line: Line,
    clips: Clips,
    room: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where strace is, for some of the files; the watch is on for all of them."""
    strace = shutil.which("strace")
    log = tmp_path / "calls"
    if strace is None or subprocess.run([strace, "-o", log, "true"], check=False).returncode != 0:
        pytest.skip("there is no strace here, or it may not trace")
    script = tmp_path / "ffmpeg.sh"
    traced = f"{strace} -f -A -qq -e trace=open,openat,connect,execve -o {log}"
    script.write_text(f'#!/bin/sh\nexec {traced} {FFMPEG} "$@"\n')
    script.chmod(0o755)
    log.write_text("")
    monkeypatch.setenv("FFMPEG", str(script))
    forget_settings()
    for case in references.CASES[::6]:
        line.upload(f"traced-{secrets.token_hex(8)}", case.make(clips), case.file)
        line.drain()
    monkeypatch.undo()
    forget_settings()
    calls = log.read_text()
    assert "execve" in calls
    opened = set(re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]*)"', calls))
    outside = {
        path for path in opened if not path.startswith(str(room)) and ALLOWED.match(path) is None
    }
    assert outside == set()
    assert str(clips.outside.file) not in calls
    port = clips.outside.url.split(":")[2].split("/")[0]
    assert f"htons({port})" not in calls
    assert set(re.findall(r'inet_addr\("([^"]*)"\)', calls)) <= {"127.0.0.1"}
