"""Solana's own runtime, executing one transaction at a time.

This is LiteSVM: the real System, Token and other programs, the real fee and rent
rules, on accounts in memory. It knows no blocks, no history and only one
blockhash, so signatures, blockhashes and repeats are checked by ``chain.py`` and
switched off here.

Source:
    https://github.com/LiteSVM/litesvm (shipped inside the solders wheel)
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from solders.account import Account
from solders.clock import Clock
from solders.hash import Hash
from solders.litesvm import LiteSVM
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import (
    FailedTransactionMetadata,
    InnerInstruction,
    SimulatedTransactionInfo,
    TransactionMetadata,
)

from pixr.local.chain import base58
from pixr.local.chain.wire import AnyMessage, readable_message, writable_flags

SLOTS_PER_EPOCH: Final = 432_000
LOOKUP_TABLE_HEADER_BYTES: Final = 56
ADDRESS_BYTES: Final = 32
OFF: Final = False

Accounts = dict[Pubkey, Account | None]
"""Address to account; None where there is no account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountList:
    """The accounts of one transaction in the order that instructions index them."""

    keys: Sequence[Pubkey]
    """The message's own keys, then what its lookup tables add."""
    writable: Sequence[bool]
    loaded_writable: Sequence[Pubkey]
    loaded_readonly: Sequence[Pubkey]

    def written(self) -> list[Pubkey]:
        """The accounts this transaction locks for writing."""
        return [key for key, flag in zip(self.keys, self.writable, strict=True) if flag]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the runtime made of one transaction."""

    error: Any
    """None, or the transaction error in Agave's JSON form."""
    landed: bool
    """Whether the fee was taken. What did not land leaves no trace on a chain."""
    fee_lamports: int
    accounts: AccountList
    balances_before: Sequence[int]
    balances_after: Sequence[int]
    before: Accounts
    """The accounts that changed, as they were."""
    after: Accounts
    """The same accounts, as they are."""
    logs: Sequence[str]
    compute_units: int
    inner_instructions: Sequence[Mapping[str, Any]]
    return_data: Mapping[str, Any] | None


