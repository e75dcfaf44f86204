"""An ASGI application served from a thread of ours, on a socket that is ours from the start."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from pixr.local.errors import LocalError

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 10
BACKLOG = 512


@contextlib.contextmanager
def serving(app: Starlette, *, name: str, port: int | None, mend: str = "") -> Iterator[int]:
    """Serve the application inside the ``with``; yields its port on 127.0.0.1.

    Args:
        app: What answers.
        name: What people call it in messages.
        port: The port it must have; None for any.
        mend: What to do when that port is taken.

    Raises:
        LocalError: The port is taken, or it did not start.
    """
    # asyncio turns Nagle's algorithm off only where the protocol is named; with it on, every
    # answer waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port or 0))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise LocalError(
            f"Port {port} for {name} cannot be used: {error.strerror}.", mend=mend
        ) from error
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name=name, daemon=True
    )
    thread.start()
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise LocalError(f"{name} did not start.", mend="Run `make setup` again.")
            time.sleep(0.005)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(STOP_TIMEOUT_S)
        listener.close()
