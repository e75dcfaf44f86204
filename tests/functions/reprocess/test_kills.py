"""Goal: workers are killed -9 again and again, and every job ends as if none had been.

Method: each message is handled by a process of its own, which dies with all that it started, as a
Lambda's sandbox does, after a time drawn from how long such a message takes. What was not handled
is delivered again. ``make kills KILLS=100`` runs as many as you like.
"""

import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.clips import KEYED, levels, numbered
from tests.functions.reprocess.conftest import Studio

KILLS: Final = int(os.environ.get("WORKER_KILLS", "6"))
KILLS_PER_MESSAGE_MAX: Final = 2
"""The third delivery goes through: the queue would give up after it."""

CONTENTS_MAX: Final = 200
STEPS: Final = ("plan", "encode", "assemble")
CLIP_S: Final = 30
"""Three chunks of twelve frames a second."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered(tmp_path_factory.mktemp("clip") / "a.mp4", seconds=CLIP_S, options=KEYED)


class Slaughter:
    """Handles messages in processes that may die."""

    def __init__(self, studio: Studio, luck: random.Random) -> None:
        self.studio = studio
        self.luck = luck
        self.seconds: dict[str, float] = dict.fromkeys(STEPS, 0.4)
        self.killed: Counter[str] = Counter()

    def handle(self, step: str, record: dict[str, Any], *, is_doomed: bool) -> bool:
        """Hand one record to a process; whether it came to its end."""
        begun_s = time.monotonic()
        child = os.fork()
        if child == 0:
            os.setsid()
            failed = self.studio.run(step, [record])
            os._exit(1 if failed else 0)
        if is_doomed:
            time.sleep(self.luck.random() * self.seconds[step])
            for pid in [*descendants(child), child]:
                os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        is_done = os.WIFEXITED(status)
        if is_done:
            assert os.WEXITSTATUS(status) == 0, f"{step} failed"
            self.seconds[step] = time.monotonic() - begun_s
        else:
            self.killed[step] += 1
        return is_done

    def deliver(self, step: str, record: dict[str, Any]) -> None:
        """As the queue does: until somebody has handled it."""
        for attempt in range(1, KILLS_PER_MESSAGE_MAX + 2):
            record["attributes"]["ApproximateReceiveCount"] = str(attempt)
            is_doomed = attempt <= KILLS_PER_MESSAGE_MAX and self.luck.random() < 0.7
            if self.handle(step, record, is_doomed=is_doomed):
                return
        raise AssertionError(f"{step} was never handled")

    def settle(self) -> None:
        """Until the queues are empty."""
        for _ in range(12):
            handled = 0
            for step in STEPS:
                for record in self.studio.receive(step):
                    self.deliver(step, record)
                    handled += 1
            if not handled:
                return
        raise AssertionError("the queues do not come to rest")


def descendants(pid: int) -> Iterator[int]:
    """Whatever a process has started, and what that has."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return
    for child in map(int, children):
        yield from descendants(child)
        yield child


def test_every_job_ends_right_however_often_its_workers_are_killed(
    studio: Studio, clip: Path, tmp_path: Path
) -> None:
    slaughter = Slaughter(studio, random.Random(5))
    expected = levels(clip)
    contents = 0
    while slaughter.killed.total() < KILLS and contents < CONTENTS_MAX:
        contents += 1
        name = f"film-{contents}"
        studio.s3.put_object(
            Bucket=studio.bucket, Key=f"analysis/{name}/manifest.json", Body=b'{"sha256": {}}'
        )
        studio.upload(name, clip)
        slaughter.settle()
        assert_published(studio, name, expected, tmp_path / name)
    assert slaughter.killed.total() >= KILLS
    print(json.dumps({"kills": dict(slaughter.killed), "jobs": contents}))  # noqa: T201 -- the table of `make kills`


def assert_published(studio: Studio, name: str, expected: list[int], folder: Path) -> None:
    job = studio.job(name)
    assert job["state"] == "PUBLISHED", job["reason"]
    assert (job["chunks_done"], job["frames_done"]) == (3, len(expected))
    assert job["analysis_before"] == job["analysis_after"] != {}
    (rendition,) = studio.rows("SELECT * FROM renditions WHERE content_id = %s", name)
    studio.fetch_media(name, folder)
    assert levels(folder / rendition["playlist_key"]) == pytest.approx(expected, abs=4)
    (upload,) = studio.rows("SELECT state FROM uploads WHERE content_id = %s", name)
    assert upload["state"] == "accepted"
    assert studio.keys("chunks/") == []
    told = [json.loads(record["body"])["job_id"] for record in studio.receive("settle")]
    assert str(job["id"]) in told
