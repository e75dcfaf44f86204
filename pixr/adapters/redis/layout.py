"""What lies where in Redis, and how it is reached.

    pixr:views            one event an entry: written by APIs from before packs, still read
    {pixr:views}:packs    up to PACK_EVENTS_MAX events an entry
    {pixr:views}:waiting  how many events the packs hold that are not drained yet
    {pixr:views}:dead     dead letters
    pixr:views:dead       dead letters of settlers from before packs

The braces put all of them into the slot of ``pixr:views``: a clustered Redis (ElastiCache
Serverless is one) refuses a transaction over two slots. Packs have a stream of their own because a
settler from before them would take each for garbage.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from pixr.domain.errors import Outage

STREAM: Final = "pixr:views"
PACKS: Final = "{pixr:views}:packs"
WAITING: Final = "{pixr:views}:waiting"
DEAD: Final = "{pixr:views}:dead"
DEAD_BEFORE: Final = "pixr:views:dead"
GROUP: Final = "settler"

EVENT_FIELD: Final = b"e"
"""Of an entry of ``STREAM``: one event."""
PACK_FIELD: Final = b"p"
"""Of an entry of ``PACKS``: its events."""
COUNT_FIELD: Final = b"n"
"""Of an entry of ``PACKS``: how many events it counts for in ``WAITING``."""

DELIVERIES_MAX: Final = 5
"""An entry that five readers did not finish is put aside for a person to look at."""

ALONE_FROM: Final = 2
"""An entry that two readers have died with is given to the next one alone, so that what kills
readers takes no neighbour with it."""

IDLE_MS: Final = 60_000
"""An entry whose reader has been silent for longer than a settler may run is taken over."""

CONSUMER_IDLE_MS: Final = 3_600_000
"""A reader that holds nothing and was silent for an hour has gone for good."""


class StreamUnreachable(Outage):
    """Redis did not take or give the events. A producer must send them again."""

    part = "stream of views"


def connect(url: str, *, timeout_s: float) -> Any:
    """A client that connects when it is first used.

    ``Any``: redis-py's own annotations are half sync, half async and partly missing.
    """
    return redis.Redis.from_url(  # pyright: ignore[reportUnknownMemberType] -- as above
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=timeout_s,
        retry=Retry(NoBackoff(), retries=1),
    )


@contextmanager
def translated() -> Generator[None]:
    """Say every fault of Redis in our own word; the text names no address or password."""
    try:
        yield
    except RedisError as error:
        raise StreamUnreachable(type(error).__name__) from error
