"""Versioned transactions and what they take from address lookup tables."""

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from tests.contract.payments import create_receipt, pay, receipt_of
from tests.contract.sides import FINALIZED, RENT, SOL, Side, as_base64

VERSIONED = FINALIZED | {"encoding": "base64", "maxSupportedTransactionVersion": 0}


def paying(
    treasury: Keypair,
    table: AddressLookupTableAccount,
    amounts: list[int],
    blockhash: Hash,
) -> VersionedTransaction:
    instructions = [
        create_receipt(treasury),
        *(
            pay(treasury, to, lamports)
            for to, lamports in zip(table.addresses, amounts, strict=True)
        ),
    ]
    message = MessageV0.try_compile(treasury.pubkey(), instructions, [table], blockhash)
    return VersionedTransaction(message, [treasury])


def loaded_order(transaction: VersionedTransaction) -> list[int]:
    """In which order the message takes the table's entries: it sorts them its own way."""
    message = transaction.message
    assert isinstance(message, MessageV0)
    [lookup] = message.address_table_lookups
    return list(lookup.writable_indexes)


def story(exact: Side, count: int) -> tuple[Keypair, list[Pubkey], AddressLookupTableAccount]:
    treasury, payees = Keypair(), [Keypair().pubkey() for _ in range(count)]
    exact.fund({treasury: 10 * SOL})
    return treasury, payees, exact.table(treasury, payees)


def test_a_table_pays_more_than_addresses_would_fit(exact: Side) -> None:
    treasury, payees, table = story(exact, 40)
    transaction = paying(treasury, table, [RENT] * 40, exact.blockhash())
    before = exact.balance(treasury.pubkey(), "processed")
    assert exact.land(transaction)["err"] is None
    assert {exact.balance(payee) for payee in payees} == {RENT}
    assert before - exact.balance(treasury.pubkey()) == 41 * RENT + 5_000
    signature = str(transaction.signatures[0])
    told = exact.call("getTransaction", signature, VERSIONED)
    assert told["version"] == 0
    order = loaded_order(transaction)
    assert told["meta"]["loadedAddresses"]["writable"] == [str(payees[index]) for index in order]
    assert told["meta"]["loadedAddresses"]["readonly"] == []
    assert len(told["meta"]["postBalances"]) == 3 + 40
    assert told["meta"]["computeUnitsConsumed"] == 41 * 150
    [listed] = exact.call("getSignaturesForAddress", str(payees[39]), FINALIZED)
    assert listed["signature"] == signature
    error = exact.refusal("getTransaction", signature, FINALIZED | {"encoding": "base64"})
    assert error["code"] == -32015
    shown = exact.call("getTransaction", signature, VERSIONED | {"encoding": "json"})
    [lookup] = shown["transaction"]["message"]["addressTableLookups"]
    assert lookup["writableIndexes"] == order
    assert lookup["accountKey"] == str(table.key)


def test_poison_in_a_table_is_named_beyond_the_messages_own_keys(exact: Side) -> None:
    treasury, _, table = story(exact, 5)
    transaction = paying(treasury, table, [RENT, RENT, RENT - 1, RENT, RENT], exact.blockhash())
    own = len(transaction.message.account_keys)
    assert own == 3
    index = own + loaded_order(transaction).index(2)
    error = {"InsufficientFundsForRent": {"account_index": index}}
    assert exact.land(transaction)["err"] == error
    assert exact.balance(receipt_of(treasury)) == 0


def test_a_table_that_is_not_there_or_too_short_is_named(exact: Side) -> None:
    treasury, payees, table = story(exact, 2)
    missing = AddressLookupTableAccount(Keypair().pubkey(), payees)
    longer = AddressLookupTableAccount(table.key, [*payees, Keypair().pubkey()])
    no_table = AddressLookupTableAccount(treasury.pubkey(), payees)
    settings = {"encoding": "base64", "commitment": "processed"}
    for wrong, error in (
        (missing, "AddressLookupTableNotFound"),
        (no_table, "InvalidAddressLookupTableOwner"),
        (longer, "InvalidAddressLookupTableIndex"),
    ):
        amounts = [RENT] * len(wrong.addresses)
        transaction = paying(treasury, wrong, amounts, exact.blockhash())
        wire = as_base64(transaction)
        assert exact.value("simulateTransaction", wire, settings)["err"] == error
        signature = exact.send(transaction)
        exact.blocks(3)
        assert exact.status(signature) is None


def test_65_accounts_are_too_many(exact: Side) -> None:
    treasury, payees, _ = story(exact, 1)
    more = [Keypair().pubkey() for _ in range(62)]
    table = exact.table(treasury, [*payees, *more])
    settings = {"encoding": "base64", "commitment": "processed"}
    for count, error in ((62, "MissingRequiredSignature"), (63, "TooManyAccountLocks")):
        touched = [
            AccountMeta(one, is_signer=False, is_writable=True) for one in table.addresses[:count]
        ]
        touch = Instruction(SYSTEM_PROGRAM, b"\2\0\0\0" + bytes(8), touched)
        message = MessageV0.try_compile(treasury.pubkey(), [touch], [table], exact.blockhash())
        wire = as_base64(VersionedTransaction(message, [treasury]))
        told = exact.value("simulateTransaction", wire, settings)["err"]
        assert told in (error, {"InstructionError": [0, error]})
