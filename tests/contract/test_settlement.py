"""What settlement relies on, on the fake as on the SVM server: who is paid, and what it costs."""

from solders.compute_budget import set_compute_unit_limit
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from tests.contract.payments import (
    RECEIPT_AT,
    Batch,
    create_receipt,
    pay,
    receipt_of,
    reclaim_receipt,
)
from tests.contract.sides import FINALITY_BLOCKS, RENT, SOL, Side, signed

CLOCK = Pubkey.from_string("SysvarC1ock11111111111111111111111111111111")


def people(count: int) -> list[Pubkey]:
    return [Keypair().pubkey() for _ in range(count)]


def funded(side: Side, lamports: int = 10 * SOL) -> Keypair:
    treasury = Keypair()
    side.fund({treasury: lamports})
    return treasury


def test_a_batch_pays_everybody_once_and_costs_its_fee(side: Side) -> None:
    treasury, payees = funded(side), people(16)
    batch = Batch(treasury=treasury, transfers=[(payee, RENT) for payee in payees])
    transaction = batch.attempt(side.blockhash())
    assert len(bytes(transaction)) <= 1_232
    status = side.land(transaction)
    assert status["err"] is None
    assert status["status"] == {"Ok": None}
    assert status["confirmationStatus"] == "finalized"
    assert status["confirmations"] is None
    assert {side.balance(payee) for payee in payees} == {RENT}
    assert side.balance(batch.receipt) == RENT
    spent = 10 * SOL - side.balance(treasury.pubkey())
    assert spent == 17 * RENT + batch.fee_lamports


def test_a_second_attempt_under_another_blockhash_pays_nobody(side: Side) -> None:
    treasury, payees = funded(side), people(3)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL) for payee in payees])
    first = batch.attempt(side.blockhash())
    assert side.land(first)["err"] is None
    second = batch.attempt(side.blockhash())
    assert second.signatures[0] != first.signatures[0]
    before = side.balance(treasury.pubkey())
    status = side.land(second)
    assert status["err"] == {"InstructionError": [RECEIPT_AT, {"Custom": 0}]}
    assert status["status"] == {"Err": status["err"]}
    assert before - side.balance(treasury.pubkey()) == batch.fee_lamports
    assert {side.balance(payee) for payee in payees} == {SOL}


def test_the_same_bytes_sent_again_change_nothing(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL)])
    transaction = batch.attempt(side.blockhash())
    assert side.send(transaction) == side.send(transaction)
    side.land(transaction)
    balance = side.balance(treasury.pubkey())
    side.land(transaction)
    assert side.balance(treasury.pubkey()) == balance
    assert side.balance(payee) == SOL


def test_a_failed_transaction_sent_again_is_not_charged_again(side: Side) -> None:
    treasury, (payee,) = funded(side, SOL), people(1)
    transaction = signed([pay(treasury, payee, 2 * SOL)], side.blockhash(), treasury)
    for _ in range(2):
        assert side.land(transaction)["err"] == {"InstructionError": [0, {"Custom": 1}]}
        assert side.balance(treasury.pubkey()) == SOL - 5_000


def test_a_poison_payee_fails_all_and_is_named_by_its_key(side: Side) -> None:
    treasury, payees = funded(side), people(5)
    poison = payees[3]
    transfers = [(payee, RENT - 1 if payee == poison else RENT) for payee in payees]
    batch = Batch(treasury=treasury, transfers=transfers)
    transaction = batch.attempt(side.blockhash())
    status = side.land(transaction)
    index = list(transaction.message.account_keys).index(poison)
    assert status["err"] == {"InsufficientFundsForRent": {"account_index": index}}
    assert [side.balance(payee) for payee in payees] == [0] * 5
    assert side.balance(batch.receipt) == 0, "the receipt is undone with the rest"
    assert side.balance(treasury.pubkey()) == 10 * SOL - batch.fee_lamports


