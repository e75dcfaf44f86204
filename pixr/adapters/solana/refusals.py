"""Whose fault a transaction error is, read from Agave's JSON form of it.

    {"InsufficientFundsForRent": {"account_index": 4}}    key 4 of the message would hold dust
    {"InstructionError": [6, {"Custom": 1}]}              instruction 6 failed
    "InsufficientFundsForFee"                             the payer cannot pay

Source:
    https://github.com/anza-xyz/solana-sdk/tree/master/transaction-error
    https://github.com/anza-xyz/solana-sdk/tree/master/system-interface (SystemError)
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from pixr.adapters.solana.answers import WrongShape, field, integer, listing

ERROR_CHARACTERS_MAX: Final = 500
PAYER_IS_SHORT: Final = ("InsufficientFundsForFee", "AccountNotFound")
RESULT_WITH_NEGATIVE_LAMPORTS: Final = {"Custom": 1}
"""The System program's word for a source that holds less than the transfer takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blame:
    """What an error says, and whom it names."""

    error: str
    account_index: int | None = None
    instruction_index: int | None = None
    is_source_short: bool = False


def blame(error: Any, raw: bytes) -> Blame:
    """Read a transaction error.

    Args:
        error: The JSON value, not null.
        raw: The transaction that it is about, which tells what program an instruction runs.

    Returns:
        At most one of the three is set; an error of no known form names nobody.
    """
    said = json.dumps(error)[:ERROR_CHARACTERS_MAX]
    if error in PAYER_IS_SHORT:
        return Blame(error=said, is_source_short=True)
    try:
        if isinstance(error, dict) and "InsufficientFundsForRent" in error:
            rent = field(error["InsufficientFundsForRent"], "account_index")
            return Blame(error=said, account_index=integer(rent))
        index, cause = listing(field(error, "InstructionError"))
        number = integer(index)
    except (WrongShape, ValueError):
        return Blame(error=said)
    if cause == RESULT_WITH_NEGATIVE_LAMPORTS and _program(raw, number) in (SYSTEM_PROGRAM, None):
        return Blame(error=said, is_source_short=True)
    return Blame(error=said, instruction_index=number)


def _program(raw: bytes, instruction_index: int) -> object | None:
    """The program that an instruction runs; None when the bytes cannot tell."""
    try:
        message = VersionedTransaction.from_bytes(raw).message
        return message.account_keys[message.instructions[instruction_index].program_id_index]
    except (ValueError, IndexError):
        return None
