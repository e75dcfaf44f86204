"""A process that keeps the stream full: ``python -m benchmarks.ingest_producer URL CREATORS``.

It writes what ``ViewStream.append`` writes, but makes its events from random bytes as cheaply as
it can, because it shares the cores with what is measured. It ends when its standard input does.
"""

from __future__ import annotations

import os
import random
import select
import sys
import time

import redis

from pixr.adapters.redis.layout import COUNT_FIELD, PACK_FIELD, PACKS, WAITING
from pixr.adapters.redis.packs import PACK_EVENTS_MAX

PACKS_PER_TURN = 20
PACKS_WAITING_MAX = 6_000
"""600,000 events: several drains, and a bounded Valkey."""
PAUSE_S = 0.01
REPEATED = 0.1
VIEWERS = 1_000_000
RECENT = 200_000
"""How many of the last events may be repeated."""
ID_BYTES = 16


def main(url: str, creators: int) -> None:
    """Fill the stream until nobody wants it any more."""
    dice = random.Random(1)
    recent: list[bytes] = []
    with redis.Redis.from_url(url) as client:
        while not select.select([sys.stdin], [], [], 0)[0]:
            if client.xlen(PACKS) >= PACKS_WAITING_MAX:
                time.sleep(PAUSE_S)
                continue
            with client.pipeline(transaction=True) as batch:
                for _ in range(PACKS_PER_TURN):
                    pack = _pack(dice, recent, creators)
                    batch.xadd(PACKS, {PACK_FIELD: pack, COUNT_FIELD: PACK_EVENTS_MAX})
                batch.incrby(WAITING, PACKS_PER_TURN * PACK_EVENTS_MAX)
                batch.execute()
            del recent[:-RECENT]


def _pack(dice: random.Random, recent: list[bytes], creators: int) -> bytes:
    repeats = sum(dice.random() < REPEATED for _ in range(PACK_EVENTS_MAX)) if recent else 0
    fresh = PACK_EVENTS_MAX - repeats
    ids = os.urandom(ID_BYTES * fresh).hex()
    now_us = time.time_ns() // 1_000
    lines = [
        b"%b\tcontent-%d\tviewer-%d\t%d\t%d\n"
        % (
            _uuid(ids[start : start + 2 * ID_BYTES]),
            dice.randrange(creators),
            dice.randrange(VIEWERS),
            40_000 + start,
            now_us + start,
        )
        for start in range(0, len(ids), 2 * ID_BYTES)
    ]
    pack = b"".join([*lines, *(dice.choice(recent) for _ in range(repeats))])
    recent += lines
    return pack


def _uuid(digits: str) -> bytes:
    """Thirty-two digits as a UUID is written."""
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return "-".join(parts).encode()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
