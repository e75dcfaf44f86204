"""What a Pixr front end does over HTTP, and nothing that it could not do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from pixr.local.machine import Machine

SCOPES = "wallet:read wallet:withdraw invest stats:read"
PRODUCER_SCOPE = "views:write"
TOKEN_TTL_S = 3600
POLL_S = 0.5
REQUEST_TIMEOUT_S = 60.0
PUBLISH_TIMEOUT_S = 300.0
SETTLE_TIMEOUT_S = 180.0
"""Two minutes and finality, with room for a busy machine."""

Value = TypeVar("Value")


class StoryFailed(Exception):
    """Something did not happen as promised; the message says what and what came instead."""


class Client:
    """One person at the front door."""

    def __init__(
        self, machine: Machine, name: str, scope: str = SCOPES, *, ttl_s: int = TOKEN_TTL_S
    ) -> None:
        self.name = name
        self.token = machine.token(name, scope, ttl_s)
        self.heard: list[tuple[str, bytes]] = []
        """Path and text of every answer, headers included."""
        self._http = httpx.Client(
            base_url=f"{machine.url}/api/defi",
            headers={"authorization": f"Bearer {self.token}"},
            timeout=REQUEST_TIMEOUT_S,
            event_hooks={"response": [self._hear]},
        )

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()

    def get(self, path: str) -> Any:
        """GET and expect success."""
        return self._expect(self._http.get(path))

    def try_get(self, path: str) -> httpx.Response:
        """GET and return whatever comes."""
        return self._http.get(path)

    def post(self, path: str, body: dict[str, Any], *, key: str | None = None) -> Any:
        """POST with an idempotency key where one is given, and expect success."""
        return self._expect(self.try_post(path, body, key=key))

    def try_post(
        self, path: str, body: dict[str, Any], *, key: str | None = None
    ) -> httpx.Response:
        """POST and return whatever comes."""
        headers = {"idempotency-key": key} if key else {}
        return self._http.post(path, json=body, headers=headers)

    def _hear(self, answer: httpx.Response) -> None:
        head = repr(answer.headers.raw).encode()
        self.heard.append((answer.request.url.path, head + answer.read()))

    def _expect(self, answer: httpx.Response) -> Any:
        if answer.is_success:
            return answer.json()
        where = f"{answer.request.method} {answer.request.url.path}"
        raise StoryFailed(f"{where} as {self.name}: {answer.status_code} {answer.text[:300]}")


def wait_for(what: str, look: Callable[[], Value | None], *, timeout_s: float) -> Value:
    """Look until something is there.

    Raises:
        StoryFailed: It was not there in time.
    """
    deadline_s = time.monotonic() + timeout_s
    while time.monotonic() < deadline_s:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_S)
    raise StoryFailed(f"{what} did not happen within {timeout_s:.0f} s")


def lamports(amount: dict[str, str]) -> int:
    """The lamports of an amount pair."""
    return int(amount["lamports"])
