"""When to leave a node alone, and when a call may be tried again.

    closed ──FAILURES_MAX in a row──▶ open ──COOL_OFF_S──▶ half open: one call tries
       ▲                               ▲                      │          │
       └───────────it passed───────────┼──────────────────────┘          │
                                       └───────────it failed─────────────┘

Both only save time and spare a node that struggles. Neither proves anything: a call that was
not made is unknown, never a no.
"""

import threading
from collections.abc import Callable
from typing import Final

FAILURES_MAX: Final = 5
COOL_OFF_S: Final = 5.0
"""About a dozen blocks: short against the 60 s in which signed bytes can still land."""

TOKENS_MAX: Final = 10.0
TOKENS_AT_START: Final = 3.0
TOKENS_PER_SUCCESS: Final = 0.1
"""Ten calls that went well pay for one retry, so a failing node gets a tenth more, not twice."""


class Breaker:
    """Counts failures in a row. Safe to share between threads."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        failures_max: int = FAILURES_MAX,
        cool_off_s: float = COOL_OFF_S,
    ) -> None:
        """Start closed. ``clock`` gives seconds; only differences matter."""
        self.reason = ""
        self._clock = clock
        self._failures_max = failures_max
        self._cool_off_s = cool_off_s
        self._failures = 0
        self._open_until_s: float | None = None
        self._lock = threading.Lock()

    @property
    def open_until_s(self) -> float | None:
        """Until when calls are turned away, by the clock; None when they are not."""
        with self._lock:
            until_s = self._open_until_s
            return until_s if until_s is not None and self._is_cooling(until_s) else None

    def admit(self) -> bool:
        """Say whether a call may be made.

        The one call that is let through a half-open breaker re-arms it at once, so that a
        caller who never reports back cannot leave it half open for ever.
        """
        with self._lock:
            if self._open_until_s is None:
                return True
            if self._is_cooling(self._open_until_s):
                return False
            self._open_until_s = self._clock() + self._cool_off_s
            return True

    def force(self) -> None:
        """End the cooling off: the next call is the trial."""
        with self._lock:
            if self._open_until_s is not None:
                self._open_until_s = self._clock()

    def passed(self) -> None:
        """Count a success: whatever was before is forgotten."""
        with self._lock:
            self._failures = 0
            self._open_until_s = None

    def failed(self, reason: str) -> None:
        """Count a failure; enough in a row, or a failed trial, open the breaker."""
        with self._lock:
            self.reason = reason
            self._failures += 1
            if self._failures >= self._failures_max:
                self._open_until_s = self._clock() + self._cool_off_s

    def _is_cooling(self, until_s: float) -> bool:
        # A clock that was set back would keep it open for as long as it was set back.
        return until_s - self._cool_off_s <= self._clock() < until_s


class RetryBudget:
    """Retries that earlier successes have paid for. Safe to share between threads."""

    def __init__(self) -> None:
        self._tokens = TOKENS_AT_START
        self._lock = threading.Lock()

    def earn(self) -> None:
        """Count a call that went well."""
        with self._lock:
            self._tokens = min(TOKENS_MAX, self._tokens + TOKENS_PER_SUCCESS)

    def spend(self) -> bool:
        """Take one retry, if it is paid for."""
        with self._lock:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
