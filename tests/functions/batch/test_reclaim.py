"""Rent comes back out of receipts, and only when they guard nothing any more."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from solders.keypair import Keypair

from functions.batch.reclaim import (
    MISSING_PER_TICK,
    RECLAIMS_PER_TICK,
    Reclaims,
    plan_reclaims,
)
from pixr.adapters.postgres import verification
from pixr.adapters.solana import AccountView, Blockhash, ChainUnreachable, Solana
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.reclaims import RECEIPTS_PER_RECLAIM
from tests.functions.batch.conftest import Settler


@pytest.fixture
def paid(settler: Settler) -> list[str]:
    """One full company of batches was paid; returns their receipts' addresses."""
    settler.terms = replace(settler.terms, payees_max=1)
    for number in range(RECEIPTS_PER_RECLAIM):
        settler.user(f"creator-{number}")
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", 600)
    settler.tick()
    rows = settler.db.execute("SELECT receipt_address FROM batches ORDER BY planned_at, id")
    return [row["receipt_address"] for row in rows]


class Dusty(Solana):
    """The real node; somebody sends dust to a receipt between the second look and the first."""

    def __init__(self, settler: Settler, receipt: str) -> None:
        super().__init__([settler.chain.nodes[0].url])
        self.receipt = receipt
        self.looks = 0
        self.airdrop = settler.airdrop

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        if self.receipt in addresses:
            self.looks += 1
            if self.looks == 2:
                self.airdrop(self.receipt, 777)
        return super().accounts(addresses)


def receipt_states(settler: Settler) -> set[str]:
    rows = settler.db.execute("SELECT receipt_state FROM batches WHERE kind = 'earnings'")
    return {row["receipt_state"] for row in rows}


def outlive(settler: Settler) -> None:
    """Let the chain finalize what no attempt of ours could outlive."""
    row = settler.db.execute(
        "SELECT max(last_valid_block_height) AS h FROM transactions"
    ).fetchone()
    assert row is not None
    settler.wait_until(lambda: settler.chain.finalized_height() > row["h"] + 40)


def no_retention(settler: Settler) -> None:
    settler.terms = replace(settler.terms, receipt_retention=timedelta(0))


def is_clean(settler: Settler) -> bool:
    checks = verification.CHECKS.values()
    return not any(verification.offenders(settler.db, statement) for statement in checks)


def test_a_young_receipt_stands(settler: Settler, paid: list[str]) -> None:
    outlive(settler)
    assert settler.tick().reclaims_planned == 0
    assert receipt_states(settler) == {"LOCKED"}


def test_a_receipt_stands_while_an_attempt_could_still_land(
    settler: Settler, paid: list[str]
) -> None:
    settler.db.execute("UPDATE transactions SET last_valid_block_height = 10 ^ 9")
    no_retention(settler)
    assert settler.tick().reclaims_planned == 0
    assert receipt_states(settler) == {"LOCKED"}


def test_the_rent_comes_home(settler: Settler, paid: list[str]) -> None:
    outlive(settler)
    no_retention(settler)
    assert settler.tick().reclaims_planned == 1
    assert receipt_states(settler) == {"RECLAIMED"}
    assert settler.account("receipts") == 0
    assert [settler.balance(address) for address in paid] == [0] * len(paid)
    treasury = settler.keyring.treasury.address
    assert settler.account("treasury") == settler.balance(treasury)
    assert is_clean(settler)
    # Nothing is left to take, and nothing is missing.
    report = settler.tick()
    assert (report.reclaims_planned, report.broken) == (0, {})


def test_what_a_clock_that_was_ahead_has_planned_is_given_up(
    settler: Settler, paid: list[str]
) -> None:
    """A day too early the receipts still guard against a database that is restored."""

    class Away(Solana):
        def blockhash(self) -> Blockhash:
            raise ChainUnreachable("nobody signs now")

    outlive(settler)
    honest, settler.chain = settler.chain, Away([settler.chain.nodes[0].url])
    settler.now = lambda: datetime.now(UTC) + timedelta(days=40)
    assert settler.tick().reclaims_planned == 1
    settler.chain, settler.now = honest, lambda: datetime.now(UTC)
    settler.tick()
    assert receipt_states(settler) == {"LOCKED"}
    row = settler.db.execute("SELECT state FROM batches WHERE kind = 'reclaim'").fetchone()
    assert row == {"state": "FAILED"}
    assert is_clean(settler)


def test_what_a_stranger_sent_to_a_receipt_comes_along(settler: Settler, paid: list[str]) -> None:
    """A lamport left behind would fail the reclaim, whoever sent it."""
    settler.airdrop(paid[0], 1_000_001)
    outlive(settler)
    no_retention(settler)
    settler.tick()
    assert receipt_states(settler) == {"RECLAIMED"}
    treasury = settler.keyring.treasury.address
    assert settler.account("treasury") == settler.balance(treasury)
    assert settler.account("receipts") == 0


