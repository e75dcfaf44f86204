"""What must not happen while a file of the corpus goes through the pipeline.

No file outside the job may be opened: a canary is watched by the kernel itself (inotify), which
misses nothing and asks for no rights. No address may be asked: a port of this machine counts who
connects. And what the children took is read from their resource usage.
"""

import ctypes
import os
import resource
import signal
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

IN_ACCESS: Final = 0x1
IN_OPEN: Final = 0x20
_EVENTS_BYTES: Final = 64 * 1024


class Opens:
    """Tells whether anybody opened or read a file."""

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watch = libc.inotify_add_watch(self._events, os.fsencode(path), IN_ACCESS | IN_OPEN)
        assert watch >= 0, os.strerror(ctypes.get_errno())

    def seen(self) -> bool:
        """Whether it was opened since the last question."""
        try:
            return bool(os.read(self._events, _EVENTS_BYTES))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._events)


class Port:
    """A port that serves a video to whoever asks, and counts them."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._asked = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def seen(self) -> bool:
        """Whether anybody connected since the last question."""
        asked, self._asked = self._asked, 0
        return asked > 0

    def close(self) -> None:
        # A thread in accept() is woken by a shutdown, and not by a close.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        head = f"HTTP/1.0 200 OK\r\nContent-Length: {len(self._body)}\r\n\r\n".encode()
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            self._asked += 1
            with peer:
                peer.settimeout(2)
                try:
                    peer.recv(4096)
                    peer.sendall(head + self._body)
                except OSError:
                    continue


class Hang(BaseException):
    """Not an Exception, so that nothing between here and the test takes it for a failure."""


@contextmanager
def limited(seconds: int) -> Generator[None]:
    """End the block after ``seconds``.

    Raises:
        Hang: They passed.
    """

    def strike(number: int, frame: FrameType | None) -> None:
        raise Hang(f"still running after {seconds} s")

    before = signal.signal(signal.SIGALRM, strike)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def children_cpu_s() -> float:
    """Of all children that ended so far."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def peaks_mib() -> tuple[int, int]:
    """The most that this process, and any child that ended, ever had in memory.

    They only rise, so whoever raises them shows. A child counts what its parent had when it was
    started: it can be no less than that.
    """
    own, children = (
        resource.getrusage(who).ru_maxrss // 1024
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own, children
