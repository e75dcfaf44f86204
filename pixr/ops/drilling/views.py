"""The producer of view events: sends until acknowledged, and knows what every view must earn.

    request 17 ──▶ acknowledged ──────────────▶ must be in the books, once
         │             └── Redis lost ──▶ sent again
         └── no answer, 5xx ──▶ sent again, the very same

Redis may lose what was not drained yet, so after a loss everything acknowledged lately is sent
again, as a player's backend would from its own log. The same seed makes the same events, which is
why a request can be made again instead of being kept.

What must come of it is counted here from the rules in words (three views a viewer, content and
day; nothing for a glance), not with the code that the settler runs.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from random import Random
from typing import Any, Final

import httpx

from pixr.ops.story.client import Client

EVENTS_PER_REQUEST: Final = 560
"""Enough for a payout to one creator: 0.01 SOL is 527 views of 19,000 lamports."""

EVENTS_OF_CROWD: Final = 56
"""Enough for a payout of the crowd's minimum, 0.001 SOL."""

EVERY_S: Final = 1.0
FAN_VIEWS: Final = 5
FAN_VIEWS_EARNING: Final = 3
FANS: Final = 4
GLANCES: Final = 12
REPEATED_IN_REQUEST: Final = 20
REPEAT_SHARE: Final = 12
"""One request in so many is sent again although it was acknowledged."""

WATCHED_S: Final = (30, 60)
"""Long enough to count for a film of any length; economics asks for 30 s at most."""
AGE_S_MAX: Final = 60
RESEND_S: Final = 180.0
"""How far back a producer goes after a loss: longer than a dead drain's entries can lie idle and
be taken over once more."""

