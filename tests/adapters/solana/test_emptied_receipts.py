"""A reclaim makes no receipt: that what it empties is gone is the trace that it leaves."""

import pytest

from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Attempt,
    Finalized,
    ReceiptOnly,
    Search,
    Unknown,
)
from tests.adapters.solana.scripted import (
    ABSENT,
    HEIGHT,
    RECEIPT,
    account,
    attempt,
    fresh_signature,
    look,
    receipt,
    signed,
    transaction_json,
    transactions,
)

DEAD_HEIGHT = HEIGHT - EXPIRY_MARGIN_BLOCKS - 1


def reclaim(*attempts: Attempt) -> Search:
    return Search(attempts=attempts, receipt=None, emptied=RECEIPT)


def test_while_it_stands_nothing_has_landed() -> None:
    dead = attempt(last_valid_block_height=DEAD_HEIGHT)
    assert look(reclaim(dead), **receipt(account())) == ABSENT


def test_a_node_that_lost_the_block_of_a_reclaim_does_not_prove_it_dead() -> None:
    """Two nodes with gaps in their histories would let it be signed again."""
    dead = attempt(last_valid_block_height=DEAD_HEIGHT)
    assert look(reclaim(dead)) == ReceiptOnly(address=RECEIPT, creator=None)


def test_what_emptied_it_last_is_what_landed() -> None:
    tried, transaction = signed()
    found = look(
        reclaim(tried),
        **transactions((tried.signature, None), (fresh_signature(), None)),
        getTransaction=transaction_json(transaction, slot=66),
    )
    assert found == Finalized(signature=tried.signature, slot=66, fee_lamports=5_300)


def test_a_stranger_who_emptied_it_is_named() -> None:
    stranger = fresh_signature()
    found = look(reclaim(attempt()), **transactions((stranger, None), (fresh_signature(), None)))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_list_that_lags_is_no_news_while_the_attempt_lives(is_alive: bool) -> None:  # noqa: FBT001 -- a column of the table
    height = HEIGHT if is_alive else DEAD_HEIGHT
    found = look(reclaim(attempt(last_valid_block_height=height)))
    assert isinstance(found, Unknown if is_alive else ReceiptOnly)
    if is_alive:
        assert "is gone, and what took it" in str(found)
