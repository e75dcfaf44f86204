"""Durable nonces: transactions whose blockhash is a value kept on chain, so that it never ages.

LiteSVM runs the instruction that moves such a value on. That a transaction *names* one, and may
therefore land without a recent blockhash, is for the bank to see, and LiteSVM has none.

A value is moved on even when the transaction fails: it has paid a fee, and must not pay it again.

Source:
    https://docs.anza.xyz/implemented-proposals/durable-tx-nonces
"""

import hashlib
from dataclasses import replace
from typing import Final

from solders.account import Account
from solders.hash import Hash
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM

from pixr.local.chain.runtime import Outcome
from pixr.local.chain.wire import AnyMessage, writable_flags

ADVANCE: Final = b"\x04\x00\x00\x00"
ADVANCE_ACCOUNTS: Final = 3
"""The nonce account, a sysvar, and whoever may move it."""
CURRENT_INITIALIZED: Final = b"\x01\x00\x00\x00\x01\x00\x00\x00"
AUTHORITY: Final = slice(8, 40)
VALUE: Final = slice(40, 72)
ACCOUNT_BYTES: Final = 80
_PREFIX: Final = b"DURABLE_NONCE"


def named_by(message: AnyMessage) -> Pubkey | None:
    """The nonce account that a message moves on with its first instruction; None: it does not."""
    keys = message.account_keys
    if not message.instructions:
        return None
    first = message.instructions[0]
    if keys[first.program_id_index] != SYSTEM_PROGRAM or bytes(first.data) != ADVANCE:
        return None
    accounts = bytes(first.accounts)
    if len(accounts) < ADVANCE_ACCOUNTS or max(accounts) >= len(keys):
        return None
    return keys[accounts[0]] if writable_flags(message)[accounts[0]] else None


def is_usable(message: AnyMessage, account: Account | None) -> bool:
    """Whether the account that ``named_by`` found holds the blockhash of the message."""
    if account is None or account.owner != SYSTEM_PROGRAM or len(account.data) != ACCOUNT_BYTES:
        return False
    signers = message.account_keys[: message.header.num_required_signatures]
    moving = bytes(message.instructions[0].accounts)
    return (
        account.data[: AUTHORITY.start] == CURRENT_INITIALIZED
        and account.data[VALUE] == bytes(message.recent_blockhash)
        and Pubkey.from_bytes(account.data[AUTHORITY])
        in {message.account_keys[index] for index in moving if index < len(signers)}
    )


def moved_on(account: Account, blockhash: Hash) -> Account:
    """The account with its next value, as the instruction leaves it behind."""
    value = hashlib.sha256(_PREFIX + bytes(blockhash)).digest()
    data = account.data[: VALUE.start] + value + account.data[VALUE.stop :]
    return Account(account.lamports, data, account.owner)


def with_moved(outcome: Outcome, address: Pubkey, before: Account, after: Account) -> Outcome:
    """The outcome of a failure, with the value that is moved on all the same."""
    return replace(
        outcome,
        before={**outcome.before, address: before},
        after={**outcome.after, address: after},
    )
