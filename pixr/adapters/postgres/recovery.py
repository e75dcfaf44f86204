"""What was forgotten, written down again: one transaction of the chain at a time.

The rows are made as the settler would have made them (payouts reserved, a batch, its items)
and closed by ``adoption.adopt``, so nothing about a landed batch is written here twice. What
is peculiar to a forgotten time is: payouts that nobody asked for as far as the tables know,
accruals whose views are lost, and claims that a person must decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pixr.adapters.postgres import Database, Row, batches, ledger, sql
from pixr.adapters.postgres.batches import Batch, Item
from pixr.adapters.postgres.deposits import Deposit
from pixr.domain.payouts import Payout

ANCHORS_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """A transaction of the treasury that was known to be final before the restore point."""

    signature: str
    slot: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the database knows of a signature: an attempt's state, or 'DEPOSIT'."""

    state: str
    batch_id: UUID | None


def anchors(db: Database, *, since: datetime) -> list[Anchor]:
    """Return the newest final transactions known at ``since``, newest first."""
    rows = db.execute(sql("recovery/anchors"), {"since": since, "limit": ANCHORS_MAX})
    return [Anchor(**row) for row in rows]


def begin(db: Database, recovery_id: UUID, anchor: Anchor | None, *, now: datetime) -> None:
    """Write down that a recovery runs, unless one is open."""
    db.execute(
        sql("recovery/begin"),
        {
            "id": recovery_id,
            "anchor_signature": None if anchor is None else anchor.signature,
            "anchor_slot": None if anchor is None else anchor.slot,
            "now": now,
        },
    )


def unfinished(db: Database) -> Row | None:
    """Return ``{id, anchor_signature, anchor_slot}`` of a recovery that did not end clean."""
    return db.execute(sql("recovery/open")).fetchone()


def finish(db: Database, *, now: datetime) -> None:
    """The open recovery ended clean."""
    db.execute(sql("recovery/finish"), {"now": now})


def known(db: Database, signatures: Sequence[str], *, account: str) -> dict[str, Known]:
    """Return what is known of each signature, deposits to ``account`` included."""
    parameters = {"signatures": list(signatures), "account": account}
    return {
        row["signature"]: Known(state=row["state"], batch_id=row["batch_id"])
        for row in db.execute(sql("recovery/known"), parameters)
    }


def undecided(db: Database) -> list[Batch]:
    """Return every batch that was not decided at the restore point, oldest first."""
    return [Batch(**row) for row in db.execute(sql("recovery/undecided"))]


def by_receipt(db: Database, receipts: Sequence[str]) -> dict[str, Row]:
    """Return receipt → ``{id, state, receipt_address, receipt_state}`` of its batch."""
    rows = db.execute(sql("recovery/by_receipt"), {"receipts": list(receipts)})
    return {row["receipt_address"]: row for row in rows}


def accounts(db: Database, addresses: Sequence[str]) -> dict[str, str]:
    """Return address → ledger account, for those that are ours."""
    rows = db.execute(sql("recovery/accounts"), {"addresses": list(addresses)})
    return {row["address"]: row["account"] for row in rows}


def users_without_wallet(db: Database) -> list[str]:
    """Return users that the database has heard of and whose wallet it does not know."""
    return [row["user_id"] for row in db.execute(sql("recovery/users_without_wallet"))]


def book_deposit(db: Database, account: str, deposit: Deposit, *, now: datetime) -> bool:
    """Post money from outside without moving the walk's cursor; False: it is known."""
    with db.transaction():
        ledger.open_account(db, account)
        values = {
            "signature": deposit.signature,
            "account": account,
            "lamports": deposit.lamports,
            "slot": deposit.slot,
            "now": now,
        }
        if db.execute(sql("deposits/insert"), values).fetchone() is None:
            return False
        entries = {account: deposit.lamports, "world": -deposit.lamports}
        return ledger.post(db, f"deposit:{account}:{deposit.signature}", entries, now=now)


