"""Sizes are what solders makes of them, and the signer's look finds every difference."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata
from solders.transaction_status import InstructionErrorCustom, TransactionErrorInstructionError

from pixr.domain import intent as signer
from pixr.domain import packing
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout

TREASURY = Keypair.from_seed(bytes(32))
WALLET = Keypair.from_seed(bytes([7]) * 32)
KEY = b"k" * 32


def intent_of(count: int, source: Keypair = TREASURY, number: int = 1) -> packing.Intent:
    return packing.Intent(
        treasury=str(TREASURY.pubkey()),
        source=str(source.pubkey()),
        receipt_seed=packing.receipt_seed(KEY, UUID(int=number)),
        memo="m" * 44,
        transfers=tuple(
            packing.Transfer(
                destination=str(Pubkey.from_bytes(bytes([9, n]) + bytes(30))),
                lamports=1_000_000 + n,
            )
            for n in range(count)
        ),
    )


def payout(number: int, kind: str = "earnings", debit: str = "owed:a") -> Payout:
    return Payout(
        id=UUID(int=number),
        kind=kind,
        user_id="a",
        debit_account=debit,
        credit_account="wallet:a",
        destination=str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big"))),
        lamports=1_000_000,
    )


@pytest.mark.parametrize("source", [TREASURY, WALLET])
@pytest.mark.parametrize("count", [1, 2, 15, 16])
def test_sizes_are_what_is_serialized(source: Keypair, count: int) -> None:
    intent = intent_of(count, source)
    message = packing.message(intent, blockhash=str(Hash.default()), price=1)
    keys = [TREASURY] if source is TREASURY else [TREASURY, WALLET]
    raw = bytes(Transaction(keys, message, Hash.default()))
    assert len(raw) == packing.transaction_bytes(
        treasury=intent.treasury,
        source=intent.source,
        destinations=[item.destination for item in intent.transfers],
    )


def test_a_full_transaction_pays_sixteen() -> None:
    addresses = {"treasury": str(TREASURY.pubkey())}
    batches = packing.pack([payout(n) for n in range(33)], addresses=addresses, payees_max=50)
    assert [len(batch) for batch in batches] == [16, 16, 1]


def test_withdrawals_travel_alone_and_sources_do_not_mix() -> None:
    addresses = {"treasury": str(TREASURY.pubkey()), "wallet:a": str(WALLET.pubkey())}
    batches = packing.pack(
        [
            payout(1),
            payout(2, "withdrawal", "wallet:a"),
            payout(3, "return", "return:a"),
            payout(4, "withdrawal", "wallet:a"),
        ],
        addresses=addresses,
        payees_max=50,
    )
    assert [[item.id.int for item in batch] for batch in batches] == [[1, 3], [2], [4]]


def funded_svm() -> LiteSVM:
    svm = LiteSVM()
    svm.airdrop(TREASURY.pubkey(), 10**12)
    svm.airdrop(WALLET.pubkey(), 10**12)
    return svm


@pytest.mark.parametrize("source", [TREASURY, WALLET])
@pytest.mark.parametrize("count", [1, 16])
def test_the_compute_limit_is_enough_and_the_fee_is_as_computed(
    source: Keypair, count: int
) -> None:
    svm = funded_svm()
    if source is WALLET and count == 16:
        count = 14
    intent = intent_of(count, source)
    before = svm.get_balance(TREASURY.pubkey())
    message = packing.message(intent, blockhash=str(svm.latest_blockhash()), price=1_000_000)
    keys = [TREASURY] if source is TREASURY else [TREASURY, WALLET]
    result = svm.send_transaction(Transaction(keys, message, svm.latest_blockhash()))
    assert not isinstance(result, FailedTransactionMetadata), result
    spent = (before or 0) - (svm.get_balance(TREASURY.pubkey()) or 0)
    moved = sum(item.lamports for item in intent.transfers) if source is TREASURY else 0
    fee = packing.fee_lamports(intent, price=1_000_000)
    assert spent == fee + RENT_EXEMPT_LAMPORTS + moved
    assert result.compute_units_consumed() <= intent.compute_units


def test_a_second_attempt_fails_whole_because_the_receipt_exists() -> None:
    svm = funded_svm()
    intent = intent_of(3)
    results = []
    for price in (0, 1):
        svm.expire_blockhash()
        message = packing.message(intent, blockhash=str(svm.latest_blockhash()), price=price)
        results.append(
            svm.send_transaction(Transaction([TREASURY], message, svm.latest_blockhash()))
        )
    assert isinstance(results[1], FailedTransactionMetadata)
    error = results[1].err()
    assert isinstance(error, TransactionErrorInstructionError)
    assert (error.index, error.err) == (2, InstructionErrorCustom(0))
    destination = Pubkey.from_string(intent.transfers[0].destination)
    assert svm.get_balance(destination) == intent.transfers[0].lamports


@given(st.integers(1, 16), st.integers(0, 10**6))
def test_the_signer_accepts_what_the_builder_builds(count: int, price: int) -> None:
    intent = intent_of(count)
    message = packing.message(intent, blockhash=str(Hash.default()), price=price)
    signer.check(bytes(message), intent, price=price)


def test_the_signer_refuses_every_other_message() -> None:
    intent = intent_of(3)
    first, *rest = intent.transfers
    others = [
        replace(intent, memo="x" * 44),
        replace(intent, receipt_seed="a" * 16),
        replace(intent, source=str(WALLET.pubkey())),
        replace(intent, transfers=tuple(rest)),
        replace(intent, transfers=(*rest, first)),
        replace(intent, transfers=(replace(first, lamports=first.lamports + 1), *rest)),
        replace(intent, transfers=(replace(first, destination=str(WALLET.pubkey())), *rest)),
        replace(intent, treasury=str(WALLET.pubkey())),
    ]
    for other in others:
        message = packing.message(other, blockhash=str(Hash.default()), price=5)
        with pytest.raises(signer.IntentMismatch):
            signer.check(bytes(message), intent, price=5)
    message = packing.message(intent, blockhash=str(Hash.default()), price=6)
    with pytest.raises(signer.IntentMismatch, match="price"):
        signer.check(bytes(message), intent, price=5)
