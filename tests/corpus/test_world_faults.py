"""Goal: when the world fails in the middle of a job, the job ends right once the world is back.

Method: a good clip goes through the real handlers while, for each call in turn, S3 or SQS answers
with an error, before or after it did what was asked; while FFmpeg is killed, for each of its runs
in turn; while the disk is full; and while people delete and replace what is being read.
"""

import random
import secrets
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError
from psycopg.rows import DictRow

from tests.clips import FFMPEG
from tests.corpus.case import CHEAP, IS_WHOLE, Clips
from tests.corpus.conftest import DELIVERIES_MAX, Line
from tests.corpus.watching import limited
from tests.functions.reprocess.conftest import forget_settings, fund, job_record

CALL = "_make_api_call"
"""What all calls of all clients go through, after botocore's own repeats."""

CALLS_MAX = 80
"""More than a job of one chunk makes; the loop over them ends by itself."""

RUNS_MAX = 30
STEPS = ("plan", "encode", "assemble")
CLOSED = ("PUBLISHED", "REJECTED", "FAILED")


def fresh() -> str:
    return f"content-{secrets.token_hex(8)}"


@pytest.fixture
def short(clips: Clips) -> bytes:
    return clips.mp4


@pytest.fixture
def long(clips: Clips) -> bytes:
    """Two chunks."""
    return clips.numbered("long.mp4", seconds=16, audio=CHEAP)


def assert_published(line: Line, content_id: str) -> None:
    """Exactly once, playable, and with nothing left behind."""
    job = line.last_job(content_id)
    assert job["state"] == "PUBLISHED", f"{job['state']}: {job['reason']}"
    renditions = line.rows("SELECT * FROM renditions WHERE content_id = %s", content_id)
    assert [row["job_id"] for row in renditions] == [job["id"]]
    assert line.content(content_id)["state"] == "live"
    assert line.keys(f"media/{content_id}/master.m3u8")
    assert line.keys(f"chunks/{job['id']}/") == []
    assert line.keys(f"rejected/{content_id}/") == []


class Failing:
    """Lets the ``nth`` call to a service fail, once."""

    def __init__(self, service: str, nth: int, *, is_after: bool) -> None:
        self.service, self.nth, self.is_after = service, nth, is_after
        self.calls: list[str] = []
        self._lock = threading.Lock()

    @contextmanager
    def armed(self, patch: pytest.MonkeyPatch) -> Generator[None]:
        real: Callable[..., Any] = getattr(BaseClient, CALL)

        def call(client: BaseClient, operation: str, arguments: dict[str, Any]) -> object:
            if client.meta.service_model.service_name != self.service:
                return real(client, operation, arguments)
            with self._lock:
                self.calls.append(operation)
                is_mine = len(self.calls) == self.nth
            if is_mine and self.is_after:
                real(client, operation, arguments)
                raise ReadTimeoutError(endpoint_url="the answer was lost")
            if is_mine:
                raise ClientError({"Error": {"Code": "InternalError"}}, operation)
            return real(client, operation, arguments)

        with patch.context() as armed:
            armed.setattr(BaseClient, CALL, call)
            yield


def run_failing(line: Line, patch: pytest.MonkeyPatch, failing: Failing) -> None:
    """Work off all queues; only what the handlers themselves call may fail."""
    for _ in range(8):
        handed = 0
        for name in STEPS:
            for message in line.receive(name):
                handed += 1
                with failing.armed(patch):
                    assert line.deliver(name, message) < DELIVERIES_MAX, failing.calls
        if handed == 0:
            return
    raise AssertionError("the queues do not come to rest")


@pytest.mark.parametrize("how", ["refused", "answer lost"])
@pytest.mark.parametrize("service", ["s3", "sqs"])
def test_each_call_fails_once(  # noqa: PLR0917 -- fixtures
    line: Line,
    short: bytes,
    room: Path,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    how: str,
) -> None:
    wrong: list[str] = []
    # The suite lets every other call be refused, and the answers of the others be lost.
    first, step = (1, 1) if IS_WHOLE else (1 + (how == "refused"), 2)
    for nth in range(first, CALLS_MAX, step):
        content_id = fresh()
        line.upload(content_id, short)
        failing = Failing(service, nth, is_after=how == "answer lost")
        try:
            with limited(120):
                run_failing(line, monkeypatch, failing)
            assert_published(line, content_id)
        except AssertionError as error:
            operation = failing.calls[nth - 1 : nth]
            wrong.append(f"call {nth} {operation}: {str(error).splitlines()[0]}")
        if len(failing.calls) < nth:
            assert nth > 3
            assert not wrong, "\n".join(wrong)
            return
    raise AssertionError("a job of one chunk makes too many calls")


