"""The receipt of settlement.md: the chain itself refuses to pay a batch twice."""

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferWithSeedParams,
    create_account_with_seed,
    transfer_with_seed,
)

from tests.local.chain.harness import RENT_EXEMPT, SOL, Still, pay, signed

SEED = "5Kd3NBUAdUnhyzen"


def receipt_of(treasury: Keypair) -> Pubkey:
    return Pubkey.create_with_seed(treasury.pubkey(), SEED, SYSTEM_PROGRAM)


def create_receipt(treasury: Keypair) -> Instruction:
    return create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=treasury.pubkey(),
            to_pubkey=receipt_of(treasury),
            base=treasury.pubkey(),
            seed=SEED,
            lamports=RENT_EXEMPT,
            space=0,
            owner=SYSTEM_PROGRAM,
        )
    )


def test_a_second_attempt_under_another_blockhash_pays_nobody(still: Still) -> None:
    treasury = still.funded()
    payees = [Keypair().pubkey() for _ in range(3)]
    payments = [pay(treasury, payee, SOL) for payee in payees]
    attempts = [
        ([create_receipt(treasury), *payments], 0),
        (
            [
                set_compute_unit_limit(2000),
                set_compute_unit_price(1),
                create_receipt(treasury),
                *payments,
            ],
            2,
        ),
        ([create_receipt(treasury), *payments], 0),
    ]
    for number, (instructions, index) in enumerate(attempts):
        before = still.balance(treasury.pubkey())
        signature = still.send(signed(treasury, instructions, still.blockhash()))
        still.blocks()
        status = still.status(signature)
        if number == 0:
            assert status["err"] is None
            continue
        assert status["err"] == {"InstructionError": [index, {"Custom": 0}]}
        spent = before - still.balance(treasury.pubkey())
        assert spent in {5000, 5001}, "the fee and nothing else"
    assert {still.balance(payee) for payee in payees} == {SOL}
    assert still.balance(receipt_of(treasury)) == RENT_EXEMPT


def test_after_the_reclaim_the_guard_is_gone(still: Still) -> None:
    """Why a receipt may only be reclaimed once every attempt is provably dead."""
    treasury, payee = still.funded(), Keypair().pubkey()
    reclaim = transfer_with_seed(
        TransferWithSeedParams(
            from_pubkey=receipt_of(treasury),
            from_base=treasury.pubkey(),
            from_seed=SEED,
            from_owner=SYSTEM_PROGRAM,
            to_pubkey=treasury.pubkey(),
            lamports=RENT_EXEMPT,
        )
    )
    paying = [create_receipt(treasury), pay(treasury, payee, SOL)]
    for instructions in (paying, [reclaim], paying):
        signature = still.send(signed(treasury, instructions, still.blockhash()))
        still.blocks()
        assert still.status(signature)["err"] is None
    assert still.balance(payee) == 2 * SOL
