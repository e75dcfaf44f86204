"""What is read from the bytes is what was meant, and nothing foreign passes for ours."""

from collections.abc import Callable, Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0, MessageV1, to_bytes_versioned
from solders.pubkey import Pubkey
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferParams,
    create_account_with_seed,
    transfer,
)
from solders.transaction import VersionedTransaction

from pixr.domain import packing, reclaims
from pixr.domain.decoding import Emptied, Moved, Payment, Reclaim, decode, is_signed

TREASURY = Keypair.from_seed(bytes(32))
WALLET = Keypair.from_seed(bytes([7]) * 32)
MEMO = "m" * 44


def address(number: int) -> Pubkey:
    return Pubkey.from_bytes(bytes([9]) + number.to_bytes(31, "big"))


def intent_of(count: int, source: Keypair) -> packing.Intent:
    return packing.Intent(
        treasury=str(TREASURY.pubkey()),
        source=str(source.pubkey()),
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=1)),
        memo=MEMO,
        transfers=tuple(
            packing.Transfer(destination=str(address(number)), lamports=10**6 + number)
            for number in range(count)
        ),
    )


def signed(message: Message | MessageV0 | MessageV1, *signers: Keypair) -> bytes:
    said = to_bytes_versioned(message)
    return bytes(
        VersionedTransaction.populate(message, [key.sign_message(said) for key in signers])
    )


def expected(intent: packing.Intent, raw: bytes) -> Payment:
    return Payment(
        signature=str(VersionedTransaction.from_bytes(raw).signatures[0]),
        payer=intent.treasury,
        blockhash=str(Hash.default()),
        source=intent.source,
        receipt=str(intent.receipt),
        receipt_seed=intent.receipt_seed,
        receipt_lamports=890_880,
        memo=MEMO,
        transfers=tuple(
            Moved(destination=item.destination, lamports=item.lamports) for item in intent.transfers
        ),
    )


@pytest.mark.parametrize("source", [TREASURY, WALLET])
@pytest.mark.parametrize("count", [1, 2, 15])
def test_a_payment_is_read_back(source: Keypair, count: int) -> None:
    intent = intent_of(count, source)
    message = packing.message(intent, blockhash=str(Hash.default()), price=77)
    raw = signed(message, *dict.fromkeys([TREASURY, source]))
    found = decode(raw)
    assert found == expected(intent, raw)
    assert isinstance(found, Payment)
    assert found.lamports == sum(item.lamports for item in intent.transfers)
    assert is_signed(raw)


def instructions(intent: packing.Intent) -> list[Instruction]:
    """The same instructions as in the legacy message, for the other kinds of message."""
    message = packing.message(intent, blockhash=str(Hash.default()), price=0)
    keys = message.account_keys
    written = len(keys) - message.header.num_readonly_unsigned_accounts
    return [
        Instruction(
            keys[item.program_id_index],
            bytes(item.data),
            [
                AccountMeta(keys[index], message.is_signer(index), index < written)
                for index in item.accounts
            ],
        )
        for item in message.instructions
    ]


def test_a_payment_with_a_lookup_table_needs_the_addresses_that_were_loaded() -> None:
    intent = intent_of(30, TREASURY)
    payees = [address(number) for number in range(30)]
    table = AddressLookupTableAccount(address(99), payees)
    message = MessageV0.try_compile(
        TREASURY.pubkey(), instructions(intent), [table], Hash.default()
    )
    raw = signed(message, TREASURY)
    (lookup,) = message.address_table_lookups
    loaded = [payees[index] for index in [*lookup.writable_indexes, *lookup.readonly_indexes]]
    accounts = [str(key) for key in [*message.account_keys, *loaded]]
    assert decode(raw, accounts) == expected(intent, raw)
    assert decode(raw) is None


def test_a_v1_payment_is_read_back() -> None:
    intent = intent_of(3, TREASURY)
    message = MessageV1.try_compile(TREASURY.pubkey(), instructions(intent)[2:], Hash.default())
    raw = signed(message, TREASURY)
    assert decode(raw) == expected(intent, raw)


def test_a_reclaim_is_read_back() -> None:
    treasury = str(TREASURY.pubkey())
    receipts = tuple(
        reclaims.Receipt(
            address=str(Pubkey.create_with_seed(TREASURY.pubkey(), seed, packing.SYSTEM_PROGRAM)),
            seed=seed,
            lamports=890_880 + number,
        )
        for number, seed in enumerate(("first", "second"))
    )
    wanted = reclaims.ReclaimIntent(treasury=treasury, receipts=receipts)
    raw = signed(reclaims.message(wanted, blockhash=str(Hash.default()), price=5), TREASURY)
    found = decode(raw)
    assert isinstance(found, Reclaim)
    assert (found.payer, found.receipts) == (
        treasury,
        tuple(
            Emptied(receipt=item.address, seed=item.seed, lamports=item.lamports)
            for item in receipts
        ),
    )


