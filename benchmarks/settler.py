"""A settler of one's own: a database, a stream, the local chain, and keys made for the occasion."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from uuid import uuid4

from solders.keypair import Keypair

from functions.batch.drain import EVENTS_PER_DRAIN, drain_once
from functions.batch.keyring import Keyring
from functions.batch.tick import Clockwork, Report, Terms, World, run
from pixr.adapters.keys import MasterSeed, Signer
from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.adapters.solana import Solana
from pixr.domain.earnings import Rules
from pixr.domain.lookup_tables import ADDRESSES_PER_EXTENSION
from pixr.domain.money import LAMPORTS_PER_SOL
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE
from pixr.domain.views import EVENTS_MAX, ViewEvent
from pixr.local.errors import LocalError

TICK_S = 47.0
"""What Lambda's 55 s leave to a tick, less the handler's margin."""

TICKS_MAX = 20
PAUSE_SLOTS = 2.5
"""The settler pauses 1 s between looks at the chain: as many slots of mainnet's 400 ms."""

REGULAR_PAYDAYS = 8
"""Payments after which an entry pays for itself (ADR-0019)."""

IDLE_TICKS = 3
"""Ticks in a row that extend nothing, after which all is written that will be."""

BLOCKS_UNTIL_RECLAIM = 250
FINALITY_POLLS_MAX = 2_000
RULES = Rules(
    # One view earns enough for a payout.
    view_rate_lamports=20_000_000,
    platform_fee_bps=500,
    investor_share_bps=2_000,
    views_per_viewer_day=3,
)
TERMS = Terms(rules=RULES, minimum_lamports=10_000_000, payees_max=50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """The settler's world, and how long the chain's slots are."""

    db: Database
    chain: Solana
    stream: ViewStream
    keyring: Keyring
    slot_s: float

    def fund(self, lamports: int) -> None:
        """Give the treasury its money, and wait until it is final."""
        node = self.chain.nodes[0]
        signature = node.call("requestAirdrop", self.keyring.treasury.address, lamports)
        for _ in range(FINALITY_POLLS_MAX):
            status = node.call("getSignatureStatuses", [signature])["value"][0]
            if status and status["confirmationStatus"] == "finalized":
                return
            time.sleep(self.slot_s)
        raise LocalError("The local chain did not finalize an airdrop.", mend="Run it once more.")

    def enlist(self, payees: int) -> None:
        """Give so many creators a wallet and a film."""
        wallets = [self.keyring.seed.wallet(f"creator-{n}").address for n in range(payees)]
        self.db.execute(
            "INSERT INTO user_wallets SELECT 'creator-' || number - 1, address, 1, now()"
            " FROM unnest(%s::text[]) WITH ORDINALITY AS wallet (address, number)",
            (wallets,),
        )
        self.db.execute(
            "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms,"
            " best_rung, manifest_key, created_at)"
            " SELECT 'content-' || n, 'creator-' || n, 'live', 'originals/x', 60000, 480,"
            " 'media/x', now() FROM generate_series(0, %s) AS n",
            (payees - 1,),
        )

    def owe(self, payees: int, *, payday: int = 0) -> None:
        """Let each of the creators earn one payout, by one view each, through the drain."""
        now = datetime.now(UTC)
        views = [
            ViewEvent(
                event_id=f"view-{payday}-{number}",
                content_id=f"content-{number}",
                viewer_id=f"viewer-{payday}",
                watched_ms=40_000,
                occurred_at=now,
            )
            for number in range(payees)
        ]
        for start in range(0, payees, EVENTS_MAX):
            self.stream.append(views[start : start + EVENTS_MAX])
        for _ in range(payees // EVENTS_PER_DRAIN + 1):
            drain_once(
                self.db, self.stream, rules=RULES, drain_id=uuid4(), consumer="bench", now=now
            )

    def pay(self, payouts: int, *, has_tables: bool = False) -> None:
        """Tick until so many payouts are paid, counted from the beginning.

        Raises:
            LocalError: ``TICKS_MAX`` ticks did not suffice.
        """
        terms = replace(TERMS, lookup_tables=has_tables)
        for _ in range(TICKS_MAX):
            self._tick(terms)
            if self.paid() == payouts:
                return
        raise LocalError(
            f"After {TICKS_MAX} ticks {self.paid()} of {payouts} payouts are paid.",
            mend="Ask for fewer.",
        )

    def make_regular(self, payees: int) -> int:
        """Pay everybody until lookup tables know all for whom that pays; return how many.

        Nothing is hurried: it takes the paydays and the extensions that ADR-0019 asks for.

        Raises:
            LocalError: Nobody came to stand in one.
        """
        for payday in range(1, REGULAR_PAYDAYS + 1):
            self.owe(payees, payday=payday)
            self.pay(payday * payees)
        terms = replace(TERMS, lookup_tables=True)
        idle = 0
        # A tick may plan an extension, and one is under way at a time.
        for _ in range(payees // ADDRESSES_PER_EXTENSION * 2 + TICKS_MAX):
            idle = 0 if self._tick(terms).tables_extended else idle + 1
            if idle == IDLE_TICKS:
                break
        usable = self._count("SELECT count(*) AS n FROM lookup_entries WHERE is_usable")
        if not usable:
            raise LocalError(
                "Nobody stands in a lookup table.",
                mend=f"Ask for a multiple of {PAYEES_FULL}, at least {PAYEES_FULL_WITH_TABLE}.",
            )
        return usable

    def reclaim(self) -> int:
        """Take the rent out of every receipt at once; return what that cost in lamports.

        Raises:
            LocalError: ``TICKS_MAX`` ticks did not suffice.
        """
        # A receipt stands until no attempt of its batch could land any more: about 180 blocks.
        time.sleep(BLOCKS_UNTIL_RECLAIM * self.slot_s)
        impatient = replace(TERMS, receipt_retention=timedelta(0))
        for _ in range(TICKS_MAX):
            self._tick(impatient)
            if self._count("SELECT count(*) AS n FROM batches WHERE receipt_state = 'LOCKED'") == 0:
                return self._count(
                    "SELECT COALESCE(sum(fee_lamports), 0)::bigint AS n FROM transactions"
                    " JOIN batches ON batches.id = batch_id WHERE kind = 'reclaim'"
                )
        raise LocalError(f"After {TICKS_MAX} ticks receipts are left.", mend="Ask for fewer.")

    def _tick(self, terms: Terms) -> Report:
        world = World(
            db=self.db,
            chain=self.chain,
            stream=self.stream,
            keyring=self.keyring,
            send=lambda _topic, _payload: None,
        )
        return run(world, terms, self._clockwork())

    def _clockwork(self) -> Clockwork:
        deadline_s = time.monotonic() + TICK_S
        return Clockwork(
            now=lambda: datetime.now(UTC),
            new_id=uuid4,
            remaining_s=lambda: deadline_s - time.monotonic(),
            pause=lambda _: time.sleep(PAUSE_SLOTS * self.slot_s),
        )

    def paid(self) -> int:
        """How many payouts are finalized."""
        return self._count("SELECT count(*) AS n FROM payouts WHERE state = 'PAID'")

    def _count(self, statement: LiteralString) -> int:
        row = self.db.execute(statement).fetchone()
        assert row is not None
        return int(row["n"])


def new_settler(db: Database, chain_url: str, stream: ViewStream, *, slot_s: float) -> Settler:
    """A settler with a new treasury and a new master seed."""
    seed, treasury = MasterSeed(uuid4().bytes * 4), Signer(Keypair())
    return Settler(
        db=db,
        chain=Solana([chain_url]),
        stream=stream,
        keyring=Keyring(seed=seed, treasury=treasury),
        slot_s=slot_s,
    )


def treasury_lamports(payouts: int) -> int:
    """Enough for so many of these payouts, their fees and their receipts."""
    return payouts * RULES.view_rate_lamports + 10 * LAMPORTS_PER_SOL
