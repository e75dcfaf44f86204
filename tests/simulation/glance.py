"""One look at the database, beside everybody: the rows that the invariants speak of."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.simulation.town import Town

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Glance:
    """Committed rows, as of one moment between steps."""

    payouts: dict[UUID, Row]
    batches: dict[UUID, Row]
    attempts: dict[str, Row]
    """By signature."""
    carried: dict[UUID, list[tuple[UUID, bool]]]
    """Batch → (payout, is live), in the order of the transfers."""
    accounts: dict[str, tuple[int, int]]
    """Account → (posted, reserved)."""
    references: frozenset[str]
    """Events that the ledger has posted."""
    attempts_of: dict[UUID, list[Row]] = field(
        init=False, default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        for row in self.attempts.values():
            self.attempts_of[row["batch_id"]].append(row)

    def posted(self, account: str) -> int:
        """What the ledger says an account holds."""
        return self.accounts.get(account, (0, 0))[0]


def glance(town: Town) -> Glance:
    """Read everything; nobody is in a transaction meanwhile."""
    look = town.look
    carried: dict[UUID, list[tuple[UUID, bool]]] = defaultdict(list)
    for row in look.execute(
        "SELECT batch_id, payout_id, is_live FROM batch_items ORDER BY batch_id, position"
    ):
        carried[row["batch_id"]].append((row["payout_id"], row["is_live"]))
    return Glance(
        payouts={
            row["id"]: row
            for row in look.execute(
                "SELECT id, kind, user_id, debit_account, destination, lamports, state, batch_id,"
                " investment_id, reason FROM payouts"
            )
        },
        batches={
            row["id"]: row
            for row in look.execute(
                "SELECT id, kind, state, receipt_address, receipt_state, merkle_root, lamports,"
                " treasury_reserved_lamports, hold_reason FROM batches"
            )
        },
        attempts={
            row["signature"]: row
            for row in look.execute(
                "SELECT signature, batch_id, attempt, state, last_valid_block_height, slot,"
                " fee_lamports, error FROM transactions ORDER BY attempt"
            )
        },
        carried=carried,
        accounts={
            row["account"]: (row["posted_lamports"], row["reserved_lamports"])
            for row in look.execute(
                "SELECT account, posted_lamports, reserved_lamports FROM ledger_accounts"
            )
        },
        references=frozenset(
            row["reference"] for row in look.execute("SELECT reference FROM ledger_transactions")
        ),
    )
