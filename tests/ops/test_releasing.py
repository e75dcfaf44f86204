"""What failed on chain and is booked as failed does not keep a batch on hold for ever."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from pixr.adapters.postgres.batches import Batch
from pixr.domain.payouts import Absent, Attempt, Failed, ReceiptOnly, Sighting, Unknown
from pixr.ops.releasing import Case, against_death

FAILED = Failed(signature="1" * 64, slot=9, fee_lamports=5_000, error="{}")
PAST = Absent(finalized_block_height=1_000, first_available_slot=10**6)
"""Past every expiry, and without a past."""
LAGGING = Absent(finalized_block_height=500, first_available_slot=0)
UNKNOWN = Unknown(reason="it is away")
RECEIPT = ReceiptOnly(address="2" * 32, creator=None)


def attempt(number: int, state: Any) -> Attempt:
    return Attempt(
        signature=f"{number}" * 64,
        batch_id=UUID(int=1),
        number=number,
        state=state,
        raw=b"",
        blockhash_slot=5,
        last_valid_block_height=500,
        fee_lamports_max=5_000,
    )


def case(states: Sequence[str], said: Sequence[Sighting]) -> Case:
    batch: Any = Batch.__new__(Batch)
    return Case(
        batch=batch,
        payouts=(),
        attempts=[attempt(number, state) for number, state in enumerate(states, 1)],
        said=[(f"node {number}", item) for number, item in enumerate(said)],
        maker=None,
        finalized_height=1_000,
        difference=None,
    )


@pytest.mark.parametrize(
    ("states", "said", "is_dead"),
    [
        # A recovery found the failure in the time that was forgotten, and booked it.
        (["FAILED"], [FAILED], True),
        (["FAILED"], [FAILED, FAILED, UNKNOWN], True),
        (["FAILED"], [FAILED, PAST], True),
        (["FAILED", "EXPIRED"], [FAILED, FAILED], True),
        # Too few say so, or they may not be there yet.
        (["FAILED"], [FAILED, UNKNOWN], False),
        (["FAILED"], [FAILED, LAGGING], False),
        # Another attempt may still land, or a payment is there.
        (["FAILED", "INFLIGHT"], [FAILED, FAILED], False),
        (["FAILED"], [FAILED, FAILED, RECEIPT], False),
        # It was declared dead, and landed: a contradiction.
        (["EXPIRED"], [FAILED, FAILED], False),
    ],
)
def test_a_booked_failure_contradicts_nothing(
    states: list[str], said: list[Sighting], *, is_dead: bool
) -> None:
    assert (against_death(case(states, said)) is None) is is_dead
