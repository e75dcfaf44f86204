"""Goal: a failure is put down to whom the chain names, and to nobody else."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message

from functions.batch.blame import Blame, blame
from pixr.domain import packing
from pixr.domain.payouts import Failed, Payout, Refuses

TREASURY = Keypair.from_seed(bytes(32)).pubkey()
WALLET = Keypair.from_seed(bytes([9] * 32)).pubkey()
CUSTOM_1 = {"Custom": 1}


def payout(number: int, kind: str = "earnings") -> Payout:
    debit = "owed:alice" if kind == "earnings" else "wallet:alice"
    return Payout(
        id=UUID(int=number),
        kind=kind,
        user_id="alice",
        debit_account=debit,
        credit_account="wallet:alice",
        destination=str(Keypair.from_seed(bytes([number] * 32)).pubkey()),
        lamports=1_000_000,
    )


def message(payouts: list[Payout]) -> Message:
    intent = packing.Intent(
        treasury=str(TREASURY),
        source=str(TREASURY if payouts[0].kind == "earnings" else WALLET),
        receipt_seed="seed",
        memo="memo",
        transfers=tuple(
            packing.Transfer(destination=item.destination, lamports=item.lamports)
            for item in payouts
        ),
    )
    return packing.message(intent, blockhash=str(Hash.default()), price=0)


def refused(error: Any, **names: Any) -> Refuses:
    return Refuses(error=json.dumps(error), **names)


EARNINGS = [payout(number) for number in (1, 2, 3)]
WITHDRAWAL = [payout(4, "withdrawal")]


def key_of(payouts: list[Payout], address: str) -> int:
    return [str(key) for key in message(payouts).account_keys].index(address)


def culprits(found: Blame) -> set[UUID]:
    return set(found.culprits)


@pytest.mark.parametrize("culprit", EARNINGS)
def test_an_account_is_an_index_into_the_sorted_keys(culprit: Payout) -> None:
    index = key_of(EARNINGS, culprit.destination)
    error = {"InsufficientFundsForRent": {"account_index": index}}
    found = blame(refused(error, account_index=index), message(EARNINGS), EARNINGS)
    assert culprits(found) == {culprit.id}
    assert found.is_named
    assert found.culprits[culprit.id].startswith("the chain refused it: ")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_instruction_is_counted_after_the_leading_ones(number: int) -> None:
    index = packing.LEADING_INSTRUCTIONS + number
    error = {"InstructionError": [index, "ReadonlyLamportChange"]}
    found = blame(refused(error, instruction_index=index), message(EARNINGS), EARNINGS)
    assert culprits(found) == {EARNINGS[number].id}


def test_a_treasury_without_funds_is_nobodys_fault() -> None:
    error = {"InstructionError": [6, CUSTOM_1]}
    found = blame(refused(error, is_source_short=True), message(EARNINGS), EARNINGS)
    assert found == Blame(is_payer_short=True)


def test_a_treasury_left_with_dust_is_nobodys_fault() -> None:
    error = {"InsufficientFundsForRent": {"account_index": 0}}
    found = blame(refused(error, account_index=0), message(EARNINGS), EARNINGS)
    assert found == Blame(is_payer_short=True)


def test_an_escrow_left_with_dust_is_nobodys_fault() -> None:
    refund = [replace(payout(7), kind="refund", debit_account="escrow")]
    error = {"InsufficientFundsForRent": {"account_index": 0}}
    found = blame(refused(error, account_index=0), message(refund), refund)
    assert found == Blame(is_payer_short=True)


@pytest.mark.parametrize(("company", "half"), [(16, 8), (3, 2), (2, 1)])
def test_a_failure_that_names_nobody_halves_the_company(company: int, half: int) -> None:
    payouts = [payout(number) for number in range(1, company + 1)]
    found = blame(refused("MaxLoadedAccountsDataSizeExceeded"), message(payouts), payouts)
    assert found == Blame(payees_max=half)


def test_alone_it_is_named() -> None:
    found = blame(refused("TooManyAccountLocks"), message(EARNINGS[:1]), EARNINGS[:1])
    assert culprits(found) == {EARNINGS[0].id}


def test_the_receipt_names_no_payout() -> None:
    error = {"InstructionError": [2, "InvalidArgument"]}
    found = blame(refused(error, instruction_index=2), message(EARNINGS), EARNINGS)
    assert found == Blame(payees_max=2)


@pytest.mark.parametrize("alone", [EARNINGS[:1], WITHDRAWAL], ids=["earning", "withdrawal"])
def test_nor_does_a_receipt_that_stands_already_name_who_travels_alone(alone: list[Payout]) -> None:
    error = {"InstructionError": [2, {"Custom": 0}]}
    assert not blame(refused(error, instruction_index=2), message(alone), alone).is_named


@pytest.mark.parametrize("index", [-1, 99, 2**64])
@pytest.mark.parametrize("payouts", [EARNINGS, WITHDRAWAL], ids=["earnings", "withdrawal"])
def test_an_account_that_the_message_does_not_have_names_nobody(
    index: int, payouts: list[Payout]
) -> None:
    error = {"InsufficientFundsForRent": {"account_index": index}}
    found = blame(refused(error, account_index=index), message(payouts), payouts)
    assert not found.is_named
    assert not found.is_payer_short


def test_what_stands_behind_the_receipt_is_named() -> None:
    """The wallet that pays, and the transfer itself."""
    wallet = blame(refused("x", account_index=1), message(WITHDRAWAL), WITHDRAWAL)
    transfer = blame(refused("x", instruction_index=4), message(WITHDRAWAL), WITHDRAWAL)
    assert wallet.is_named
    assert transfer.is_named


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ({"InstructionError": [4, CUSTOM_1]}, {"is_source_short": True}),
        ({"InsufficientFundsForRent": {"account_index": 1}}, {"account_index": 1}),
        ("SomethingNew", {}),
    ],
    ids=["wallet short", "dust left", "unknown"],
)
def test_what_leaves_a_users_wallet_goes_back_to_them(error: Any, names: dict[str, Any]) -> None:
    found = blame(refused(error, **names), message(WITHDRAWAL), WITHDRAWAL)
    assert culprits(found) == {WITHDRAWAL[0].id}


@pytest.mark.parametrize(
    ("error", "names"),
    [
        ({"InstructionError": [2, CUSTOM_1]}, {"is_source_short": True}),
        ({"InsufficientFundsForRent": {"account_index": 0}}, {"account_index": 0}),
    ],
    ids=["no money for the receipt", "treasury left with dust"],
)
def test_unless_it_is_the_treasury_that_could_not_pay_the_way(
    error: Any, names: dict[str, Any]
) -> None:
    found = blame(refused(error, **names), message(WITHDRAWAL), WITHDRAWAL)
    assert found == Blame(is_payer_short=True)


def test_a_failure_on_chain_is_read_the_same_way() -> None:
    failed = Failed(
        signature="s",
        slot=1,
        fee_lamports=5_000,
        error='{"InstructionError": [5, "ReadonlyLamportChange"]}',
        instruction_index=5,
    )
    assert culprits(blame(failed, message(EARNINGS), EARNINGS)) == {EARNINGS[1].id}
