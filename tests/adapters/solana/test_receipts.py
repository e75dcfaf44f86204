"""A receipt that exists says that somebody was paid: who made it decides what it is worth."""

from typing import Any

import pytest

from pixr.adapters.solana import TransportFailed
from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Finalized,
    ReceiptOnly,
    Search,
    Unknown,
)
from tests.adapters.solana.scripted import (
    ABSENT,
    HEIGHT,
    RECEIPT,
    SLOT,
    Error,
    account,
    attempt,
    fresh_signature,
    listing,
    look,
    receipt,
    search,
    signed,
    status,
    statuses,
    transaction_json,
    transactions,
)

SILENCE = TransportFailed("ReadTimeoutError")


def made_by(signature: str, *others: tuple[str, Any]) -> dict[str, Any]:
    """A receipt that exists, its transactions newest first."""
    return receipt(account()) | transactions(*others, (signature, None))


def test_an_attempt_that_made_the_receipt_has_paid() -> None:
    tried, transaction = signed()
    found = look(
        search(tried),
        **made_by(tried.signature, (fresh_signature(), None), (fresh_signature(), "x")),
        getTransaction=transaction_json(transaction, slot=66),
    )
    assert found == Finalized(signature=tried.signature, slot=66, fee_lamports=5_300)


def test_a_stranger_who_made_the_receipt_is_named() -> None:
    stranger = fresh_signature()
    found = look(search(), **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)


def test_who_failed_to_make_it_did_not_make_it() -> None:
    stranger = fresh_signature()
    records = [
        {"signature": stranger, "slot": SLOT, "err": None},
        {"signature": fresh_signature(), "slot": SLOT - 1, "err": "x"},
    ]
    answers = receipt(account()) | {"getSignaturesForAddress": listing(records)}
    assert look(search(), **answers) == ReceiptOnly(address=RECEIPT, creator=stranger)


def test_a_receipt_beats_a_failure() -> None:
    stranger = fresh_signature()
    failed = statuses(status(err="AccountNotFound"))
    found = look(search(), **failed, **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)


@pytest.mark.parametrize(
    "answers",
    [
        {"getSignaturesForAddress": []},
        {"getSignaturesForAddress": SILENCE},
        {"getSignaturesForAddress": Error({"code": -32005})},
        {"getSignaturesForAddress": "none"},
        {"getTransaction": None},
        {"getTransaction": SILENCE},
        {"getTransaction": {"slot": 5}},
    ],
    ids=repr,
)
def test_a_receipt_whose_maker_is_not_listed_yet_is_no_news(answers: dict[str, Any]) -> None:
    """The list may lag behind the accounts, and our own attempt may be what is missing."""
    tried, _ = signed()
    live = attempt(tried.signature, last_valid_block_height=HEIGHT - EXPIRY_MARGIN_BLOCKS)
    assert isinstance(look(search(live), **made_by(live.signature) | answers), Unknown)


@pytest.mark.parametrize(
    ("answers", "has_creator"),
    [({"getSignaturesForAddress": []}, False), ({"getTransaction": None}, True)],
)
def test_past_expiry_nothing_more_will_be_listed(
    answers: dict[str, Any],
    has_creator: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    dead = attempt(last_valid_block_height=HEIGHT - EXPIRY_MARGIN_BLOCKS - 1)
    found = look(search(dead), **made_by(dead.signature) | answers)
    creator = dead.signature if has_creator else None
    assert found == ReceiptOnly(address=RECEIPT, creator=creator)


def test_an_attempt_that_is_listed_as_failed_now_has_not_paid() -> None:
    tried, transaction = signed()
    found = look(
        search(tried),
        **made_by(tried.signature),
        getTransaction=transaction_json(transaction, err="AccountNotFound"),
    )
    assert not isinstance(found, Finalized)


def test_a_receipt_that_somebody_floods_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixr.adapters.solana.history.SIGNATURES_PER_PAGE", 1)

    def flood(_: str, options: dict[str, Any]) -> list[dict[str, Any]]:
        del options
        return [{"signature": fresh_signature(), "slot": 1, "err": None}]

    answers = receipt(account()) | {"getSignaturesForAddress": flood}
    assert look(search(), **answers) == ReceiptOnly(address=RECEIPT, creator=None)


def test_an_account_without_lamports_or_owner_is_no_answer() -> None:
    for odd in ({}, account(lamports=-1), account(owner="me"), 5, "x"):
        assert isinstance(look(search(), **receipt(odd)), Unknown)


def test_a_search_without_attempts_finds_who_paid() -> None:
    """A recovery looks for batches whose attempts were lost with the database."""
    stranger = fresh_signature()
    found = look(Search(attempts=(), receipt=RECEIPT), **made_by(stranger))
    assert found == ReceiptOnly(address=RECEIPT, creator=stranger)
    assert look(Search(attempts=(), receipt=RECEIPT)) == ABSENT
