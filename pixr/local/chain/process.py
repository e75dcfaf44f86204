"""Start the chain as a process of its own, and make sure that it ends."""

import os
import select
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import pixr

HOST: Final = "127.0.0.1"
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 5.0
PORT_TRIES_MAX: Final = 10
PORT_TAKEN_WORDS: Final = "is in use by another program"


class ChainDidNotStart(Exception):
    """The chain ended, or said nothing in time; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainProcess:
    """A running chain."""

    url: str
    """JSON-RPC over HTTP."""
    ws_url: str
    """Subscriptions; the port is that of ``url`` plus one."""
    pid: int
    port: int

    def node_url(self, number: int) -> str:
        """JSON-RPC of another node of the same chain, 2 to 9; the first is ``url`` itself."""
        return f"{self.url}/nodes/{number}"


@contextmanager
def running_chain(
    *,
    slot_ms: int = 20,
    data: Path | None = None,
    port: int | None = None,
    v1_messages: bool = False,
) -> Iterator[ChainProcess]:
    """Run a chain for the length of a ``with`` block.

    Args:
        slot_ms: Milliseconds per slot; a block is final 31 blocks later.
        data: Keep the chain in this directory; None keeps nothing.
        port: Where to listen, and on the next one; None finds a free pair.
        v1_messages: Take v1 messages, which mainnet may not.

    Yields:
        The chain, which answers already. It ends with the block, and with this
        process even if that is killed.

    Raises:
        ChainDidNotStart: A named port is taken, the directory is in use, or
            there was no answer within 30 s.
    """
    with tempfile.TemporaryFile() as words:
        options = ["--slot-ms", str(slot_ms), *(["--data", str(data)] if data else [])]
        options += ["--v1-messages"] if v1_messages else []
        process, chosen = _start(words, options, port)
        try:
            yield ChainProcess(
                url=f"http://{HOST}:{chosen}",
                ws_url=f"ws://{HOST}:{chosen + 1}",
                pid=process.pid,
                port=chosen,
            )
        finally:
            _stop(process)


def _start(
    words: IO[bytes], options: Sequence[str], port: int | None
) -> tuple[subprocess.Popen[bytes], int]:
    last_words = ""
    # Between finding a free pair and taking it, somebody else may: hence the tries.
    for _ in range(1 if port is not None else PORT_TRIES_MAX):
        chosen = _free_port_pair() if port is None else port
        process = _spawn(words, options, chosen)
        try:
            ready = _wait_until_ready(process)
        except BaseException:
            _stop(process)
            raise
        if ready:
            return process, chosen
        _stop(process)
        words.seek(0)
        last_words = words.read().decode().strip()
        if PORT_TAKEN_WORDS not in last_words:
            break
    raise ChainDidNotStart(last_words or "the chain did not answer in time")


def _spawn(words: IO[bytes], options: Sequence[str], port: int) -> subprocess.Popen[bytes]:
    words.seek(0)
    words.truncate()
    command = [sys.executable, "-m", "pixr.local.chain", "--stop-at-eof"]
    command += ["--port", str(port), *options]
    home = str(Path(pixr.__file__).parents[1])
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # closes when this process ends, and the chain with it
        stdout=subprocess.PIPE,
        stderr=words,
        env=os.environ | {"PYTHONPATH": home},
    )


def _wait_until_ready(process: subprocess.Popen[bytes]) -> bool:
    """Wait for the line that a chain prints once it answers.

    Asking the port instead could get the answer of another chain on it.
    """
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT_S)
    if not readable:
        return False
    if process.stdout.readline():
        return True
    process.wait(STOP_TIMEOUT_S)  # it closed its output, so it is ending
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _free_port_pair() -> int:
    for _ in range(PORT_TRIES_MAX):
        with socket.socket() as first, socket.socket() as second:
            first.bind((HOST, 0))
            port = int(first.getsockname()[1])
            try:
                second.bind((HOST, port + 1))
            except OSError:
                continue
            return port
    raise ChainDidNotStart("found no two free ports in a row")
