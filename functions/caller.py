"""Who calls, and what the token allows: what the gateway's authorizer cannot check.

The authorizer has verified signature, issuer, audience and expiry before a function runs. Here the
issuer is compared once more, so that a gateway that is set up for another one opens nothing; scopes
belong to routes; and for money a token must be young: one that was stolen from a log last week must
not move anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pixr.domain.errors import Malformed, TokenTooOld, Unauthenticated
from pixr.domain.users import check_user_id

SECURITY_SCHEME: Final = "oidc"

CLOCK_SKEW_S: Final = 60
"""An issuer's clock may be ahead of ours by so much."""

_SECONDS_LENGTH_MAX: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Whom the token names and what it allows."""

    user_id: str
    scopes: frozenset[str]
    issued_s: int | None
    """When the token was made, in seconds since 1970; None when it does not say."""


def needs(*scopes: str) -> list[dict[str, list[str]]]:
    """The ``security`` of a route that any one of ``scopes`` opens."""
    return [{SECURITY_SCHEME: [scope]} for scope in scopes]


def read_caller(event: Mapping[str, Any], *, issuer: str, now_s: float) -> Caller:
    """Return who calls, from claims that the gateway's authorizer has verified.

    Raises:
        Unauthenticated: There are no claims, they are of another issuer, ``sub`` cannot name a
            wallet, or the token was made in the future.
    """
    context: Any = event.get("requestContext") or {}
    try:
        claims = context["authorizer"]["jwt"]["claims"]
        user_id = check_user_id(claims.get("sub"))
    except (KeyError, TypeError, AttributeError):
        raise Unauthenticated("the request carries no verified token") from None
    except Malformed as error:
        raise Unauthenticated(f"the token's {error}") from None
    if claims.get("iss") != issuer:
        raise Unauthenticated(f"the token is not by {issuer}")
    issued_s = _seconds(claims.get("iat"))
    if issued_s is not None and issued_s > now_s + CLOCK_SKEW_S:
        raise Unauthenticated("the token was made in the future")
    expires_s = _seconds(claims.get("exp"))
    if expires_s is not None and expires_s <= now_s:
        raise Unauthenticated("the token has expired; get a new one")
    scope = claims.get("scope")
    return Caller(
        user_id=user_id,
        scopes=frozenset(scope.split(" ") if isinstance(scope, str) else ()),
        issued_s=issued_s,
    )


def check_young(caller: Caller, *, age_s_max: int, now_s: float) -> None:
    """Refuse a token that is too old to move money.

    Raises:
        TokenTooOld: It was made longer ago, or does not say when.
    """
    if caller.issued_s is None or now_s - caller.issued_s > age_s_max:
        raise TokenTooOld(age_s_max)


def _seconds(claim: object) -> int | None:
    """Read a claim that API Gateway passes on as text."""
    text = str(claim)
    is_number = text.isascii() and text.isdigit() and len(text) <= _SECONDS_LENGTH_MAX
    return int(text) if is_number else None
