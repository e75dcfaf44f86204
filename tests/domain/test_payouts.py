"""One row per boundary of the verdict: may we pay again, or not?"""

from uuid import UUID

import pytest

from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
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
FAILED = Failed(signature="s", slot=1, fee_lamports=5_000, error="{}")
SEEN = Unsettled()
RECEIPT = ReceiptOnly(address="r")
SILENT = Unknown(reason="HTTP 503")


def attempt(number: int, last_valid: int = LAST_VALID) -> Attempt:
    return Attempt(
        signature=f"s{number}",
        batch_id=UUID(int=1),
        number=number,
        state="INFLIGHT",
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
        # One sighting beats any number of blanks.
        ([absent(1), absent(1), PAID], Verdict.PAID),
        ([absent(1), absent(1), SEEN], Verdict.WAIT),
        ([absent(1), absent(1), RECEIPT], Verdict.HOLD),
        ([FAILED, PAID], Verdict.PAID),
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
