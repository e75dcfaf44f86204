"""Counts requests in Redis: one round trip for everything that a request is counted against.

What is in Redis names nobody: a key holds a hash of the user or the address. Losing it forgives a
minute's requests and nothing else.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from redis.exceptions import RedisError

from pixr.adapters.redis.layout import connect
from pixr.domain.errors import Outage
from pixr.domain.rates import SLICES, Rate, Room

TIMEOUT_S: Final = 0.5
"""A request that waits longer for its count than for its answer is badly served."""

_WHO_BYTES: Final = 16


class LimiterUnreachable(Outage):
    """Nobody can say how often somebody has asked."""

    part = "rate limiter"


class RateLimiter:
    """One connection, kept between requests."""

    def __init__(self, url: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._client = connect(url, timeout_s=timeout_s)

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def take(self, asked: Sequence[tuple[Rate, str]]) -> list[Room]:
        """Count one request against each rate that has room for it.

        Args:
            asked: Each rate, and for whom: a user's id, an address.

        Raises:
            LimiterUnreachable: Redis did not answer; it may have been counted.
        """
        try:
            # No MULTI: the keys may lie on different nodes, and each counts for itself.
            with self._client.pipeline(transaction=False) as batch:
                for rate, who in asked:
                    window_ms = rate.window_s * 1_000
                    batch.eval(
                        _script(),
                        1,
                        _key(rate, who),
                        rate.count_max,
                        window_ms,
                        window_ms // SLICES,
                    )
                answers = batch.execute()
        except RedisError as error:
            raise LimiterUnreachable(type(error).__name__) from error
        return [
            Room(
                rate=rate,
                is_refused=not is_counted,
                remaining=remaining,
                reset_s=-(-reset_ms // 1_000),
            )
            for (rate, _), (is_counted, remaining, reset_ms) in zip(asked, answers, strict=True)
        ]


def _key(rate: Rate, who: str) -> str:
    digest = hashlib.sha256(who.encode()).digest()[:_WHO_BYTES]
    return f"rate:{rate.name}:{digest.hex()}"


@cache
def _script() -> str:
    return files("pixr.adapters.redis").joinpath("rate.lua").read_text(encoding="utf-8")
