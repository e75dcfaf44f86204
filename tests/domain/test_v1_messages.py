"""Sixty payees in a message of SIMD-0385: it runs, it fits, and the signer reads it."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import MessageV1, TransactionConfig, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from pixr.domain import intent as signer
from pixr.domain import packing
from pixr.domain.intent import IntentMismatch
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import PAYEES_FULL_V1, V1_BYTES_MAX, Intent, Transfer
from pixr.domain.payouts import Payout
from pixr.domain.table_packing import load

TREASURY = Keypair.from_seed(bytes(32))
OTHER = str(Keypair.from_seed(bytes([7]) * 32).pubkey())


def address(number: int) -> str:
    return str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big")))


def intent_of(count: int, number: int = 1) -> Intent:
    return Intent(
        treasury=str(TREASURY.pubkey()),
        source=str(TREASURY.pubkey()),
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=number)),
        memo="m" * 44,
        transfers=tuple(Transfer(destination=address(n), lamports=10**6 + n) for n in range(count)),
        is_v1=True,
    )


def built(intent: Intent) -> MessageV1:
    return packing.message_v1(intent, blockhash=str(Hash.default()))


def look(message: MessageV1, intent: Intent) -> None:
    signer.check(to_bytes_versioned(message), intent, price=0)


def send(svm: LiteSVM, intent: Intent) -> TransactionMetadata | FailedTransactionMetadata:
    message = packing.message_v1(intent, blockhash=str(svm.latest_blockhash()))
    # As the settler signs: over the bytes, not by way of solders' own signing.
    signature = TREASURY.sign_message(to_bytes_versioned(message))
    transaction = VersionedTransaction.populate(message, [signature])
    assert transaction.verify_with_results() == [True]
    assert len(bytes(transaction)) <= V1_BYTES_MAX
    return svm.send_transaction(transaction)


@pytest.fixture
def svm() -> LiteSVM:
    svm = LiteSVM().with_mainnet_features()
    svm.airdrop(TREASURY.pubkey(), 10**12)
    return svm


@pytest.mark.parametrize("count", [1, 17, PAYEES_FULL_V1])
def test_it_runs_and_costs_one_signature(svm: LiteSVM, count: int) -> None:
    intent = intent_of(count)
    before = svm.get_balance(TREASURY.pubkey()) or 0
    result = send(svm, intent)
    assert isinstance(result, TransactionMetadata), result
    spent = before - (svm.get_balance(TREASURY.pubkey()) or 0)
    moved = sum(item.lamports for item in intent.transfers)
    assert spent == 5_000 + RENT_EXEMPT_LAMPORTS + moved
    assert result.compute_units_consumed() <= intent.compute_units
    assert all(
        svm.get_balance(Pubkey.from_string(item.destination)) == item.lamports
        for item in intent.transfers
    )


def test_sixty_one_are_one_address_too_many(svm: LiteSVM) -> None:
    assert isinstance(send(svm, intent_of(PAYEES_FULL_V1 + 1)), FailedTransactionMetadata)


def test_its_receipt_lets_it_pay_once(svm: LiteSVM) -> None:
    intent = intent_of(3)
    assert isinstance(send(svm, intent), TransactionMetadata)
    svm.expire_blockhash()
    assert isinstance(send(svm, intent), FailedTransactionMetadata)
    assert svm.get_balance(Pubkey.from_string(address(0))) == 10**6


def test_the_measured_sizes() -> None:
    sizes = [
        len(bytes(VersionedTransaction.populate(built(intent_of(count)), [Signature.default()])))
        for count in (1, PAYEES_FULL_V1)
    ]
    assert sizes == [450, 3_400]


@given(st.integers(1, PAYEES_FULL_V1))
def test_the_signer_accepts_what_the_builder_builds(count: int) -> None:
    look(built(intent_of(count)), intent_of(count))


def test_the_signer_refuses_every_other_message() -> None:
    intent = intent_of(3)
    first, *rest = intent.transfers
    others = [
        replace(intent, memo="x" * 44),
        replace(intent, receipt_seed="a" * 16),
        replace(intent, source=OTHER),
        replace(intent, treasury=OTHER),
        replace(intent, transfers=tuple(rest)),
        replace(intent, transfers=(*rest, first)),
        replace(intent, transfers=(replace(first, lamports=1), *rest)),
        replace(intent, transfers=(replace(first, destination=OTHER), *rest)),
    ]
    for other in others:
        with pytest.raises(IntentMismatch):
            look(built(other), intent)
    with pytest.raises(IntentMismatch, match="priority fee"):
        signer.check(to_bytes_versioned(built(intent)), intent, price=1)
    plain = replace(intent, is_v1=False)
    with pytest.raises(IntentMismatch):
        look(built(intent), plain)
    legacy = packing.message(plain, blockhash=str(Hash.default()), price=0)
    with pytest.raises(IntentMismatch, match="the batch is a MessageV1"):
        signer.check(bytes(legacy), intent, price=0)


@pytest.mark.parametrize(
    "config",
    [
        TransactionConfig(),
        TransactionConfig(compute_unit_limit=1_400_000),
        TransactionConfig(compute_unit_limit=1_200, priority_fee=10**9),
        TransactionConfig(compute_unit_limit=1_200, heap_size=64 * 1024),
        TransactionConfig(compute_unit_limit=1_200, loaded_accounts_data_size_limit=1),
    ],
)
def test_what_stands_beside_the_instructions_is_looked_at(config: TransactionConfig) -> None:
    """A priority fee there is a number of lamports, and could be any."""
    intent = intent_of(5)
    assert intent.compute_units == 1_200
    message = built(intent)
    other = MessageV1(
        message.header,
        config,
        message.lifetime_specifier,
        message.account_keys,
        message.instructions,
    )
    with pytest.raises(IntentMismatch):
        look(other, intent)


@pytest.mark.parametrize(
    ("payees", "payees_max", "sizes"),
    [
        (16, 1_000, [(16, False)]),
        (17, 1_000, [(17, True)]),
        (61, 1_000, [(60, True), (1, False)]),
        (130, 1_000, [(60, True), (60, True), (10, False)]),
        (60, 50, [(50, True), (10, False)]),
        (32, 16, [(16, False), (16, False)]),
    ],
)
def test_it_is_used_where_it_saves_a_transaction(
    payees: int, payees_max: int, sizes: list[tuple[int, bool]]
) -> None:
    payouts = [
        Payout(
            id=UUID(int=number),
            kind="earnings",
            user_id="a",
            debit_account="owed:a",
            credit_account="wallet:a",
            destination=address(number),
            lamports=10**6,
        )
        for number in range(payees)
    ]
    addresses = {"treasury": str(TREASURY.pubkey())}
    loads = load(payouts, addresses=addresses, payees_max=payees_max, has_v1=True)
    assert [(len(item.payouts), item.is_v1) for item in loads] == sizes
    assert [one for item in loads for one in item.payouts] == payouts
