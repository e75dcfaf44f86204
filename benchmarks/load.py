"""A closed loop of connections: each asks, reads the whole answer, and asks again at once.

A program of its own, so that the generator does not share an interpreter with what it measures:

    python -m benchmarks.load http://127.0.0.1:8787/api/defi/wallet --connections 8 --seconds 60

The token comes in the environment (LOAD_TOKEN), where no list of processes shows it. It prints one
JSON object: latencies in milliseconds, requests, seconds, and what was not answered with 200.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections import Counter
from urllib.parse import urlsplit

TOKEN = "LOAD_TOKEN"  # noqa: S105 -- the variable's name
OK = 200


async def _connection(
    host: str, port: int, request: bytes, until_s: float, latencies_ms: list[float]
) -> Counter[int]:
    statuses: Counter[int] = Counter()
    reader, writer = await asyncio.open_connection(host, port)
    while time.perf_counter() < until_s:
        begun_s = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(_length(head))
        latencies_ms.append(1_000 * (time.perf_counter() - begun_s))
        statuses[int(head.split(b" ", 2)[1])] += 1
    writer.close()
    return statuses


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise ValueError("an answer without a length")


async def _load(url: str, connections: int, seconds: float) -> dict[str, object]:
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    token = os.environ.get(TOKEN)
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    request = (
        f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAccept: application/json\r\n"
        f"{authorization}\r\n"
    ).encode()
    latencies_ms: list[float] = []
    begun_s = time.perf_counter()
    found = await asyncio.gather(
        *(
            _connection(parts.hostname, parts.port, request, begun_s + seconds, latencies_ms)
            for _ in range(connections)
        )
    )
    statuses = sum(found, Counter[int]())
    return {
        "latencies_ms": latencies_ms,
        "seconds": time.perf_counter() - begun_s,
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
    }


def main() -> None:
    """Run one load and print what was found."""
    parser = argparse.ArgumentParser(description="Ask for one URL again and again.")
    parser.add_argument("url")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    print(json.dumps(asyncio.run(_load(arguments.url, arguments.connections, arguments.seconds))))


if __name__ == "__main__":
    main()
