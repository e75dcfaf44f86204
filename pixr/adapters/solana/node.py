"""One RPC node: JSON-RPC, and how far its word may be taken.

    call ─▶ breaker ─▶ is it our chain? ─▶ POST ─▶ JSON-RPC ─▶ shape ─▶ result
               │              │              │         │         │
               └──────────────┴──────────────┴─────────┴─────────┴────▶ NodeError

Whatever goes wrong is one ``NodeError``, which proves nothing: not that a transaction was
refused, and not that it is not there. The reader that takes an answer apart runs in here, so
that an answer of the wrong shape counts against the node like no answer at all.
"""

import itertools
import json
import random
import threading
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from pixr.adapters.solana.answers import WrongShape, as_it_is, mapping, text
from pixr.adapters.solana.breaker import Breaker, RetryBudget
from pixr.adapters.solana.errors import NodeError
from pixr.adapters.solana.transport import Transport, TransportFailed

T = TypeVar("T")

TIMEOUT_S: Final = 5.0
RETRY_PAUSE_S: Final = 0.1
RETRY_AFTER_S_MAX: Final = 2.0
"""A node that wants a longer rest than this is asked again in the next round."""
REASON_CHARACTERS_MAX: Final = 300
TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = range(500, 600)

MADE_ONCE: Final = frozenset({"sendTransaction", "requestAirdrop"})
"""Never repeated by itself: the settler sends the same bytes again when it sees fit."""

UNWELL_CODES: Final = frozenset({-32005, -32016, -32429, -32603, 429})
"""Refusals that speak of the node (behind, rate limited, broken) rather than of the request."""


class NoAnswer(NodeError):
    """Nothing came back, or only a status that says "not now"."""

    def __init__(self, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Busy(NoAnswer):
    """HTTP 429 or 5xx."""


class BreakerOpen(NodeError):
    """The node failed too often lately and was not asked."""


class Refused(NodeError):
    """A JSON-RPC error object: the node is there, and says no."""

    def __init__(self, reason: str, *, code: int | None) -> None:
        super().__init__(reason)
        self.code = code


class Node:
    """One node, asked over ``transport``. Safe to share between threads."""

    def __init__(
        self,
        transport: Transport,
        *,
        genesis_hash: str | None = None,
        timeout_s: float = TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Ask nothing yet.

        Args:
            transport: The way to it.
            genesis_hash: The chain it must be of; None takes any.
            timeout_s: Seconds for one call, a retry included.
            clock: Seconds, for the breaker; only differences matter.
            sleep: Waits before a retry.
            jitter: 0 to 1, spreads retries.
        """
        self.transport = transport
        self.genesis_hash = genesis_hash
        self.breaker = Breaker(clock=clock)
        self.finalized_slot = 0
        """The highest finalized slot that it ever claimed."""
        self._timeout_s = timeout_s
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._budget = RetryBudget()
        self._ids = itertools.count(1)
        self._is_ours = False
        self._genesis_lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it is, with whatever secret the URL carries: not for logs."""
        return self.transport.url

    @property
    def name(self) -> str:
        """Host and port, for logs: providers put keys into paths, queries and user names."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    def call(self, method: str, *params: Any) -> Any:
        """Return the ``result`` of one call, whatever its shape.

        Raises:
            NodeError: No answer, or none that counts.
        """
        return self.read(as_it_is, method, *params)

    def read(self, reader: Callable[[Any], T], method: str, *params: Any) -> T:
        """Return what ``reader`` makes of the result of one call.

        Args:
            reader: Takes the result apart; raises ``WrongShape`` for what it should not be.
            method: JSON-RPC method.
            params: Its positional parameters.

        Raises:
            NodeError: No answer, or none that counts.
        """
        if not self.breaker.admit():
            shut = BreakerOpen(f"{method}: breaker open after: {self.breaker.reason}")
            shut.at = self.name
            raise shut
        try:
            self._require_genesis()
            found = self._read(reader, method, params)
        except NodeError as error:
            if _is_fault(error, method):
                self.breaker.failed(str(error))
            else:
                self.breaker.passed()
            error.at = self.name
            raise
        self.breaker.passed()
        self._budget.earn()
        return found

    def _require_genesis(self) -> None:
        """Ask once which chain this is; a node of another is asked again every time."""
        if self.genesis_hash is None or self._is_ours:
            return
        with self._genesis_lock:
            if not self._is_ours:
                found = self._read(text, "getGenesisHash", ())
                if found != self.genesis_hash:
                    raise NodeError(f"wrong genesis {_brief(found)}, ours is {self.genesis_hash}")
                self._is_ours = True

    def _read(self, reader: Callable[[Any], T], method: str, params: tuple[Any, ...]) -> T:
        """Ask, and once more if the first try cost little and earlier successes paid for it."""
        deadline_s = self._clock() + self._timeout_s
        try:
            return self._ask(reader, method, params, self._timeout_s)
        except NoAnswer as error:
            pause_s = RETRY_PAUSE_S * (0.5 + self._jitter())
            if error.retry_after_s is not None:
                pause_s = max(pause_s, error.retry_after_s)
            left_s = deadline_s - self._clock() - pause_s
            is_worth_it = pause_s <= RETRY_AFTER_S_MAX and left_s > 0
            if method in MADE_ONCE or not is_worth_it or not self._budget.spend():
                raise
        self._sleep(pause_s)
        return self._ask(reader, method, params, left_s)

    def _ask(
        self, reader: Callable[[Any], T], method: str, params: tuple[Any, ...], timeout_s: float
    ) -> T:
        number = next(self._ids)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
        body = json.dumps(request, separators=(",", ":")).encode()
        try:
            status, answer = self.transport.post(body, timeout_s=timeout_s)
        except TransportFailed as failure:
            raise NoAnswer(f"{method}: {failure}", retry_after_s=failure.retry_after_s) from failure
        if status == TOO_MANY_REQUESTS or status in SERVER_ERRORS:
            raise Busy(f"{method}: HTTP {status}")
        try:
            return reader(_result(answer, number))
        except Refused as refused:
            raise Refused(f"{method}: {refused}", code=refused.code) from None
        except WrongShape as wrong:
            raise WrongShape(f"{method}: HTTP {status}, {wrong}") from wrong


def _result(answer: bytes, number: int) -> Any:
    try:
        # RecursionError: a body of a million brackets is not JSON of ours either.
        envelope = mapping(json.loads(answer))
    except (ValueError, RecursionError) as error:
        raise WrongShape(f"no JSON: {type(error).__name__}") from error
    refusal = envelope.get("error")
    if refusal is not None:
        code: Any = mapping(refusal).get("code")
        raise Refused(_brief(refusal), code=code if isinstance(code, int) else None)
    if envelope.get("id") != number:
        raise WrongShape(f"the answer is to request {_brief(envelope.get('id'))}")
    if "result" not in envelope:
        raise WrongShape("neither result nor error")
    return envelope["result"]


def _brief(value: Any) -> str:
    """A stranger's words, short and plain ASCII, so that logs and tables can hold them."""
    return json.dumps(value)[:REASON_CHARACTERS_MAX]


def _is_fault(error: NodeError, method: str) -> bool:
    """Whether an error counts against the node.

    Providers limit sends more than reads, so a send that is turned away says nothing about
    whether the node can be asked.
    """
    if isinstance(error, Refused):
        return error.code in UNWELL_CODES and method not in MADE_ONCE
    return not (isinstance(error, Busy) and method in MADE_ONCE)
