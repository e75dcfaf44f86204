"""Starting and stopping other programs without ever leaving one behind.

Each child leads a session of its own, so Ctrl-C reaches only us and we stop the children in an
order of our choosing; each stop signals the whole group, then kills what did not listen. When we
die without that chance, the keeper (keeper.py) does it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixr.local import keeper
from pixr.local.errors import LocalError

STOP_TIMEOUT_S = 10.0
READY_POLL_S = 0.02
PORT_ATTEMPTS_MAX = 3
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 -- mkdtemp makes a folder of our own in it
MEMORY_BYTES_MIN = 4 * 1024**3
LOG_TAIL_BYTES = 4_000
NEEDED_BY_ALL = frozenset({"PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", keeper.MARKER})


class _Keeper:
    """Our end of the pipe to the keeper process."""

    def __init__(self) -> None:
        self.machine_id = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", keeper.__file__, self.machine_id],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        # Everything started from here on inherits it, also what others start without us.
        outer = os.environ.get(keeper.MARKER)
        os.environ[keeper.MARKER] = f"{outer}:{self.machine_id}" if outer else self.machine_id
        atexit.register(self.close)

    def tell(self, message: Mapping[str, object]) -> None:
        """Send one line; when the keeper is gone there is nobody to tell."""
        pipe = self._process.stdin
        assert pipe is not None
        with self._lock, contextlib.suppress(OSError, ValueError):
            pipe.write(json.dumps(message).encode() + b"\n")
            pipe.flush()

    def close(self) -> None:
        """Let the keeper sweep and end, at our own exit."""
        pipe = self._process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError):
            pipe.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)


_starting_keeper = threading.Lock()


@functools.cache
def _one_keeper() -> _Keeper:
    return _Keeper()


def _our_keeper() -> _Keeper:
    with _starting_keeper:  # the cache alone would let two first callers start one each
        return _one_keeper()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A program we started, the leader of its own process group."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """The leader's process id, which is also the group's."""
        return self.process.pid

    def log_tail(self) -> str:
        """The end of what it wrote, for an error message."""
        with contextlib.suppress(OSError):
            return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
        return ""


_living: dict[int, Child] = {}
_ending = threading.Event()


def _environment(own: Mapping[str, str], *, inherit: bool) -> dict[str, str]:
    """A program's environment: ours, or only what every program needs, and its own on top."""
    given = {name: value for name, value in os.environ.items() if inherit or name in NEEDED_BY_ALL}
    return {**given, **own}