def test_dust_that_comes_between_plan_and_signature_only_delays(
    settler: Settler, paid: list[str]
) -> None:
    outlive(settler)
    settler.airdrop(paid[3], RENT_EXEMPT_LAMPORTS)
    no_retention(settler)
    settler.chain = Dusty(settler, paid[0])
    settler.tick()
    settler.tick()
    assert receipt_states(settler) == {"RECLAIMED"}
    states = settler.db.execute("SELECT state FROM batches WHERE kind = 'reclaim' ORDER BY state")
    assert [row["state"] for row in states] == ["FAILED", "FINALIZED"]
    treasury = settler.keyring.treasury.address
    assert settler.account("treasury") == settler.balance(treasury)
    assert is_clean(settler)


def test_a_receipt_that_is_gone_is_told_and_the_others_come_home(
    settler: Settler, paid: list[str]
) -> None:
    outlive(settler)
    no_retention(settler)
    settler.tick()
    settler.db.execute(
        "UPDATE batches SET receipt_state = 'LOCKED' WHERE receipt_address = %s", (paid[0],)
    )
    settler.db.execute("UPDATE batch_receipts SET is_live = false")
    report = settler.tick()
    assert report.broken == {f"receipt {paid[0]}": "it should stand on chain and does not"}


def lose(settler: Settler, count: int) -> set[str]:
    """Old payments whose receipts are not on chain; their addresses."""
    addresses = [str(Keypair().pubkey()) for _ in range(count)]
    settler.db.execute(
        "INSERT INTO batches (id, kind, state, receipt_address, receipt_state, merkle_root, payees,"
        " lamports, treasury_reserved_lamports, planned_at, closed_at)"
        " SELECT gen_random_uuid(), 'earnings', 'FINALIZED', address, 'LOCKED',"
        " sha256(address::bytea), 1, 1, 0, now() - interval '9 days', now() - interval '9 days'"
        " FROM unnest(%s::text[]) AS address",
        (addresses,),
    )
    settler.db.execute(
        "INSERT INTO transactions (signature, batch_id, attempt, state, raw, blockhash,"
        " blockhash_slot, last_valid_block_height, fee_lamports_max, fee_lamports, slot, signed_at,"
        " closed_at)"
        " SELECT left(repeat(receipt_address, 3), 88), id, 1, 'LANDED', '', 'x', 0, 1, 1, 1, 0,"
        " planned_at, closed_at FROM batches WHERE receipt_address = ANY(%s)",
        (addresses,),
    )
    return set(addresses)


def reclaim(settler: Settler) -> Reclaims:
    return plan_reclaims(
        settler.db,
        settler.chain,
        retention=settler.terms.receipt_retention,
        new_id=uuid4,
        now=settler.now(),
    )


def test_missing_receipts_do_not_keep_the_others_there(settler: Settler, paid: list[str]) -> None:
    """More than a tick looks at are missing, and all are older than those that stand."""
    lost = lose(settler, RECLAIMS_PER_TICK * RECEIPTS_PER_RECLAIM)
    outlive(settler)
    no_retention(settler)
    first = reclaim(settler)
    assert (first.planned, set(first.missing)) == (0, lost)
    second = reclaim(settler)
    assert second.planned == 1
    # Some of the missing are looked for again and told, each in its turn.
    assert len(second.missing) == MISSING_PER_TICK
    told = set(second.missing)
    for _ in range(3):
        told |= set(reclaim(settler).missing)
    assert told == lost
    settler.tick()
    states = settler.db.execute(
        "SELECT DISTINCT receipt_state FROM batches WHERE receipt_address = ANY(%s)", (paid,)
    )
    assert [row["receipt_state"] for row in states] == ["RECLAIMED"]


def test_a_missing_receipt_does_not_make_a_small_company_worth_a_fee(
    settler: Settler, paid: list[str]
) -> None:
    lost = lose(settler, 20)
    outlive(settler)
    assert set(reclaim(settler).missing) == lost
    settler.db.execute(
        "UPDATE batches SET closed_at = closed_at - interval '25 hours'"
        " WHERE receipt_address = ANY(%s)",
        (paid[:4],),
    )
    # Four of nine have waited their time; the missing are no company for them.
    found = reclaim(settler)
    assert (found.planned, set(found.missing)) == (0, lost)
    settler.db.execute(
        "UPDATE batches SET closed_at = closed_at - interval '25 hours'"
        " WHERE receipt_address = ANY(%s)",
        (paid[:1],),
    )
    assert reclaim(settler).planned == 1
    rows = settler.db.execute("SELECT * FROM batch_receipts").fetchall()
    assert len(rows) == 4


def test_a_receipt_that_is_back_comes_home(settler: Settler, paid: list[str]) -> None:
    """A node did not show it for a while."""
    outlive(settler)
    no_retention(settler)
    settler.db.execute("UPDATE batches SET receipt_missed_at = now()")
    report = settler.tick()
    assert (report.reclaims_planned, report.broken) == (1, {})
    assert receipt_states(settler) == {"RECLAIMED"}


def test_missing_receipts_do_not_end_a_tick(settler: Settler) -> None:
    """They are told where broken batches are, and are none: what is under way is looked at."""
    lost = lose(settler, 30)
    outlive(settler)
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 600)
    report = settler.tick()
    assert settler.balance(address) == 11_400_000
    assert set(report.broken) == {f"receipt {one}" for one in lost}
