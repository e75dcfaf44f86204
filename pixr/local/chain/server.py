"""The HTTP and WebSocket face of the chain, and the clock that drives it.

    POST /           JSON-RPC           GET  /health   the word "ok"
    POST /nodes/2    another node of the same chain, with faults of its own at /nodes/2/faults
                                        GET, POST /faults   see faults.py
    WS   /           subscriptions, on the next port

One process and one thread: a request is answered between two slots or between
two other requests, never in the middle of one.
"""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from pixr.local.chain.chain import Chain
from pixr.local.chain.listener import Listener, Request, Response
from pixr.local.chain.node import Node
from pixr.local.chain.rpc import answer
from pixr.local.chain.subscriptions import Hub

NODES_MAX: Final = 9

UNASKED_SLOTS_MAX: Final = 250
"""Blockhashes that were told are expired by then, and what was sent is final or lost: nobody can
tell that slots stopped. Chains that nobody asks took a third of the machine that tests ran on."""

JSON: Final = "application/json"


def build_app(
    chain: Chain,
    *,
    slot_ms: int,
    on_crash: Callable[[], None],
    listener: socket.socket | None = None,
) -> Starlette:
    """Build the WebSocket application; slots pass and requests are answered while it is up.

    Args:
        chain: What to serve.
        slot_ms: Milliseconds between two slots.
        on_crash: Called when making a block raised; the chain stands still then.
        listener: Where requests come in; None serves none.
    """
    nodes = [Node(chain) for _ in range(NODES_MAX)]
    hub = Hub(nodes[0])
    attention = Attention()
    face = Face(nodes, attention)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        loop = asyncio.get_running_loop()
        clock = asyncio.create_task(_run_slots(nodes, hub, attention, slot_ms / 1000))
        clock.add_done_callback(lambda done: None if done.cancelled() else on_crash())
        server = (
            None
            if listener is None
            else await loop.create_server(
                lambda: Listener(face.respond, wait_s=face.wait_s), sock=listener, backlog=1024
            )
        )
        try:
            yield
        finally:
            if server is not None:
                server.close()
            clock.cancel()
            with suppress(asyncio.CancelledError):
                await clock
            chain.ledger.close()

    async def subscribe(socket: WebSocket) -> None:
        attention.ask()
        await hub.serve(socket)

    return Starlette(routes=[WebSocketRoute("/", subscribe)], lifespan=lifespan)


class Attention:
    """For how many slots nobody has asked for anything."""

    def __init__(self) -> None:
        self._slots = 0
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Somebody does."""
        self._slots = 0
        self._asked.set()

    def has_left(self) -> bool:
        """Count a slot; whether it passed unseen, as many before it."""
        self._slots += 1
        return self._slots > UNASKED_SLOTS_MAX

    async def come_back(self) -> None:
        """Wait until somebody asks."""
        self._asked.clear()
        await self._asked.wait()


class Face:
    """What stands behind each path."""

    def __init__(self, nodes: Sequence[Node], attention: Attention) -> None:
        self._attention = attention
        self._node_of: Mapping[str, Node] = {
            "/": nodes[0],
            **{f"/nodes/{number}": node for number, node in enumerate(nodes, start=1)},
        }
        self._faults_of: Mapping[str, Node] = {
            f"{path.rstrip('/')}/faults": node for path, node in self._node_of.items()
        }

    def wait_s(self, request: Request) -> float:
        """How long a request has to wait, by the node's latency."""
        node = self._node_of.get(request.path)
        return 0.0 if node is None else node.faults.latency_ms / 1000

    def respond(self, request: Request) -> Response:
        """Answer one request."""
        self._attention.ask()
        if (node := self._node_of.get(request.path)) is not None:
            return _only("POST", request) or _rpc(node, request)
        if (node := self._faults_of.get(request.path)) is not None:
            return _faults(node, request)
        if request.path == "/health":
            return Response(body=b"ok")
        return Response(status=HTTPStatus.NOT_FOUND, body=b"Not found")


def _only(method: str, request: Request) -> Response | None:
    if request.method == method:
        return None
    return Response(status=HTTPStatus.METHOD_NOT_ALLOWED, headers={"allow": method})


def _rpc(node: Node, request: Request) -> Response:
    faults = node.faults
    if faults.http_429:
        status = HTTPStatus.TOO_MANY_REQUESTS
        return Response(status=status, headers={"retry-after": "1"})
    if faults.http_503:
        return Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
    if faults.garbage:
        return Response(body=b"<html>bad gateway</html>")
    if not request.headers.get("content-type", "").startswith(JSON):
        words = "Supplied content type is not allowed. Content-Type: application/json is required"
        return Response(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, body=words.encode())
    answered = answer(node, request.body)
    if faults.cut_answers:
        answered = answered[: len(answered) // 2]
    return Response(body=answered, content_type=JSON)


def _faults(node: Node, request: Request) -> Response:
    status = HTTPStatus.OK
    shown: object = None
    if request.method == "POST":
        try:
            node.faults = node.faults.changed(json.loads(request.body))
        except ValueError as error:
            status, shown = HTTPStatus.BAD_REQUEST, {"error": str(error)}
    return Response(
        status=status,
        body=json.dumps(shown or node.faults.to_json()).encode(),
        content_type=JSON,
    )


async def _run_slots(nodes: Sequence[Node], hub: Hub, attention: Attention, slot_s: float) -> None:
    """Let slots pass until cancelled, and none while nobody looks."""
    loop = asyncio.get_running_loop()
    due_s = loop.time() + slot_s
    while True:
        if attention.has_left() and not hub.is_heard:
            await attention.come_back()
            due_s = loop.time() + slot_s
        await asyncio.sleep(due_s - loop.time())
        is_frozen = any(node.faults.freeze for node in nodes)
        if not is_frozen and nodes[0].chain.tick(now_s=int(time.time())) is not None:
            hub.poll()
        # A late slot is late; it is not made up for by hurrying the next ones.
        due_s = max(due_s + slot_s, loop.time())
