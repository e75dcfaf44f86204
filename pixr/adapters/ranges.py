"""One version of one S3 object, served to FFmpeg on 127.0.0.1 by ranges.

    FFmpeg ──GET, Range──▶ 127.0.0.1 ──▶ S3, in windows of 16 KiB … 4 MiB, If-Match

FFmpeg seeks as it needs and reads only that, and neither credentials nor names of hosts come near
it. A window is asked for when the one before is used up, and is a fraction of what was sent in this
answer, so that whoever leaves wastes little of what was used. The first window of an answer is kept
for a while, because whoever opens a film again begins with the same ones. What S3 says wrong ends
the answer early and is raised when the block ends: FFmpeg's own error would only tell that
something was short.
"""

import re
import secrets
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from pixr.adapters.objects import Bucket, ObjectStoreError

WINDOW_BYTES_MIN: Final = 16 * 1024
"""Where a file begins FFmpeg reads a few bytes, and goes on elsewhere."""

WINDOW_BYTES_SOON: Final = 64 * 1024
"""As soon as as much was sent."""

WINDOW_BYTES_MAX: Final = 4 * 1024**2
WINDOW_SHARE: Final = 48
"""Later a window is a forty-eighth of what this answer has sent: a hundred requests for twelve
seconds of 1080p. An encoder that has frames in its queues waits for none of them."""

WIDE_WINDOW_BYTES: Final = 1024**2
"""For whoever looks at many places and waits for each answer: fewer requests, and a little more
read for nothing at each place."""

KEPT_WINDOWS: Final = 16
"""Of a megabyte at most."""

SEND_BUFFER_BYTES: Final = 8 * 1024
"""What the socket may take before FFmpeg asks for it; the system's default is megabytes."""

IDLE_TIMEOUT_S: Final = 60
"""An encoder that is busy may leave its connection alone for seconds."""

_RANGE: Final = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(slots=True)
class Served:
    """An object as FFmpeg sees it."""

    url: str
    size_bytes: int
    window_bytes: int
    """The least that is asked of S3 at once."""
    bytes_read: int = 0
    """What was asked of S3 so far."""
    requests: int = 0
    failure: ObjectStoreError | None = None
    """The first thing that S3 said wrong."""
    _kept: OrderedDict[int, bytes] = field(default_factory=OrderedDict[int, bytes])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def find(self, start: int) -> bytes | None:
        """What is kept from byte ``start`` on."""
        with self._lock:
            for begun, data in self._kept.items():
                if begun <= start < begun + len(data):
                    self._kept.move_to_end(begun)
                    return data[start - begun :]
        return None

    def keep(self, start: int, data: bytes) -> None:
        """Keep a window from byte ``start`` on, and forget the one that was used least lately."""
        with self._lock:
            self._kept[start] = data
            if len(self._kept) > KEPT_WINDOWS:
                self._kept.popitem(last=False)

    def count(self, read_bytes: int) -> None:
        """Another window was read."""
        with self._lock:
            self.bytes_read += read_bytes
            self.requests += 1

    def fail(self, failure: ObjectStoreError) -> None:
        """Keep the first failure; what follows follows from it."""
        with self._lock:
            if self.failure is None:
                self.failure = failure

    def check(self) -> None:
        """Raise what S3 said wrong, if anything.

        Raises:
            ObjectChanged: The key holds another version by now.
            ObjectMissing: It is gone.
            ObjectStoreError: Anything else.
        """
        if self.failure is not None:
            raise self.failure


@contextmanager
def serving(
    bucket: Bucket, key: str, *, etag: str, size_bytes: int, window_bytes: int = WINDOW_BYTES_MIN
) -> Generator[Served]:
    """Serve one version of an object while the block runs.

    Args:
        bucket: Where it is.
        key: Which.
        etag: Of its version.
        size_bytes: Of that.
        window_bytes: The least that is asked of S3 at once.

    Raises:
        ObjectStoreError: At the end of the block, in place of what the block raised, if S3 failed
            meanwhile; see ``Served.check``.
    """
    served = Served(url="", size_bytes=size_bytes, window_bytes=window_bytes)
    path = f"/{secrets.token_urlsafe(16)}"

    def read(start: int, length: int) -> bytes:
        return bucket.read_range(key, start, length, etag=etag)

    class Handler(_Handler):
        def do_GET(self) -> None:
            self.answer(served, path, read)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}{path}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    except Exception as error:
        if served.failure is not None:
            raise served.failure from error
        raise
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    served.check()


def _window_bytes(least: int, sent: int) -> int:
    """How much is asked for at once by who was sent so many bytes and reads on."""
    wanted = max(least, min(sent, WINDOW_BYTES_SOON), sent // WINDOW_SHARE)
    return min(wanted, WINDOW_BYTES_MAX)


class _Handler(BaseHTTPRequestHandler):
    timeout = IDLE_TIMEOUT_S
    wbufsize = 0

    def setup(self) -> None:
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        super().setup()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class's name
        """Nobody reads it: what matters is counted."""

    def answer(self, served: Served, path: str, read: Callable[[int, int], bytes]) -> None:
        if self.path != path:
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        asked = _RANGE.fullmatch(self.headers.get("Range") or "bytes=0-")
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]) + 1 if asked and asked[2] else served.size_bytes, served.size_bytes)
        if asked is None or start >= end:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{served.size_bytes}")
            self.end_headers()
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        self.send_header("Content-Range", f"bytes {start}-{end - 1}/{served.size_bytes}")
        self.end_headers()
        # FFmpeg leaves in the middle of an answer whenever it seeks.
        with suppress(ConnectionError, TimeoutError):
            self._send(served, read, start, end)

    def _send(
        self, served: Served, read: Callable[[int, int], bytes], start: int, end: int
    ) -> None:
        begun = start
        while start < end and served.failure is None:
            is_first = start == begun
            data = served.find(start) if is_first else None
            if data is None:
                length = min(_window_bytes(served.window_bytes, start - begun), end - start)
                try:
                    data = read(start, length)
                except ObjectStoreError as failure:
                    served.fail(failure)
                    return
                served.count(len(data))
                if is_first:
                    served.keep(start, data)
            sent = data[: end - start]
            if not sent:
                return  # S3 has less than it said: FFmpeg finds the answer short
            self.wfile.write(sent)
            start += len(sent)
