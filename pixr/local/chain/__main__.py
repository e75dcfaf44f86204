"""``python -m pixr.local.chain``: a Solana of one's own on this machine."""

import argparse
import asyncio
import os
import signal
import socket
import sqlite3
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import uvicorn

from pixr.local.chain.chain import Chain
from pixr.local.chain.ledger import Ledger, LedgerInUse, LedgerUnreadable
from pixr.local.chain.process import PORT_TAKEN_WORDS
from pixr.local.chain.server import build_app

HOST = "127.0.0.1"
SLOT_MS_MIN, SLOT_MS_MAX = 5, 60_000
PORT_MAX = 65_534
KEEP_ALIVE_S = 300


class PortTaken(Exception):
    """Another program listens where this one should."""


class _Server(uvicorn.Server):
    """Says when it is ready."""

    ready_line = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(self.ready_line, flush=True)


def main() -> int:
    """Serve until told to stop.

    Returns:
        0 after a proper end, 1 when the chain broke down, 2 when it could not start.
    """
    options = _read_options()
    try:
        sockets = [_listen(options.port), _listen(options.port + 1)]
        ledger = Ledger(options.data)
        chain = Chain(ledger, slot_ms=options.slot_ms, takes_v1=options.v1_messages)
    except PortTaken as error:
        print(error, file=sys.stderr)
        return 2
    except LedgerInUse as error:
        print(f"another chain uses this directory: stop it first ({error})", file=sys.stderr)
        return 2
    except (LedgerUnreadable, sqlite3.DatabaseError, OSError) as error:
        print(f"cannot use the data directory: {error}", file=sys.stderr)
        return 2
    if options.stop_at_eof:
        threading.Thread(target=_stop_at_eof, daemon=True).start()
    try:
        return asyncio.run(_serve(chain, sockets, options))
    except KeyboardInterrupt:
        return 0


async def _serve(chain: Chain, sockets: list[socket.socket], options: argparse.Namespace) -> int:
    exit_code = 0

    def give_up() -> None:
        nonlocal exit_code
        exit_code = 1
        server.should_exit = True

    requests, subscriptions = sockets
    app = build_app(chain, slot_ms=options.slot_ms, on_crash=give_up, listener=requests)
    server = _Server(
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            http="h11",
            ws="websockets-sansio",
            # Clients keep connections; one closed under their hands looks like an outage.
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
    )
    kept = f"data in {options.data}" if options.data else "nothing is kept"
    server.ready_line = (
        f"Solana RPC http://{HOST}:{options.port} · WebSocket ws://{HOST}:{options.port + 1} · "
        f"slots of {options.slot_ms} ms · {kept}"
    )
    await server.serve(sockets=[subscriptions])
    return exit_code


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # asyncio sets this only on sockets made with an explicit protocol number. Without it an
    # answer in two writes takes 43 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise PortTaken(
            f"port {port} {PORT_TAKEN_WORDS}: stop it, or choose another with --port"
        ) from error
    return listener


def _stop_at_eof() -> None:
    """End when the parent does, however it ends: its end of the pipe closes then.

    A parent-death signal would do the same, but it follows the *thread* that
    started this process, and such threads may be short-lived.
    """
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pixr.local.chain", description=__doc__)
    parser.add_argument(
        "--port", type=_bounded(1, PORT_MAX), default=8899, help="RPC; WebSocket takes the next"
    )
    parser.add_argument("--data", type=Path, help="keep the chain in this directory")
    parser.add_argument(
        "--slot-ms",
        type=_bounded(SLOT_MS_MIN, SLOT_MS_MAX),
        default=400,
        help="milliseconds per slot (default 400, as on mainnet)",
    )
    parser.add_argument(
        "--v1-messages", action="store_true", help="take v1 messages, which mainnet may not"
    )
    parser.add_argument("--stop-at-eof", action="store_true", help="stop when standard input ends")
    return parser.parse_args()


def _bounded(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        number = int(text)
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"must be {low} to {high}")
        return number

    return read


if __name__ == "__main__":
    sys.exit(main())
