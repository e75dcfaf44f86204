"""The states' own promises: only the drawn edges, one live attempt, one live batch."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

import psycopg
import pytest

from pixr.adapters.postgres import Database, batch_edges, batches
from pixr.adapters.postgres.batch_edges import Signed
from pixr.adapters.postgres.batches import Batch

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESS = "5vUSQWdJq394G6B5fAScfLovBm5kjSWq37Q8ayEse42G"


def a_batch(db: Database, state: str = "PLANNED") -> UUID:
    batch_id = uuid4()
    db.execute(
        "INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,"
        " treasury_reserved_lamports, planned_at)"
        " VALUES (%s, 'earnings', %s, %s, 1, 1, 1, now())",
        (batch_id, str(batch_id)[:32], bytes(32)),
    )
    if state != "PLANNED":
        db.execute("UPDATE batches SET state = 'SIGNED' WHERE id = %s", (batch_id,))
    return batch_id


def an_attempt(db: Database, batch_id: UUID, number: int) -> None:
    db.execute(
        "INSERT INTO transactions (signature, batch_id, attempt, raw, blockhash, blockhash_slot,"
        " last_valid_block_height, fee_lamports_max, signed_at)"
        " VALUES (%s, %s, %s, '', 'h', 1, 1, 1, now())",
        (f"{number}" * 64, batch_id, number),
    )


def a_payout(db: Database) -> UUID:
    payout_id = uuid4()
    db.execute(
        "INSERT INTO user_wallets VALUES ('alice', %s, 1, now()) ON CONFLICT DO NOTHING", (ADDRESS,)
    )
    db.execute(
        "INSERT INTO ledger_accounts (account) VALUES ('owed:alice'), ('wallet:alice')"
        " ON CONFLICT DO NOTHING"
    )
    db.execute(
        "INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination,"
        " lamports, created_at)"
        " VALUES (%s, 'earnings', 'alice', 'owed:alice', 'wallet:alice', %s, 1, now())",
        (payout_id, ADDRESS),
    )
    return payout_id


def test_a_batch_has_one_live_attempt(db: Database) -> None:
    batch_id = a_batch(db)
    an_attempt(db, batch_id, 1)
    with pytest.raises(psycopg.errors.UniqueViolation, match="transactions_one_live"):
        an_attempt(db, batch_id, 2)


def test_a_payout_is_in_one_live_batch(db: Database) -> None:
    payout_id = a_payout(db)
    item = "INSERT INTO batch_items (batch_id, position, payout_id, salt) VALUES (%s, 0, %s, %s)"
    db.execute(item, (a_batch(db), payout_id, bytes(16)))
    with pytest.raises(psycopg.errors.UniqueViolation, match="batch_items_one_live"):
        db.execute(item, (a_batch(db), payout_id, bytes(16)))


@pytest.mark.parametrize(
    ("begin", "end"), [("SIGNED", "PLANNED"), ("SIGNED", "INFLIGHT"), ("SIGNED", "FAILED")]
)
def test_a_drawn_edge_is_open(db: Database, begin: str, end: str) -> None:
    batch_id = a_batch(db, begin)
    db.execute(
        "UPDATE batches SET state = %s, closed_at = CASE WHEN %s = 'FAILED' THEN now() END"
        " WHERE id = %s",
        (end, end, batch_id),
    )


@pytest.mark.parametrize(("begin", "end"), [("PLANNED", "INFLIGHT"), ("PLANNED", "FINALIZED")])
def test_any_other_edge_is_shut(db: Database, begin: str, end: str) -> None:
    batch_id = a_batch(db, begin)
    with pytest.raises(psycopg.errors.CheckViolation, match=f"no way from {begin} to {end}"):
        db.execute(
            "UPDATE batches SET state = %s, closed_at = now() WHERE id = %s", (end, batch_id)
        )


def test_a_payout_is_not_paid_from_pending(db: Database) -> None:
    payout_id = a_payout(db)
    with pytest.raises(psycopg.errors.CheckViolation, match="no way from PENDING to PAID"):
        db.execute(
            "UPDATE payouts SET state = 'PAID', batch_id = %s, paid_at = now() WHERE id = %s",
            (a_batch(db), payout_id),
        )


def overtaken(db: Database, state: str = "PLANNED") -> Batch:
    """A batch as it was read, before somebody else moved it."""
    batch = batches.reread(db, a_batch(db, state))
    if state == "SIGNED":
        an_attempt(db, batch.id, 1)
    db.execute("UPDATE batches SET version = version + 1 WHERE id = %s", (batch.id,))
    return batch


def hold(db: Database) -> bool:
    return batch_edges.hold(db, overtaken(db), "a reason", {}, now=NOW)


def store(db: Database) -> bool:
    signed = Signed(
        batch=overtaken(db),
        number=1,
        signature="1" * 64,
        raw=b"bytes",
        blockhash="hash",
        blockhash_slot=1,
        last_valid_block_height=1,
        fee_lamports_max=1,
    )
    return bool(batch_edges.store(db, [signed], limits=(), now=NOW).moved)


def mark_inflight(db: Database) -> bool:
    return bool(batch_edges.mark_inflight(db, [overtaken(db, "SIGNED")], now=NOW))


@pytest.mark.parametrize("edge", [hold, store, mark_inflight])
def test_who_was_overtaken_moves_nothing(db: Database, edge: Callable[[Database], bool]) -> None:
    assert not edge(db)
