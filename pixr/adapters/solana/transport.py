"""How bytes get to a node and back: one POST, bounded in time and in size.

The protocol is all that the layers above know of the network, so that a simulated chain can
stand behind the very same adapter that asks the real one.

Nothing here knows JSON, retries, or what an answer is worth.
"""

import http.client
import time
from typing import Final, Protocol

import urllib3
from urllib3.util import Timeout

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""1,000 signatures with long memos, or 100 accounts without their data, are far below it."""
CHUNK_BYTES: Final = 64 * 1024
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
    """The real way: HTTP/1.1 over kept-alive connections, safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=CONNECTIONS_MAX,
            retries=False,
            # Asked for uncompressed: a bound on bytes is a bound on memory then.
            headers={"content-type": "application/json", "accept-encoding": "identity"},
        )

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Send ``body``; a node that drips its answer is cut off after ``timeout_s`` as well."""
        deadline_s = time.monotonic() + timeout_s
        timeout = Timeout(connect=min(CONNECT_TIMEOUT_S, timeout_s), read=timeout_s)
        try:
            answer = self._pool.request(
                "POST", self.url, body=body, timeout=timeout, redirect=False, preload_content=False
            )
            with answer:
                content = _read(answer, deadline_s)
                answer.release_conn()
        except (
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
        ) as error:
            raise TransportFailed(type(error).__name__) from error
        wait_s = _retry_after_s(answer.headers.get("retry-after"))
        if answer.status in BUSY_STATUSES and wait_s is not None:
            raise TransportFailed(f"HTTP {answer.status}", retry_after_s=wait_s)
        return answer.status, content


def _read(answer: urllib3.BaseHTTPResponse, deadline_s: float) -> bytes:
    content = bytearray()
    while chunk := answer.read(CHUNK_BYTES):
        content += chunk
        if len(content) > ANSWER_BYTES_MAX:
            raise TransportFailed(f"more than {ANSWER_BYTES_MAX} bytes")
        if time.monotonic() > deadline_s:
            raise TransportFailed("the answer did not end in time")
    return bytes(content)


def _retry_after_s(text: str | None) -> float | None:
    """Seconds of a Retry-After header; its other form, a date, is not worth parsing."""
    return float(text) if text is not None and text.isascii() and text.isdigit() else None
