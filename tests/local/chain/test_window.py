"""The life of a blockhash, and what a second sending does."""

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from tests.local.chain.harness import SOL, Refused, Still, as_base64, pay, signed


def payment(still: Still) -> tuple[VersionedTransaction, Pubkey, int]:
    """A payment, whom it pays, and the height of its blockhash."""
    alice, bob = still.funded(), Keypair().pubkey()
    return signed(alice, [pay(alice, bob, SOL)], still.blockhash()), bob, still.height()


def test_the_last_valid_height_is_150_after_the_hash(still: Still) -> None:
    still.blocks(7)
    for level, height in (("processed", 7), ("confirmed", 6), ("finalized", 0)):
        value = still.value("getLatestBlockhash", {"commitment": level})
        assert value["lastValidBlockHeight"] == height + 150


@pytest.mark.parametrize("age", [0, 1, 75, 149, 150])
def test_any_hash_of_the_last_150_blocks_executes(still: Still, age: int) -> None:
    transaction, bob, _ = payment(still)
    still.blocks(age)
    still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    still.blocks()
    assert still.balance(bob) == SOL


def test_an_older_hash_is_refused_and_never_lands(still: Still) -> None:
    transaction, bob, height = payment(still)
    still.blocks(151)
    assert still.height() == height + 151
    with pytest.raises(Refused) as refused:
        still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    assert refused.value.code == -32002
    assert refused.value.message == "Transaction simulation failed: Blockhash not found"
    assert refused.value.data["err"] == "BlockhashNotFound"
    signature = still.send(transaction)
    still.blocks(3)
    assert still.balance(bob) == 0
    assert still.status(signature) is None


def test_the_last_landing_block_is_one_above_the_last_valid_height(still: Still) -> None:
    """As on Agave: a block looks at its parent's 151 newest hashes."""
    transaction, bob, height = payment(still)
    still.blocks(150)
    still.send(transaction)
    still.blocks()
    assert still.height() == height + 151
    assert still.balance(bob) == SOL


def test_a_queued_transaction_can_expire_before_its_block(still: Still) -> None:
    transaction, bob, _ = payment(still)
    still.blocks(151)
    still.send(transaction)
    still.blocks()
    assert still.balance(bob) == 0


def test_validity_is_judged_at_the_asked_level(still: Still) -> None:
    still.blocks(5)
    blockhash = str(still.blockhash())

    def is_valid(level: str) -> bool:
        return bool(still.value("isBlockhashValid", blockhash, {"commitment": level}))

    assert (is_valid("processed"), is_valid("confirmed"), is_valid("finalized")) == (
        True,
        False,
        False,
    )
    still.blocks(150)
    assert (is_valid("processed"), is_valid("finalized")) == (True, True)
    still.blocks(1)
    assert (is_valid("processed"), is_valid("confirmed")) == (False, True)
    still.blocks(31)
    assert not is_valid("finalized")
    assert still.value("isBlockhashValid", "1" * 32) is False


def test_the_default_preflight_does_not_know_a_fresh_hash(still: Still) -> None:
    still.blocks(40)
    transaction, _, _ = payment(still)
    with pytest.raises(Refused, match="Blockhash not found"):
        still.send(transaction, skipPreflight=False)


def test_a_second_sending_pays_once(still: Still) -> None:
    transaction, bob, _ = payment(still)
    first = still.send(transaction)
    assert still.send(transaction) == first
    still.blocks()
    assert still.send(transaction) == first
    still.blocks(3)
    assert still.balance(bob) == SOL
    with pytest.raises(Refused) as refused:
        still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    assert refused.value.code == -32002
    assert refused.value.data["err"] == "AlreadyProcessed"


def test_a_repeat_of_a_failure_is_not_charged_again(still: Still) -> None:
    alice = still.funded(SOL)
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), 2 * SOL)], still.blockhash())
    for _ in range(2):
        still.send(transaction)
        still.blocks()
    assert still.balance(alice.pubkey()) == SOL - 5000


def test_a_lost_hash_can_be_replaced_in_a_simulation_only(still: Still) -> None:
    transaction, bob, _ = payment(still)
    still.blocks(200)
    wire = as_base64(transaction)
    settings = {"encoding": "base64", "commitment": "processed"}
    assert still.value("simulateTransaction", wire, settings)["err"] == "BlockhashNotFound"
    settings_replacing = settings | {"replaceRecentBlockhash": True}
    value = still.value("simulateTransaction", wire, settings_replacing)
    assert value["err"] is None
    assert value["replacementBlockhash"]["lastValidBlockHeight"] == still.height() + 150
    assert still.balance(bob) == 0
