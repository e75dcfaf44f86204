"""When a transaction can land and what its status says meanwhile, block by block."""

import pytest
from solders.keypair import Keypair

from tests.contract.payments import Batch
from tests.contract.sides import PROCESSED, SOL, Side, as_base64


def batch(side: Side) -> Batch:
    treasury = Keypair()
    side.fund({treasury: 10 * SOL})
    return Batch(treasury=treasury, transfers=[(Keypair().pubkey(), SOL)])


@pytest.mark.parametrize("commitment", ["processed", "confirmed", "finalized"])
def test_a_blockhash_is_valid_for_150_blocks_after_its_own(exact: Side, commitment: str) -> None:
    exact.blocks(50)
    settings = {"commitment": commitment}
    told = exact.value("getLatestBlockhash", settings)["lastValidBlockHeight"]
    assert told == exact.height(commitment) + 150


def test_a_status_climbs_with_the_blocks_on_top(exact: Side) -> None:
    signature = exact.send(batch(exact).attempt(exact.blockhash()))
    assert exact.status(signature) is None
    seen = []
    for _ in range(34):
        exact.blocks(1)
        status = exact.status(signature)
        seen.append((status["confirmationStatus"], status["confirmations"]))
    assert seen == [
        ("processed", 0),
        *(("confirmed", number) for number in range(1, 31)),
        *(("finalized", None) for _ in range(3)),
    ]


@pytest.mark.parametrize("age", [0, 1, 75, 149, 150])
def test_a_hash_of_the_last_150_blocks_lands(exact: Side, age: int) -> None:
    transaction = batch(exact).attempt(exact.blockhash())
    exact.blocks(age)
    signature = exact.send(transaction)
    exact.blocks(1)
    assert exact.status(signature)["err"] is None


def test_the_last_block_that_takes_it_is_one_above_the_last_valid_height(exact: Side) -> None:
    transaction = batch(exact).attempt(exact.blockhash())
    last = exact.value("getLatestBlockhash", PROCESSED)["lastValidBlockHeight"]
    exact.blocks(150)
    assert exact.height() == last
    signature = exact.send(transaction)
    exact.blocks(1)
    assert exact.status(signature)["err"] is None
    assert exact.height() == last + 1


@pytest.mark.parametrize("age", [151, 152, 400])
def test_an_older_hash_never_lands_and_is_never_found(exact: Side, age: int) -> None:
    payment = batch(exact)
    transaction = payment.attempt(exact.blockhash())
    exact.blocks(age)
    settings = {"encoding": "base64", "commitment": "processed"}
    wire = as_base64(transaction)
    assert exact.value("simulateTransaction", wire, settings)["err"] == "BlockhashNotFound"
    signature = exact.send(transaction)
    exact.blocks(200)
    assert exact.status(signature) is None
    assert exact.balance(payment.treasury.pubkey()) == 10 * SOL


def test_expiry_on_the_running_server_is_the_same(side: Side) -> None:
    payment = batch(side)
    transaction = payment.attempt(side.blockhash())
    side.blocks(160)
    signature = side.send(transaction)
    side.blocks(3)
    assert side.status(signature) is None
    assert side.land(payment.attempt(side.blockhash()))["err"] is None


def test_money_is_seen_at_its_level_only(exact: Side) -> None:
    payment = batch(exact)
    [(payee, _)] = payment.transfers
    exact.send(payment.attempt(exact.blockhash()))
    seen = []
    for _ in range(33):
        exact.blocks(1)
        levels = ("processed", "confirmed", "finalized")
        seen.append([exact.balance(payee, level) == SOL for level in levels])
    assert seen == [
        [True, False, False],
        *([True, True, False] for _ in range(30)),
        *([True, True, True] for _ in range(2)),
    ]


def test_an_old_status_needs_the_history(exact: Side) -> None:
    signature = exact.send(batch(exact).attempt(exact.blockhash()))
    exact.blocks(300)
    assert exact.value("getSignatureStatuses", [signature])[0] is not None
    exact.blocks(1)
    assert exact.value("getSignatureStatuses", [signature]) == [None]
    assert exact.status(signature)["confirmationStatus"] == "finalized"


def test_slots_run_ahead_of_heights_and_both_only_grow(side: Side) -> None:
    pairs = []
    for _ in range(30):
        side.blocks(2)
        epoch = side.call("getEpochInfo", {"commitment": "finalized"})
        pairs.append((epoch["absoluteSlot"], epoch["blockHeight"]))
        assert epoch["absoluteSlot"] >= epoch["blockHeight"]
    assert pairs == sorted(pairs)
    side.blocks(60)
    assert side.call("getSlot", PROCESSED) > side.height()
    for commitment in ("processed", "confirmed", "finalized"):
        assert side.height("finalized") <= side.height(commitment) <= side.height("processed")
