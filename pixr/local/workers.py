"""Which process executes a deployed function: the emulator's Lambda workers, found by name.

The emulator keeps a worker per function warm and starts another when one has died, as Lambda does
with an environment. It tells nobody their process ids, but a worker's environment names its
function.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def worker_pids(function_name: str, *, parent: int) -> list[int]:
    """The living workers of a function.

    Args:
        function_name: As it is deployed.
        parent: The emulator's process id; another machine's workers are not ours to touch.
    """
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function_name}".encode()
    return sorted(
        int(entry.name)
        for entry in PROC.iterdir()
        if entry.name.isdigit()
        and is_child(int(entry.name), parent=parent)
        and wanted in _environment(entry)
    )


def is_child(pid: int, *, parent: int) -> bool:
    """Whether a process lives and was started by another; a recycled pid was not."""
    with contextlib.suppress(OSError):
        # The name in brackets may itself hold spaces and brackets.
        stat = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return stat[0] not in "ZX" and int(stat[1]) == parent
    return False


def kill(pids: Iterable[int]) -> int:
    """Send SIGKILL to each and return how many were there to get it."""
    killed = 0
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def _environment(entry: Path) -> list[bytes]:
    with contextlib.suppress(OSError):
        return (entry / "environ").read_bytes().split(b"\0")
    return []
