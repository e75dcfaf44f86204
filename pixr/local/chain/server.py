"""The HTTP and WebSocket face of the chain, and the clock that drives it.

    POST /           JSON-RPC           GET  /health   the word "ok"
    WS   /           subscriptions      GET, POST /faults   see faults.py
    POST /nodes/2    another node of the same chain, with faults of its own at /nodes/2/faults

One process and one thread: a request is answered between two slots or between
two other requests, never in the middle of one.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from pixr.local.chain.chain import Chain
from pixr.local.chain.node import Node
from pixr.local.chain.rpc import answer
from pixr.local.chain.subscriptions import Hub

BODY_BYTES_MAX: Final = 50 * 1024
"""Agave's own default."""


NODES_MAX: Final = 9


def build_app(chain: Chain, *, slot_ms: int, on_crash: Callable[[], None]) -> Starlette:
    """Build the application; its slots pass from startup to shutdown.

    Args:
        chain: What to serve.
        slot_ms: Milliseconds between two slots.
        on_crash: Called when making a block raised; the chain stands still then.
    """
    nodes = [Node(chain) for _ in range(NODES_MAX)]
    faces = [_Face(node) for node in nodes]
    face = faces[0]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        clock = asyncio.create_task(_run_slots(nodes, face.hub, slot_ms / 1000))
        clock.add_done_callback(lambda done: None if done.cancelled() else on_crash())
        try:
            yield
        finally:
            clock.cancel()
            with suppress(asyncio.CancelledError):
                await clock
            chain.ledger.close()

    return Starlette(
        routes=[
            Route("/", face.rpc, methods=["POST"]),
            Route("/health", face.health, methods=["GET"]),
            Route("/faults", face.faults, methods=["GET", "POST"]),
            WebSocketRoute("/", face.hub.serve),
            *(
                route
                for number, face in enumerate(faces, start=1)
                for route in (
                    Route(f"/nodes/{number}", face.rpc, methods=["POST"]),
                    Route(f"/nodes/{number}/faults", face.faults, methods=["GET", "POST"]),
                )
            ),
        ],
        lifespan=lifespan,
    )


class _Face:
    def __init__(self, node: Node) -> None:
        self.hub = Hub(node)
        self._node = node

    async def rpc(self, request: Request) -> Response:
        faults = self._node.faults
        if faults.latency_ms:
            await asyncio.sleep(faults.latency_ms / 1000)
        if faults.http_429:
            status = HTTPStatus.TOO_MANY_REQUESTS
            return PlainTextResponse("Too many requests", status, {"retry-after": "1"})
        if faults.http_503:
            return PlainTextResponse("Service unavailable", HTTPStatus.SERVICE_UNAVAILABLE)
        if faults.garbage:
            return PlainTextResponse("<html>bad gateway</html>")
        if not request.headers.get("content-type", "").startswith("application/json"):
            return PlainTextResponse(
                "Supplied content type is not allowed. Content-Type: application/json is required",
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            )
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                return PlainTextResponse("", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        answered = answer(self._node, bytes(body))
        if faults.cut_answers:
            answered = answered[: len(answered) // 2]
        return Response(answered, media_type="application/json")

    async def health(self, request: Request) -> Response:
        del request
        return PlainTextResponse("ok")

    async def faults(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._node.faults = self._node.faults.changed(await request.json())
            except ValueError as error:
                return JSONResponse({"error": str(error)}, HTTPStatus.BAD_REQUEST)
        return JSONResponse(self._node.faults.to_json())


async def _run_slots(nodes: Sequence[Node], hub: Hub, slot_s: float) -> None:
    """Let slots pass until cancelled."""
    loop = asyncio.get_running_loop()
    due_s = loop.time() + slot_s
    while True:
        await asyncio.sleep(due_s - loop.time())
        is_frozen = any(node.faults.freeze for node in nodes)
        if not is_frozen and nodes[0].chain.tick(now_s=int(time.time())) is not None:
            hub.poll()
        # A late slot is late; it is not made up for by hurrying the next ones.
        due_s = max(due_s + slot_s, loop.time())
