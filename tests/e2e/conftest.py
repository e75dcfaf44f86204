"""One whole machine for all end-to-end tests: real servers, the real stack deployed into it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import httpx
import pytest

from infra.choices import DEFAULTS
from pixr.adapters.keys.vault import Vault
from pixr.adapters.postgres import Database, connect
from pixr.local import process
from pixr.local.aws import put_sealing_key
from pixr.local.given import Given
from pixr.local.issuer import Issuer
from pixr.local.machine import Machine, running_machine
from pixr.local.parts import SECOND_FACTOR_KEY_ALIAS
from pixr.ops.drill import UNHURRIED
from pixr.ops.hygiene import capture
from pixr.ops.hygiene.known import secrets_of, token_of
from pixr.ops.hygiene.needles import Secret
from pixr.ops.hygiene.search import Searcher
from tests.cloud import point_boto3_at

LEAKS_TOLD = 10
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


@dataclass(frozen=True, kw_only=True)
class Remembering(Issuer):
    """Knows every token that it has made."""

    minted: list[str] = field(default_factory=list[str])

    def mint(self, sub: str, scope: str, ttl_s: int = 3600, *, now_s: int | None = None) -> str:
        token = super().mint(sub, scope, ttl_s, now_s=now_s)
        self.minted.append(token)
        return token


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    given = Given(chosen={**DEFAULTS, **UNHURRIED}, require_2fa="false")
    # In a folder of its own, so that all it writes is there to be searched.
    with (
        process.temporary_directory("pixr-e2e-") as folder,
        running_machine(folder / "machine", slot_ms=20, given=given) as running,
    ):
        issuer = Remembering(url=running.issuer.url, key=running.issuer.key)
        remembered = replace(running, issuer=issuer)
        yield remembered
        # Here, because what was refused and what broke has been logged only now.
        search_all(remembered, issuer.minted)


def search_all(machine: Machine, minted: list[str]) -> None:
    """Everything that all tests made the machine write down, for every secret of it."""
    with connect(machine.description.database_url) as db:
        tokens = [token_of(f"number {number}", token) for number, token in enumerate(minted)]
        searcher = Searcher([*secrets_of(machine, db), *tokens, *enrolled(machine, db)])
        leaks = searcher.look(capture.everything(machine, db))
    assert not leaks, "\n".join(map(str, leaks[:LEAKS_TOLD]))
    # A search that sees nothing would find no leak either.
    assert searcher.at_home >= {"master seed", "treasury"}


def enrolled(machine: Machine, db: Database) -> Iterator[Secret]:
    """What phones were told: opened again, for who enrolled by a drawn request kept nothing."""
    rows = db.execute("SELECT user_id, sealed FROM second_factors WHERE sealed IS NOT NULL")
    with pytest.MonkeyPatch.context() as patch:
        endpoint = machine.description.aws_endpoint
        point_boto3_at(patch, endpoint)
        vault = Vault(put_sealing_key(endpoint, SECOND_FACTOR_KEY_ALIAS))
        for row in rows:
            user_id = row["user_id"]
            raw = vault.open(row["sealed"], user_id=user_id)
            yield Secret(name=f"TOTP secret of {user_id}", raw=raw)


@pytest.fixture
def world(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    point_boto3_at(monkeypatch, machine.description.aws_endpoint)
    with (
        httpx.Client(base_url=f"{machine.url}/api/defi", timeout=60) as http,
        connect(machine.description.database_url) as db,
    ):
        yield World(machine, http, db)