def shell(folder: Path, *lines: str) -> Path:
    """Something that stands for FFmpeg and runs it in the end."""
    script = folder / "ffmpeg.sh"
    script.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    script.chmod(0o755)
    return script


@contextmanager
def standing_for_ffmpeg(patch: pytest.MonkeyPatch, script: Path) -> Generator[None]:
    with patch.context() as changed:
        changed.setenv("FFMPEG", str(script))
        forget_settings()
        yield
    forget_settings()


def count_runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


def test_each_run_of_ffmpeg_is_killed_once(
    line: Line, short: bytes, room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the kernel does when memory is short: that is our fault, and never the file's."""
    wrong: list[str] = []
    for nth in range(1, RUNS_MAX):
        (tmp_path / "runs").write_text("")
        count = f"echo run >> {tmp_path}/runs; test $(wc -l < {tmp_path}/runs) -eq {nth}"
        script = shell(tmp_path, f"{count} && kill -9 $$", f'exec {FFMPEG} "$@"')
        content_id = fresh()
        line.upload(content_id, short)
        with standing_for_ffmpeg(monkeypatch, script), limited(120):
            failed = line.drain()
        try:
            assert max(failed.values()) < DELIVERIES_MAX, "a dead letter"
            assert_published(line, content_id)
        except AssertionError as error:
            wrong.append(f"run {nth}: {str(error).splitlines()[0]}")
        if count_runs(tmp_path) < nth:
            assert nth > 3
            assert not wrong, "\n".join(wrong)
            return
    raise AssertionError("a job of one chunk runs FFmpeg too often")


@pytest.mark.parametrize("seed", range(3))
def test_ffmpeg_is_killed_at_random(  # noqa: PLR0917 -- fixtures
    line: Line,
    short: bytes,
    room: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    """Somewhere in its work, one run in three; whatever comes of it, it is an end."""
    draw = random.Random(seed)
    script = shell(
        tmp_path,
        f"echo run >> {tmp_path}/runs",
        f"n=$(wc -l < {tmp_path}/runs)",
        f"case ' {' '.join(str(draw.randrange(1, 24)) for _ in range(8))} ' in",
        f'*" $n "*) {FFMPEG} "$@" & sleep 0.0{draw.randrange(2, 9)}; kill -9 $!; wait $!; exit 9;;',
        "esac",
        f'exec {FFMPEG} "$@"',
    )
    content_id = fresh()
    line.upload(content_id, short)
    with standing_for_ffmpeg(monkeypatch, script), limited(240):
        failed = line.drain()
    job = line.last_job(content_id)
    assert max(failed.values()) < DELIVERIES_MAX, "a dead letter"
    assert job["state"] in {*CLOSED, "CONVERTING"}
    if job["state"] == "PUBLISHED":
        assert_published(line, content_id)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("file", ["clip.mp4", "clip.ts"])
def test_disk_is_full_for_a_while(  # noqa: PLR0917 -- fixtures
    line: Line,
    clips: Clips,
    room: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    step: str,
) -> None:
    """Nothing that FFmpeg writes may grow beyond one block, once; then there is room again."""
    script = shell(tmp_path, "ulimit -f 1", f'exec {FFMPEG} "$@"')
    content_id = fresh()
    line.upload(content_id, clips.mp4 if file == "clip.mp4" else clips.container("kept.ts"), file)
    with limited(120):
        for name in STEPS:
            messages = line.receive(name)
            if name == step:
                with standing_for_ffmpeg(monkeypatch, script):
                    messages = [one for one in messages if line.run(name, [one]) != []]
            for message in messages:
                assert line.deliver(name, message) < DELIVERIES_MAX
        line.drain()
    assert_published(line, content_id)


@pytest.fixture
def small_disk(tmp_path: Path) -> Generator[Path]:
    """A real file system of 16 kB, where the machine lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.parametrize("step", STEPS)
def test_file_system_is_full_for_a_while(
    line: Line, long: bytes, small_disk: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    content_id = fresh()
    line.upload(content_id, long)
    with limited(120):
        for _ in range(8):
            for name in STEPS:
                messages = line.receive(name)
                if name == step:
                    with monkeypatch.context() as full:
                        full.setattr("tempfile.tempdir", str(small_disk))
                        messages = [one for one in messages if line.run(name, [one]) != []]
                    assert list(small_disk.iterdir()) == []
                for message in messages:
                    assert line.deliver(name, message) < DELIVERIES_MAX
    assert_published(line, content_id)


def advance(line: Line, until: str) -> list[tuple[str, DictRow]]:
    """Go on to a moment, and hand out the messages that are waiting then."""
    if until == "before it is planned":
        return []
    line.step("plan")
    # Whatever there is to do before the first chunk, such as looking for its quality.
    chunks: list[dict[str, Any]] = []
    for _ in range(5):
        chunks = line.receive("encode")
        if len(chunks) > 1 or not chunks:
            break
        assert line.run("encode", chunks) == []
    assert len(chunks) == 2
    done = chunks[:1] if until == "between its chunks" else chunks
    assert line.run("encode", done) == []
    return [("encode", message) for message in chunks[len(done) :]]


MOMENTS = ("before it is planned", "between its chunks", "before it is assembled")


@pytest.mark.parametrize("how", ["deleted", "replaced"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_source_goes_in_the_middle(  # noqa: PLR0917 -- fixtures
    line: Line, clips: Clips, long: bytes, room: Path, moment: str, how: str
) -> None:
    content_id = fresh()
    key = line.upload(content_id, long)
    waiting = advance(line, moment)
    if how == "replaced":
        line.s3.put_object(Bucket=line.bucket, Key=key, Body=clips.mp4)
    else:
        line.s3.delete_object(Bucket=line.bucket, Key=key)
    with limited(120):
        for name, message in waiting:
            assert line.deliver(name, message) < DELIVERIES_MAX
        failed = line.drain()
    assert max(failed.values()) == 0, "what is gone does not come back: no use in trying again"
    job = line.last_job(content_id)
    if how == "replaced" and moment == "before it is planned":
        # Both events name the same key: what is there is taken, once.
        assert_published(line, content_id)
        assert line.content(content_id)["frames"] == 24
        return
    assert job["state"] == ("REJECTED" if moment == "before it is planned" else "FAILED")
    assert how in job["reason"]
    assert line.keys(f"chunks/{job['id']}/") == []
    assert line.keys(f"media/{content_id}/") == []


def at_once(*jobs: Callable[[], object]) -> None:
    """Start them at the same moment; whatever one raises is raised."""
    gate, errors = threading.Barrier(len(jobs)), list[BaseException]()

    def run(job: Callable[[], object]) -> None:
        gate.wait()
        try:
            job()
        except BaseException as error:  # noqa: BLE001 -- of a thread, for the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("time", range(3))
def test_two_uploads_of_one_content_at_once(
    line: Line, clips: Clips, room: Path, time: int
) -> None:
    content_id = fresh()
    keys = [line.upload(content_id, body) for body in (clips.mp4, clips.front)]
    events = line.receive("plan")
    assert len(events) == 2
    at_once(*(lambda event=event: line.deliver("plan", event) for event in events))
    assert max(line.drain().values()) == 0
    jobs = line.jobs(content_id)
    assert sorted(job["state"] for job in jobs) == ["PUBLISHED", "REJECTED"]
    (published,) = (job for job in jobs if job["state"] == "PUBLISHED")
    assert line.content(content_id)["source_key"] == published["source_key"]
    assert line.keys(f"originals/{content_id}/") == [published["source_key"]]
    (away,) = set(keys) - {published["source_key"]}
    assert line.keys(f"rejected/{content_id}/") == ["rejected/" + away.removeprefix("originals/")]
    assert all(line.keys(f"chunks/{job['id']}/") == [] for job in jobs)


def test_two_upgrades_of_one_content_at_once(line: Line, clips: Clips, room: Path) -> None:
    content_id = fresh()
    large = clips.numbered("large.mp4", seconds=1, size="1920x1080", audio=CHEAP)
    line.upload(content_id, large)
    line.drain()
    jobs = [fund(line, content_id, rung) for rung in (720, 1080)]
    waiting: dict[str, list[dict[str, Any]]] = {"plan": [job_record(job) for job in jobs]}
    for _ in range(4):
        for name in STEPS:
            messages = waiting.pop(name, []) + line.receive(name)
            if messages:
                at_once(*(lambda m=m, n=name: line.deliver(n, m) for m in messages))
    rungs = line.rows("SELECT rung FROM renditions WHERE content_id = %s ORDER BY rung", content_id)
    assert [row["rung"] for row in rungs] == [480, 720, 1080]
    master = line.read(f"media/{content_id}/master.m3u8").decode()
    assert [size in master for size in ("854x480", "1280x720", "1920x1080")] == [True] * 3
    assert all(line.keys(f"chunks/{job}/") == [] for job in jobs)
