"""What single instructions do: System transfers, accounts with a seed, memos, compute budgets.

Errors are instruction errors in the JSON form of the real RPC. Any other program or
instruction is ``NotImitated``: the fake would rather stop the run than guess.

Source:
    agave programs/system/src/system_processor.rs; solana-facts.md §3 for the units.
"""

import functools
from dataclasses import dataclass, replace
from typing import Any, Final

from solders.pubkey import Pubkey

from tests.fakes import tables
from tests.fakes.values import Account, Moment, NotImitated, Stop, address, text, u64
from tests.fakes.wire import COMPUTE_BUDGET, LOOKUP_TABLES, MEMO, SYSTEM, Step, Wire

NATIVE_UNITS: Final = 150
CREATE_WITH_SEED: Final = 3
TRANSFER: Final = 2
TRANSFER_WITH_SEED: Final = 11

ALREADY_IN_USE: Final = {"Custom": 0}
NEGATIVE_LAMPORTS: Final = {"Custom": 1}
SEED_MISMATCH: Final = {"Custom": 5}


@functools.lru_cache(maxsize=10_000)
def with_seed(base: str, seed: str, owner: str) -> str:
    """The address that a base, a seed and an owner make."""
    derived = Pubkey.create_with_seed(Pubkey.from_string(base), seed, Pubkey.from_string(owner))
    return str(derived)


def memo_units(size_bytes: int) -> int:
    """Compute units of a memo without signers: what was measured, put into a formula.

    The program logs the memo's length, digit by digit, and then the memo.
    """
    if not size_bytes:
        return 232
    return 161 + 13 * len(str(size_bytes)) + max(100, size_bytes)


@dataclass(slots=True, kw_only=True)
class Bench:
    """Where one transaction's instructions run, on copies that nobody else sees."""

    wire: Wire
    keys: tuple[str, ...]
    writable: tuple[bool, ...]
    accounts: list[Account]
    moment: Moment
    limit: int
    """Compute units that may be used."""
    units: int = 0

    def run(self) -> Any:
        """Run every instruction; the transaction error of the first that fails."""
        for number, step in enumerate(self.wire.steps):
            program = self.keys[step.program]
            cost = self._units(program, step)
            if self.units + cost > self.limit:
                self.units = self.limit
                return {"InstructionError": [number, "ComputationalBudgetExceeded"]}
            self.units += cost
            try:
                if program == SYSTEM:
                    self._system(step)
                elif program == LOOKUP_TABLES:
                    tables.run(self, step)
                elif program not in (COMPUTE_BUDGET, MEMO):
                    raise NotImitated(f"a call of program {program}")
            except Stop as stop:
                return {"InstructionError": [number, stop.cause]}
        return None

    def _units(self, program: str, step: Step) -> int:
        if program == MEMO:
            return memo_units(len(step.data))
        return tables.units(self, step) if program == LOOKUP_TABLES else NATIVE_UNITS

    def _system(self, step: Step) -> None:
        data = step.data
        tag = int.from_bytes(data[:4], "little")
        if tag == TRANSFER:
            self._need(step, data_bytes=12, accounts=2)
            self._transfer(step.accounts[0], step.accounts[1], u64(data, 4))
        elif tag == CREATE_WITH_SEED:
            self._create_with_seed(step)
        elif tag == TRANSFER_WITH_SEED:
            self._transfer_with_seed(step)
        else:
            raise NotImitated(f"System instruction {tag}")

    @staticmethod
    def _need(step: Step, *, data_bytes: int, accounts: int) -> None:
        if len(step.data) < data_bytes:
            raise Stop("InvalidInstructionData")
        if len(step.accounts) < accounts:
            raise Stop("MissingAccount")

    def signs(self, index: int) -> bool:
        """Whether the account with that number signed."""
        return index < self.wire.signers

    def _transfer(self, source: int, target: int, lamports: int) -> None:
        if not self.signs(source):
            raise Stop("MissingRequiredSignature")
        self.move(source, target, lamports)

    def move(self, source: int, target: int, lamports: int) -> None:
        """Move lamports between accounts, as the System program does."""
        accounts = self.accounts
        giving = accounts[source]
        if giving.data:
            raise Stop("InvalidArgument")
        if lamports > giving.lamports:
            raise Stop(NEGATIVE_LAMPORTS)
        if lamports and giving.owner != SYSTEM:
            raise Stop("ExternalAccountLamportSpend")
        if not self.writable[source]:
            raise Stop("ReadonlyLamportChange")
        if lamports:
            accounts[source] = replace(giving, lamports=giving.lamports - lamports)
        if not self.writable[target]:
            raise Stop("ReadonlyLamportChange")
        if lamports:
            taking = accounts[target]
            accounts[target] = replace(taking, lamports=taking.lamports + lamports)

    def _create_with_seed(self, step: Step) -> None:
        """Accounts: funder, new account, and the base when it is not the funder."""
        self._need(step, data_bytes=4 + 32 + 8, accounts=2)
        base, offset = address(step.data, 4)
        seed, offset = text(step.data, offset)
        lamports, space = u64(step.data, offset), u64(step.data, offset + 8)
        owner, _ = address(step.data, offset + 16)
        funder, new = step.accounts[:2]
        if with_seed(base, seed, owner) != self.keys[new]:
            raise Stop(SEED_MISMATCH)
        if self.accounts[new].lamports:
            raise Stop(ALREADY_IN_USE)
        if not any(self.keys[index] == base and self.signs(index) for index in step.accounts):
            raise Stop("MissingRequiredSignature")
        if self.accounts[new].data or self.accounts[new].owner != SYSTEM:
            raise Stop(ALREADY_IN_USE)
        self.accounts[new] = Account(lamports=0, owner=owner, data=bytes(space))
        self._transfer(funder, new, lamports)

    def _transfer_with_seed(self, step: Step) -> None:
        """Accounts: source, its base, target."""
        self._need(step, data_bytes=4 + 8 + 8, accounts=3)
        lamports = u64(step.data, 4)
        seed, offset = text(step.data, 12)
        owner, _ = address(step.data, offset)
        source, base, target = step.accounts[:3]
        if not self.signs(base):
            raise Stop("MissingRequiredSignature")
        if with_seed(self.keys[base], seed, owner) != self.keys[source]:
            raise Stop(SEED_MISMATCH)
        self.move(source, target, lamports)