def test_of_two_poison_payees_the_first_key_is_named(side: Side) -> None:
    treasury, payees = funded(side), people(6)
    transaction = Batch(
        treasury=treasury,
        transfers=[(payee, 1 + 2 * number) for number, payee in enumerate(payees)],
    ).attempt(side.blockhash())
    indexes = [list(transaction.message.account_keys).index(payee) for payee in payees]
    error = {"InsufficientFundsForRent": {"account_index": min(indexes)}}
    assert side.land(transaction)["err"] == error


def test_an_account_that_exists_takes_any_amount(side: Side) -> None:
    treasury, rich = Keypair(), Keypair()
    side.fund({treasury: 10 * SOL, rich: RENT})
    batch = Batch(treasury=treasury, transfers=[(rich.pubkey(), 1)])
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    assert side.balance(rich.pubkey()) == RENT + 1


def test_nothing_to_nobody_succeeds_and_makes_no_account(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, 0)])
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    address, settings = str(payee), {"commitment": "finalized", "encoding": "base64"}
    assert side.value("getAccountInfo", address, settings) is None


def test_an_overspend_fails_with_custom_1_and_costs_the_fee(side: Side) -> None:
    treasury, payees = funded(side, SOL), people(2)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL // 2) for payee in payees])
    status = side.land(batch.attempt(side.blockhash()))
    assert status["err"] == {"InstructionError": [5, {"Custom": 1}]}
    assert side.balance(treasury.pubkey()) == SOL - batch.fee_lamports


def test_a_treasury_that_runs_out_fails_where_it_does(side: Side) -> None:
    treasury, (payee,) = funded(side, RENT + 100_000), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, RENT)])
    status = side.land(batch.attempt(side.blockhash()))
    assert status["err"] == {"InstructionError": [RECEIPT_AT + 2, {"Custom": 1}]}


def test_a_withdrawal_takes_two_signatures_and_the_source_pays_no_fee(side: Side) -> None:
    treasury, wallet, (outside,) = Keypair(), Keypair(), people(1)
    side.fund({treasury: SOL, wallet: 3 * SOL})
    batch = Batch(treasury=treasury, source=wallet, transfers=[(outside, 2 * SOL)], seed="w")
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    assert batch.fee_lamports == 10_001
    assert side.balance(wallet.pubkey()) == SOL
    assert side.balance(outside) == 2 * SOL
    assert side.balance(treasury.pubkey()) == SOL - RENT - 10_001


def test_a_source_may_be_emptied_but_not_left_with_dust(side: Side) -> None:
    treasury, wallet, (outside,) = Keypair(), Keypair(), people(1)
    side.fund({treasury: SOL, wallet: 2 * SOL})
    dust = Batch(treasury=treasury, source=wallet, transfers=[(outside, 2 * SOL - RENT + 1)])
    transaction = dust.attempt(side.blockhash())
    index = list(transaction.message.account_keys).index(wallet.pubkey())
    error = {"InsufficientFundsForRent": {"account_index": index}}
    assert side.land(transaction)["err"] == error
    everything = Batch(treasury=treasury, source=wallet, transfers=[(outside, 2 * SOL)])
    assert side.land(everything.attempt(side.blockhash()))["err"] is None
    assert side.balance(wallet.pubkey()) == 0


def test_a_payer_that_the_fee_would_leave_with_dust_does_not_even_start(side: Side) -> None:
    treasury = funded(side, RENT + 4_999)
    transaction = signed([pay(treasury, treasury.pubkey(), 1)], side.blockhash(), treasury)
    signature = side.send(transaction)
    side.blocks(FINALITY_BLOCKS)
    assert side.status(signature) is None
    assert side.balance(treasury.pubkey()) == RENT + 4_999, "no fee was taken"


def test_a_payer_without_an_account_leaves_no_trace(side: Side) -> None:
    stranger = Keypair()
    transaction = signed([pay(stranger, stranger.pubkey(), 0)], side.blockhash(), stranger)
    signature = side.send(transaction)
    side.blocks(FINALITY_BLOCKS)
    assert side.status(signature) is None


