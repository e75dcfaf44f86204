"""HTTP/1.1, as much of it as JSON-RPC clients speak.

Requests with a Content-Length, one after the other on a connection that stays open. A full
server takes longer to parse a request than the chain takes to execute a transaction, and
writes head and body of its answer apart; a settler that is measured would wait for both.

    bytes ──▶ Listener ──▶ Request ──▶ respond ──▶ Response ──▶ bytes, in one write
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

HEAD_BYTES_MAX: Final = 16 * 1024
BODY_BYTES_MAX: Final = 50 * 1024
"""Agave's own default."""
HEAD_END: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request. Names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What to answer."""

    status: HTTPStatus = HTTPStatus.OK
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Listener(asyncio.Protocol):
    """One connection. The next request is read when the one before is answered."""

    def __init__(
        self, respond: Callable[[Request], Response], *, wait_s: Callable[[Request], float]
    ) -> None:
        """Serve a connection.

        Args:
            respond: Answers a request.
            wait_s: How long a request lies before it is answered, in seconds.
        """
        self._respond = respond
        self._wait_s = wait_s
        self._buffer = bytearray()
        self._transport: asyncio.WriteTransport | None = None
        self._is_answering = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to answer."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; an answer that was still due goes nowhere."""
        del exc
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Take what came, and answer every request that is whole."""
        self._buffer += data
        self._advance()

    def _advance(self) -> None:
        while not self._is_answering and self._transport is not None:
            end = self._buffer.find(HEAD_END)
            if end < 0:
                if len(self._buffer) > HEAD_BYTES_MAX:
                    self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return
            request = self._take(end)
            if request is None:
                return
            wait_s = self._wait_s(request)
            if wait_s > 0:
                self._is_answering = True
                asyncio.get_running_loop().call_later(wait_s, self._answer_late, request)
            else:
                self._answer_to(request)

    def _take(self, end: int) -> Request | None:
        """Cut one request from the buffer; None when its body is not all there, or never will."""
        lines = self._buffer[:end].decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        pairs = (line.partition(":") for line in lines[1:])
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        length = headers.get("content-length", "0")
        if len(words) != 3 or not length.isdigit() or "transfer-encoding" in headers:  # noqa: PLR2004 -- METHOD path HTTP/1.1
            self._refuse(HTTPStatus.BAD_REQUEST)
            return None
        if int(length) > BODY_BYTES_MAX:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        start = end + len(HEAD_END)
        if len(self._buffer) < start + int(length):
            if headers.get("expect", "").lower() == "100-continue" and len(self._buffer) == start:
                self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        body = bytes(self._buffer[start : start + int(length)])
        del self._buffer[: start + int(length)]
        path = words[1].partition("?")[0]
        return Request(method=words[0], path=path, headers=headers, body=body)

    def _answer_late(self, request: Request) -> None:
        self._is_answering = False
        self._answer_to(request)
        self._advance()

    def _answer_to(self, request: Request) -> None:
        is_last = request.headers.get("connection", "").lower() == "close"
        self._answer(self._respond(request), is_last=is_last)

    def _answer(self, response: Response, *, is_last: bool) -> None:
        extra = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
        closing = "connection: close\r\n" if is_last else ""
        head = (
            f"HTTP/1.1 {response.status.value} {response.status.phrase}\r\n"
            f"content-type: {response.content_type}\r\n"
            f"content-length: {len(response.body)}\r\n{extra}{closing}\r\n"
        )
        self._write(head.encode("latin-1") + response.body)
        if is_last and self._transport is not None:
            self._transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer what cannot be understood, and hang up: nobody knows where the next begins."""
        self._buffer.clear()
        self._answer(Response(status=status), is_last=True)
        self._transport = None

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)
