"""The simulation bites: each deliberate fault is found by a seed, a place, or a table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import pytest

from pixr.adapters.postgres import Database, batch_edges
from pixr.domain import payouts
from pixr.domain.payouts import Absent, Failed, ReceiptOnly, Verdict
from tests.adapters.postgres import test_states
from tests.adapters.postgres.test_states import a_batch, an_attempt
from tests.domain import test_payouts
from tests.simulation.faults import FAULTS, NO_VERSION, Fault, changed, finds
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


def _early() -> AbstractContextManager[Any]:
    is_past = payouts._is_past

    def early(absent: Absent, *rest: Any) -> bool:
        later = absent.finalized_block_height + 40
        return is_past(replace(absent, finalized_block_height=later), *rest)

    return mock.patch.object(payouts, "_is_past", early)


def _without_history() -> AbstractContextManager[Any]:
    absences = payouts._absences
    return mock.patch.object(
        payouts,
        "_absences",
        lambda said: [replace(item, first_available_slot=0) for item in absences(said)],
    )


def _receipts_do_not_count() -> AbstractContextManager[Any]:
    judge = payouts.judge

    def blind(attempts: Any, sightings: Any) -> Verdict:
        seen = [item for item in sightings if not isinstance(item, ReceiptOnly)]
        return judge(attempts, seen or sightings)

    return mock.patch.object(test_payouts, "judge", blind)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(_early, id="an expiry 40 blocks early"),
        pytest.param(
            lambda: mock.patch.object(payouts, "quorum", return_value=1), id="a quorum of 1"
        ),
        pytest.param(_without_history, id="a node that forgot proves absence"),
        pytest.param(_receipts_do_not_count, id="a receipt proves nothing"),
    ],
)
def test_a_verdict_that_is_too_bold_is_found_by_the_table(
    fault: Callable[[], AbstractContextManager[Any]],
) -> None:
    """Random schedules rarely meet a boundary; a table stands on it."""
    marks: list[pytest.Mark] = vars(test_payouts.test_judge)["pytestmark"]
    rows = next(mark.args[1] for mark in marks if mark.name == "parametrize")

    def table() -> None:
        for sightings, verdict in rows:
            test_payouts.test_judge(sightings, verdict)

    table()
    with fault(), pytest.raises(AssertionError):
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


@pytest.mark.parametrize("edge", [test_states.hold, test_states.store, test_states.mark_inflight])
def test_a_swap_that_does_not_compare_is_found_by_the_test_of_states(
    db: Database, edge: Callable[[Database], bool]
) -> None:
    """Few seeds meet it: most of what would go wrong the indexes and the edges' trigger refuse."""
    with changed(NO_VERSION), pytest.raises(AssertionError):
        test_states.test_who_was_overtaken_moves_nothing(db, edge)
