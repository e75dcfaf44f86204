"""Forty-eight payees in one v1 transaction, on a chain that was started to take such."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pixr.adapters.solana import Solana
from pixr.local.chain import ChainProcess, running_chain
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler
from tests.functions.batch.regulars import (
    REGULARS,
    Careless,
    Crash,
    Deadly,
    earn,
    empty,
    make_town,
    paid_in_all,
)


@pytest.fixture(scope="module")
def v1_chain() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20, v1_messages=True) as process:
        yield process


@pytest.fixture
def town(settler: Settler, v1_chain: ChainProcess) -> Settler:
    """Its creators have been paid once, so that the next payment opens no wallet."""
    settler.chain = Solana([v1_chain.url])
    settler.airdrop(settler.keyring.treasury.address, 100 * 10**9)
    town = make_town(settler)
    town.terms = replace(town.terms, lookup_tables=False, v1_messages=True)
    return town


def batches(town: Settler) -> list[tuple[bool, int, str]]:
    rows = town.db.execute(
        "SELECT is_v1, payees, state FROM batches WHERE kind = 'earnings' ORDER BY planned_at, id"
    )
    return [(row["is_v1"], row["payees"], row["state"]) for row in rows]


def is_clean(town: Settler) -> bool:
    checks = verify(town.db, town.chain)
    assert [item for check in checks for item in check.differences] == []
    return True


def test_one_transaction_pays_them_all(town: Settler) -> None:
    earn(town, "a")
    town.tick()
    assert batches(town) == [(True, REGULARS, "FINALIZED")]
    row = town.db.execute("SELECT raw, fee_lamports FROM transactions").fetchone()
    assert row is not None
    assert (len(row["raw"]), row["fee_lamports"]) == (400 + 50 * REGULARS, 5_000)
    assert paid_in_all(town, 1)
    assert is_clean(town)


@pytest.mark.parametrize("sends", [False, True])
def test_a_crash_pays_nobody_twice(town: Settler, sends: bool) -> None:  # noqa: FBT001 -- a case
    earn(town, "a")
    url = town.chain.nodes[0].url
    town.chain = Deadly(town, sends=sends)
    with pytest.raises(Crash):
        town.tick()
    # Switched off meanwhile: what was planned in that form stays in it.
    town.terms = replace(town.terms, v1_messages=False)
    town.chain = Solana([url])
    town.tick()
    assert batches(town) == [(True, REGULARS, "FINALIZED")]
    assert paid_in_all(town, 1)
    assert is_clean(town)


def test_a_payee_who_cannot_be_paid_is_named(town: Settler) -> None:
    earn(town, "a")
    town.tick()
    poor = town.keyring.seed.wallet("creator-7").address
    empty(town, "creator-7")
    town.terms = replace(town.terms, minimum_lamports=100_000)
    town.chain = Careless(town, poor)
    for number in range(REGULARS):
        town.watch(f"film-{number}", 10, day="b")
    town.tick()
    rows = town.db.execute("SELECT user_id FROM payouts WHERE state = 'QUARANTINED'").fetchall()
    assert [row["user_id"] for row in rows] == ["creator-7"]
    assert sorted(batches(town)[1:]) == [
        (True, REGULARS - 1, "FINALIZED"),
        (True, REGULARS, "FAILED"),
    ]
