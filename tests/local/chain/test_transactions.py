"""What a transaction may be, and what becomes of one that may not."""

import base64
from typing import Any

import pytest
from solders.compute_budget import set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV1
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from pixr.local.chain import base58
from tests.local.chain.harness import RENT_EXEMPT, SOL, Refused, Still, as_base64, pay, signed

MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


def padded(payer: Keypair, size_bytes: int, blockhash: Hash) -> VersionedTransaction:
    """A transaction of exactly that many bytes, padded by a memo."""
    # A memo longer than 127 bytes needs a second byte for its length.
    for memo_bytes in range(size_bytes - 250, size_bytes):
        memo = Instruction(MEMO, b"x" * memo_bytes, [])
        transaction = signed(payer, [memo], blockhash)
        if len(bytes(transaction)) == size_bytes:
            return transaction
    raise AssertionError(size_bytes)


def test_1232_bytes_land_and_one_more_is_refused(still: Still) -> None:
    alice = still.funded()
    signature = still.send(padded(alice, 1232, still.blockhash()))
    still.blocks()
    assert still.status(signature)["err"] is None
    with pytest.raises(Refused) as refused:
        still.send(padded(alice, 1233, still.blockhash()))
    assert refused.value.code == -32602
    assert "too large: 1233 bytes (max: 1232 bytes)" in refused.value.message


def test_a_long_text_is_refused_before_it_is_decoded(still: Still) -> None:
    for encoding, characters in (("base64", 1648), ("base58", 1684)):
        with pytest.raises(Refused) as refused:
            still.call("sendTransaction", "A" * characters, {"encoding": encoding})
        assert refused.value.code == -32602
        assert f"too large: {characters} bytes (max: encoded/raw" in refused.value.message


def test_a_forged_signature_is_refused_or_silently_lost(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    message = Message.new_with_blockhash([pay(alice, bob, SOL)], alice.pubkey(), still.blockhash())
    forged = VersionedTransaction.populate(message, [Signature.new_unique()])
    with pytest.raises(Refused) as refused:
        still.send(forged, skipPreflight=False, preflightCommitment="processed")
    assert refused.value.code == -32003
    assert refused.value.message == "Transaction signature verification failure"
    signature = still.send(forged)
    still.blocks(2)
    assert still.status(signature) is None
    assert still.balance(bob) == 0
    wire, settings = as_base64(forged), {"encoding": "base64", "sigVerify": True}
    with pytest.raises(Refused) as refused:
        still.call("simulateTransaction", wire, settings)
    assert refused.value.code == -32003


def test_a_transaction_with_a_signature_missing_is_malformed(still: Still) -> None:
    alice = still.funded()
    message = Message.new_with_blockhash([], alice.pubkey(), still.blockhash())
    with pytest.raises(Refused) as refused:
        still.send(VersionedTransaction.populate(message, []))
    assert refused.value.code == -32602


def test_base58_is_the_default_encoding(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    transaction = signed(alice, [pay(alice, bob, SOL)], still.blockhash())
    wire = base58.encode(bytes(transaction))
    still.call("sendTransaction", wire, {"preflightCommitment": "processed"})
    still.blocks()
    assert still.balance(bob) == SOL


def test_an_overspend_fails_preflight_with_all_the_data(still: Still) -> None:
    alice = still.funded(SOL)
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), 2 * SOL)], still.blockhash())
    with pytest.raises(Refused) as refused:
        still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    assert refused.value.code == -32002
    assert refused.value.message == (
        "Transaction simulation failed: Error processing Instruction 0: custom program error: 0x1"
    )
    data = refused.value.data
    assert data["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert f"Transfer: insufficient lamports {SOL - 5000}, need {2 * SOL}" in data["logs"]
    assert data["unitsConsumed"] == 150
    assert data["accounts"] is None
    assert still.balance(alice.pubkey()) == SOL


def test_an_overspend_that_lands_pays_its_fee_and_is_recorded(still: Still) -> None:
    alice, bob = still.funded(SOL), Keypair().pubkey()
    signature = still.send(signed(alice, [pay(alice, bob, 2 * SOL)], still.blockhash()))
    still.blocks()
    status = still.status(signature)
    assert status["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert status["status"] == {"Err": status["err"]}
    assert (still.balance(alice.pubkey()), still.balance(bob)) == (SOL - 5000, 0)
    still.blocks()
    meta = still.call("getTransaction", signature, {"commitment": "confirmed"})["meta"]
    assert meta["err"] == status["err"]
    assert meta["fee"] == 5000
    assert meta["preBalances"] == [SOL, 0, 1]
    assert meta["postBalances"] == [SOL - 5000, 0, 1]


def test_a_recipient_below_the_rent_floor_fails_the_whole(still: Still) -> None:
    alice, bob, carol = still.funded(), Keypair().pubkey(), Keypair().pubkey()
    instructions = [pay(alice, bob, SOL), pay(alice, carol, RENT_EXEMPT - 1)]
    transaction = signed(alice, instructions, still.blockhash())
    signature = still.send(transaction)
    still.blocks()
    [(name, detail)] = still.status(signature)["err"].items()
    assert name == "InsufficientFundsForRent"
    assert transaction.message.account_keys[detail["account_index"]] == carol
    assert (still.balance(bob), still.balance(carol)) == (0, 0)
    fresh = signed(alice, [pay(alice, carol, 1)], still.blockhash())
    with pytest.raises(Refused, match="insufficient funds for rent"):
        still.send(fresh, skipPreflight=False, preflightCommitment="processed")


def test_a_payer_without_funds_leaves_no_trace(still: Still) -> None:
    stranger = Keypair()
    transaction = signed(stranger, [pay(stranger, Keypair().pubkey(), 1)], still.blockhash())
    with pytest.raises(Refused, match="Attempt to debit an account but found no record"):
        still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    signature = still.send(transaction)
    still.blocks(2)
    assert still.status(signature) is None


def test_preflight_sees_the_state_at_its_level(still: Still) -> None:
    """Money that is confirmed but not final cannot be spent in a finalized preflight."""
    still.blocks(40)
    blockhash = still.blockhash("finalized")
    alice = still.funded()
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), SOL)], blockhash)
    with pytest.raises(Refused, match="Attempt to debit an account"):
        still.send(transaction, skipPreflight=False)
    still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    assert still.balance(alice.pubkey()) == 10 * SOL, "looking back changed nothing"
    still.blocks()
    assert still.balance(alice.pubkey()) == 9 * SOL - 5000


