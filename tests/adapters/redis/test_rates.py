"""Goal: never one request too many in any window, whoever asks at once; and nobody is named."""

import threading
import time
from collections.abc import Iterator

import pytest
import redis

from pixr.adapters.redis.rates import LimiterUnreachable, RateLimiter
from pixr.domain.rates import SLICES, Rate

TEN = Rate(name="ten", count_max=10)
QUICK = Rate(name="quick", count_max=5, window_s=1)


@pytest.fixture
def limiter(redis_url: str) -> Iterator[RateLimiter]:
    found = RateLimiter(redis_url)
    yield found
    found.close()


def test_what_is_left_is_told_and_the_next_one_is_refused(limiter: RateLimiter) -> None:
    rooms = [limiter.take([(TEN, "alice")])[0] for _ in range(12)]
    assert [room.remaining for room in rooms] == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0]
    assert [room.is_refused for room in rooms] == [False] * 10 + [True] * 2
    assert all(55 <= room.reset_s <= 65 for room in rooms)
    assert not limiter.take([(TEN, "bob")])[0].is_refused


def test_each_rate_counts_for_itself(limiter: RateLimiter) -> None:
    other = Rate(name="other", count_max=2)
    for _ in range(2):
        limiter.take([(other, "here"), (TEN, "alice")])
    both = limiter.take([(other, "here"), (TEN, "alice")])
    assert [(room.is_refused, room.remaining) for room in both] == [(True, 0), (False, 7)]


def test_the_window_moves(limiter: RateLimiter) -> None:
    taken: list[float] = []
    ends_s = time.monotonic() + 3.5
    while time.monotonic() < ends_s:
        before_s = time.monotonic()
        if not limiter.take([(QUICK, "alice")])[0].is_refused:
            taken.append(before_s)
        time.sleep(0.01)
    # Room came back, and never six within a second.
    assert len(taken) >= 10
    for first, sixth in zip(taken, taken[5:], strict=False):
        assert sixth - first > 1 - 0.05


def test_many_hands_at_once_are_counted_exactly(limiter: RateLimiter, redis_url: str) -> None:
    passed: list[bool] = []
    start = threading.Barrier(50)

    def ask() -> None:
        own = RateLimiter(redis_url, timeout_s=5)
        start.wait()
        passed.append(not own.take([(TEN, "alice")])[0].is_refused)
        own.close()

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passed.count(True) == 10


def test_a_key_is_small_names_nobody_and_ends(limiter: RateLimiter, redis_url: str) -> None:
    for _ in range(40):
        limiter.take([(TEN, "alice@example.com"), (QUICK, "198.51.100.7")])
    with redis.Redis.from_url(redis_url) as client:
        keys = client.keys("*")
        assert len(keys) == 2
        for key in keys:
            assert b"alice" not in key
            assert b"198" not in key
            assert client.hlen(key.decode()) <= SLICES + 1
            assert 0 < client.pttl(key) <= 66_000


def test_a_redis_that_is_away_is_an_outage_without_its_address() -> None:
    with pytest.raises(LimiterUnreachable) as caught:
        RateLimiter("redis://user:secret@127.0.0.1:1").take([(TEN, "alice")])
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
