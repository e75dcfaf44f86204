"""One RPC node of the fake cluster: a ``Transport`` that lies, lags and forgets.

    post ─▶ before ─▶ no answer? ─▶ method on the node's own view ─▶ bent answer ─▶ after

Everything that a call does to the chain happens at one point in the middle, so that the
hooks on both sides may crash the caller, let time pass or run a rival.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from solders.hash import Hash

from pixr.adapters.solana.transport import TransportFailed
from pixr.local.chain.errors import METHOD_NOT_FOUND, RpcError
from pixr.local.chain.params import Params
from tests.fakes import bend
from tests.fakes.methods import METHODS
from tests.fakes.troubles import LONG_PAUSE_SLOTS
from tests.fakes.view import View, look
from tests.fakes.wire import Wire, is_signed

if TYPE_CHECKING:
    from tests.fakes.cluster import FakeCluster

HTTP_OK: Final = 200
TOO_MANY_REQUESTS: Final = 429
UNAVAILABLE: Final = (502, 503, 504)
BUSY_STATUSES: Final = (429, 503)
"""Half of these come with a Retry-After, which the transport reads."""
LIES: Final = 2 / 3
"""Share of a liar's answers that are lies: nobody lies all the time."""
INVENTED: Final = 1 / 4
"""Share of a liar's blockhashes that nobody can land with."""
RESTS_S: Final = (0.0, 1.0, 30.0)


class FakeNode:
    """One node. Its character is drawn anew whenever the troubles change."""

    def __init__(self, cluster: "FakeCluster", number: int) -> None:
        self.cluster = cluster
        self.number = number
        self.url = f"http://node-{number}.fake"
        self.lag_slots = 0
        self.index_lag_slots = 0
        self.height_lie = 0
        self.hides_forgetting = False
        self.is_foreign = False
        self.follows_rival = False
        self.first_slot = 0
        """History older than this is lost for good, troubles or not."""
        self.silent_until_slot = 0
        self.hole_salt = 0
        """Which blocks this node lacks, if it lacks any."""

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        """Answer one JSON-RPC request.

        Args:
            body: A single request.
            timeout_s: Ignored: how long a call takes is the cluster's luck.

        Returns:
            HTTP status and body.

        Raises:
            TransportFailed: No answer. What was asked may have been done.
        """
        del timeout_s
        request = json.loads(body)
        method = str(request["method"])
        cluster = self.cluster
        cluster.moment("before", method)
        if cluster.happens(cluster.troubles.long_pause):
            cluster.pass_slots(LONG_PAUSE_SLOTS)
        answered = None
        if not self._is_away():
            answered = self._disturbed() or self._answer(request, method)
        cluster.moment("after", method)
        if answered is None:
            raise TransportFailed(f"{self.url} did not answer {method}")
        status, content = answered
        if status in BUSY_STATUSES and cluster.luck.random() < 1 / 2:
            raise TransportFailed(f"HTTP {status}", retry_after_s=cluster.luck.choice(RESTS_S))
        return status, content

    def view(self) -> View:
        """What this node believes now."""
        cluster = self.cluster
        chain = cluster.chain_of(self)
        lag_slots = self.lag_slots
        if cluster.happens(cluster.troubles.lag_jitter):
            lag_slots = cluster.luck.randint(0, cluster.troubles.lag_slots_max)
        rival = chain.rival
        branch = rival if rival is not None and self.follows_rival else chain.trunk
        head_height, root_height = look(chain, branch, lag_slots=lag_slots)
        return View(
            chain=chain,
            branch=branch,
            head_height=head_height,
            root_height=root_height,
            indexed_slot=chain.slot - self.index_lag_slots if self.index_lag_slots else None,
            first_slot=self.first_slot,
            told_first_slot=0 if self.hides_forgetting else self.first_slot,
            height_lie=self.height_lie if self.height_lie and cluster.happens(LIES) else 0,
            hole_salt=self.hole_salt,
            holes=cluster.troubles.holes,
        )

    def accept(self, wire: Wire) -> None:
        """Take a transaction; its way into a block is the cluster's luck."""
        self.cluster.receive(self, wire)

    def leak(self, wire: Wire) -> None:
        """Perhaps send what was only to be simulated."""
        cluster = self.cluster
        if cluster.happens(cluster.troubles.simulation_leaks) and is_signed(wire.raw):
            cluster.receive(self, wire)

    def invented_blockhash(self) -> str | None:
        """A hash that no block has; None: this time even a liar gives a real one."""
        luck = self.cluster.luck
        if luck.random() < INVENTED:
            return str(Hash.from_bytes(luck.randbytes(32)))
        return None

    def _is_away(self) -> bool:
        cluster, luck = self.cluster, self.cluster.luck
        troubles, slot = cluster.troubles, cluster.chain.slot
        if cluster.happens(troubles.blackout):
            for node in cluster.nodes:
                node.silent_until_slot = slot + luck.randint(1, troubles.outage_slots_max)
        if cluster.happens(troubles.outage):
            self.silent_until_slot = slot + luck.randint(1, troubles.outage_slots_max)
        return slot < self.silent_until_slot

    def _disturbed(self) -> tuple[int, bytes] | None:
        """An answer of something in front of the node, which was never asked."""
        cluster = self.cluster
        troubles = cluster.troubles
        if cluster.happens(troubles.forgets):
            self.first_slot = cluster.chain.slot
        if cluster.happens(troubles.too_many_requests):
            return TOO_MANY_REQUESTS, b"Too many requests"
        if cluster.happens(troubles.unavailable):
            return cluster.luck.choice(UNAVAILABLE), bend.HTML
        return None

    def _answer(self, request: dict[str, Any], method: str) -> tuple[int, bytes] | None:
        """Do what was asked; None: the answer is lost."""
        cluster, luck = self.cluster, self.cluster.luck
        troubles = cluster.troubles
        response: dict[str, Any] = {"jsonrpc": "2.0"}
        try:
            response["result"] = METHODS.get(method, _unknown)(self, Params(request.get("params")))
        except RpcError as error:
            response["error"] = error.to_json()
        response["id"] = request.get("id")
        if method == "sendTransaction" and cluster.happens(troubles.send_error_after_accept):
            return self._after_accept(response)
        if cluster.happens(troubles.answer_lost):
            return None
        if cluster.happens(troubles.garbage):
            return HTTP_OK, bend.garbled(luck, response)
        if cluster.happens(troubles.server_error):
            response.pop("result", None)
            response["error"] = luck.choice(bend.SERVER_ERRORS)
        elif "result" in response and cluster.happens(troubles.half_answer):
            response["result"] = bend.halved(luck, method, response["result"])
        elif "result" in response and cluster.happens(troubles.twisted):
            response["result"] = bend.twisted(luck, response["result"])
        return HTTP_OK, json.dumps(response, separators=(",", ":")).encode()

    def _after_accept(self, response: dict[str, Any]) -> tuple[int, bytes] | None:
        luck = self.cluster.luck
        kind = luck.randrange(len(bend.AFTER_ACCEPT) + 2)
        if kind < len(bend.AFTER_ACCEPT):
            response.pop("result", None)
            response["error"] = bend.AFTER_ACCEPT[kind]
            return HTTP_OK, json.dumps(response).encode()
        return (500, bend.HTML) if kind == len(bend.AFTER_ACCEPT) else None


def _unknown(node: FakeNode, params: Params) -> None:
    del node, params
    raise RpcError(METHOD_NOT_FOUND, "Method not found")