def test_preflight_goes_back_over_many_changes(still: Still) -> None:
    alice, bob = still.funded(), Keypair()
    still.blocks(40)
    blockhash = still.blockhash("finalized")
    for _ in range(3):
        still.send(signed(alice, [pay(alice, bob.pubkey(), 2 * SOL)], still.blockhash()))
        still.blocks()
    nine = signed(alice, [pay(alice, bob.pubkey(), 9 * SOL)], blockhash)
    still.send(nine, skipPreflight=False)
    with pytest.raises(Refused, match="custom program error: 0x1"):
        still.send(nine, skipPreflight=False, preflightCommitment="processed")


def test_without_preflight_the_tip_decides_about_the_context(still: Still) -> None:
    alice = still.funded()
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), SOL)], still.blockhash())
    tip = still.call("getSlot", {"commitment": "processed"})
    still.send(transaction, minContextSlot=tip)
    with pytest.raises(Refused) as refused:
        still.send(transaction, minContextSlot=tip + 1)
    assert refused.value.code == -32016
    with pytest.raises(Refused) as refused:
        still.send(transaction, minContextSlot=tip, skipPreflight=False)
    assert refused.value.code == -32016


def test_what_a_slot_has_no_time_for_waits_for_the_next() -> None:
    hurried = Still(slot_ms=0)  # time for one transaction in each block
    alice, bob = hurried.funded(), Keypair().pubkey()
    for lamports in (SOL, 2 * SOL, 3 * SOL):
        hurried.send(signed(alice, [pay(alice, bob, lamports)], hurried.blockhash()))
    balances = []
    for _ in range(4):
        hurried.blocks()
        balances.append(hurried.balance(bob))
    assert balances == [SOL, 3 * SOL, 6 * SOL, 6 * SOL]
    hurried.close()


def test_a_higher_bid_goes_first(still: Still) -> None:
    alice, bob = still.funded(), still.funded()
    instructions = [set_compute_unit_price(1), pay(alice, bob.pubkey(), SOL)]
    cheap = still.send(signed(alice, instructions, still.blockhash()))
    instructions = [set_compute_unit_price(2), pay(bob, alice.pubkey(), SOL)]
    dear = still.send(signed(bob, instructions, still.blockhash()))
    still.blocks(2)
    slot = still.status(cheap)["slot"]
    settings = {"commitment": "confirmed", "transactionDetails": "signatures"}
    assert still.call("getBlock", slot, settings)["signatures"] == [dear, cheap]