def insert_batch(
    db: Database,
    batch: Batch,
    *,
    state: str,
    payees: int,
    planned_at: datetime,
    now: datetime,
) -> None:
    """Write a batch as its transaction tells it; ``state`` is PLANNED, or FAILED for good."""
    db.execute(
        sql("recovery/insert_batch"),
        {
            "batch_id": batch.id,
            "kind": batch.kind,
            "state": state,
            "receipt_address": batch.receipt_address,
            "receipt_seed": batch.receipt_seed,
            "merkle_root": batch.merkle_root,
            "payees": payees,
            "lamports": batch.lamports,
            "planned_at": planned_at,
            "now": now,
        },
    )


def load(db: Database, batch_id: UUID, payouts: Sequence[UUID]) -> None:
    """Put pending payouts into a batch that was read back, in the order of its transfers.

    Their salts were lost with the database, so no proof can be made of these leaves again.
    """
    batches.load(
        db,
        [
            Item(batch_id=batch_id, position=position, payout_id=payout_id, salt=bytes(16))
            for position, payout_id in enumerate(payouts)
        ],
    )


def find_payout(
    db: Database, *, source: str, destination: str, lamports: int, excluding: Sequence[UUID]
) -> Payout | None:
    """Lock and return a payout that says exactly what a transfer did, ready to be batched.

    Not one of ``excluding``: two transfers of one transaction are two payouts.
    """
    parameters = {
        "source": source,
        "destination": destination,
        "lamports": lamports,
        "excluding": list(excluding),
    }
    row = db.execute(sql("recovery/find_payout"), parameters).fetchone()
    if row is None:
        return None
    payout = Payout(**row)
    db.execute(sql("recovery/reopen"), {"payout_id": payout.id})
    return payout


def create_payout(
    db: Database, payout: Payout, *, signature: str, reason: str | None = None, now: datetime
) -> bool:
    """Reserve a payout's amount and write it down as read back from ``signature``.

    Args:
        db: Inside a transaction.
        payout: What the chain shows.
        signature: The transaction that shows it.
        reason: Why it is put aside for a person at once; None: it waits for its batch.
        now: The time.

    Returns:
        False when its account has less available; nothing is written then.
    """
    ledger.open_account(db, payout.debit_account, payout.credit_account)
    if not ledger.reserve(db, payout.debit_account, payout.lamports):
        return False
    db.execute(
        sql("recovery/insert_payout"),
        {
            "payout_id": payout.id,
            "kind": payout.kind,
            "user_id": payout.user_id,
            "debit_account": payout.debit_account,
            "credit_account": payout.credit_account,
            "destination": payout.destination,
            "lamports": payout.lamports,
            "investment_id": payout.investment_id,
            "reason": reason,
            "signature": signature,
            "now": now,
        },
    )
    return True


def unclaimed(db: Database, user_id: str) -> list[Row]:
    """Lock and return what nobody claimed, oldest first; see the statement."""
    return db.execute(sql("recovery/unclaimed"), {"user_id": user_id}).fetchall()


def give_back(
    db: Database,
    user_id: str,
    *,
    batch_id: UUID,
    excluding: Sequence[UUID],
    reason: str,
    now: datetime,
) -> int:
    """Give the accruals of a user's waiting earnings and returns free; say how many payouts did.

    Args:
        db: Inside a transaction.
        user_id: Whose.
        batch_id: Some planned batch; the state machine knows no shorter way.
        excluding: Payouts that a transfer was found to be.
        reason: Why they are never paid, in plain words.
        now: The time.
    """
    parameters = {"user_id": user_id, "excluding": list(excluding)}
    rows = db.execute(sql("recovery/list_waiting"), parameters).fetchall()
    for row in rows:
        taken = {"batch_ids": [batch_id], "payout_ids": [row["id"]]}
        db.execute(sql("batches/take_payouts"), taken)
        overtaken = {"payout_id": row["id"], "reason": reason, "now": now}
        db.execute(sql("recovery/overtake"), overtaken)
        db.execute(sql("recovery/unclaim"), {"payout_id": row["id"]})
        ledger.release(db, {row["debit_account"]: row["lamports"]})
    return len(rows)