REQUESTS_AT_ONCE: Final = 8
RETRY_PAUSE_S: Final = 0.3
CLOSE_TIMEOUT_S: Final = 70.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What one request must leave in the books."""

    content_id: str
    events: int
    earning: int


@dataclass(slots=True, kw_only=True)
class Sent:
    """One request: what it holds, and whether it was acknowledged."""

    number: int
    made_at: datetime
    expected: Expected
    begun_s: float | None = None
    """Monotonic seconds at which the last acknowledged attempt to send it began."""


def make_events(
    seed: int, number: int, content_id: str, *, now: datetime, size: int = EVENTS_PER_REQUEST
) -> tuple[list[dict[str, Any]], Expected]:
    """Make the events of one request and count what they must earn."""
    random = Random(f"{seed}:{number}")  # noqa: S311 -- load, no secret
    viewers = [f"viewer-{number}-{place}" for place in range(size)]
    fans = [f"fan-{number}-{place}" for place in range(FANS) for _ in range(FAN_VIEWS)]
    glancers = [f"glance-{number}-{place}" for place in range(GLANCES)]
    events: list[dict[str, Any]] = []
    earning: Counter[tuple[str, str]] = Counter()
    for place, viewer in enumerate(viewers + fans + glancers):
        watched_s = 0 if viewer in glancers else random.randint(*WATCHED_S)
        occurred_at = now - timedelta(seconds=random.randrange(AGE_S_MAX))
        events.append(
            {
                "event_id": f"{number:06d}:{place:04d}:{random.getrandbits(64):016x}",
                "content_id": content_id,
                "viewer_id": viewer,
                "watched_seconds": watched_s,
                "occurred_at": occurred_at.isoformat(),
            }
        )
        earning[viewer, occurred_at.date().isoformat()] += watched_s > 0
    expected = Expected(
        content_id=content_id,
        events=len(events),
        earning=sum(min(views, FAN_VIEWS_EARNING) for views in earning.values()),
    )
    events += random.sample(events, REPEATED_IN_REQUEST)
    random.shuffle(events)
    return events, expected


class Producer:
    """Sends a request a second in a thread of its own, in turn for each content.

    Args:
        client: With the scope ``views:write``.
        contents: Ids of published contents.
        seed: Of all events.
        crowd: Ids of contents that are all viewed together, now and then, a little each.
    """

    def __init__(
        self, client: Client, contents: list[str], seed: int, *, crowd: Sequence[str] = ()
    ) -> None:
        self.sent: list[Sent] = []
        self.losses_s: list[float] = []
        """Monotonic seconds at which Redis was empty again."""
        self.answers: Counter[str] = Counter()
        self.events_acknowledged = 0
        self._client = client
        self._contents = contents
        self._crowd = frozenset(crowd)
        self._crowd_waiting: deque[str] = deque()
        self._made_for_contents = 0
        self._seed = seed
        self._random = Random(seed)  # noqa: S311 -- load, no secret
        self._again: deque[Sent] = deque()
        self._hurried = 0
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="producer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def hold_payday(self) -> None:
        """View every content of the crowd, and wait until that is acknowledged; before a start."""
        for content_id in sorted(self._crowd):
            self._send(self._make(content_id))

    @property
    def has_crowd(self) -> bool:
        """Whether there is somebody to hold a payday for."""
        return bool(self._crowd)

    def request_payday(self, *, timeout_s: float) -> None:
        """Have every content of the crowd viewed; wait for that, but not for ever."""
        deadline_s = time.monotonic() + timeout_s
        if not self._crowd_waiting:
            self._crowd_waiting.extend(sorted(self._crowd))
        while self._crowd_waiting and time.monotonic() < deadline_s:
            time.sleep(RETRY_PAUSE_S)

    def promised(self) -> list[Sent]:
        """Requests that the Redis of now has acknowledged."""
        with self._lock:
            since_s = self.losses_s[-1] if self.losses_s else 0.0
            return [
                request
                for request in self.sent
                if request.begun_s is not None and request.begun_s > since_s
            ]

    def redis_was_lost(self) -> None:
        """Send again what was acknowledged in the last minutes."""
        now_s = time.monotonic()
        with self._lock:
            self.losses_s.append(now_s)
            waiting = {id(request) for request in self._again}
            self._again.extend(
                request
                for request in self.sent
                if request.begun_s is not None
                and request.begun_s > now_s - RESEND_S
                and id(request) not in waiting
            )

    def hurry(self) -> None:
        """Send several new requests at once, which gives the next drain more to do."""
        with self._lock:
            self._hurried = REQUESTS_AT_ONCE

    def finish(self, *, timeout_s: float) -> bool:
        """Make no new events, send what is left; False when that does not end in time."""
        self._ending.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Stop at once."""
        self._closing.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        due_s = time.monotonic()
        while not self._closing.is_set():
            request = self._next_again()
            if request is None and self._ending.is_set():
                return
            if request is None and self._crowd_waiting:
                # Taken off when it is sent: whoever waits for a payday waits for all of it.
                self._send(self._make(self._crowd_waiting[0]))
                self._crowd_waiting.popleft()
                continue
            if request is None and (self._hurried or time.monotonic() >= due_s):
                self._hurried = max(0, self._hurried - 1)
                due_s = time.monotonic() + EVERY_S
                request = self._make(self._next_content())
            if request is None:
                self._closing.wait(RETRY_PAUSE_S)
            else:
                self._send(request)

    def _next_again(self) -> Sent | None:
        with self._lock:
            return self._again.popleft() if self._again else None

    def _next_content(self) -> str:
        self._made_for_contents += 1
        return self._contents[(self._made_for_contents - 1) % len(self._contents)]

    def _size(self, content_id: str) -> int:
        return EVENTS_OF_CROWD if content_id in self._crowd else EVENTS_PER_REQUEST

    def _make(self, content_id: str) -> Sent:
        number = len(self.sent)
        now = datetime.now(UTC)
        size = self._size(content_id)
        _, expected = make_events(self._seed, number, content_id, now=now, size=size)
        request = Sent(number=number, made_at=now, expected=expected)
        with self._lock:
            self.sent.append(request)
            if self._random.randrange(REPEAT_SHARE) == 0:
                self._again.append(request)
        return request

    def _send(self, request: Sent) -> None:
        """Send one request until it is acknowledged."""
        content_id = request.expected.content_id
        events, _ = make_events(
            self._seed,
            request.number,
            content_id,
            now=request.made_at,
            size=self._size(content_id),
        )
        while not self._closing.is_set():
            begun_s = time.monotonic()
            if not self._is_acknowledged({"events": events}):
                self._closing.wait(RETRY_PAUSE_S)
                continue
            with self._lock:
                request.begun_s = begun_s
                self.events_acknowledged += len(events)
                if self.losses_s and self.losses_s[-1] > begun_s:
                    # Taken by a Redis that died before the acknowledgement was here.
                    self._again.append(request)
            return

    def _is_acknowledged(self, body: dict[str, Any]) -> bool:
        try:
            answer = self._client.try_post("/views", body)
        except httpx.TransportError as error:
            self.answers[type(error).__name__] += 1
            return False
        self.answers[str(answer.status_code)] += 1
        return answer.status_code in (HTTPStatus.OK, HTTPStatus.ACCEPTED)
