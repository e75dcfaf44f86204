"""One row per boundary of the verdict: may we pay again, or not?"""

from dataclasses import replace
from uuid import UUID

import pytest

from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    STUCK_BLOCKS,
    Absent,
    Attempt,
    Failed,
    Finalized,
    ReceiptOnly,
    Sighting,
    Unknown,
    Unsettled,
    Verdict,
    judge,
)

LAST_VALID = 1_000
FIRST_SLOT = 5_000

PAID = Finalized(signature="s", slot=1, fee_lamports=5_000)
FAILED = Failed(signature="s1", slot=1, fee_lamports=5_000, error="{}")
SEEN = Unsettled()
RECEIPT = ReceiptOnly(address="r")
SILENT = Unknown(reason="HTTP 503")


def attempt(number: int, last_valid: int = LAST_VALID, *, state: str = "INFLIGHT") -> Attempt:
    return Attempt(
        signature=f"s{number}",
        batch_id=UUID(int=1),
        number=number,
        state=state,
        raw=b"",
        blockhash_slot=FIRST_SLOT,
        last_valid_block_height=last_valid,
        fee_lamports_max=10_000,
    )


def absent(past: int, first_slot: int = FIRST_SLOT) -> Absent:
    """Nothing found, ``past`` blocks after the expiry and its margin."""
    return Absent(
        finalized_block_height=LAST_VALID + EXPIRY_MARGIN_BLOCKS + past,
        first_available_slot=first_slot,
    )


def stuck(past: int) -> Absent:
    """Nothing found so long after the expiry that whoever still sees it open is stuck."""
    return Absent(
        finalized_block_height=LAST_VALID + STUCK_BLOCKS + past, first_available_slot=FIRST_SLOT
    )


@pytest.mark.parametrize(
    ("sightings", "verdict"),
    [
        ([PAID], Verdict.PAID),
        ([FAILED], Verdict.FAILED),
        ([SEEN], Verdict.WAIT),
        ([RECEIPT], Verdict.HOLD),
        ([SILENT], Verdict.WAIT),
        # Expiry: the boundary itself is not past it.
        ([absent(0)], Verdict.WAIT),
        ([absent(1)], Verdict.EXPIRED),
        # A node that forgot the first slot in which it could have landed proves nothing.
        ([absent(1, FIRST_SLOT + 1)], Verdict.HOLD),
        # One sighting beats any number of blanks: nothing is signed again.
        ([absent(1), absent(1), PAID], Verdict.HOLD),
        ([absent(1), absent(1), SEEN], Verdict.WAIT),
        ([absent(1), absent(1), RECEIPT], Verdict.HOLD),
        # Nor is it paid by the word of one node: another has it, or its receipt, or is waited for.
        ([PAID, PAID], Verdict.PAID),
        ([PAID, PAID, SILENT], Verdict.PAID),
        ([PAID, PAID, absent(1)], Verdict.PAID),
        ([RECEIPT, PAID], Verdict.PAID),
        ([RECEIPT, SILENT, PAID], Verdict.PAID),
        ([PAID, SILENT], Verdict.WAIT),
        ([PAID, SILENT, SILENT], Verdict.WAIT),
        ([PAID, SEEN], Verdict.WAIT),
        ([PAID, absent(0)], Verdict.WAIT),
        ([PAID, absent(1), absent(0)], Verdict.WAIT),
        ([PAID, absent(1)], Verdict.HOLD),
        ([FAILED, PAID], Verdict.HOLD),
        ([FAILED, PAID, SILENT], Verdict.WAIT),
        ([ReceiptOnly(address="r", creator="a stranger"), PAID], Verdict.HOLD),
        ([replace(PAID, signature="another"), PAID], Verdict.HOLD),
        # A node that is stuck on a fork is not waited for all its life.
        ([stuck(0), SEEN], Verdict.WAIT),
        ([stuck(1), SEEN], Verdict.WAIT),
        ([stuck(0), stuck(1), SEEN], Verdict.WAIT),
        ([stuck(1), stuck(1), SEEN], Verdict.HOLD),
        # A receipt means that somebody was paid, whatever else failed.
        ([FAILED, RECEIPT], Verdict.HOLD),
        ([FAILED, FAILED, RECEIPT], Verdict.HOLD),
        # What one node saw and another not yet: the other will say more.
        ([RECEIPT, SEEN], Verdict.WAIT),
        ([FAILED, SEEN], Verdict.WAIT),
        # A failure lets the money be paid again, so it needs the quorum that expiry needs.
        ([FAILED, SILENT], Verdict.WAIT),
        ([FAILED, absent(0)], Verdict.WAIT),
        ([FAILED, absent(1)], Verdict.HOLD),
        ([FAILED, FAILED], Verdict.FAILED),
        ([FAILED, FAILED, SILENT], Verdict.FAILED),
        ([FAILED, FAILED, absent(1)], Verdict.FAILED),
        ([FAILED, absent(1), absent(1)], Verdict.HOLD),
        ([FAILED, absent(1), SILENT], Verdict.WAIT),
        # Two nodes must both prove it; of three, two.
        ([absent(1), SILENT], Verdict.WAIT),
        ([absent(1), absent(0)], Verdict.WAIT),
        ([absent(1), absent(1)], Verdict.EXPIRED),
        ([absent(1), absent(1), SILENT], Verdict.EXPIRED),
        ([absent(1), SILENT, SILENT], Verdict.WAIT),
        ([absent(1), absent(1, FIRST_SLOT + 1), absent(1, FIRST_SLOT + 1)], Verdict.HOLD),
    ],
)
def test_judge(sightings: list[Sighting], verdict: Verdict) -> None:
    assert judge([attempt(1)], sightings) is verdict


def test_every_attempt_must_be_past_its_expiry() -> None:
    later = attempt(2, LAST_VALID + 10)
    assert judge([attempt(1), later], [absent(1)]) is Verdict.WAIT
    assert judge([attempt(1), later], [absent(11)]) is Verdict.EXPIRED


def test_a_dead_attempt_that_failed_on_chain_was_not_dead() -> None:
    """The books say that it could not land; so the live one may have a rival nobody knows."""
    dead, live = attempt(1, state="EXPIRED"), attempt(2)
    assert judge([dead, live], [FAILED]) is Verdict.HOLD
    assert judge([dead, live], [FAILED, FAILED, absent(1)]) is Verdict.HOLD
    of_the_live = Failed(signature="s2", slot=1, fee_lamports=5_000, error="{}")
    assert judge([dead, live], [of_the_live]) is Verdict.FAILED


@pytest.mark.parametrize("state", ["SIGNED", "INFLIGHT"])
def test_an_attempt_is_live_from_the_moment_it_is_signed(state: str) -> None:
    assert judge([attempt(1, state=state)], [FAILED]) is Verdict.FAILED
