"""What the gateway itself refuses, said in the format of every other refusal.

API Gateway answers some requests before any function runs, with ``{"message": "Unauthorized"}``
and the like. What stands in front of it (CloudFront, or the front door of one machine) turns those
into problem documents with this pure mapping, so a client meets one format of error only.
"""

import base64
import binascii
import json
from typing import Any, Final, TypedDict, cast

from pixr.domain.errors import Forbidden, Malformed, NotFound, Unauthenticated

CONTENT_TYPE: Final = "application/problem+json"
ERROR_MIN: Final = 400
SERVER_ERROR_MIN: Final = 500
UNAUTHORIZED: Final = 401
TOKEN_PARTS: Final = 3

BODY_BYTES_MAX: Final = 10 * 1024 * 1024
"""API Gateway's own limit of a request's body."""


class Problem(TypedDict):
    """RFC 9457, with our stable ``code``."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str


# Status → code, title, detail.
_KNOWN: Final = {
    400: (Malformed.code, Malformed.title, "the gateway could not read the request"),
    403: (Forbidden.code, Forbidden.title, "the token does not allow this request"),
    404: (NotFound.code, NotFound.title, "there is no such route; see /api/defi/openapi.json"),
    405: ("method-not-allowed", "The method is not allowed", "this route knows other methods"),
    413: (
        "too-large",
        "The request is too large",
        f"a request's body may have {BODY_BYTES_MAX:,} bytes at most",
    ),
    429: ("too-many-requests", "Too many requests", "ask more slowly; wait a second and try again"),
    503: ("unavailable", "The service is not available", "nothing answered in time; try again"),
    504: ("timed-out", "The answer took too long", "nothing answered in time; try again"),
}


def gateway_problem(
    status: int,
    request_id: str,
    *,
    content_type: str = "",
    authorization: str | None = None,
    now_s: float = 0.0,
) -> Problem | None:
    """Turn an answer of the gateway into a problem document.

    Args:
        status: HTTP status of the answer.
        request_id: Becomes the problem's ``instance``.
        content_type: Content type of the answer; functions answer problem documents themselves.
        authorization: The request's Authorization header, to say *why* a token was refused. It is
            read, not verified: the refusal already stands.
        now_s: The time, in seconds since 1970.

    Returns:
        The problem, or None when the answer is to be passed on as it is.
    """
    if status < ERROR_MIN or content_type.partition(";")[0].strip().lower() == CONTENT_TYPE:
        return None
    if status == UNAUTHORIZED:
        code, title = Unauthenticated.code, Unauthenticated.title
        detail = _why_unauthorized(authorization, now_s)
    elif status in _KNOWN:
        code, title, detail = _KNOWN[status]
    elif status < SERVER_ERROR_MIN:
        code, title, detail = "refused", "The request was refused", "the gateway refused it"
    else:
        code, title = "internal", "Something went wrong on our side"
        detail = "the request may be repeated; tell us the instance if it stays so"
    return Problem(
        type=f"/problems/{code}",
        title=title,
        status=status,
        detail=detail,
        instance=request_id,
        code=code,
    )


def _why_unauthorized(authorization: str | None, now_s: float) -> str:
    """The likeliest reason, as far as the header alone tells it."""
    if not authorization or not authorization.strip():
        return "the Authorization header is missing; send `Bearer` and a token"
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return "the Authorization header must be `Bearer` and a token"
    claims = _claims(token.strip())
    if claims is None:
        return "the token is malformed: it is not a signed JWT"
    expires_s, begins_s = claims.get("exp"), claims.get("nbf")
    if isinstance(expires_s, int | float) and expires_s <= now_s:
        return "the token has expired; get a new one"
    if isinstance(begins_s, int | float) and begins_s > now_s:
        return "the token does not hold yet"
    return "the token does not hold: its signature, issuer or audience is wrong"


def _claims(token: str) -> dict[str, Any] | None:
    """What the token says about itself, unverified; None when it is no JWT."""
    parts = token.split(".")
    if len(parts) != TOKEN_PARTS or not all(parts):
        return None
    try:
        claims: object = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError):
        return None
    return cast("dict[str, Any]", claims) if isinstance(claims, dict) else None
