"""One whole machine for all end-to-end tests: real servers, the real stack deployed into it."""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from infra.choices import DEFAULTS
from pixr.adapters.postgres import Database, connect
from pixr.local.given import Given
from pixr.local.machine import Machine, running_machine
from pixr.ops.drill import UNHURRIED
from tests.cloud import point_boto3_at

ALL_SCOPES = "wallet:read wallet:withdraw invest stats:read views:write"


@dataclass(frozen=True)
class World:
    """A running machine, and somebody at its front door."""

    machine: Machine
    http: httpx.Client
    db: Database

    def token(self, sub: str, scope: str = ALL_SCOPES, ttl_s: int = 600) -> dict[str, str]:
        return {"authorization": f"Bearer {self.machine.token(sub, scope, ttl_s)}"}

    def get(self, path: str, sub: str = "alice") -> httpx.Response:
        return self.http.get(path, headers=self.token(sub))

    def post(self, path: str, body: object, sub: str = "alice", key: str = "") -> httpx.Response:
        headers = self.token(sub) | ({"idempotency-key": key} if key else {})
        return self.http.post(path, json=body, headers=headers)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    given = Given(chosen={**DEFAULTS, **UNHURRIED}, require_2fa="false")
    with running_machine(slot_ms=20, given=given) as running:
        yield running


@pytest.fixture
def world(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    point_boto3_at(monkeypatch, machine.description.aws_endpoint)
    with (
        httpx.Client(base_url=f"{machine.url}/api/defi", timeout=60) as http,
        connect(machine.description.database_url) as db,
    ):
        yield World(machine, http, db)
