"""The simulation bites: each deliberate fault is found by a seed, a place, or a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from pixr.adapters.postgres import Database, batch_edges
from pixr.domain import payouts
from pixr.domain.payouts import Failed
from tests.adapters.postgres.test_states import a_batch, an_attempt
from tests.domain import test_payouts
from tests.simulation.faults import FAULTS, Fault, changed, finds
from tests.simulation.servers import Servers

SEEDS_MAX = 30
"""Tried when none of the seeds that found it before does any more."""


def test_there_are_enough_faults() -> None:
    assert len(FAULTS) >= 12
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.name))
def test_a_fault_is_found(town_servers: Servers, fault: Fault) -> None:
    seeds = dict.fromkeys([*fault.seeds, *range(SEEDS_MAX)])
    found = next(finds(fault, seeds, town_servers), None)
    assert found is not None, f"nobody noticed: {fault.name}"
    assert "Replay it with: make sim FROM=" in found[1]


def test_an_expiry_that_is_40_blocks_early_is_found_by_the_table() -> None:
    """Random schedules rarely meet a boundary; a table stands on it."""
    is_past = payouts._is_past

    def early(absent: Any, attempts: Any) -> bool:
        return is_past(
            payouts.Absent(
                finalized_block_height=absent.finalized_block_height + 40,
                first_available_slot=absent.first_available_slot,
            ),
            attempts,
        )

    marks: list[pytest.Mark] = vars(test_payouts.test_judge)["pytestmark"]
    rows = next(mark.args[1] for mark in marks if mark.name == "parametrize")

    def table() -> None:
        for sightings, verdict in rows:
            test_payouts.test_judge(sightings, verdict)

    table()
    with mock.patch.object(payouts, "_is_past", early), pytest.raises(AssertionError):
        table()


def test_a_verdict_stands(db: Database) -> None:
    """An attempt that landed does not fail afterwards, whatever a node says."""
    an_attempt(db, a_batch(db, "SIGNED"), 1)
    db.execute(
        "UPDATE transactions SET state = 'LANDED', slot = 1, fee_lamports = 1, closed_at = now()"
    )
    failed = Failed(signature="1" * 64, slot=1, fee_lamports=1, error="{}")
    with pytest.raises(ValueError, match="was closed before"):
        batch_edges.charge_failure(db, failed, now=datetime(2030, 1, 1, tzinfo=UTC))


def test_a_verdict_that_can_be_overwritten_is_found_by_the_test_above(db: Database) -> None:
    """The statement guards it, and the schema does; without both, the test fails."""
    db.execute("DROP TRIGGER transactions_edges ON transactions")
    db.execute("UPDATE ledger_accounts SET posted_lamports = 9 WHERE account = 'treasury'")
    guard = "AND transactions.state = ANY(%(states)s::text[])"
    with changed({"transactions/close": (guard, "")}), pytest.raises(pytest.fail.Exception):
        test_a_verdict_stands(db)
