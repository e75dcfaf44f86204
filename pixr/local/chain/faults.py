"""Faults that a test or a drill switches on: ``GET`` and ``POST /faults``, for each node its own.

    drop_sends          sendTransaction answers with a signature and forgets the bytes
    error_after_accept  sendTransaction takes the bytes and answers -32005 without data
    http_429, http_503  every call gets that status
    garbage             every call gets 200 and a body that is not JSON
    cut_answers         every call gets the first half of its answer's bytes
    half_answers        every list in an answer has only its first half
    refuse_code         every call gets this JSON-RPC error, without data; 0 is off
    latency_ms          every call waits first
    freeze              no slots pass: nothing lands, nothing expires
    forget_before_slot  history older than this slot is gone from this node
    lag_blocks          the node sees the chain as it was so many blocks ago
    height_lie_blocks   added to lastValidBlockHeight; negative takes off
    wrong_genesis       the node says that it is of another chain

A POST replaces what it names and leaves the rest; ``{}`` changes nothing. All are off at
the start. A freeze stops the whole chain, whichever node was told. WebSocket notifications
are never disturbed, except by a freeze.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final

LATENCY_MS_MAX: Final = 60_000
LAG_BLOCKS_MAX: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The switches; all off unless set."""

    drop_sends: bool = False
    error_after_accept: bool = False
    http_429: bool = False
    http_503: bool = False
    garbage: bool = False
    cut_answers: bool = False
    half_answers: bool = False
    refuse_code: int = 0
    latency_ms: int = 0
    freeze: bool = False
    forget_before_slot: int = 0
    lag_blocks: int = 0
    height_lie_blocks: int = 0
    wrong_genesis: bool = False

    def changed(self, wanted: Any) -> "Faults":
        """Apply a POSTed object.

        Raises:
            ValueError: It is not an object of known switches and proper values.
        """
        if not isinstance(wanted, dict):
            raise ValueError("the body must be a JSON object")  # noqa: TRY004 — one error type
        kinds = {field.name: type(getattr(self, field.name)) for field in fields(self)}
        for name, value in wanted.items():
            if name not in kinds:
                raise ValueError(f"unknown fault {name!r}; known: {', '.join(kinds)}")
            if type(value) is not kinds[name]:
                raise ValueError(f"{name} must be of type {kinds[name].__name__}")
        changed = replace(self, **wanted)
        if not 0 <= changed.latency_ms <= LATENCY_MS_MAX:
            raise ValueError(f"latency_ms must be 0 to {LATENCY_MS_MAX}")
        if not 0 <= changed.lag_blocks <= LAG_BLOCKS_MAX:
            raise ValueError(f"lag_blocks must be 0 to {LAG_BLOCKS_MAX}")
        return changed

    def to_json(self) -> dict[str, Any]:
        """Every switch with its setting."""
        return asdict(self)
