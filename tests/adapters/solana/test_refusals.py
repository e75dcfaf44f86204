"""Whose fault an error is: one row per form that Agave has for it."""

from typing import Any

import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.adapters.solana.refusals import ERROR_CHARACTERS_MAX, blame

PAYER = Keypair()
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
TRANSFER = transfer(
    TransferParams(from_pubkey=PAYER.pubkey(), to_pubkey=Pubkey.new_unique(), lamports=1)
)
RAW = bytes(
    VersionedTransaction(
        Message.new_with_blockhash(
            [Instruction(MEMO, b"root", []), TRANSFER], PAYER.pubkey(), Hash.default()
        ),
        [PAYER],
    )
)


@pytest.mark.parametrize(
    ("error", "account_index", "instruction_index", "is_source_short"),
    [
        ({"InsufficientFundsForRent": {"account_index": 0}}, 0, None, False),
        ({"InsufficientFundsForRent": {"account_index": 7}}, 7, None, False),
        ({"InstructionError": [1, "InvalidAccountData"]}, None, 1, False),
        ({"InstructionError": [1, {"Custom": 0}]}, None, 1, False),
        # The System program: the source holds less than leaves it.
        ({"InstructionError": [1, {"Custom": 1}]}, None, None, True),
        # The same number of another program means something else.
        ({"InstructionError": [0, {"Custom": 1}]}, None, 0, False),
        # There is no such instruction: the bytes cannot tell whose number it is.
        ({"InstructionError": [9, {"Custom": 1}]}, None, None, True),
        ("InsufficientFundsForFee", None, None, True),
        ("AccountNotFound", None, None, True),
        # None of the payees' doing.
        ("BlockhashNotFound", None, None, False),
        ({"InsufficientFundsForRent": {}}, None, None, False),
        ({"InsufficientFundsForRent": {"account_index": -1}}, None, None, False),
        ({"InsufficientFundsForRent": {"account_index": True}}, None, None, False),
        ({"InsufficientFundsForRent": 4}, None, None, False),
        ({"InstructionError": [1]}, None, None, False),
        ({"InstructionError": ["1", {"Custom": 1}]}, None, None, False),
        ({"InstructionError": {"0": 1}}, None, None, False),
        ({"InstructionError": None}, None, None, False),
        ({"DuplicateInstruction": 3}, None, None, False),
        ([], None, None, False),
        (7, None, None, False),
        ({}, None, None, False),
    ],
)
def test_blame(
    error: Any,
    account_index: int | None,
    instruction_index: int | None,
    is_source_short: bool,  # noqa: FBT001 -- a column of the table
) -> None:
    found = blame(error, RAW)
    assert found.account_index == account_index
    assert found.instruction_index == instruction_index
    assert found.is_source_short == is_source_short


@pytest.mark.parametrize("raw", [b"", b"\0", RAW[:-1], b"\xff" * 200])
def test_bytes_that_cannot_be_read_blame_nobody(raw: bytes) -> None:
    found = blame({"InstructionError": [0, {"Custom": 1}]}, raw)
    assert (found.is_source_short, found.instruction_index) == (True, None)


def test_an_error_is_kept_short_and_plain() -> None:
    found = blame({"Nonsense": "\0é" * 10_000}, RAW)
    assert len(found.error) == ERROR_CHARACTERS_MAX
    assert found.error.isprintable()
    assert found.error.isascii()
