"""Reading the past: signatures of an address, transactions, blocks."""

import base64
import itertools
from typing import Any

import pytest
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

from pixr.local.chain.faults import Faults
from tests.local.chain.harness import RENT_EXEMPT, SOL, Refused, Still, pay, signed
from tests.local.chain.test_transactions import MEMO

CONFIRMED = {"commitment": "confirmed"}


def pay_often(still: Still, times: int) -> tuple[Pubkey, list[str]]:
    """Pay somebody so many times; whom, and the signatures, newest first."""
    alice, bob = still.funded(), Keypair().pubkey()
    signatures = []
    for number in range(times):
        instructions = [pay(alice, bob, SOL + number)]
        signatures.append(still.send(signed(alice, instructions, still.blockhash())))
        if number % 2:
            still.blocks()
    still.blocks(2)
    return bob, signatures[::-1]


def test_an_address_lists_its_transactions_newest_first(still: Still) -> None:
    bob, signatures = pay_often(still, 7)

    def listed(**config: Any) -> list[str]:
        answer = still.call("getSignaturesForAddress", str(bob), CONFIRMED | config)
        return [one["signature"] for one in answer]

    assert listed() == signatures
    assert listed(limit=3) == signatures[:3]
    assert listed(limit=3, before=signatures[2]) == signatures[3:6]
    assert listed(until=signatures[4]) == signatures[:4]
    assert listed(before=signatures[0], until=signatures[6]) == signatures[1:6]
    assert listed(before="1" * 64) == []
    assert listed(until="1" * 64) == signatures
    assert still.call("getSignaturesForAddress", str(bob)) == [], "nothing is final yet"
    assert still.call("getSignaturesForAddress", str(Keypair().pubkey()), CONFIRMED) == []


def test_a_listed_transaction_says_what_it_was(still: Still) -> None:
    alice = still.funded()
    memo = Instruction(MEMO, b"for the cat video", [])
    overspend = pay(alice, Keypair().pubkey(), 20 * SOL)
    signature = still.send(signed(alice, [memo, overspend], still.blockhash()))
    still.blocks(2)
    [newest, airdrop] = still.call("getSignaturesForAddress", str(alice.pubkey()), CONFIRMED)
    assert newest == {
        "signature": signature,
        "slot": 2,
        "err": {"InstructionError": [1, {"Custom": 1}]},
        "memo": "[17] for the cat video",
        "blockTime": 1_795_000_000,
        "confirmationStatus": "confirmed",
    }
    assert airdrop["err"] is None


def test_an_airdrop_is_a_transaction_like_any_other(still: Still) -> None:
    alice = str(Keypair().pubkey())
    signature = still.call("requestAirdrop", alice, SOL)
    still.blocks(2)
    [listed] = still.call("getSignaturesForAddress", alice, CONFIRMED)
    assert listed["signature"] == signature
    settings = CONFIRMED | {"encoding": "jsonParsed"}
    found = still.call("getTransaction", signature, settings)
    transfer = found["transaction"]["message"]["instructions"][0]["parsed"]
    assert transfer["type"] == "transfer"
    assert (transfer["info"]["destination"], transfer["info"]["lamports"]) == (alice, SOL)


def test_a_transaction_is_shown_in_every_encoding(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    transaction = signed(alice, [pay(alice, bob, SOL)], still.blockhash())
    signature = still.send(transaction)
    still.blocks(2)

    def shown(encoding: str) -> Any:
        settings = CONFIRMED | {"encoding": encoding, "maxSupportedTransactionVersion": 0}
        found = still.call("getTransaction", signature, settings)
        assert (found["slot"], found["blockTime"]) == (2, 1_795_000_000)
        assert found["version"] == "legacy"
        return found["transaction"]

    wire, name = shown("base64")
    assert (base64.b64decode(wire), name) == (bytes(transaction), "base64")
    assert shown("base58")[1] == "base58"
    plain = shown("json")
    assert plain["signatures"] == [signature]
    assert plain["message"]["header"]["numReadonlyUnsignedAccounts"] == 1
    assert plain["message"]["instructions"][0]["programIdIndex"] == 2
    parsed = shown("jsonParsed")["message"]
    assert parsed["accountKeys"][0] == {
        "pubkey": str(alice.pubkey()),
        "signer": True,
        "writable": True,
        "source": "transaction",
    }
    assert parsed["instructions"][0]["parsed"]["info"] == {
        "source": str(alice.pubkey()),
        "destination": str(bob),
        "lamports": SOL,
    }
    assert "version" not in still.call("getTransaction", signature, CONFIRMED)
    with pytest.raises(Refused) as refused:
        shown("yaml")
    assert refused.value.code == -32602


def test_receipts_are_parsed(still: Still) -> None:
    """The two instructions that settlement uses beside plain transfers."""
    alice, bob = still.funded(), Keypair().pubkey()
    receipt = Pubkey.create_with_seed(alice.pubkey(), "batch 1", SYSTEM_PROGRAM)
    create = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=alice.pubkey(),
            to_pubkey=receipt,
            base=alice.pubkey(),
            seed="batch 1",
            lamports=RENT_EXEMPT,
            space=0,
            owner=SYSTEM_PROGRAM,
        )
    )
    reclaim = transfer_with_seed(
        TransferWithSeedParams(
            from_pubkey=receipt,
            from_base=alice.pubkey(),
            from_seed="batch 1",
            from_owner=SYSTEM_PROGRAM,
            to_pubkey=bob,
            lamports=RENT_EXEMPT,
        )
    )
    signature = still.send(signed(alice, [create, reclaim], still.blockhash()))
    still.blocks(2)
    settings = CONFIRMED | {"encoding": "jsonParsed"}
    found = still.call("getTransaction", signature, settings)
    first, second = (one["parsed"] for one in found["transaction"]["message"]["instructions"])
    assert first["type"] == "createAccountWithSeed"
    assert first["info"] == {
        "source": str(alice.pubkey()),
        "newAccount": str(receipt),
        "base": str(alice.pubkey()),
        "seed": "batch 1",
        "lamports": RENT_EXEMPT,
        "space": 0,
        "owner": str(SYSTEM_PROGRAM),
    }
    assert second["type"] == "transferWithSeed"
    assert second["info"]["destination"] == str(bob)
    assert second["info"]["sourceSeed"] == "batch 1"