def foreign(change: str) -> list[Instruction]:
    """A payment with one thing about it that the settler never does."""
    intent = intent_of(2, TREASURY)
    limit, price, receipt, memo, *transfers = instructions(intent)
    other = Keypair.from_seed(bytes([8]) * 32).pubkey()
    first = transfers[0]
    stray = transfer(TransferParams(from_pubkey=other, to_pubkey=address(1), lamports=1))
    unreadable = Instruction(memo.program_id, b"\xff\xfe", [])
    longer = Instruction(first.program_id, bytes(first.data) + b"0", first.accounts)
    with_data = create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=TREASURY.pubkey(),
            to_pubkey=intent.receipt,
            base=TREASURY.pubkey(),
            seed=intent.receipt_seed,
            lamports=10**7,
            space=80,
            owner=packing.SYSTEM_PROGRAM,
        )
    )
    return {
        "no receipt": [limit, price, memo, *transfers],
        "two receipts": [limit, price, receipt, receipt, memo, *transfers],
        "no memo": [limit, price, receipt, *transfers],
        "a memo that is no text": [limit, price, receipt, unreadable, *transfers],
        "no transfer": [limit, price, receipt, memo],
        "two sources": [limit, price, receipt, memo, *transfers, stray],
        "a strange program": [receipt, memo, *transfers, Instruction(other, b"", [])],
        "a longer transfer": [limit, receipt, memo, longer],
        "a short instruction": [receipt, memo, *transfers, Instruction(first.program_id, b"", [])],
        "a receipt with data": [limit, price, with_data, memo, *transfers],
    }[change]


def legacy(parts: Sequence[Instruction]) -> bytes:
    message = Message.new_with_blockhash(list(parts), TREASURY.pubkey(), Hash.default())
    signatures = [
        TREASURY.sign_message(bytes(message)) for _ in range(message.header.num_required_signatures)
    ]
    return bytes(VersionedTransaction.populate(message, signatures))


@pytest.mark.parametrize(
    "change",
    [
        "no receipt",
        "two receipts",
        "no memo",
        "a memo that is no text",
        "no transfer",
        "two sources",
        "a strange program",
        "a longer transfer",
        "a short instruction",
        "a receipt with data",
    ],
)
def test_what_the_settler_never_writes_is_not_ours(change: str) -> None:
    assert decode(legacy(foreign(change))) is None


def test_a_forged_signature_is_told() -> None:
    message = packing.message(intent_of(1, TREASURY), blockhash=str(Hash.default()), price=0)
    assert not is_signed(signed(message, WALLET))
    assert not is_signed(b"")


@given(st.binary(max_size=300))
def test_garbage_is_nothing(raw: bytes) -> None:
    assert decode(raw) is None


def a_reclaim() -> bytes:
    address = str(Pubkey.create_with_seed(TREASURY.pubkey(), "first", packing.SYSTEM_PROGRAM))
    receipt = reclaims.Receipt(address=address, seed="first", lamports=890_880)
    wanted = reclaims.ReclaimIntent(treasury=str(TREASURY.pubkey()), receipts=(receipt,))
    return signed(reclaims.message(wanted, blockhash=str(Hash.default()), price=5), TREASURY)


def a_payment() -> bytes:
    message = packing.message(intent_of(2, WALLET), blockhash=str(Hash.default()), price=1)
    return signed(message, TREASURY, WALLET)


@pytest.mark.parametrize("made", [a_payment, a_reclaim])
def test_what_a_stranger_bends_is_read_without_a_crash(made: Callable[[], bytes]) -> None:
    """Seeds too long, addresses cut off: at some of it solders panics, past ``Exception``."""
    raw = made()
    for position in range(len(raw) - 250, len(raw)):
        for value in range(0, 256, 5):
            decode(raw[:position] + bytes([value]) + raw[position + 1 :])


@given(st.data())
def test_no_changed_byte_crashes_the_reader(data: st.DataObject) -> None:
    """Whatever a node gives us for a transaction, the answer is a value."""
    intent = intent_of(2, WALLET)
    message = packing.message(intent, blockhash=str(Hash.default()), price=1)
    raw = bytearray(signed(message, TREASURY, WALLET))
    position = data.draw(st.integers(0, len(raw) - 1))
    raw[position] = data.draw(st.integers(0, 255))
    found = decode(bytes(raw))
    assert found is None or isinstance(found, Payment)
