"""A request's body, read strictly: one JSON object, and every number exactly as written.

Python's own reader forgives too much for money: it turns 0.1 into a float, takes NaN, keeps
the last of two equal keys, and lets half of a surrogate pair through. Here each is refused
with its place or its rule.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn, cast

from pixr.domain.errors import Malformed

BODY_BYTES_MAX: Final = 2 * 1024 * 1024
"""A thousand view events with the longest ids, in the widest characters, take 1.4 MB."""

INTEGER_DIGITS_MAX: Final = 40
"""More than any number we know; Python's time for reading an integer grows with the square."""


class BodyTooLarge(Exception):
    """The body has more bytes than any request needs."""


class NotJson(Exception):
    """The body says of itself that it is something else."""

    def __init__(self, content_type: str) -> None:
        super().__init__(content_type)
        self.content_type = content_type


def read_object(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON object that an API Gateway event (payload 2.0) carries.

    Raises:
        NotJson: The content type is not JSON.
        BodyTooLarge: More than ``BODY_BYTES_MAX``.
        Malformed: Not base64, UTF-8 or JSON (with the position), not an object, or ambiguous.
    """
    headers = cast("Mapping[str, str]", event.get("headers") or {})
    content_type = next((v for k, v in headers.items() if k.lower() == "content-type"), "")
    if content_type.partition(";")[0].strip().lower() not in ("", "application/json"):
        raise NotJson(content_type)
    text = _text(event)
    try:
        value: Any = json.loads(
            text,
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Malformed("body", f"must be JSON; {error.msg} at {place}") from None
    except RecursionError:
        raise Malformed("body", "must not be nested that deep") from None
    if not isinstance(value, dict):
        raise Malformed("body", "must be a JSON object")
    # Only an escape can smuggle in half a surrogate pair: the text itself was UTF-8.
    if "\\ud" in text.lower():
        _refuse_surrogates(value)
    return cast("dict[str, Any]", value)


def _text(event: Mapping[str, Any]) -> str:
    body = event.get("body")
    if not body:
        raise Malformed("body", "must be a JSON object; it is empty")
    assert isinstance(body, str)
    # Four base64 characters carry three bytes.
    if len(body) > BODY_BYTES_MAX * (4 if event.get("isBase64Encoded") else 3) // 3:
        raise BodyTooLarge
    try:
        if event.get("isBase64Encoded"):
            raw = base64.b64decode(body, validate=True)
        else:
            raw = body.encode()
        if len(raw) > BODY_BYTES_MAX:
            raise BodyTooLarge
        return raw.decode()
    except binascii.Error:
        raise Malformed("body", "must be base64, as the event says it is") from None
    except UnicodeError:
        raise Malformed("body", "must be UTF-8") from None


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        # An exponent beyond what even a Decimal can hold.
        raise Malformed("body", f"holds a number out of all bounds: {text[:24]}") from None


def _integer(text: str) -> int:
    if len(text) > INTEGER_DIGITS_MAX:
        raise Malformed("body", f"holds a number of {len(text)} digits")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise Malformed("body", f"must be JSON; {name} is not a number in JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed("body", f"must not have the key {twice[:64]!r} twice")
    return found


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Malformed("body", "holds half of a surrogate pair") from None
