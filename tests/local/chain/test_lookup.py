"""Versioned transactions with an address lookup table."""

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from tests.local.chain.harness import RENT_EXEMPT, Refused, Still, pay, signed

LOOKUP_PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
CONFIRMED = {"commitment": "confirmed"}


def make_table(still: Still, owner: Keypair, addresses: list[Pubkey]) -> AddressLookupTableAccount:
    """Create a table on the chain and fill it, thirty addresses at a time."""
    recent_slot = still.call("getSlot", {"commitment": "processed"})
    table, bump = Pubkey.find_program_address(
        [bytes(owner.pubkey()), recent_slot.to_bytes(8, "little")], LOOKUP_PROGRAM
    )
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(owner.pubkey(), is_signer=True, is_writable=False),
        AccountMeta(owner.pubkey(), is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
    ]
    data = (0).to_bytes(4, "little") + recent_slot.to_bytes(8, "little") + bytes([bump])
    still.blocks()
    batches = [Instruction(LOOKUP_PROGRAM, data, accounts)]
    for start in range(0, len(addresses), 20):
        part = addresses[start : start + 20]
        data = (2).to_bytes(4, "little") + len(part).to_bytes(8, "little")
        data += b"".join(bytes(address) for address in part)
        batches.append(Instruction(LOOKUP_PROGRAM, data, accounts))
    for instruction in batches:
        signature = still.send(signed(owner, [instruction], still.blockhash()))
        still.blocks()
        assert still.status(signature)["err"] is None
    still.blocks()  # what was added is usable one slot later
    return AddressLookupTableAccount(table, addresses)


def pay_all(
    still: Still, payer: Keypair, table: AddressLookupTableAccount, count: int
) -> VersionedTransaction:
    instructions = [pay(payer, address, RENT_EXEMPT) for address in table.addresses[:count]]
    blockhash = still.blockhash()
    message = MessageV0.try_compile(payer.pubkey(), instructions, [table], blockhash)
    return VersionedTransaction(message, [payer])


def test_a_table_pays_more_people_than_addresses_would_fit(still: Still) -> None:
    alice = still.funded()
    recipients = [Keypair().pubkey() for _ in range(54)]
    table = make_table(still, alice, recipients)
    transaction = pay_all(still, alice, table, 54)
    signature = still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    still.blocks(2)
    assert {still.balance(one) for one in recipients} == {RENT_EXEMPT}

    with pytest.raises(Refused) as refused:
        still.call("getTransaction", signature, CONFIRMED)
    assert refused.value.code == -32015
    assert '"maxSupportedTransactionVersion": 0' in refused.value.message
    settings = CONFIRMED | {"maxSupportedTransactionVersion": 0, "encoding": "jsonParsed"}
    found = still.call("getTransaction", signature, settings)
    assert found["version"] == 0
    loaded = found["meta"]["loadedAddresses"]
    assert set(loaded["writable"]) == {str(one) for one in recipients}
    assert len(found["meta"]["postBalances"]) == 2 + 54
    keys = found["transaction"]["message"]["accountKeys"]
    assert keys[-1]["source"] == "lookupTable"
    [listed, *_] = still.call("getSignaturesForAddress", str(recipients[53]), CONFIRMED)
    assert listed["signature"] == signature


def test_65_locked_accounts_are_too_many(still: Still) -> None:
    alice = still.funded()
    table = make_table(still, alice, [Keypair().pubkey() for _ in range(63)])

    def locking(count: int) -> VersionedTransaction:
        accounts = [
            AccountMeta(one, is_signer=False, is_writable=True) for one in table.addresses[:count]
        ]
        touch = Instruction(SYSTEM_PROGRAM, b"\2\0\0\0" + bytes(8), accounts)
        pay_self = pay(alice, alice.pubkey(), 1)
        message = MessageV0.try_compile(
            alice.pubkey(), [pay_self, touch], [table], still.blockhash()
        )
        return VersionedTransaction(message, [alice])

    with pytest.raises(Refused) as refused:
        still.send(locking(63), skipPreflight=False, preflightCommitment="processed")
    assert refused.value.data["err"] == "TooManyAccountLocks"
    with pytest.raises(Refused) as refused:
        still.send(locking(62), skipPreflight=False, preflightCommitment="processed")
    assert "InstructionError" in refused.value.data["err"], "64 accounts are locked and it runs"
    signature = still.send(locking(63))
    still.blocks(2)
    assert still.status(signature) is None


def test_a_table_that_does_not_exist_is_named(still: Still) -> None:
    alice = still.funded()
    table = AddressLookupTableAccount(Keypair().pubkey(), [Keypair().pubkey()])
    transaction = pay_all(still, alice, table, 1)
    with pytest.raises(Refused) as refused:
        still.send(transaction, skipPreflight=False, preflightCommitment="processed")
    assert refused.value.data["err"] == "AddressLookupTableNotFound"
