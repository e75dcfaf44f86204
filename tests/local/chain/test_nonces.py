"""Durable nonces do on this chain what they do on mainnet: they outlive blockhashes, and work once.

Everything is signed long before it is sent, on a chain that moves only when a test says so.
"""

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import (
    ID,
    AdvanceNonceAccountParams,
    advance_nonce_account,
    create_nonce_account_with_seed,
)
from solders.transaction import VersionedTransaction

from tests.local.chain.harness import SOL, Still, as_base64, pay, signed

RENT = 1_447_680
WINDOW = 151


def opened(still: Still, owner: Keypair) -> Pubkey:
    nonce = Pubkey.create_with_seed(owner.pubkey(), "nonce", ID)
    made = create_nonce_account_with_seed(
        owner.pubkey(), nonce, owner.pubkey(), "nonce", owner.pubkey(), RENT
    )
    still.send(signed(owner, made, still.blockhash()))
    still.blocks()
    return nonce


def value(still: Still, nonce: Pubkey) -> Hash:
    account = still.chain.runtime.account(nonce)
    assert account is not None
    return Hash.from_bytes(account.data[40:72])


def advance(nonce: Pubkey, authority: Pubkey) -> Instruction:
    return advance_nonce_account(
        AdvanceNonceAccountParams(nonce_pubkey=nonce, authorized_pubkey=authority)
    )


def test_what_names_a_nonce_lands_long_after_its_signature_and_once(still: Still) -> None:
    owner, friend = still.funded(), Pubkey.new_unique()
    nonce = opened(still, owner)
    steps = [advance(nonce, owner.pubkey()), pay(owner, friend, SOL)]
    old = signed(owner, steps, value(still, nonce))
    rival = signed(owner, [steps[0], pay(owner, friend, 2 * SOL)], value(still, nonce))
    still.blocks(WINDOW)
    assert still.value("simulateTransaction", as_base64(old), {"encoding": "base64"})["err"] is None
    still.send(old, skipPreflight=False)
    still.blocks()
    assert still.balance(friend) == SOL
    still.send(rival)
    still.send(old)
    still.blocks(3)
    assert still.balance(friend) == SOL


def test_a_failure_uses_the_nonce_up(still: Still) -> None:
    owner, friend = still.funded(), Pubkey.new_unique()
    nonce = opened(still, owner)
    before = value(still, nonce)
    steps = [advance(nonce, owner.pubkey()), pay(owner, friend, 100 * SOL)]
    signature = still.send(signed(owner, steps, before))
    still.blocks()
    assert still.status(signature)["err"] is not None
    assert value(still, nonce) != before
    rival = signed(owner, [steps[0], pay(owner, friend, SOL)], before)
    still.send(rival)
    still.blocks(2)
    assert still.balance(friend) == 0


def test_only_whoever_may_move_a_nonce_can_name_it(still: Still) -> None:
    owner, thief = still.funded(), still.funded()
    nonce = opened(still, owner)
    friend = Pubkey.new_unique()
    before = still.balance(thief.pubkey())
    for steps in (
        [advance(nonce, thief.pubkey()), pay(thief, friend, SOL)],
        # Not the first instruction: then it is an ordinary transaction with an old blockhash.
        [pay(thief, friend, SOL), advance(nonce, thief.pubkey())],
        [pay(thief, friend, SOL)],
    ):
        message = Message.new_with_blockhash(steps, thief.pubkey(), value(still, nonce))
        still.send(VersionedTransaction(message, [thief]))
    still.blocks(2)
    # Not even a fee was taken: none of them landed.
    assert still.balance(thief.pubkey()) == before
    assert still.balance(friend) == 0
