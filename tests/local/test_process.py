"""Whatever happens to the parent, nothing that it started is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pixr.local import keeper, process
from pixr.local.errors import LocalError

PATIENCE_S = 20.0

# A child with a grandchild in its group, and one that left the group as a daemon does.
FAMILY = """
import subprocess, sys, time
sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
near = subprocess.Popen(sleeper)
far = subprocess.Popen(sleeper, start_new_session=True)
print(near.pid, far.pid, flush=True)
time.sleep(600)
"""


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_alive(pid: int) -> bool:
    return keeper.started_ticks(pid) is not None


def start_family(log: Path) -> tuple[process.Child, list[int]]:
    child = process.start("family", [sys.executable, "-c", FAMILY], log=log)
    assert eventually(lambda: len(log.read_text().split()) == 2)
    return child, [child.pid, *map(int, log.read_text().split())]


def test_stopping_a_child_ends_its_group(tmp_path: Path) -> None:
    child, (_, near, far) = start_family(tmp_path / "log")
    process.stop(child)
    assert eventually(lambda: not is_alive(child.pid) and not is_alive(near))
    os.kill(far, signal.SIGKILL)


def test_a_child_that_ignores_politeness_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("deaf", flush=True)
        time.sleep(600)
    """
    child = process.start("stubborn", [sys.executable, "-c", textwrap.dedent(stubborn)], log=log)
    assert eventually(lambda: "deaf" in log.read_text())
    process.stop(child, timeout_s=0.1)
    assert not is_alive(child.pid)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_of_a_parent_that_was_killed(tmp_path: Path, how: signal.Signals) -> None:
    """Servers, their own children, what left their groups, and temporary directories."""
    program = """
        import sys, time
        from pathlib import Path
        from pixr.local import process
        from pixr.local.postgres import running_postgres
        from pixr.local.valkey import running_valkey
        sys.path.insert(0, sys.argv[1])
        from test_process import start_family
        tmp = Path(sys.argv[2])
        with running_postgres() as database, running_valkey(tmp / "valkey") as cache:
            with process.temporary_directory("pixr-test-") as scratch:
                _, family = start_family(tmp / "family.log")
                report = f"{scratch} {database.pid} {cache.pid} {' '.join(map(str, family))}"
                (tmp / "unfinished").write_text(report)
                (tmp / "unfinished").rename(tmp / "ready")
                time.sleep(600)
    """
    with (tmp_path / "parent.log").open("w") as log:
        parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), Path(__file__).parent, tmp_path],
            stdout=log,
            stderr=log,
        )
    assert eventually((tmp_path / "ready").exists), (tmp_path / "parent.log").read_text()
    scratch, *numbers = (tmp_path / "ready").read_text().split()
    pids = list(map(int, numbers))
    assert all(map(is_alive, pids))
    parent.send_signal(how)
    parent.wait(PATIENCE_S)
    assert eventually(lambda: not any(map(is_alive, pids)))
    assert eventually(lambda: not Path(scratch).exists())
    _, *segments = Path("/proc/sysvipc/shm").read_text().splitlines()
    makers = {int(segment.split()[4]) for segment in segments}
    assert not makers & set(pids)


def test_the_keeper_spares_a_recycled_process_id() -> None:
    bystander = subprocess.Popen(["sleep", "600"], start_new_session=True)
    try:
        keeper.kill_all("no-such-machine", {bystander.pid: 1})
        assert is_alive(bystander.pid)
        keeper.kill_all(
            "no-such-machine", {bystander.pid: keeper.started_ticks(bystander.pid) or 0}
        )
        assert not is_alive(bystander.pid)
    finally:
        bystander.kill()
        bystander.wait()


def test_a_child_that_ends_while_starting_is_said_with_its_last_words(tmp_path: Path) -> None:
    child = process.start("broken", ["sh", "-c", "echo no disk; exit 7"], log=tmp_path / "log")
    with pytest.raises(LocalError, match=r"broken ended with code 7 while starting: no disk\."):
        process.wait_until(lambda: False, child, timeout_s=PATIENCE_S)
    process.stop(child)


def test_a_child_may_be_kept_from_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    log = tmp_path / "log"
    child = process.start("env", ["env"], log=log, env={"GIVEN": "1"}, inherit=False)
    child.process.wait(PATIENCE_S)
    process.stop(child)
    names = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert {"GIVEN", "PATH", keeper.MARKER} <= names
    assert "DATABASE_URL" not in names
