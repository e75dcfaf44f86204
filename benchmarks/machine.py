"""On what a figure was measured, and how much CPU a process has used."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_STAT_USER_TICKS = 11
"""Index of utime in /proc/<pid>/stat after the command's closing bracket; stime follows."""


def describe(*packages: str) -> dict[str, str]:
    """The machine and the versions that matter to a benchmark, in words."""
    load = ", ".join(f"{average:.1f}" for average in os.getloadavg())
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores",
        "load": f"{load} (1, 5, 15 minutes)",
        "python": platform.python_version(),
    } | {name: version(name) for name in packages}


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def cpu_s(pid: int) -> float:
    """CPU seconds that a living process has used so far, in steps of 10 ms."""
    after_command = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(after_command[_STAT_USER_TICKS]) + int(after_command[_STAT_USER_TICKS + 1])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(slots=True, kw_only=True)
class Time:
    """What a piece of work took, filled in when it ends."""

    wall_s: float = 0.0
    own_cpu_s: float = 0.0
    """Of this process."""
    server_cpu_s: float = 0.0
    """Of the database's process that serves the connection, in steps of 10 ms."""
    other_cpu_s: float = 0.0
    """Of another server, likewise."""

    @property
    def cpu_s(self) -> float:
        """Of this process and the database together."""
        return self.own_cpu_s + self.server_cpu_s


@contextlib.contextmanager
def timed(server_pid: int, other_pid: int | None = None) -> Iterator[Time]:
    """Measure the work of the ``with`` block."""
    taken = Time()
    server_s = cpu_s(server_pid)
    other_s = cpu_s(other_pid) if other_pid else 0.0
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    yield taken
    taken.wall_s = time.perf_counter() - begun_s
    taken.own_cpu_s = time.process_time() - begun_cpu_s
    taken.server_cpu_s = cpu_s(server_pid) - server_s
    taken.other_cpu_s = (cpu_s(other_pid) if other_pid else 0.0) - other_s
