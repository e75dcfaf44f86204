"""Goal: whatever file a person uploads, the job ends soon, and says in plain words how.

Method: each file of the corpus is put into the real bucket and goes through the real handlers.
Damage is made from good clips on the spot, at seeded places, so that a failure comes again. The
suite sends every third file, over two hundred; CORPUS=all sends all.
"""

import re
import secrets
from collections.abc import Sequence
from pathlib import Path

import pytest
from psycopg.rows import DictRow

from tests.corpus import (
    boxes,
    containers,
    cuts,
    matroska,
    pictures,
    references,
    sounds,
    strangers,
    tables,
    times,
)
from tests.corpus.case import IS_WHOLE, Case, Clips
from tests.corpus.conftest import DELIVERIES_MAX, Line, Watched
from tests.corpus.watching import children_cpu_s, limited, peaks_mib

ALL: Sequence[Case] = [
    case
    for family in (
        cuts, boxes, tables, times, pictures, sounds, containers, matroska, strangers, references,
    )
    for case in family.CASES
]  # fmt: skip
FILES = ALL if IS_WHOLE else ALL[::3]

WALL_MAX_S = 120
"""A hang shows as this; a neighbour on the machine makes everything slow, but not so slow."""

CPU_MAX_S = 20
"""Of all FFmpegs of one tiny file together; a good one takes about one second."""

PEAK_MAX_MIB = 1536
"""The smallest worker, the planner, has 1769."""

GIBBERISH = re.compile(
    r"Traceback|Error(?!s)\w*\(|0x[0-9a-f]{4}|\[[a-z0-9_,]+ @|pixr-|file:|https?://|/tmp|s3://|\bNone\b"
    r"|\bNAN\b|\bnan\b|\n",
)
REASON_CHARACTERS_MAX = 300


def test_names_are_unique_and_there_are_enough_of_them() -> None:
    names = [case.name for case in FILES]
    assert len(set(names)) == len(names)
    assert len(names) >= 200


@pytest.mark.parametrize("case", FILES, ids=lambda case: case.name)
def test_file(line: Line, clips: Clips, watched: Watched, room: Path, case: Case) -> None:
    body = case.make(clips)
    for one in (watched.file, watched.port):
        one.seen()
    content_id = f"content-{secrets.token_hex(8)}"
    cpu_s, peaks = children_cpu_s(), peaks_mib()
    with limited(WALL_MAX_S):
        key = line.upload(content_id, body, case.file)
        failed = line.drain()

    assert failed["plan"] == 0, "the planner crashed"
    assert max(failed.values()) < DELIVERIES_MAX, f"a dead letter: {failed}"
    job = line.job(content_id)
    # What FFmpeg cannot encode is given to the paid converter, which is not here.
    state = "FAILED" if job["state"] == "CONVERTING" else job["state"]
    assert state in case.ends, f"{job['state']}: {job['reason'] or job['way_reason']}"
    check_reason(state, job["reason"] or job["way_reason"], case.reason)
    check_objects(line, key, job)
    assert not watched.file.seen(), "a file outside the job was opened"
    assert not watched.port.seen(), "an address outside the job was asked"
    assert children_cpu_s() - cpu_s < CPU_MAX_S
    for before_mib, after_mib in zip(peaks, peaks_mib(), strict=True):
        assert after_mib == before_mib or after_mib < PEAK_MAX_MIB


def check_reason(state: str, reason: str | None, pattern: str) -> None:
    """A person understands it: one short sentence, and nothing of our insides."""
    if state == "PUBLISHED":
        assert reason is None
        return
    assert reason
    assert re.search(pattern, reason), reason
    assert GIBBERISH.search(reason) is None, reason
    assert len(reason) <= REASON_CHARACTERS_MAX, reason


def check_objects(line: Line, key: str, job: DictRow) -> None:
    """Nothing is left half done in the bucket."""
    state = job["state"]
    assert state == "CONVERTING" or line.keys(f"chunks/{job['id']}/") == []
    away = "rejected/" + key.removeprefix("originals/")
    places = line.keys(key) + line.keys(away)
    assert places == ([away] if state == "REJECTED" else [key])
    content_id = key.split("/")[1]
    published = line.keys(f"media/{content_id}/master.m3u8")
    assert bool(published) == (state == "PUBLISHED")