def start(
    name: str,
    argv: Sequence[str | Path],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    inherit: bool = True,
    cwd: Path | None = None,
    user_id: int | None = None,
    pass_fds: Sequence[int] = (),
    cleans_up_on: signal.Signals | None = None,
) -> Child:
    """Start a program in a session of its own, its output appended to ``log``.

    Args:
        name: What people call it in messages.
        argv: The program and its arguments.
        log: A file; its folder is made when missing.
        env: Variables on top of our own environment.
        inherit: Whether it gets our environment at all, or only what every program needs.
        cwd: Its working directory; the root directory when None.
        user_id: Run it as this user and group (only root can).
        pass_fds: File descriptors it inherits.
        cleans_up_on: What the keeper sends before it kills, to a program that holds more than
            memory and files.

    Raises:
        LocalError: The program does not exist or may not be run, or all is being ended.
    """
    if _ending.is_set():
        raise LocalError(f"{name} was not started.", mend="Everything is being stopped.")
    log.parent.mkdir(parents=True, exist_ok=True)
    ours = _our_keeper()
    with log.open("ab") as output:
        try:
            process = subprocess.Popen(
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(env or {}, inherit=inherit),
                cwd=cwd or "/",
                start_new_session=True,
                user=user_id,
                group=user_id,
                extra_groups=None if user_id is None else [],
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise LocalError(
                f"{name} cannot be started: {argv[0]}: {error.strerror}.",
                mend="Run `make setup` to install it again.",
            ) from error
    started = keeper.started_ticks(process.pid) or 0
    ours.tell({"group": process.pid, "started": started, "first": cleans_up_on})
    child = _living[process.pid] = Child(name=name, process=process, log=log)
    return child


def stop(
    child: Child, *, how: signal.Signals = signal.SIGTERM, timeout_s: float = STOP_TIMEOUT_S
) -> None:
    """Ask the program to end, then kill whatever remains of its group."""
    with contextlib.suppress(ProcessLookupError):
        child.process.send_signal(how)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(timeout_s)
    kill_group(child)
    _living.pop(child.pid, None)
    _our_keeper().tell({"released": child.pid})


def kill_group(child: Child) -> None:
    """Kill the group at once, members that outlived their leader included."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.process.wait(STOP_TIMEOUT_S)


def end_all() -> None:
    """Kill all that we started and start nothing more: we were told to end at once.

    Threads that wait for a start or an end see it and stop waiting.
    """
    _ending.set()
    for child in list(_living.values()):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)


def wait_until(
    ready: Callable[[], bool], child: Child, *, timeout_s: float, what: str = "answer"
) -> None:
    """Wait until a started program is ready.

    Raises:
        LocalError: It ended, or was not ready in time; the message ends with its last words.
    """
    deadline = time.monotonic() + timeout_s
    while not ready():
        code = child.process.poll()
        if code is not None:
            raise LocalError(
                f"{child.name} ended with code {code} while starting: {_last_line(child)}.",
                mend=f"Its log is {child.log}.",
            )
        if time.monotonic() > deadline:
            raise LocalError(
                f"{child.name} did not {what} within {timeout_s:.0f} s: {_last_line(child)}.",
                mend=f"Its log is {child.log}.",
            )
        time.sleep(READY_POLL_S)


def start_on_port(
    name: str,
    port: int | None,
    launch: Callable[[int], Child],
    ready: Callable[[int, Child], bool],
    *,
    timeout_s: float,
    how_to_stop: signal.Signals = signal.SIGTERM,
    mend: str = "Stop what listens there, or choose another.",
) -> tuple[Child, int]:
    """Start a server and wait for it; on a port of our choice, again when somebody was faster.

    Args:
        name: What people call it in messages.
        port: The port it must have; None for any.
        launch: Starts it on a port.
        ready: Whether *it*, not another server, answers on that port.
        timeout_s: How long it may take.
        how_to_stop: The signal that ends it when it does not get ready.
        mend: What to do when the wanted port is taken.

    Raises:
        LocalError: The port is taken, it ended, or it was not ready in time.
    """
    attempts = 1 if port else PORT_ATTEMPTS_MAX
    while True:
        attempts -= 1
        chosen = claim_port(port, name=name, mend=mend) if port else free_port()
        child = launch(chosen)
        try:
            wait_until(functools.partial(ready, chosen, child), child, timeout_s=timeout_s)
        except BaseException as error:
            stop(child, how=how_to_stop)
            in_use = "address already in use" in child.log_tail().lower()
            if not (isinstance(error, LocalError) and in_use and attempts):
                raise
        else:
            return child, chosen


def _last_line(child: Child) -> str:
    lines = child.log_tail().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "it said nothing"


def free_port() -> int:
    """A TCP port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def claim_port(port: int, *, name: str, mend: str) -> int:
    """Check that a wanted port is free.

    Raises:
        LocalError: Something else listens there.
    """
    with socket.socket() as probe:
        # Without this a port is "in use" for a minute after its last owner closed.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except (OSError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no such port"
            raise LocalError(
                f"Port {port} for {name} cannot be used: {reason}.", mend=mend
            ) from error
    return port


@contextlib.contextmanager
def temporary_directory(prefix: str, *, in_memory: bool = False) -> Iterator[Path]:
    """A directory that is gone afterwards, even when we are killed.

    Args:
        prefix: How its name begins.
        in_memory: Prefer memory to disk, where there is plenty of it.
    """
    place = SHARED_MEMORY if in_memory and _is_roomy(SHARED_MEMORY) else None
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=place)).resolve()
    _our_keeper().tell({"directory": str(path)})
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _is_roomy(place: Path) -> bool:
    # A container has 64 MB of it by default, which a database would fill.
    with contextlib.suppress(OSError):
        return os.access(place, os.W_OK) and shutil.disk_usage(place).free > MEMORY_BYTES_MIN
    return False


def signal_pid(pid: int, what: signal.Signals) -> None:
    """Send a signal to one process; nothing happens when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)
