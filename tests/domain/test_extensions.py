"""An extension costs what it says, happens once, and says nothing but what it should."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata, TransactionMetadata

from pixr.domain import extensions, fees, lookup_tables, packing
from pixr.domain.extensions import ExtensionIntent
from pixr.domain.intent import IntentMismatch
from pixr.domain.lookup_tables import ADDRESSES_PER_EXTENSION, ENTRIES_MAX
from pixr.domain.money import RENT_EXEMPT_LAMPORTS

TREASURY = Keypair.from_seed(bytes(32))
STRANGER = Keypair.from_seed(bytes([8]) * 32)
PRICE = 1_000
Result = TransactionMetadata | FailedTransactionMetadata


def address(number: int) -> str:
    return str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big")))


@pytest.fixture
def svm() -> LiteSVM:
    svm = LiteSVM().with_mainnet_features()
    for keypair in (TREASURY, STRANGER):
        svm.airdrop(keypair.pubkey(), 10**12)
    return svm


def intent_of(svm: LiteSVM, count: int, first: int = 0, number: int = 1) -> ExtensionIntent:
    slot, _ = svm.get_slot_hashes()[0]
    return ExtensionIntent(
        treasury=str(TREASURY.pubkey()),
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=number)),
        recent_slot=slot,
        first_position=first,
        addresses=tuple(address(n) for n in range(first, first + count)),
    )


def send(svm: LiteSVM, message: Message, signer: Keypair = TREASURY) -> Result:
    return svm.send_transaction(Transaction([signer], message, svm.latest_blockhash()))


def write(svm: LiteSVM, intent: ExtensionIntent) -> Result:
    """Send it, and hold what it cost and used to what the intent says."""
    before = svm.get_balance(TREASURY.pubkey()) or 0
    message = extensions.message(intent, blockhash=str(svm.latest_blockhash()), price=PRICE)
    result = send(svm, message)
    if isinstance(result, TransactionMetadata):
        spent = before - (svm.get_balance(TREASURY.pubkey()) or 0)
        fee = fees.fee_lamports(signatures=1, compute_units=intent.compute_units, price=PRICE)
        assert spent == fee + RENT_EXEMPT_LAMPORTS + intent.rent_lamports
        assert result.compute_units_consumed() <= intent.compute_units
    return result


def entries(svm: LiteSVM, table: str) -> Sequence[str]:
    account = svm.get_account(Pubkey.from_string(table))
    assert account is not None
    content = lookup_tables.read(str(account.owner), account.data)
    assert content.authority == str(TREASURY.pubkey())
    return content.addresses


def ok(result: Result) -> bool:
    return isinstance(result, TransactionMetadata)


@pytest.mark.parametrize("first", [0, ADDRESSES_PER_EXTENSION])
def test_a_full_extension_fits_and_one_more_does_not(svm: LiteSVM, first: int) -> None:
    sizes = [
        len(
            bytes(
                Transaction.new_unsigned(
                    extensions.message(
                        intent_of(svm, ADDRESSES_PER_EXTENSION + more, first),
                        blockhash=str(Hash.default()),
                        price=1,
                    )
                )
            )
        )
        for more in (0, 1)
    ]
    fits = [size <= packing.TRANSACTION_BYTES_MAX for size in sizes]
    assert fits == ([True, False] if first == 0 else [True, True])


def test_a_table_is_filled_to_the_last_place_and_not_beyond(svm: LiteSVM) -> None:
    made = intent_of(svm, ADDRESSES_PER_EXTENSION)
    assert ok(write(svm, made))
    number = 1
    while (first := len(entries(svm, made.table))) < ENTRIES_MAX:
        number += 1
        count = min(ADDRESSES_PER_EXTENSION, ENTRIES_MAX - first)
        more = replace(intent_of(svm, count, first, number), recent_slot=made.recent_slot)
        assert ok(write(svm, more))
    assert entries(svm, made.table) == tuple(map(address, range(ENTRIES_MAX)))
    held = svm.get_balance(Pubkey.from_string(made.table))
    assert held == lookup_tables.rent_lamports(ENTRIES_MAX)
    beyond = replace(intent_of(svm, 1, ENTRIES_MAX, 99), recent_slot=made.recent_slot)
    assert not ok(write(svm, beyond))


def test_a_second_attempt_writes_nobody_twice(svm: LiteSVM) -> None:
    made = intent_of(svm, 5)
    assert ok(write(svm, made))
    more = replace(intent_of(svm, 5, 5, 2), recent_slot=made.recent_slot)
    assert ok(write(svm, more))
    svm.expire_blockhash()
    assert not ok(write(svm, more))
    assert len(entries(svm, made.table)) == 10


def test_dust_and_a_stranger_who_creates_the_table_first_change_no_lamport(svm: LiteSVM) -> None:
    made = intent_of(svm, 5)
    table = Pubkey.from_string(made.table)
    gift = transfer(
        TransferParams(from_pubkey=STRANGER.pubkey(), to_pubkey=table, lamports=2_000_000)
    )
    ours = extensions.message(made, blockhash=str(svm.latest_blockhash()), price=PRICE)
    create = ours.instructions[4]
    first = Instruction(
        Pubkey.from_string(lookup_tables.TABLE_PROGRAM),
        bytes(create.data),
        [
            AccountMeta(table, is_signer=False, is_writable=True),
            AccountMeta(TREASURY.pubkey(), is_signer=False, is_writable=False),
            AccountMeta(STRANGER.pubkey(), is_signer=True, is_writable=True),
            AccountMeta(packing.SYSTEM_PROGRAM, is_signer=False, is_writable=False),
        ],
    )
    early = Message.new_with_blockhash([gift, first], STRANGER.pubkey(), svm.latest_blockhash())
    assert ok(send(svm, early, STRANGER))
    assert ok(write(svm, made))
    assert len(entries(svm, made.table)) == 5


def test_a_slot_that_is_not_recent_names_no_table(svm: LiteSVM) -> None:
    made = intent_of(svm, 5)
    assert not ok(write(svm, replace(made, recent_slot=made.recent_slot - 1)))


def test_a_stranger_cannot_write_into_our_table(svm: LiteSVM) -> None:
    made = intent_of(svm, 2)
    assert ok(write(svm, made))
    theirs = replace(intent_of(svm, 2, 2, 2), recent_slot=made.recent_slot)
    extend = extensions.message(theirs, blockhash=str(svm.latest_blockhash()), price=0)
    stolen = Instruction(
        Pubkey.from_string(lookup_tables.TABLE_PROGRAM),
        bytes(extend.instructions[-1].data),
        [
            AccountMeta(Pubkey.from_string(made.table), is_signer=False, is_writable=True),
            AccountMeta(STRANGER.pubkey(), is_signer=True, is_writable=True),
        ],
    )
    message = Message.new_with_blockhash([stolen], STRANGER.pubkey(), svm.latest_blockhash())
    assert not ok(send(svm, message, STRANGER))
    assert len(entries(svm, made.table)) == 2


@pytest.mark.parametrize("first", [0, 5])
@pytest.mark.parametrize("count", [1, ADDRESSES_PER_EXTENSION])
def test_the_signer_accepts_what_the_builder_builds(svm: LiteSVM, count: int, first: int) -> None:
    intent = intent_of(svm, count, first)
    message = extensions.message(intent, blockhash=str(Hash.default()), price=PRICE)
    extensions.check(bytes(message), intent, price=PRICE)


@pytest.mark.parametrize("first", [0, 5])
def test_the_signer_refuses_every_other_message(svm: LiteSVM, first: int) -> None:
    intent = intent_of(svm, 3, first)
    one, two, three = intent.addresses
    others = [
        replace(intent, receipt_seed="a" * 16),
        replace(intent, recent_slot=intent.recent_slot + 1),
        replace(intent, first_position=0 if first else 3),
        replace(intent, addresses=(one, two)),
        replace(intent, addresses=(two, one, three)),
        replace(intent, addresses=(one, two, address(77))),
        replace(intent, treasury=str(STRANGER.pubkey())),
    ]
    for other in others:
        message = extensions.message(other, blockhash=str(Hash.default()), price=PRICE)
        with pytest.raises(IntentMismatch):
            extensions.check(bytes(message), intent, price=PRICE)
    message = extensions.message(intent, blockhash=str(Hash.default()), price=PRICE + 1)
    with pytest.raises(IntentMismatch, match="instruction 1"):
        extensions.check(bytes(message), intent, price=PRICE)