def views_before(db: Database, until: datetime) -> dict[tuple[UUID, str], tuple[int, int]]:
    """Return (drain, content) → earning views from before ``until``, and all of them.

    Of what was drained after it only.
    """
    return {
        (row["drain_id"], row["content_id"]): (row["old"], row["views"])
        for row in db.execute(sql("recovery/views_before"), {"until": until})
    }


def split(
    db: Database, row: Row, *, user_id: str, lamports: int, new_id: UUID, now: datetime
) -> None:
    """Divide an accrual of ``unclaimed``: ``lamports`` stay, the rest is an accrual of its own.

    Args:
        db: Inside a transaction.
        row: The accrual.
        user_id: Whose it is.
        lamports: More than 0 and less than the accrual.
        new_id: Names the drain under which the rest stands.
        now: The time.
    """
    db.execute(
        sql("recovery/split"),
        {
            "new_id": new_id,
            "drain_id": row["drain_id"],
            "content_id": row["content_id"],
            "user_id": user_id,
            "kind": row["kind"],
            "views": row["views"],
            "lamports": lamports,
            "rest_lamports": row["lamports"] - lamports,
            "now": now,
        },
    )


def claim(db: Database, payout_id: UUID, rows: Sequence[Row], *, user_id: str, kind: str) -> None:
    """Let a payout claim these rows of ``unclaimed``."""
    db.execute(
        sql("recovery/claim"),
        {
            "payout_id": payout_id,
            "user_id": user_id,
            "kind": kind,
            "drain_ids": [row["drain_id"] for row in rows],
            "content_ids": [row["content_id"] for row in rows],
        },
    )


def owe(
    db: Database, payout_id: UUID, *, user_id: str, kind: str, lamports: int, now: datetime
) -> None:
    """Post what a payment shows to have been earned though its views are lost."""
    account = f"{'owed' if kind == 'earnings' else 'return'}:{user_id}"
    ledger.post(db, f"recovered:{payout_id}", {"views": -lamports, account: lamports}, now=now)


def record_accrual(
    db: Database, payout_id: UUID, *, user_id: str, kind: str, lamports: int, now: datetime
) -> None:
    """Write down the accrual behind ``owe``, claimed by its payout."""
    parameters: dict[str, Any] = {
        "payout_id": payout_id,
        "user_id": user_id,
        "kind": kind,
        "lamports": lamports,
        "now": now,
    }
    db.execute(sql("recovery/insert_accrual"), parameters)


def put_aside_newest(db: Database, account: str, *, batch_id: UUID, reason: str) -> bool:
    """Quarantine the newest payout that waits to leave a wallet whose money has left already.

    Args:
        db: Inside a transaction.
        account: The wallet.
        batch_id: Some planned batch; the state machine knows no shorter way.
        reason: For its owner, in plain words.

    Returns:
        False when none waits.
    """
    row = db.execute(sql("recovery/overtaken"), {"account": account}).fetchone()
    if row is None:
        return False
    db.execute(sql("batches/take_payouts"), {"batch_ids": [batch_id], "payout_ids": [row["id"]]})
    db.execute(sql("batches/quarantine"), {"payout_id": row["id"], "reason": reason})
    ledger.release(db, {account: row["lamports"]})
    if row["kind"] == "investment":
        db.execute(sql("investments/cancel"), {"investment_id": row["investment_id"]})
    return True


def role(db: Database, user_id: str) -> Row:
    """Return ``{is_creator, is_investor}``."""
    row = db.execute(sql("recovery/has_contents"), {"user_id": user_id}).fetchone()
    assert row is not None
    return row