def simulate(still: Still, transaction: VersionedTransaction, **config: Any) -> Any:
    settings = {"encoding": "base64", "commitment": "processed"} | config
    return still.value("simulateTransaction", as_base64(transaction), settings)


def test_a_simulation_says_all_and_changes_nothing(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    transaction = signed(alice, [pay(alice, bob, SOL)], still.blockhash())
    wanted = {"encoding": "base64", "addresses": [str(bob), str(alice.pubkey())]}
    value = simulate(still, transaction, accounts=wanted, sigVerify=True)
    assert value["err"] is None
    assert value["unitsConsumed"] == 150
    assert value["fee"] == 5000
    assert [account["lamports"] for account in value["accounts"]] == [SOL, 9 * SOL - 5000]
    assert value["postBalances"] == [9 * SOL - 5000, SOL, 1]
    still.blocks()
    assert (still.balance(bob), still.balance(alice.pubkey())) == (0, 10 * SOL)


def test_a_simulation_may_not_check_and_replace_at_once(still: Still) -> None:
    alice = still.funded()
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), SOL)], still.blockhash())
    with pytest.raises(Refused) as refused:
        simulate(still, transaction, sigVerify=True, replaceRecentBlockhash=True)
    assert refused.value.code == -32602


def test_a_failing_simulation_is_an_answer_not_an_error(still: Still) -> None:
    alice = still.funded(SOL)
    transaction = signed(alice, [pay(alice, Keypair().pubkey(), 2 * SOL)], still.blockhash())
    wanted = {"encoding": "base64", "addresses": [str(alice.pubkey())]}
    value = simulate(still, transaction, accounts=wanted)
    assert value["err"] == {"InstructionError": [0, {"Custom": 1}]}
    assert value["accounts"] == [None]


def test_two_equal_airdrops_in_one_slot_are_two(still: Still) -> None:
    alice = str(Keypair().pubkey())
    signatures = {still.call("requestAirdrop", alice, SOL) for _ in range(2)}
    assert len(signatures) == 2
    still.blocks()
    assert still.value("getBalance", alice, {"commitment": "processed"}) == 2 * SOL
    with pytest.raises(Refused) as refused:
        still.call("requestAirdrop", alice, 1 << 62)
    assert refused.value.code == -32603


def test_bytes_of_any_kind_are_refused_not_fatal(still: Still) -> None:
    alice = still.funded()
    good = bytes(signed(alice, [pay(alice, Keypair().pubkey(), SOL)], still.blockhash()))
    for position in range(len(good)):
        flipped = bytes([good[position] ^ 0x55])
        for damaged in (good[:position], good[:position] + flipped + good[position + 1 :]):
            wire = base64.b64encode(damaged).decode()
            with pytest.raises(Refused) as refused:
                still.call("sendTransaction", wire, {"encoding": "base64"})
            assert refused.value.code in {-32602, -32003}


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0abc", b"hello", bytes(range(256))])
def test_base58_round_trips(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


def test_base58_agrees_with_addresses() -> None:
    address = Keypair().pubkey()
    assert base58.encode(bytes(address)) == str(address)
    with pytest.raises(ValueError, match="'0' is not a base58 character"):
        base58.decode("10")


@pytest.mark.parametrize("takes_v1", [False, True])
def test_a_v1_message_is_taken_only_where_the_chain_was_started_so(
    still: Still,
    takes_v1: bool,  # noqa: FBT001 -- a case
) -> None:
    still.chain.takes_v1 = takes_v1
    alice = still.funded()
    message = MessageV1.try_compile(
        alice.pubkey(), [pay(alice, Keypair().pubkey(), SOL)], still.blockhash()
    )
    transaction = VersionedTransaction(message, [alice])
    if not takes_v1:
        with pytest.raises(Refused) as refused:
            still.send(transaction)
        assert "unsupported message version" in refused.value.message
        return
    signature = still.send(transaction)
    still.blocks(40)
    assert still.status(signature)["err"] is None
    options = {"encoding": "base64", "maxSupportedTransactionVersion": 1}
    assert still.call("getTransaction", signature, options)["version"] == 1
