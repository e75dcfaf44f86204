"""How bytes get to a node and back: one POST, bounded in time and in size.

The protocol is all that the layers above know of the network, so that a simulated chain can
stand behind the very same adapter that asks the real one.

Nothing here knows JSON, retries, or what an answer is worth.
"""

import http.client
import io
import select
import socket
import ssl
import time
import weakref
from collections import deque
from functools import cache
from typing import Any, Final, Protocol, cast
from urllib.parse import urlsplit

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""1,000 signatures with long memos, or 100 accounts without their data, are far below it."""
READ_BYTES: Final = 64 * 1024
CONNECT_TIMEOUT_S: Final = 2.0
CONNECTIONS_MAX: Final = 32
"""Kept alive per node; more callers at once than this open connections of their own."""
BUSY_STATUSES: Final = (429, 503)


class TransportFailed(Exception):
    """Nothing usable came back. What was sent may have arrived all the same."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        """Say why; ``retry_after_s`` only if the node itself said when to come back."""
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Transport(Protocol):
    """A way to one node."""

    @property
    def url(self) -> str:
        """Where the node is."""
        ...

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Send ``body`` and return the HTTP status and the body of the answer.

        Raises:
            TransportFailed: No answer: a timeout, a refused or reset connection, too many bytes.
        """
        ...


class HttpTransport:
    """The real way: HTTP/1.1 over kept-alive connections, safe to share between threads.

    The standard library's client, because a library with more to offer takes three times as
    long for each call, and a settler makes hundreds at once.
    """

    def __init__(self, url: str) -> None:
        """Connect to nothing yet.

        Raises:
            ValueError: It is no http or https URL.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable():
            raise ValueError("a node's URL begins with http:// or https:// and names a host")
        self.url = url
        self._address = (parts.hostname, parts.port)
        path = parts.path or "/"
        query = f"?{parts.query}" if parts.query else ""
        # Asked for uncompressed: a bound on bytes is a bound on memory then.
        self._head = (
            f"POST {path}{query} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
            "Content-Type: application/json\r\nAccept-Encoding: identity\r\nContent-Length: "
        ).encode()
        self._idle: deque[http.client.HTTPConnection] = deque(maxlen=CONNECTIONS_MAX)
        self._tls = _tls() if parts.scheme == "https" else None
        weakref.finalize(self, _close_all, self._idle)

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Send ``body``; a node that drips its answer is cut off after ``timeout_s`` as well."""
        deadline_s = time.monotonic() + timeout_s
        connection = self._connection(timeout_s)
        is_reusable = False
        try:
            if connection.sock is None:
                connection.connect()
            assert connection.sock is not None
            answer = self._exchange(connection.sock, body, deadline_s)
            content = answer.read(ANSWER_BYTES_MAX + 1)
            if len(content) > ANSWER_BYTES_MAX:
                raise TransportFailed("too many bytes")
            if answer.length:
                raise TransportFailed("half an answer")
            is_reusable = answer.isclosed() and not answer.will_close
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TransportFailed(type(error).__name__) from error
        finally:
            if is_reusable:
                self._keep(connection)
            else:
                connection.close()
        wait_s = _retry_after_s(answer.headers.get("retry-after"))
        if answer.status in BUSY_STATUSES and wait_s is not None:
            raise TransportFailed(f"HTTP {answer.status}", retry_after_s=wait_s)
        return answer.status, content

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        """An idle connection that the node has not closed meanwhile, or a new one."""
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread took the last one
                break
            if not _is_over(connection.sock):
                return connection
            connection.close()
        host, port = self._address
        connect_s = min(CONNECT_TIMEOUT_S, timeout_s)
        if self._tls is None:
            return http.client.HTTPConnection(host, port, timeout=connect_s)
        return http.client.HTTPSConnection(host, port, timeout=connect_s, context=self._tls)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        if len(self._idle) < CONNECTIONS_MAX:
            self._idle.append(connection)
        else:
            connection.close()

    def _exchange(
        self, sock: socket.socket, body: bytes, deadline_s: float
    ) -> http.client.HTTPResponse:
        sock.settimeout(max(deadline_s - time.monotonic(), 0.001))
        # Head and body in one write: two would be two packets, and wake the node twice.
        sock.sendall(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        reader = cast("socket.socket", _Until(sock, deadline_s))
        answer = http.client.HTTPResponse(reader, method="POST")
        answer.begin()
        return answer


class _Until(io.RawIOBase):
    """A socket's reading end that closes at a moment, however slowly the bytes drip in."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._deadline_s = deadline_s

    def makefile(self, mode: str) -> io.BufferedReader:
        """What ``http.client`` asks a socket for."""
        assert mode == "rb"
        return io.BufferedReader(self, READ_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        self._sock.settimeout(left_s)
        return self._sock.recv_into(buffer)


@cache
def _tls() -> ssl.SSLContext:
    """Certificates as the system trusts them; read once, which takes tens of milliseconds."""
    return ssl.create_default_context()


def _is_over(sock: socket.socket) -> bool:
    """Whether an idle connection can be read: nothing is owed to it, so that is its end."""
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _close_all(connections: deque[http.client.HTTPConnection]) -> None:
    while connections:
        connections.pop().close()


def _retry_after_s(text: str | None) -> float | None:
    """Seconds of a Retry-After header; its other form, a date, is not worth parsing."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
