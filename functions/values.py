"""Values that travel in requests and answers: amounts, pages, explorer links.

An amount leaves as two strings, because JavaScript loses integers over 2^53, and comes in as
exactly one of ``amount`` (SOL) and ``lamports``.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Self
from urllib.parse import quote
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, WithJsonSchema

from pixr.domain.errors import Malformed, NotFound
from pixr.domain.money import Lamports, format_sol, parse_lamports, parse_sol

MAX_WORD: Final = "max"
PAGE_LIMIT_MAX: Final = 100

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,18}) ([A-Za-z0-9-]{1,100})")
_EXPLORER: Final = "https://explorer.solana.com"


def rfc3339(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC: ``2030-01-01T12:00:00.000001Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Moment = Annotated[
    datetime,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Amount(BaseModel):
    """A sum of money in both units, as text."""

    lamports: str
    sol: str

    @classmethod
    def of(cls, lamports: int) -> Self:
        """Write lamports in both units."""
        return cls(lamports=str(lamports), sol=format_sol(lamports))


class Request(BaseModel):
    """Base of what callers send: a typo in a field's name is an answer, not a silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AmountRequest(Request):
    """Exactly one of ``amount`` and ``lamports``."""

    amount: Annotated[
        Any,
        WithJsonSchema(
            {
                "description": "SOL with at most 9 decimals, as text or number; or max",
                "anyOf": [
                    {"type": "string", "pattern": r"^((0|[1-9][0-9]*)(\.[0-9]{1,9})?|max)$"},
                    {"type": "number", "exclusiveMinimum": 0},
                ],
            }
        ),
    ] = None
    lamports: Annotated[
        Any,
        WithJsonSchema(
            {
                "description": "lamports, as digits or integer",
                "anyOf": [
                    {"type": "string", "pattern": "^[0-9]{1,19}$"},
                    {"type": "integer", "minimum": 1},
                ],
            }
        ),
    ] = None

    def asked(self, *, is_max_allowed: bool) -> Lamports | None:
        """Return the amount; None for "max".

        Raises:
            Malformed: Both, neither, or not an amount.
        """
        if (self.amount is None) == (self.lamports is None):
            raise Malformed("amount", "give exactly one of amount (SOL) and lamports")
        if self.lamports is not None:
            return parse_lamports(self.lamports)
        if self.amount == MAX_WORD and is_max_allowed:
            return None
        return parse_sol(self.amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where a page ended: everything after it is older, or as old with a smaller key."""

    at: datetime
    key: str

    def write(self) -> str:
        """The cursor as callers carry it: opaque, and safe in a URL."""
        micros = (self.at - _EPOCH) // timedelta(microseconds=1)
        return base64.urlsafe_b64encode(f"{micros} {self.key}".encode()).decode().rstrip("=")

    @property
    def uuid(self) -> UUID:
        """The key where items are keyed by id.

        Raises:
            Malformed: The cursor is of another list.
        """
        try:
            return UUID(self.key)
        except ValueError:
            raise Malformed("cursor", "is not from this list") from None


def next_cursor(
    rows: Sequence[Mapping[str, Any]], page: Sequence[Mapping[str, Any]], *, at: str, key: str
) -> str | None:
    """The cursor behind ``page``; None when ``rows``, asked for with one more, end with it.

    Args:
        rows: What was found.
        page: What of it is shown.
        at: The column that the list is ordered by.
        key: The column that tells those of one moment apart.
    """
    if len(rows) == len(page):
        return None
    return Cursor(at=page[-1][at], key=str(page[-1][key])).write()


def read_cursor(text: str | None) -> Cursor | None:
    """Read what ``Cursor.write`` wrote.

    Raises:
        Malformed: It was not written by us.
    """
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        match = _CURSOR.fullmatch(raw.decode("ascii"))
        if match is not None:
            micros = timedelta(microseconds=int(match[1]))
            return Cursor(at=_EPOCH + micros, key=match[2])
    except (binascii.Error, ValueError, OverflowError):
        pass
    raise Malformed("cursor", "is not one of ours: pass next_cursor as it came")


def read_id(text: str) -> UUID:
    """Read an id from a path.

    Raises:
        NotFound: It is no id, so there is nothing by that id.
    """
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("there is nothing by that id") from None


def explorer_url(network: str, rpc_url: str, *, kind: str, name: str) -> str:
    """Where a person can look at an address or a transaction.

    Args:
        network: mainnet-beta, devnet, testnet or localnet.
        rpc_url: The node that an explorer in the caller's browser asks for localnet.
        kind: ``address`` or ``tx``.
        name: Base58 address or signature.
    """
    cluster = {
        "mainnet-beta": "",
        "devnet": "?cluster=devnet",
        "testnet": "?cluster=testnet",
    }.get(network, f"?cluster=custom&customUrl={quote(rpc_url, safe='')}")
    return f"{_EXPLORER}/{kind}/{name}{cluster}"
