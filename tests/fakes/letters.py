"""Transactions of people outside: money that comes and goes without us.

They come in every form that a wallet of somebody else may send: legacy or versioned, one
transfer or two, together with other people's, and failed ones that only mention an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from tests.fakes.wire import MEMO, Wire, decode

BANK_LAMPORTS: Final = 10**18
TOO_MUCH_LAMPORTS: Final = 2 * BANK_LAMPORTS


@dataclass(slots=True)
class Bank:
    """Somebody with plenty of money, who pays every fee of these."""

    keypair: Keypair
    written: int = 0
    """Counts letters, so that two equal ones in one block are not one transaction."""

    @property
    def address(self) -> str:
        """Where money from outside comes from, and goes to."""
        return str(self.keypair.pubkey())

    def gift(
        self,
        gifts: Sequence[tuple[str, int]],
        blockhash: str,
        *,
        is_versioned: bool = False,
        fails: bool = False,
    ) -> Wire:
        """Give (address, lamports), as often as listed, in one transaction.

        Args:
            gifts: Who gets how much.
            blockhash: What to sign over.
            is_versioned: As a v0 message.
            fails: Ask for more than there is at the end, so that nobody gets anything.
        """
        wanted = [*gifts, (self.address, TOO_MUCH_LAMPORTS)] if fails else gifts
        steps = [_pay(self.keypair, address, lamports) for address, lamports in wanted]
        return self._signed(steps, blockhash, [self.keypair], is_versioned=is_versioned)

    def take(self, owner: Keypair, lamports: int, blockhash: str) -> Wire:
        """Let ``owner`` send lamports back; the bank pays the fee."""
        step = _pay(owner, self.address, lamports)
        return self._signed([step], blockhash, [self.keypair, owner], is_versioned=False)

    def _signed(
        self,
        steps: Sequence[Instruction],
        blockhash: str,
        signers: Sequence[Keypair],
        *,
        is_versioned: bool,
    ) -> Wire:
        self.written += 1
        text = f"from outside {self.written}".encode()
        all_steps = [*steps, Instruction(Pubkey.from_string(MEMO), text, [])]
        payer, recent = self.keypair.pubkey(), Hash.from_string(blockhash)
        message = (
            MessageV0.try_compile(payer, all_steps, [], recent)
            if is_versioned
            else Message.new_with_blockhash(all_steps, payer, recent)
        )
        return decode(bytes(VersionedTransaction(message, list(signers))))


def _pay(giver: Keypair, address: str, lamports: int) -> Instruction:
    to = Pubkey.from_string(address)
    return transfer(TransferParams(from_pubkey=giver.pubkey(), to_pubkey=to, lamports=lamports))
