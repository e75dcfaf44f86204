"""A server that can die and come back where it was, as after a crash of its machine.

    start ──▶ serves on its port ──kill -9──▶ gone ──start──▶ serves on the same port

A drill kills servers on purpose; whoever uses them notices nothing but an outage. Stopping and
restarting exclude each other, so that an end in the middle of a restart leaves nothing behind.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

from pixr.local import process
from pixr.local.errors import LocalError

RESTART_TIMEOUT_S = 60.0
RETRY_PAUSE_S = 0.1


class Server:
    """A started program and the way to start it again.

    Args:
        child: It, ready.
        start: Starts another on the same port and returns it when it is ready.
        how_to_stop: The signal that ends it politely.
    """

    def __init__(
        self,
        child: process.Child,
        start: Callable[[], process.Child],
        *,
        how_to_stop: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._child: process.Child | None = child
        self._pid = child.pid
        self._start = start
        self._how_to_stop = how_to_stop
        self._lock = threading.Lock()

    @property
    def pid(self) -> int:
        """The process id now; the last one when it does not run."""
        return self._pid

    def crash(self) -> None:
        """Kill it, without a chance to write anything down."""
        with self._lock:
            self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill it if it runs, and start it on the same port.

        What a killed server leaves behind (children that have not noticed yet, a port) may be in
        the way for a moment, so a start that fails is repeated.

        Raises:
            LocalError: It did not start within ``RESTART_TIMEOUT_S``.
        """
        with self._lock:
            self._end(signal.SIGKILL)
            deadline = time.monotonic() + RESTART_TIMEOUT_S
            while self._child is None:
                try:
                    self._child = self._start()
                except LocalError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(RETRY_PAUSE_S)
            self._pid = self._child.pid

    def stop(self) -> None:
        """End it for good, politely."""
        with self._lock:
            self._end(self._how_to_stop)

    def _end(self, how: signal.Signals) -> None:
        child, self._child = self._child, None
        if child is not None:
            process.stop(child, how=how)
