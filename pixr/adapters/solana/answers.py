"""Readers for what nodes answer: the shape that was asked for, or ``WrongShape``.

A node is a stranger. Nothing of what it says goes further before a reader here has looked at
it: no float where an integer belongs, no text that is not base58 where a hash belongs.

Each reader takes one JSON value. Solana counts in u64, but a number beyond 63 bits is no slot,
height or balance of any real chain, and the database could not hold it.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar, cast

from solders.hash import Hash, ParseHashError
from solders.pubkey import Pubkey
from solders.signature import Signature

from pixr.adapters.solana.errors import NodeError

T = TypeVar("T")

INTEGER_END: Final = 1 << 63


class WrongShape(NodeError):
    """An answer is not what the method promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InContext(Generic[T]):
    """A value, and the slot as of which the node says it was true."""

    slot: int
    value: T


def as_it_is(value: Any) -> Any:
    """Any JSON value."""
    return value


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(value, dict):
        raise WrongShape(f"{type(value).__name__} instead of an object")
    return cast("dict[str, Any]", value)


def listing(value: Any) -> Sequence[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise WrongShape(f"{type(value).__name__} instead of a list")
    return cast("Sequence[Any]", value)


def field(value: Any, name: str) -> Any:
    """What an object holds under ``name``, which must be there."""
    found = mapping(value)
    if name not in found:
        raise WrongShape(f"no {name}")
    return found[name]


def integer(value: Any) -> int:
    """A count. True is an int in Python, but not in JSON."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < INTEGER_END:
        raise WrongShape(f"{type(value).__name__} instead of a count")
    return value


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise WrongShape(f"{type(value).__name__} instead of a string")
    return value


def flag(value: Any) -> bool:
    """A boolean."""
    if not isinstance(value, bool):
        raise WrongShape(f"{type(value).__name__} instead of a boolean")
    return value


def blockhash(value: Any) -> str:
    """A base58 hash of 32 bytes."""
    return _base58(value, Hash.from_string, "hash")


def address(value: Any) -> str:
    """A base58 address of 32 bytes."""
    return _base58(value, Pubkey.from_string, "address")


def signature(value: Any) -> str:
    """A base58 signature of 64 bytes."""
    return _base58(value, Signature.from_string, "signature")


def encoded(value: Any) -> bytes:
    """Bytes as ``[base64, "base64"]``."""
    parts = listing(value)
    if len(parts) != 2 or parts[1] != "base64":  # noqa: PLR2004 -- a pair, as written above
        raise WrongShape("no base64 pair")
    try:
        return base64.b64decode(text(parts[0]), validate=True)
    except (binascii.Error, ValueError) as error:
        raise WrongShape("no base64") from error


def in_context(reader: Callable[[Any], T]) -> Callable[[Any], InContext[T]]:
    """``{"context": {"slot": …}, "value": …}`` around what ``reader`` reads."""

    def read(value: Any) -> InContext[T]:
        slot = integer(field(field(value, "context"), "slot"))
        return InContext(slot=slot, value=reader(field(value, "value")))

    return read


def list_of(reader: Callable[[Any], T], *, length: int | None = None) -> Callable[[Any], list[T]]:
    """A list, each item read by ``reader``; a list of another length is half an answer."""

    def read(value: Any) -> list[T]:
        items = listing(value)
        if length is not None and len(items) != length:
            raise WrongShape(f"{len(items)} values instead of {length}")
        return [reader(item) for item in items]

    return read


def _base58(value: Any, parse: Callable[[str], object], what: str) -> str:
    found = text(value)
    try:
        parse(found)
    except (ValueError, ParseHashError) as error:
        raise WrongShape(f"not a {what}") from error
    return found
