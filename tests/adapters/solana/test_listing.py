"""Lists of several nodes as one: what one lists has happened, what two have passed is complete."""

import pytest

from pixr.adapters.solana.errors import HistoryHole, NodeError
from pixr.adapters.solana.history import Listed, joined
from pixr.adapters.solana.values import SignatureRecord

SILENT = NodeError("no answer")


def listed(slots: str, gap: HistoryHole | None = None) -> Listed:
    """A list, newest first as nodes give it, of one transaction in each slot named."""
    records = [
        SignatureRecord(signature=f"at {slot}", slot=int(slot), is_failed=False)
        for slot in sorted(slots, reverse=True)
    ]
    return Listed(records, gap)


@pytest.mark.parametrize(
    ("told", "quorum", "slots", "settled"),
    [
        ([listed("123")], 1, "123", 3),
        ([listed("123"), listed("123")], 2, "123", 3),
        # The second lags: what comes after its newest may be more than the first has.
        ([listed("123"), listed("12")], 2, "123", 2),
        # The first lacks the block of 2; the second has it, and both are past it.
        ([listed("13"), listed("123")], 2, "123", 3),
        ([listed("13"), SILENT], 2, "13", 0),
        ([listed("13"), SILENT, listed("123")], 2, "123", 3),
        ([listed(""), listed("1")], 2, "1", 0),
        ([listed(""), listed("")], 2, "", 0),
        # A list that does not join on passes nothing.
        ([listed("12"), listed("12", HistoryHole("a hole"))], 2, "12", 0),
    ],
)
def test_what_is_listed_and_what_is_settled(
    told: list[Listed | NodeError], quorum: int, slots: str, settled: int
) -> None:
    found = joined(told, quorum=quorum)
    assert found is not None
    assert "".join(str(record.slot) for record in found.records) == slots
    assert found.settled == settled


def test_nobody_lists_anything() -> None:
    assert joined([SILENT, SILENT], quorum=2) is None