def test_nothing_is_found_before_its_level_is_reached(still: Still) -> None:
    alice = still.funded()
    signature = still.send(signed(alice, [pay(alice, Keypair().pubkey(), SOL)], still.blockhash()))
    assert still.status(signature) is None
    still.blocks()
    assert still.status(signature)["confirmationStatus"] == "processed"
    assert still.call("getTransaction", signature, CONFIRMED) is None
    still.blocks()
    status = still.status(signature)
    assert (status["confirmationStatus"], status["confirmations"]) == ("confirmed", 1)
    assert still.call("getTransaction", signature, CONFIRMED) is not None
    assert still.call("getTransaction", signature) is None
    still.blocks(29)
    assert still.status(signature)["confirmations"] == 30
    still.blocks()
    status = still.status(signature)
    assert (status["confirmationStatus"], status["confirmations"]) == ("finalized", None)
    assert still.call("getTransaction", signature) is not None


def test_an_old_status_needs_the_history(still: Still) -> None:
    alice = still.funded()
    signature = still.send(signed(alice, [pay(alice, Keypair().pubkey(), SOL)], still.blockhash()))
    still.blocks(300)
    assert still.value("getSignatureStatuses", [signature])[0] is not None
    still.blocks()
    assert still.value("getSignatureStatuses", [signature]) == [None]
    assert still.status(signature)["confirmationStatus"] == "finalized"


def test_blocks_chain_and_hold_their_transactions(still: Still) -> None:
    _, signatures = pay_often(still, 4)
    still.blocks(40)
    slots = still.call("getBlocks", 0)
    blocks = [still.call("getBlock", slot) for slot in slots]
    for parent, child in itertools.pairwise(blocks):
        assert child["previousBlockhash"] == parent["blockhash"]
        assert child["blockHeight"] == parent["blockHeight"] + 1
    for slot, child in zip(slots, blocks[1:], strict=False):
        assert child["parentSlot"] == slot
    found = [
        one["transaction"]["signatures"][0] for block in blocks for one in block["transactions"]
    ]
    assert found[1:] == signatures[::-1]
    assert blocks[0]["blockhash"] == still.call("getGenesisHash")


def test_a_block_is_shown_in_the_asked_detail(still: Still) -> None:
    _, signatures = pay_often(still, 1)
    slot = still.status(signatures[0])["slot"]

    def shown(**config: Any) -> Any:
        return still.call("getBlock", slot, CONFIRMED | config)

    assert shown(transactionDetails="signatures")["signatures"] == signatures
    none = shown(transactionDetails="none", rewards=False)
    assert "transactions" not in none
    assert "rewards" not in none
    [accounts] = shown(transactionDetails="accounts")["transactions"]
    assert accounts["transaction"]["accountKeys"][0]["signer"] is True
    assert accounts["meta"]["fee"] == 5000


def test_a_block_that_is_not_there_says_why(still: Still) -> None:
    still.blocks(60)
    newest = still.call("getSlot", CONFIRMED)

    def refusal(slot: int) -> tuple[int, str]:
        with pytest.raises(Refused) as refused:
            still.call("getBlock", slot, CONFIRMED)
        return refused.value.code, refused.value.message

    assert refusal(newest + 1) == (-32004, f"Block not available for slot {newest + 1}")
    assert refusal(20) == (
        -32007,
        "Slot 20 was skipped, or missing due to ledger jump to recent snapshot",
    )
    assert still.call("getFirstAvailableBlock") == 0
    still.node.faults = Faults(forget_before_slot=20)
    assert still.call("getFirstAvailableBlock") == 21
    assert refusal(19)[0] == -32001
    assert still.call("getBlocks", 0, 22) == [21, 22]


def test_a_node_that_lost_its_history_finds_nothing_old(still: Still) -> None:
    bob, signatures = pay_often(still, 1)
    still.blocks(400)
    still.node.faults = Faults(forget_before_slot=still.call("getSlot"))
    assert still.status(signatures[0]) is None
    assert still.call("getTransaction", signatures[0]) is None
    assert still.call("getSignaturesForAddress", str(bob)) == []
