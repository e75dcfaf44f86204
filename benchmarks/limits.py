"""Counting requests: our script in Valkey, against the moving window of the library `limits`.

Both count one request against a user's rate and an address's, on the same server in the same run.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import limits as library
import redis

from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, exact, median_of, minimum_of, quotients
from pixr.adapters.redis.rates import RateLimiter
from pixr.domain.rates import SLICES, Rate
from pixr.local.valkey import running_valkey

CHECKS = 2_000
USERS = 50
HANDS = 50
MONEY = Rate(name="money", count_max=10)
USER = Rate(name="reads", count_max=300)
ADDRESS = Rate(name="address", count_max=1_200)
IMPORT_TIMEOUT_S = 60.0
LIBRARY_PARTS = ("limits", "deprecated", "packaging", "wrapt")

Check = Callable[[int], bool]


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Count ``CHECKS`` requests in each way, ``sizes.repeats`` times, in turns."""
    with running_valkey() as server, redis.Redis.from_url(server.url) as look:
        ours, theirs = _ours(server.url), _theirs(server.url)
        rates: dict[str, list[float]] = {"ours": [], "library": []}
        for turn in range(1, sizes.repeats + 1):
            tell(f"turn {turn} of {sizes.repeats}")
            for name, check in (("ours", ours), ("library", theirs)):
                look.flushall()
                rates[name].append(_per_s(check))
        figures = [
            median_of("checks_per_s", "user and address counted, ours", "/s", rates["ours"]),
            median_of("library_checks_per_s", "baseline: limits", "/s", rates["library"]),
            median_of(
                "vs_library", "ours ÷ limits", "×", quotients(rates["ours"], rates["library"])
            ),
            *_side(look, "", "ours", ours, _exactness_of_ours(server.url, look)),
            *_side(look, "library_", "limits", theirs, _exactness_of_theirs(server.url, look)),
        ]
    figures += [
        minimum_of("import_ms", "import redis", "ms", _import_ms("redis", sizes.repeats)),
        minimum_of(
            "library_import_ms",
            "import limits and what its storage needs",
            "ms",
            _import_ms("limits.strategies, limits.storage, redis", sizes.repeats),
        ),
        exact("library_kb", "what limits adds to a bundle", "kB", _library_kb()),
    ]
    return Report(
        bench="limits",
        conditions={"repeats": sizes.repeats, "checks": CHECKS, "users": USERS},
        figures=figures,
        remarks=(
            "passed: of 50 requests at once against a limit of 10.",
            "memory: of a key that is as full as it gets, a limit of 1,200.",
        ),
    )


def _ours(url: str) -> Check:
    limiter = RateLimiter(url, timeout_s=5)

    def check(number: int) -> bool:
        rooms = limiter.take([(USER, f"user{number % USERS}"), (ADDRESS, "198.51.100.7")])
        return not any(room.is_refused for room in rooms)

    return check


def _theirs(url: str) -> Check:
    strategy = library.strategies.MovingWindowRateLimiter(library.storage.RedisStorage(url))
    user = library.RateLimitItemPerMinute(USER.count_max, namespace=USER.name)
    address = library.RateLimitItemPerMinute(ADDRESS.count_max, namespace=ADDRESS.name)

    def check(number: int) -> bool:
        # Counted against both, as ours does.
        is_user = strategy.hit(user, f"user{number % USERS}")
        return strategy.hit(address, "198.51.100.7") and is_user

    return check


def _per_s(check: Check) -> float:
    begun_s = time.perf_counter()
    for number in range(CHECKS):
        check(number)
    return CHECKS / (time.perf_counter() - begun_s)


def _side(look: redis.Redis, prefix: str, name: str, check: Check, passed: int) -> list[Figure]:
    """What one way costs the server, and how exact it is."""
    before = look.info("stats")["total_reads_processed"]
    check(0)
    # The second question was read, too.
    trips = look.info("stats")["total_reads_processed"] - before - 1
    look.flushall()
    for number in range(2 * ADDRESS.count_max):
        check(number)
    for key in look.keys("*"):
        if look.type(key) == b"hash":
            # As if they had come over the whole window: one field for each slice.
            look.hset(key, mapping={str(10**8 + slice_): 1_000 for slice_ in range(SLICES + 1)})
    most = max(int(look.memory_usage(key) or 0) for key in look.keys("*"))
    return [
        exact(f"{prefix}passed", f"{name}: passed at once", "", passed),
        exact(f"{prefix}round_trips", f"{name}: round trips of one request", "", trips),
        exact(f"{prefix}memory_bytes", f"{name}: memory of a full key", "B", most),
    ]


def _exactness_of_ours(url: str, look: redis.Redis) -> int:
    limiters = [RateLimiter(url, timeout_s=5) for _ in range(HANDS)]
    return _passed(look, lambda n: not limiters[n].take([(MONEY, "alice")])[0].is_refused)


def _exactness_of_theirs(url: str, look: redis.Redis) -> int:
    strategy = library.strategies.MovingWindowRateLimiter(library.storage.RedisStorage(url))
    money = library.RateLimitItemPerMinute(MONEY.count_max, namespace=MONEY.name)
    return _passed(look, lambda _: strategy.hit(money, "alice"))


def _passed(look: redis.Redis, ask: Check) -> int:
    """How many of ``HANDS`` requests at once get through."""
    look.flushall()
    passed: list[bool] = []
    start = threading.Barrier(HANDS)

    def one(number: int) -> None:
        start.wait()
        passed.append(ask(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(HANDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return passed.count(True)


def _import_ms(modules: str, repeats: int) -> list[float]:
    program = (
        f"import time; begun_s = time.process_time(); import {modules};"
        " print(1000 * (time.process_time() - begun_s))"
    )
    command = [sys.executable, "-c", program]
    return [
        float(
            subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=IMPORT_TIMEOUT_S
            ).stdout
        )
        for _ in range(repeats)
    ]


def _library_kb() -> float:
    return (
        sum(
            path.stat().st_size
            for name in LIBRARY_PARTS
            for file in distribution(name).files or ()
            if file.suffix != ".pyc" and (path := Path(file.locate())).is_file()
        )
        / 1_000
    )
