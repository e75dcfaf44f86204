"""Redis: the stream of view events between the API and the drain, and its dead letters.

``stream`` takes events in and gives entries out, ``packs`` says how events lie in an entry,
``dead`` is what a person does with an entry that was put aside.
"""

from pixr.adapters.redis.dead import DeadLetters, Letter
from pixr.adapters.redis.layout import (
    DEAD,
    DELIVERIES_MAX,
    GROUP,
    PACKS,
    STREAM,
    WAITING,
    StreamUnreachable,
)
from pixr.adapters.redis.packs import BadEvent
from pixr.adapters.redis.stream import Entry, ViewStream

__all__ = [
    "DEAD",
    "DELIVERIES_MAX",
    "GROUP",
    "PACKS",
    "STREAM",
    "WAITING",
    "BadEvent",
    "DeadLetters",
    "Entry",
    "Letter",
    "StreamUnreachable",
    "ViewStream",
]
