"""A database that can be set back to an older point, while chain and stream go on."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from functions.deposits import observe_deposits
from pixr.adapters.postgres import connect, pauses, payouts
from pixr.adapters.solana import Solana
from pixr.ops.recovery import Recovered, recover
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler

SOL = 10**9
DUE = 19_000_000
"""Of 1,000 views at 20,000 lamports, less 5 %."""


class Mute(Solana):
    """The real nodes, to which nothing is ever sent."""

    def send(self, raws: Sequence[bytes]) -> None:
        """Say nothing."""


def begin(settler: Settler) -> None:
    """Sign and store what is due, and send it to nobody."""
    real, settler.chain = settler.chain, Mute([settler.chain.nodes[0].url])
    for _ in range(10):
        settler.tick(seconds=2)
        if settler.db.execute("SELECT id FROM batches WHERE state = 'INFLIGHT'").fetchone():
            break
    settler.chain = real


class Timeline:
    """A settler whose database is backed up and restored."""

    def __init__(self, settler: Settler, url: str, make_database: Callable[[str], str]) -> None:
        self.settler = settler
        self.url = url
        self._make = make_database
        self._open = ExitStack()

    def backup(self) -> str:
        """Copy the database as it is; returns the copy's name."""
        self.settler.db.close()
        copy = self._make(self.url.rpartition("/")[2])
        self._connect(self.url)
        return copy.rpartition("/")[2]

    def restore(self, name: str) -> None:
        """Go on with a copy; what was written since is forgotten."""
        self.settler.db.close()
        self._connect(self._make(name))

    def _connect(self, url: str) -> None:
        self.url = url
        self.settler.db = self._open.enter_context(connect(url))

    def close(self) -> None:
        """Close every connection that was opened."""
        self._open.close()

    # ── what happens in it ───────────────────────────────────────────────────

    def recover(self, **changed: Any) -> Recovered:
        """Recover, with the settler's own keys and a chain that is not waited for in vain."""
        seed = self.settler.keyring.seed
        given: dict[str, Any] = {
            "now": lambda: datetime.now(UTC),
            "new_id": uuid4,
            "return_cap_bps": 15_000,
            "pause": lambda _: time.sleep(0.02),
            "wallet_address": lambda user_id: seed.wallet(user_id).address,
            **changed,
        }
        return recover(self.settler.db, self.settler.chain, **given)

    def earn(self, user_id: str, views: int, *, day: str) -> str:
        """Views of a film of the user's; their address."""
        address = self.settler.user(user_id)
        self.settler.db.execute(
            "INSERT INTO contents (content_id, creator_id, state, source_key, duration_ms,"
            " best_rung, manifest_key, created_at)"
            " VALUES (%s, %s, 'live', 'originals/x', 60000, 480, 'media/x', now())"
            " ON CONFLICT DO NOTHING",
            (f"film-{user_id}", user_id),
        )
        self.settler.watch(f"film-{user_id}", views, day=day)
        return address

    def begin(self) -> None:
        """Sign and store what is due, and send it to nobody."""
        begin(self.settler)

    def outlive(self) -> None:
        """Let the chain finalize what no attempt of ours could outlive."""
        (row,) = self.rows("SELECT max(last_valid_block_height) AS height FROM transactions")
        chain = self.settler.chain
        self.settler.wait_until(lambda: chain.finalized_height() > row["height"] + 40)

    def observe(self, user_id: str) -> int:
        """What reading a balance does: find what came from outside."""
        return observe_deposits(
            self.settler.db,
            self.settler.chain,
            account=f"wallet:{user_id}",
            address=self.address(user_id),
            now=datetime.now(UTC),
        )

    def address(self, user_id: str) -> str:
        """Of a user's wallet."""
        return self.settler.keyring.seed.wallet(user_id).address

    def balance(self, user_id: str) -> int:
        """What a user's wallet holds on chain."""
        return self.settler.balance(self.address(user_id))

    def withdraw(self, user_id: str, destination: str, lamports: int) -> None:
        """What POST /withdraw writes."""
        self._ask(user_id, "withdrawal", destination, lamports)

    def invest(self, user_id: str, content_id: str, lamports: int, *, price: int) -> None:
        """What POST /invest writes."""
        investment_id = uuid4()
        db = self.settler.db
        db.execute(
            "INSERT INTO fundings (content_id, rung, price_lamports, quote, opened_at)"
            " VALUES (%s, 1080, %s, '{}', now()) ON CONFLICT DO NOTHING",
            (content_id, price),
        )
        db.execute(
            "UPDATE fundings SET funded_lamports = funded_lamports + %s WHERE content_id = %s",
            (lamports, content_id),
        )
        db.execute(
            "INSERT INTO content_investments (id, content_id, rung, user_id, lamports,"
            " return_cap_lamports, created_at) VALUES (%s, %s, 1080, %s, %s, %s, now())",
            (investment_id, content_id, user_id, lamports, lamports * 3 // 2),
        )
        escrow = self.settler.keyring.seed.escrow().address
        self._ask(user_id, "investment", escrow, lamports, investment_id=investment_id)

    def end_job(self, state: str) -> None:
        """What reprocessing writes when a job ends."""
        db = self.settler.db
        db.execute("UPDATE upgrade_jobs SET state = 'ENCODING', chunks_total = 1, settings = '{}'")
        if state == "PUBLISHED":
            db.execute("UPDATE upgrade_jobs SET state = 'ASSEMBLING'")
            db.execute("UPDATE upgrade_jobs SET state = 'PUBLISHED', closed_at = now()")
        else:
            db.execute("UPDATE upgrade_jobs SET state = 'FAILED', reason = 'no', closed_at = now()")

    def _ask(
        self,
        user_id: str,
        kind: str,
        destination: str,
        lamports: int,
        *,
        investment_id: UUID | None = None,
    ) -> None:
        with self.settler.db.transaction():
            assert payouts.request(
                self.settler.db,
                payout_id=uuid4(),
                kind=kind,
                user_id=user_id,
                debit_account=f"wallet:{user_id}",
                credit_account="world" if kind == "withdrawal" else "escrow",
                destination=destination,
                lamports=lamports,
                investment_id=investment_id,
                now=datetime.now(UTC),
            )

    # ── what is seen of it ───────────────────────────────────────────────────

    def rows(self, statement: str) -> Sequence[dict[str, Any]]:
        """What a statement returns."""
        return self.settler.db.execute(statement.encode()).fetchall()

    def states(self, table: str) -> dict[str, int]:
        """How many rows are in which state."""
        found = self.rows(f"SELECT state, count(*)::integer AS n FROM {table} GROUP BY state")
        return {row["state"]: row["n"] for row in found}

    def differences(self) -> list[str]:
        """What verification finds."""
        return [
            f"{check.name}: {difference}"
            for check in verify(self.settler.db, self.settler.chain)
            for difference in check.differences
        ]


def go_on(timeline: Timeline) -> None:
    """Whatever comes after a recovery is paid as ever, and every lamport agrees."""
    timeline.settler.tick()
    assert timeline.differences() == []
    assert timeline.states("batches").keys() <= {"FINALIZED", "FAILED"}
    treasury = timeline.settler.keyring.treasury.address
    assert timeline.settler.account("treasury") == timeline.settler.balance(treasury)


def recovered(timeline: Timeline, **changed: Any) -> dict[str, int]:
    """Recover, cleanly; what was read back."""
    report = timeline.recover(**changed)
    assert report.is_clean, (report.unexplained, report.differences)
    assert report.paused is None
    assert pauses.read(timeline.settler.db) is None
    return dict(report.counts)
