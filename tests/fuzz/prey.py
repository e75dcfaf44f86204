"""A machine with something on it: users with money, a film, payouts, an upgrade, an allow-list."""

from __future__ import annotations

import time
from dataclasses import dataclass
from uuid import uuid4

import httpx
from solders.keypair import Keypair

from pixr.adapters.postgres import Database
from pixr.adapters.solana import HttpTransport, Node
from pixr.local.machine import Machine
from tests.functions.api.studio import publish
from tests.fuzz.attacker import Known

EVERYTHING = "wallet:read wallet:withdraw invest stats:read views:write"
LESS = ("wallet:read", "stats:read", "views:write", "")
TOKEN_TTL_S = 6 * 3600
FUNDS_LAMPORTS = 1_000 * 10**9
WAIT_S = 120.0
USERS = 4
FILMS = 12
"""An upgrade is paid for once: with one film, all investments but the first are refused."""
LARGE_BYTES = 3 * 1024**3
"""Goes in 384 parts, which are listed on four pages."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What ``publish`` needs of a house."""

    db: Database


def prepared(machine: Machine, db: Database) -> Known:
    """Put things onto the machine, and say what there is."""
    users = [f"fuzz-{uuid4().hex[:8]}" for _ in range(USERS)]
    films = [f"fuzz-{uuid4().hex[:8]}" for _ in range(FILMS)]
    for film in films:
        publish(Studio(db), film, creator_id=users[0], rungs=(480,))
    # Not those of other tests on the same machine, which nobody here may see.
    made_of_them = "SELECT id FROM upgrade_jobs WHERE content_id = ANY(%s) ORDER BY content_id"
    jobs = [str(row["id"]) for row in db.execute(made_of_them, (films,))]
    listed = str(Keypair().pubkey())
    withdrawals: list[str] = []
    uploads: list[str] = []
    with httpx.Client(base_url=f"{machine.url}/api/defi", timeout=60) as http:
        for user in users:
            headers = _bearer(machine, user, EVERYTHING)
            address = http.get("/wallet", headers=headers).json()["address"]
            _airdrop(machine, address)
            body = {"amount": "0.1", "destination": str(Keypair().pubkey())}
            keyed = headers | {"idempotency-key": "prepared"}
            made = http.post("/withdraw", json=body, headers=keyed)
            withdrawals.append(made.raise_for_status().json()["withdrawal_id"])
            for name, size in (("film.mp4", {"bytes": LARGE_BYTES}), ("clip.mp4", {})):
                grant = http.post("/uploads", json={"file_name": name, **size}, headers=headers)
                uploads.append(grant.raise_for_status().json()["upload_id"])
            entry = {"destination": listed, "label": "prepared"}
            http.post("/allowlist", json=entry, headers=headers).raise_for_status()
    return Known(
        base_url=machine.url,
        tokens=[_bearer(machine, user, EVERYTHING) for user in users],
        tokens_of_few=[
            _bearer(machine, user, scope) for user, scope in zip(users, LESS, strict=True)
        ],
        ids={
            "content_id": films,
            "withdrawal_id": withdrawals,
            "payout_id": withdrawals,
            "upload_id": uploads,
            "destination": [listed],
            "job_id": jobs,
            "quality": ["720p", "1080p"],
        },
    )


def _bearer(machine: Machine, user: str, scope: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {machine.token(user, scope, TOKEN_TTL_S)}"}


def _airdrop(machine: Machine, address: str) -> None:
    node = Node(HttpTransport(machine.description.solana_rpc_url.split(",")[0]))
    signature = node.call("requestAirdrop", address, FUNDS_LAMPORTS)
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        status = node.call("getSignatureStatuses", [signature])["value"][0]
        if status and status["confirmationStatus"] == "finalized":
            return
        time.sleep(0.05)
    raise TimeoutError(f"{address} was not funded in {WAIT_S:.0f} s")
