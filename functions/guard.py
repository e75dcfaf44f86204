"""What stands before every route: a token for it, and room in the minute.

    route ─▶ who, of which issuer ─▶ scope ─▶ for money: a young token ─▶ room for user and address

Whoever may move money is counted strictly: without Redis nobody can count, and nothing moves.
Reading goes on uncounted then.
"""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from functions.caller import SECURITY_SCHEME, Caller, check_young, read_caller
from functions.settings import MoneyOutSettings
from pixr.domain.errors import Forbidden, Outage, TooManyRequests
from pixr.domain.rates import Rate, Room

if TYPE_CHECKING:
    from pixr.adapters.redis.rates import RateLimiter

MONEY_SCOPES: Final = frozenset({"wallet:withdraw", "invest"})
IPV6_PREFIX: Final = 64
"""A household has so many addresses of IPv6; they are one caller."""

UNCOUNTED_S: Final = 5.0
"""After Redis failed, reads do not wait for it again for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Requests in any minute, by what they do."""

    reads_max: int
    money_max: int
    views_max: int
    address_max: int
    """Of one address, whoever asks from there."""


def guard_of(settings: MoneyOutSettings, *, clock_s: Callable[[], float]) -> "Guard":
    """Make the guard that a function's environment asks for."""

    @cache
    def limiter() -> "RateLimiter":
        from pixr.adapters.redis.rates import RateLimiter  # noqa: PLC0415 -- see ADR-0026

        return RateLimiter(settings.redis_url)

    return Guard(
        issuer=settings.oidc_issuer,
        token_age_s=settings.money_token_age_s,
        rates=Rates(
            reads_max=settings.reads_per_minute,
            money_max=settings.money_per_minute,
            views_max=settings.views_per_minute,
            address_max=settings.address_per_minute,
        ),
        limiter=limiter,
        clock_s=clock_s,
    )


class Guard:
    """Judges a request before anything of it is read."""

    def __init__(
        self,
        *,
        issuer: str,
        token_age_s: int,
        rates: Rates,
        limiter: "Callable[[], RateLimiter]",
        clock_s: Callable[[], float],
    ) -> None:
        self._issuer = issuer
        self._token_age_s = token_age_s
        self._rates = rates
        self._limiter = limiter
        self._clock_s = clock_s
        self._uncounted_until_s = 0.0

    def identify(
        self, event: Mapping[str, Any], method: str, security: Sequence[Mapping[str, Any]]
    ) -> Caller | None:
        """Return who calls, if the route asks for it.

        Raises:
            Unauthenticated: The token does not hold.
            Forbidden: It lacks the scope.
            TokenTooOld: It is too old for a route that moves money.
        """
        if not security:
            return None
        now_s = self._clock_s()
        caller = read_caller(event, issuer=self._issuer, now_s=now_s)
        allowed = scopes_of(security)
        if caller.scopes.isdisjoint(allowed):
            raise Forbidden(" or ".join(allowed))
        if moves_money(method, allowed):
            check_young(caller, age_s_max=self._token_age_s, now_s=now_s)
        return caller

    def count(
        self,
        event: Mapping[str, Any],
        method: str,
        security: Sequence[Mapping[str, Any]],
        caller: Caller | None,
    ) -> Room | None:
        """Count the request; the scarcest room that it found, None when nobody could count.

        Raises:
            LimiterUnreachable: Nobody could count, and the route moves money.
        """
        is_money = moves_money(method, scopes_of(security))
        asked = [(Rate(name="address", count_max=self._rates.address_max), _address(event))]
        if caller is not None:
            asked.insert(0, (self._rate(method, security), caller.user_id))
        if not is_money and self._clock_s() < self._uncounted_until_s:
            return None
        try:
            rooms = self._limiter().take(asked)
        except Outage:
            self._uncounted_until_s = self._clock_s() + UNCOUNTED_S
            if is_money:
                raise
            return None
        return min(rooms, key=lambda room: (not room.is_refused, room.remaining))

    def _rate(self, method: str, security: Sequence[Mapping[str, Any]]) -> Rate:
        scopes = scopes_of(security)
        if moves_money(method, scopes):
            return Rate(name="money", count_max=self._rates.money_max)
        if "views:write" in scopes:
            return Rate(name="views", count_max=self._rates.views_max)
        return Rate(name="reads", count_max=self._rates.reads_max)


def scopes_of(security: Sequence[Mapping[str, Any]]) -> list[str]:
    """The scopes of which a route asks for one."""
    return [scope for choice in security for scope in choice[SECURITY_SCHEME]]


def moves_money(method: str, scopes: Sequence[str]) -> bool:
    """Whether a route moves money, or changes what may move it."""
    return method != "GET" and bool(scopes) and MONEY_SCOPES.issuperset(scopes)


def check_room(room: Room | None) -> None:
    """Refuse a request that found none.

    Raises:
        TooManyRequests: There is no room in this minute.
    """
    if room is not None and room.is_refused:
        rate = room.rate
        raise TooManyRequests(rate.name, rate.count_max, rate.window_s, room.reset_s)


def headers_of(room: Room) -> dict[str, str]:
    """What a caller is told of the room that is left (draft-ietf-httpapi-ratelimit-headers)."""
    rate = room.rate
    return {
        "RateLimit-Policy": f'"{rate.name}";q={rate.count_max};w={rate.window_s}',
        "RateLimit": f'"{rate.name}";r={room.remaining};t={room.reset_s}',
    }


def _address(event: Mapping[str, Any]) -> str:
    """The address that the gateway has seen; a header of the caller's is never asked."""
    context = cast("Mapping[str, Any]", event.get("requestContext") or {})
    http = cast("Mapping[str, Any]", context.get("http") or {})
    text = str(http.get("sourceIp", ""))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return text
    if address.version == 6:  # noqa: PLR2004 -- the protocol's own number
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return text