def test_a_reclaim_returns_the_rent_and_its_repetition_only_costs_a_fee(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL)])
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    before = side.balance(treasury.pubkey())
    reclaim = [reclaim_receipt(treasury)]
    assert side.land(signed(reclaim, side.blockhash(), treasury))["err"] is None
    assert side.balance(treasury.pubkey()) == before + RENT - 5_000
    assert side.balance(batch.receipt) == 0
    again = side.land(signed(reclaim, side.blockhash(), treasury))
    assert again["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert side.balance(treasury.pubkey()) == before + RENT - 10_000


def test_after_the_reclaim_the_guard_is_gone(side: Side) -> None:
    """Why a receipt is reclaimed only when every attempt is provably dead."""
    treasury, (payee,) = funded(side), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL)])
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    side.land(signed([reclaim_receipt(treasury)], side.blockhash(), treasury))
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    assert side.balance(payee) == 2 * SOL


def test_a_receipt_that_somebody_paid_into_blocks_the_batch(side: Side) -> None:
    """Why its seed is secret: an address with money in it cannot be created."""
    treasury, (payee,) = funded(side), people(1)
    gift = [pay(treasury, receipt_of(treasury), RENT)]
    assert side.land(signed(gift, side.blockhash(), treasury))["err"] is None
    batch = Batch(treasury=treasury, transfers=[(payee, SOL)])
    status = side.land(batch.attempt(side.blockhash()))
    assert status["err"] == {"InstructionError": [RECEIPT_AT, {"Custom": 0}]}


def test_a_receipt_at_an_address_of_another_seed_is_refused(side: Side) -> None:
    treasury = funded(side)
    wrong = create_receipt(treasury)
    accounts = list(wrong.accounts)
    accounts[1] = type(accounts[1])(Keypair().pubkey(), is_signer=False, is_writable=True)
    forged = type(wrong)(wrong.program_id, wrong.data, accounts)
    status = side.land(signed([forged], side.blockhash(), treasury))
    assert status["err"] == {"InstructionError": [0, {"Custom": 5}]}


def test_a_program_takes_money_as_anybody_does(side: Side) -> None:
    """The chain does not mind; that is why destinations are looked at before signing."""
    treasury, program = funded(side), Pubkey.from_string(side.program())
    settings = {"commitment": "finalized", "encoding": "base64"}
    held = side.value("getAccountInfo", str(program), settings)
    assert held["executable"] is True
    assert held["owner"] == "BPFLoaderUpgradeab1e11111111111111111111111"
    batch = Batch(treasury=treasury, transfers=[(program, SOL)])
    assert side.land(batch.attempt(side.blockhash()))["err"] is None
    assert side.balance(program) == held["lamports"] + SOL


def test_a_reserved_address_fails_its_transfer_by_number(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    batch = Batch(treasury=treasury, transfers=[(payee, SOL), (CLOCK, SOL)])
    status = side.land(batch.attempt(side.blockhash()))
    assert status["err"] == {"InstructionError": [5, "ReadonlyLamportChange"]}
    assert side.balance(payee) == 0


def test_a_limit_that_is_too_tight_fails_where_it_ends(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    for limit, error in (
        (449, {"InstructionError": [2, "ComputationalBudgetExceeded"]}),
        (450, None),
    ):
        instructions = [
            set_compute_unit_limit(limit),
            pay(treasury, payee, SOL),
            pay(treasury, payee, SOL),
        ]
        assert side.land(signed(instructions, side.blockhash(), treasury))["err"] == error
    assert side.balance(payee) == 2 * SOL


def test_a_forged_signature_never_lands(side: Side) -> None:
    treasury, (payee,) = funded(side), people(1)
    good = signed([pay(treasury, payee, SOL)], side.blockhash(), treasury)
    other = signed([pay(treasury, payee, 2 * SOL)], side.blockhash(), treasury)
    forged = type(good).populate(good.message, other.signatures)
    signature = side.send(forged)
    side.blocks(FINALITY_BLOCKS)
    assert side.status(signature) is None
    assert side.balance(payee) == 0
