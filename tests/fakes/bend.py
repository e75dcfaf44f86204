"""What happens to an answer on its way: halves, twists, and things that are no answer at all.

A bent answer is recognisably wrong. It never turns into a plausible lie, because nobody could
be held to seeing through it: what a node may lie about is in ``troubles.py``.
"""

import json
import random
from collections.abc import Iterator, Mapping
from typing import Any, Final

HTML: Final = b"<html><body>502 Bad Gateway</body></html>"
NO_ANSWERS: Final = (
    HTML,
    b"",
    b"null",
    b"[]",
    b"{}",
    b'"ok"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"jsonrpc":"2.0","id":1}',
    b'{"jsonrpc":"2.0","result":null,"id":null}',
    b'{"jsonrpc":"2.0","error":"rate limited","id":1}',
)
SERVER_ERRORS: Final[tuple[Mapping[str, Any], ...]] = (
    {"code": -32005, "message": "Node is unhealthy"},
    {"code": -32603, "message": "Internal error"},
    {"code": -32016, "message": "Minimum context slot has not been reached"},
    {"code": -32429, "message": "Too many requests"},
    {"code": 429, "message": "Too many requests", "data": {}},
    {"message": "an error without a code"},
)
AFTER_ACCEPT: Final[tuple[Mapping[str, Any], ...]] = (
    {"code": -32002, "message": "Transaction simulation failed"},
    {"code": -32005, "message": "Node is unhealthy"},
    {"code": -32603, "message": "Internal error"},
)
UNCOUNTED: Final = frozenset({"getSignaturesForAddress"})
"""Half of such a list looks like all of it."""
NOT_NUMBERS: Final[tuple[Any, ...]] = (-1, 1 << 64, 3.5, 1e300, "7", True, [], {})
NOT_TEXTS: Final[tuple[Any, ...]] = (7, True, [], {}, "", "\u0000", "I0Ol" * 11)


def garbled(luck: random.Random, response: Mapping[str, Any]) -> bytes:
    """Something with HTTP 200 that is no answer to the question."""
    encoded = json.dumps(response).encode()
    stranger = json.dumps({**response, "id": "somebody else's"}).encode()
    return luck.choice([*NO_ANSWERS, encoded[: len(encoded) // 2], stranger])


def halved(luck: random.Random, method: str, result: Any) -> Any:
    """The answer with half of its values missing, or one of its parts."""
    if isinstance(result, list):
        return result if method in UNCOUNTED else result[: len(result) // 2]
    if isinstance(result, dict) and result:
        value = result.get("value")
        if isinstance(value, list) and value:
            return {**result, "value": value[: len(value) // 2]}
        dropped = luck.choice(list(result))
        return {name: part for name, part in result.items() if name != dropped}
    return {}


def twisted(luck: random.Random, result: Any) -> Any:
    """The answer with one number or text in it turned into nonsense."""
    copy = json.loads(json.dumps([result]))
    places = list(_leaves(copy))
    if not places:
        return result
    holder, key = luck.choice(places)
    is_text = isinstance(holder[key], str)
    holder[key] = luck.choice(NOT_TEXTS if is_text else NOT_NUMBERS)
    return copy[0]


def _leaves(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where the numbers and texts are; null is left alone, for it often means something."""
    parts = node.items() if isinstance(node, dict) else enumerate(node)
    for key, part in parts:
        if isinstance(part, dict | list):
            yield from _leaves(part)
        elif isinstance(part, int | str) and not isinstance(part, bool):
            yield node, key
