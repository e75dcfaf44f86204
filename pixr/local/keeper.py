"""The process that cleans up when its parent cannot.

    parent ──pipe──▶ keeper          parent starts children in sessions of their own,
      │                 │            so no signal sent to the parent reaches them
      ├─▶ postgres      │
      ├─▶ ministack     │            the pipe closes (exit, crash, kill -9, power of the OOM killer)
      │     └─▶ worker  ▼            ─▶ the keeper kills what is left and removes what was temporary
      └─▶ …

``PR_SET_PDEATHSIG`` alone is not enough: it fires when the *thread* that started the child ends,
it is forgotten when a child enters a user namespace (PostgreSQL as root does), and it reaches no
grandchildren (Lambda workers). So the keeper knows its charges twice: by the process groups the
parent told it about, and by ``PIXR_MACHINE_ID`` in the environment that every descendant inherits:
the ids of all machines it runs within, outermost first, because a test starts machines too.

Standard library only and no imports from the project: it must start in milliseconds and outlive
everything. It is told one JSON object a line: ``{"group": pid, "started": ticks, "first": signal}``
when a child starts, ``{"released": pid}`` when it has ended, ``{"directory": path}`` for what is to
be removed. ``first`` is sent some time before the kill, to programs that clean up when they get it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

MARKER = "PIXR_MACHINE_ID"
POLL_S = 1.0
FIRST_WAIT_S = 2.0
SWEEPS_MAX = 50
SWEEP_PAUSE_S = 0.05


def started_ticks(pid: int) -> int | None:
    """When a process began, in clock ticks since boot; None when there is no such process.

    A pid together with this number is never used twice, so a recycled pid is not killed.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in brackets and may itself hold spaces and brackets.
    fields = stat.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else int(started)


def marked_pids(machine_id: str) -> set[int]:
    """Every living process whose environment carries this machine's marker, except ourselves."""
    name, wanted = f"{MARKER}=".encode(), machine_id.encode()
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile, or somebody else's
        marks = [variable for variable in variables if variable.startswith(name)]
        inside = any(wanted in mark[len(name) :].split(b":") for mark in marks)
        if inside and started_ticks(int(entry.name)) is not None:
            found.add(int(entry.name))
    return found


def group_pids(groups: dict[int, int]) -> set[int]:
    """Every living process in the groups that the parent started."""
    found: set[int] = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            group = os.getpgid(pid)
        except OSError:
            continue
        # The leader's start time proves that the group is still the one we were told about; when
        # the leader is gone its number stays taken for as long as the group has members.
        leader_started = started_ticks(group)
        if group in groups and leader_started in (None, groups[group]) and started_ticks(pid):
            found.add(pid)
    return found


def kill_all(machine_id: str, groups: dict[int, int]) -> None:
    """Kill every process of the machine, again and again until a sweep finds none."""
    for _ in range(SWEEPS_MAX):
        pids = marked_pids(machine_id) | group_pids(groups)
        if not pids:
            return
        for pid in pids:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(SWEEP_PAUSE_S)


def part_from(groups: dict[int, int], firsts: dict[int, int]) -> None:
    """Send the leaders that clean up the signal that lets them, and give them a moment."""
    leaders = {pid for pid in firsts if started_ticks(pid) == groups[pid]}
    for pid in leaders:
        with contextlib.suppress(OSError):
            os.kill(pid, firsts[pid])
    deadline = time.monotonic() + FIRST_WAIT_S
    while any(started_ticks(pid) for pid in leaders) and time.monotonic() < deadline:
        time.sleep(SWEEP_PAUSE_S)


def keep(machine_id: str) -> None:
    """Listen until the parent is gone, then clean up."""
    parent = os.getppid()
    groups: dict[int, int] = {}
    firsts: dict[int, int] = {}
    directories: set[Path] = set()
    unread = b""
    # A forked sibling may hold the pipe open, hence the second sign: a new parent.
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin.fileno()], [], [], POLL_S)
        if not readable:
            continue
        chunk = os.read(sys.stdin.fileno(), 65536)
        if not chunk:
            break
        *lines, unread = (unread + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "group" in message:
                groups[message["group"]] = message["started"]
                if message["first"]:
                    firsts[message["group"]] = message["first"]
            if "released" in message:
                groups.pop(message["released"], None)
                firsts.pop(message["released"], None)
            if "directory" in message:
                directories.add(Path(message["directory"]))
    part_from(groups, firsts)
    kill_all(machine_id, groups)
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    # The keeper outlives Ctrl-C and a polite kill; only the end of its parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    keep(sys.argv[1])