class Runtime:
    """The accounts, and the only code that changes them."""

    def __init__(self) -> None:
        self._svm = (
            LiteSVM()
            .with_mainnet_features()
            .with_sigverify(OFF)
            .with_blockhash_check(OFF)
            .with_transaction_history(0)
        )

    def account(self, address: Pubkey) -> Account | None:
        """Read an account as it is after the last executed transaction."""
        return self._svm.get_account(address)

    def lamports(self, address: Pubkey) -> int:
        """Read a balance; 0 where there is no account."""
        return self._svm.get_balance(address) or 0

    def put(self, address: Pubkey, account: Account | None) -> None:
        """Write an account from outside any transaction; None removes it."""
        # LiteSVM removes an account that is set to 0 lamports.
        self._svm.set_account(address, account or Account(0, b"", SYSTEM_PROGRAM))

    def rent_exempt_lamports(self, data_bytes: int) -> int:
        """The balance below which an account of ``data_bytes`` may not exist."""
        return self._svm.minimum_balance_for_rent_exemption(data_bytes)

    def begin_slot(self, slot: int, *, now_s: int, slot_hashes: Sequence[tuple[int, Hash]]) -> None:
        """Turn the clock that programs see.

        Args:
            slot: The slot whose transactions run next.
            now_s: Unix time, in seconds.
            slot_hashes: Newest first; lookup tables are dated by them.
        """
        epoch = slot // SLOTS_PER_EPOCH
        self._svm.set_clock(Clock(slot, now_s, epoch, epoch + 1, now_s))
        self._svm.set_slot_hashes(slot_hashes)
        self._svm.expire_blockhash()

    def execute(self, transaction: VersionedTransaction) -> Outcome:
        """Run ``transaction`` and keep what it did."""
        accounts = self.resolve(readable_message(transaction.message))
        written = accounts.written()
        before: Accounts = {key: self.account(key) for key in written}
        balances_before = [self.lamports(key) for key in accounts.keys]
        result = self._svm.send_transaction(transaction)
        after: Accounts = {key: self.account(key) for key in written}
        changed = [key for key in written if before[key] != after[key]]
        return self._outcome(
            result,
            accounts,
            # Every landed transaction changes at least the payer, by the fee.
            landed=bool(changed),
            balances_before=balances_before,
            balances_after=[self.lamports(key) for key in accounts.keys],
            before={key: before[key] for key in changed},
            after={key: after[key] for key in changed},
        )

    def simulate(self, transaction: VersionedTransaction, *, past: Accounts) -> Outcome:
        """Run ``transaction`` and keep nothing.

        Args:
            transaction: What to run; its signatures and blockhash do not matter.
            past: Accounts to see as they were, when the caller asked for the
                state of an older commitment.
        """
        with self._as_of(past):
            accounts = self.resolve(readable_message(transaction.message))
            balances = [self.lamports(key) for key in accounts.keys]
            before: Accounts = {key: self.account(key) for key in accounts.written()}
            result = self._svm.simulate_transaction(transaction)
        after: Accounts = {}
        if isinstance(result, SimulatedTransactionInfo):
            after = dict(result.post_accounts())
        return self._outcome(
            result,
            accounts,
            landed=False,
            balances_before=balances,
            balances_after=[
                _lamports_of(after[key]) if key in after else balance
                for key, balance in zip(accounts.keys, balances, strict=True)
            ],
            before=before,
            after=after,
        )

    def resolve(self, message: AnyMessage) -> AccountList:
        """List the accounts of ``message``, lookup tables included.

        A table that is missing or too short adds nothing here: the runtime
        refuses such a transaction with the proper error when it runs.
        """
        loaded_writable: list[Pubkey] = []
        loaded_readonly: list[Pubkey] = []
        if isinstance(message, MessageV0):
            for lookup in message.address_table_lookups:
                table = self.account(lookup.account_key)
                addresses = b"" if table is None else table.data[LOOKUP_TABLE_HEADER_BYTES:]
                loaded_writable += _pick(addresses, lookup.writable_indexes)
                loaded_readonly += _pick(addresses, lookup.readonly_indexes)
        return AccountList(
            keys=[*message.account_keys, *loaded_writable, *loaded_readonly],
            writable=[
                *writable_flags(message),
                *(True for _ in loaded_writable),
                *(False for _ in loaded_readonly),
            ],
            loaded_writable=loaded_writable,
            loaded_readonly=loaded_readonly,
        )

    @contextmanager
    def _as_of(self, past: Accounts) -> Iterator[None]:
        present: Accounts = {key: self.account(key) for key in past}
        for key, account in past.items():
            self.put(key, account)
        try:
            yield
        finally:
            for key, account in present.items():
                self.put(key, account)

    @staticmethod
    def _outcome(
        result: TransactionMetadata | FailedTransactionMetadata | SimulatedTransactionInfo,
        accounts: AccountList,
        *,
        landed: bool,
        balances_before: Sequence[int],
        balances_after: Sequence[int],
        before: Accounts,
        after: Accounts,
    ) -> Outcome:
        failed = isinstance(result, FailedTransactionMetadata)
        metadata = result if isinstance(result, TransactionMetadata) else result.meta()
        returned = metadata.return_data()
        return Outcome(
            # solders serializes errors exactly as Agave's RPC does.
            error=json.loads(result.to_json())["err"] if failed else None,
            landed=landed,
            fee_lamports=metadata.fee(),
            accounts=accounts,
            balances_before=balances_before,
            balances_after=balances_after,
            before=before,
            after=after,
            logs=metadata.logs(),
            compute_units=metadata.compute_units_consumed(),
            inner_instructions=[
                {"index": index, "instructions": [_inner(step) for step in steps]}
                for index, steps in enumerate(metadata.inner_instructions())
                if steps
            ],
            return_data={
                "programId": str(returned.program_id),
                "data": [base64.b64encode(bytes(returned.data)).decode(), "base64"],
            }
            if returned.data
            else None,
        )


def _pick(addresses: bytes, indexes: bytes) -> list[Pubkey]:
    return [
        Pubkey.from_bytes(addresses[start : start + ADDRESS_BYTES])
        for start in (index * ADDRESS_BYTES for index in indexes)
        if start + ADDRESS_BYTES <= len(addresses)
    ]


def _lamports_of(account: Account | None) -> int:
    return account.lamports if account else 0


def _inner(step: InnerInstruction) -> dict[str, Any]:
    instruction = step.instruction()
    return {
        "programIdIndex": instruction.program_id_index,
        "accounts": list(instruction.accounts),
        "data": base58.encode(instruction.data),
        "stackHeight": step.stack_height(),
    }
