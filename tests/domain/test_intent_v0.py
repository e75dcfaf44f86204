"""The signer's look at a message with a lookup table: the table is believed as the chain has it."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.instruction import CompiledInstruction
from solders.keypair import Keypair
from solders.message import MessageAddressTableLookup, MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey

from pixr.domain import intent as signer
from pixr.domain import packing
from pixr.domain.intent import IntentMismatch
from pixr.domain.packing import Intent, Table, Transfer

TREASURY = str(Keypair.from_seed(bytes(32)).pubkey())
WALLET = str(Keypair.from_seed(bytes([7]) * 32).pubkey())
PRICE = 5


def address(number: int) -> str:
    return str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big")))


TABLE = Table(address=address(999), addresses=tuple(map(address, range(30))))
ON_CHAIN = {TABLE.address: TABLE.addresses}


def intent_of(payees: Sequence[int]) -> Intent:
    return Intent(
        treasury=TREASURY,
        source=TREASURY,
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=1)),
        memo="m" * 44,
        transfers=tuple(
            Transfer(destination=address(payee), lamports=1_000_000 + payee) for payee in payees
        ),
        table=TABLE,
    )


INTENT = intent_of([3, 1, 4, 15, 9, 100])
"""Five regulars, and one who stands in no table."""


def built(intent: Intent, price: int = PRICE) -> MessageV0:
    return packing.message_v0(intent, blockhash=str(Hash.default()), price=price)


def look(
    message: MessageV0,
    intent: Intent = INTENT,
    tables: dict[str, tuple[str, ...]] = ON_CHAIN,
) -> None:
    signer.check(to_bytes_versioned(message), intent, price=PRICE, tables=tables)


@given(st.lists(st.integers(0, 45), min_size=1, max_size=20, unique=True))
def test_the_signer_accepts_what_the_builder_builds(payees: list[int]) -> None:
    if all(payee >= 30 for payee in payees):
        payees[0] = 0
    intent = intent_of(payees[:12])
    if any(payee < 30 for payee in payees[:12]):
        look(built(intent), intent)


@pytest.mark.parametrize(
    "other",
    [
        replace(INTENT, memo="x" * 44),
        replace(INTENT, receipt_seed="a" * 16),
        replace(INTENT, source=WALLET),
        replace(INTENT, treasury=WALLET, source=WALLET),
        replace(INTENT, transfers=INTENT.transfers[1:]),
        replace(INTENT, transfers=INTENT.transfers[::-1]),
        replace(
            INTENT,
            transfers=(replace(INTENT.transfers[0], lamports=1), *INTENT.transfers[1:]),
        ),
        replace(
            INTENT,
            transfers=(replace(INTENT.transfers[0], destination=address(2)), *INTENT.transfers[1:]),
        ),
        # The builder was given another table, or the same with two payees swapped.
        replace(INTENT, table=replace(TABLE, address=address(998))),
        replace(
            INTENT,
            table=replace(
                TABLE,
                addresses=(*TABLE.addresses[:3], address(4), address(3), *TABLE.addresses[5:]),
            ),
        ),
    ],
)
def test_the_signer_refuses_every_other_message(other: Intent) -> None:
    with pytest.raises(IntentMismatch):
        look(built(other))


def test_the_price_is_looked_at() -> None:
    with pytest.raises(IntentMismatch, match="price"):
        look(built(INTENT, price=PRICE + 1))


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {TABLE.address: ()},
        {TABLE.address: TABLE.addresses[:10]},
        {address(998): TABLE.addresses},
        {TABLE.address: (*TABLE.addresses[1:], TABLE.addresses[0])},
    ],
)
def test_a_table_that_says_something_else_on_chain_is_refused(
    tables: dict[str, tuple[str, ...]],
) -> None:
    with pytest.raises(IntentMismatch):
        look(built(INTENT), tables=tables)


def test_a_message_of_another_form_is_refused() -> None:
    plain = replace(INTENT, table=None)
    legacy = packing.message(plain, blockhash=str(Hash.default()), price=PRICE)
    signer.check(bytes(legacy), plain, price=PRICE)
    with pytest.raises(IntentMismatch, match="has a table"):
        signer.check(bytes(legacy), INTENT, price=PRICE, tables=ON_CHAIN)
    with pytest.raises(IntentMismatch, match="a MessageV0, the batch is a Message"):
        look(built(INTENT), plain)


def with_lookups(message: MessageV0, *lookups: MessageAddressTableLookup) -> MessageV0:
    return MessageV0(
        message.header,
        message.account_keys,
        message.recent_blockhash,
        message.instructions,
        list(lookups),
    )


@pytest.mark.parametrize(
    ("writable", "only_read"),
    [(b"\x00\x01\x04\x09\x0f", b""), (b"", b"\x01\x03\x04\x09\x0f"), (b"\xff" * 5, b"")],
)
def test_another_place_in_the_right_table_is_refused(writable: bytes, only_read: bytes) -> None:
    """As if a bit had flipped between building and signing."""
    key = Pubkey.from_string(TABLE.address)
    message = built(INTENT)
    with pytest.raises(IntentMismatch):
        look(with_lookups(message, MessageAddressTableLookup(key, writable, only_read)))


def test_no_table_and_two_tables_are_refused() -> None:
    message = built(INTENT)
    (lookup,) = message.address_table_lookups
    second = MessageAddressTableLookup(Pubkey.from_string(address(998)), b"\x00", b"")
    for lookups in ((), (lookup, second)):
        with pytest.raises(IntentMismatch):
            look(with_lookups(message, *lookups))


@pytest.mark.parametrize("number", range(4, 10))
@pytest.mark.parametrize("place", [0, 1])
def test_another_account_of_a_transfer_is_refused(number: int, place: int) -> None:
    """Every index that an instruction could name instead, those that are not there included."""
    message = built(INTENT)
    count = len(message.account_keys) + 5
    true = bytes(message.instructions[number].accounts)
    for index in range(count + 3):
        if index == true[place]:
            continue
        accounts = bytearray(true)
        accounts[place] = index
        item = message.instructions[number]
        changed = CompiledInstruction(item.program_id_index, bytes(item.data), bytes(accounts))
        instructions = list(message.instructions)
        instructions[number] = changed
        other = MessageV0(
            message.header,
            message.account_keys,
            message.recent_blockhash,
            instructions,
            message.address_table_lookups,
        )
        with pytest.raises(IntentMismatch):
            look(other)
