"""WebSocket subscriptions: tell a client when its transaction, an account or the slot moves.

@solana/web3.js confirms transactions this way, on the RPC port plus one.

Source:
    https://solana.com/docs/rpc/websocket
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pixr.local.chain.encoding import account_json
from pixr.local.chain.errors import INVALID_PARAMS, PARSE_ERROR, RpcError
from pixr.local.chain.ledger import Block
from pixr.local.chain.node import Node, in_context
from pixr.local.chain.params import Params
from pixr.local.chain.rpc import Method, answer_one

OUTBOX_MAX: Final = 10_000
SUBSCRIPTIONS_MAX: Final = 10_000

Poll = Callable[[], Any]
"""Look at the chain; give a notification, or None while there is no news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one client waits for."""

    method: str
    poll: Poll
    once: bool


class Connection:
    """One client: its subscriptions, and what is still to be sent to it."""

    def __init__(self, node: Node, numbers: "count[int]") -> None:
        self._node = node
        self._numbers = numbers
        self._subscriptions: dict[int, Subscription] = {}
        self._outbox: asyncio.Queue[str] = asyncio.Queue(OUTBOX_MAX)
        self._methods: Mapping[str, Method] = {
            "signatureSubscribe": self._subscribe_signature,
            "signatureUnsubscribe": self._unsubscribe,
            "accountSubscribe": self._subscribe_account,
            "accountUnsubscribe": self._unsubscribe,
            "slotSubscribe": self._subscribe_slot,
            "slotUnsubscribe": self._unsubscribe,
        }

    async def serve(self, socket: WebSocket) -> None:
        """Talk with the client until it leaves."""
        await socket.accept()
        writer = asyncio.create_task(self._write(socket))
        try:
            async for text in socket.iter_text():
                self._receive(text)
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError, WebSocketDisconnect):
                await writer

    def poll(self) -> None:
        """Queue a notification for each subscription that has news."""
        for number, subscription in list(self._subscriptions.items()):
            result = subscription.poll()
            if result is None:
                continue
            if subscription.once:
                del self._subscriptions[number]
            params = {"result": result, "subscription": number}
            self._say({"jsonrpc": "2.0", "method": subscription.method, "params": params})

    async def _write(self, socket: WebSocket) -> None:
        while True:  # until the client leaves, which cancels this task
            await socket.send_text(await self._outbox.get())

    def _receive(self, text: str) -> None:
        try:
            request = json.loads(text)
        except (ValueError, RecursionError):
            error = RpcError(PARSE_ERROR, "Parse error").to_json()
            self._say({"jsonrpc": "2.0", "error": error, "id": None})
            return
        response = answer_one(self._node, request, self._methods)
        if response is not None:
            self._say(response)
        # What is already true is told at once.
        self.poll()

    def _say(self, message: dict[str, Any]) -> None:
        # A client that does not read loses messages, as on a validator.
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait(json.dumps(message))

    def _add(self, method: str, poll: Poll, *, once: bool = False) -> int:
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise RpcError(INVALID_PARAMS, f"Too many subscriptions; max {SUBSCRIPTIONS_MAX}")
        number = next(self._numbers)
        self._subscriptions[number] = Subscription(method=method, poll=poll, once=once)
        return number

    def _unsubscribe(self, node: Node, params: Params) -> bool:
        del node
        if self._subscriptions.pop(params.integer(0), None) is None:
            raise RpcError(INVALID_PARAMS, "Invalid subscription id.")
        return True

    def _subscribe_signature(self, node: Node, params: Params) -> int:
        signature, commitment = params.signature(0), params.config(1).commitment

        def poll() -> Any:
            landed = node.chain.ledger.transaction(signature)
            block = node.block_at(commitment)
            if landed is None or landed.slot > block.slot:
                return None
            return in_context(block, {"err": landed.meta["err"]})

        return self._add("signatureNotification", poll, once=True)

    def _subscribe_account(self, node: Node, params: Params) -> int:
        address, config = params.address(0), params.config(1)
        commitment = config.commitment
        encoding = config.text("encoding", "binary")
        last = node.chain.account(address, node.block_at(commitment))

        def poll() -> Any:
            nonlocal last
            block = node.block_at(commitment)
            account = node.chain.account(address, block)
            if account == last:
                return None
            last = account
            return in_context(block, account_json(account, encoding, None))

        return self._add("accountNotification", poll)

    def _subscribe_slot(self, node: Node, params: Params) -> int:
        del params
        last: Block = node.block_at("processed")

        def poll() -> Any:
            nonlocal last
            tip = node.block_at("processed")
            if tip is last:
                return None
            last = tip
            root = node.block_at("finalized").slot
            return {"slot": tip.slot, "parent": tip.parent_slot, "root": root}

        return self._add("slotNotification", poll)


class Hub:
    """All connections of a node."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._numbers = count(1)
        self._connections: set[Connection] = set()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client from its arrival to its leaving."""
        connection = Connection(self._node, self._numbers)
        self._connections.add(connection)
        try:
            await connection.serve(socket)
        finally:
            self._connections.discard(connection)

    @property
    def is_heard(self) -> bool:
        """Whether there is any client."""
        return bool(self._connections)

    def poll(self) -> None:
        """Tell every client its news; called once per slot."""
        for connection in list(self._connections):
            connection.poll()
