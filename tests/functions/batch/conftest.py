"""A settler in a test's hands: real Postgres, real Valkey, the real Solana runtime."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from solders.keypair import Keypair

from functions.batch.keyring import Keyring
from functions.batch.tick import Clockwork, Report, Terms, World, run
from functions.deposits import observe_deposits
from pixr.adapters.keys import MasterSeed, Signer
from pixr.adapters.postgres import Database, payouts
from pixr.adapters.redis import ViewStream
from pixr.adapters.solana import Solana
from pixr.domain.earnings import Rules
from pixr.domain.views import ViewEvent
from pixr.local.chain import ChainProcess, running_chain

RULES = Rules(
    view_rate_lamports=20_000,
    platform_fee_bps=500,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)
TICK_S = 40.0


@pytest.fixture(scope="session")
def chain_process() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20) as process:
        yield process


@dataclass(kw_only=True)
class Settler:
    """One settler over one database, with its own treasury and master seed."""

    db: Database
    chain: Solana
    stream: ViewStream
    keyring: Keyring
    sent: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    terms: Terms = field(
        default_factory=lambda: Terms(rules=RULES, minimum_lamports=10_000_000, payees_max=50)
    )

    def tick(self, seconds: float = TICK_S) -> Report:
        deadline = time.monotonic() + seconds
        return run(
            self.world(),
            self.terms,
            Clockwork(
                now=self.now,
                new_id=uuid4,
                remaining_s=lambda: deadline - time.monotonic(),
                pause=lambda _: time.sleep(0.05),
            ),
        )

    def world(self) -> World:
        return World(
            db=self.db,
            chain=self.chain,
            stream=self.stream,
            keyring=self.keyring,
            send=lambda topic, payload: self.sent.append((topic, payload)),
        )

    def wait_until(self, is_so: Callable[[], bool]) -> None:
        for _ in range(2_000):
            if is_so():
                return
            time.sleep(0.02)
        raise TimeoutError

    def airdrop(self, address: str, lamports: int) -> None:
        node = self.chain.nodes[0]
        signature = node.call("requestAirdrop", address, lamports)
        for _ in range(1_000):
            status = node.call("getSignatureStatuses", [signature])["value"][0]
            if status and status["confirmationStatus"] == "finalized":
                return
            time.sleep(0.02)
        raise TimeoutError(signature)

    def user(self, user_id: str) -> str:
        address = self.keyring.seed.wallet(user_id).address
        self.db.execute(
            "INSERT INTO user_wallets VALUES (%s, %s, 1, now()) ON CONFLICT DO NOTHING",
            (user_id, address),
        )
        return address

    def content(self, content_id: str, creator_id: str, rung: int = 480) -> None:
        self.db.execute(
            "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms,"
            " best_rung, manifest_key, created_at)"
            " VALUES (%s, %s, 'live', 'originals/x', 60000, %s, 'media/x', now())",
            (content_id, creator_id, rung),
        )

    def watch(self, content_id: str, viewers: int, *, day: str = "a") -> list[ViewEvent]:
        events = [
            ViewEvent(
                event_id=f"{content_id}-{day}-{number}",
                content_id=content_id,
                viewer_id=f"viewer-{day}-{number}",
                watched_ms=40_000,
                occurred_at=datetime.now(UTC),
            )
            for number in range(viewers)
        ]
        self.stream.append(events)
        return events

    def balance(self, address: str) -> int:
        view = self.chain.account(address)
        return view.lamports if view else 0

    def account(self, name: str) -> int:
        row = self.db.execute(
            "SELECT posted_lamports FROM ledger_accounts WHERE account = %s", (name,)
        ).fetchone()
        return int(row["posted_lamports"]) if row else 0


def request_withdrawals(settler: Settler, user_id: str, address: str, *amounts: int) -> list[str]:
    """Let 3 SOL of a user's arrive and ask for some of it; returns the destinations."""
    settler.airdrop(address, 3_000_000_000)
    settler.tick()
    now = datetime.now(UTC)
    came = observe_deposits(
        settler.db, settler.chain, account=f"wallet:{user_id}", address=address, now=now
    )
    assert came == 3_000_000_000
    destinations = [str(Keypair().pubkey()) for _ in amounts]
    for number, (destination, lamports) in enumerate(zip(destinations, amounts, strict=True)):
        with settler.db.transaction():
            assert payouts.request(
                settler.db,
                payout_id=uuid4(),
                kind="withdrawal",
                user_id=user_id,
                debit_account=f"wallet:{user_id}",
                credit_account="world",
                destination=destination,
                lamports=lamports,
                now=now + timedelta(seconds=number),
            )
    return destinations


@pytest.fixture
def settler(db: Database, redis_url: str, chain_process: ChainProcess) -> Iterator[Settler]:
    stream = ViewStream(redis_url)
    keyring = Keyring(seed=MasterSeed(uuid4().bytes * 4), treasury=Signer(Keypair()))
    settler = Settler(db=db, chain=Solana([chain_process.url]), stream=stream, keyring=keyring)
    settler.airdrop(keyring.treasury.address, 100 * 10**9)
    yield settler
    stream.close()
