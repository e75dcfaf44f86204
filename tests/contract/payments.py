"""Transactions as settlement sends them, built here from solders' own parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.system_program import (
    CreateAccountWithSeedParams,
    TransferParams,
    TransferWithSeedParams,
    create_account_with_seed,
    transfer,
    transfer_with_seed,
)
from solders.transaction import VersionedTransaction

from tests.contract.sides import RENT, signed

MEMO_PROGRAM: Final = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")
MEMO: Final = "bm90IGEgcm9vdCwgYnV0IGFzIGxvbmcgYXMgb25lIQ=="
SEED: Final = "5Kd3NBUAdUnhyzen"
LEADING: Final = 4
RECEIPT_AT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one transaction pays, however often it is signed."""

    treasury: Keypair
    transfers: Sequence[tuple[Pubkey, int]]
    source: Keypair | None = None
    """Whose lamports move; the treasury's when None."""
    seed: str = SEED
    price: int = 1_000

    @property
    def receipt(self) -> Pubkey:
        """The account that a payment makes."""
        return receipt_of(self.treasury, self.seed)

    @property
    def units(self) -> int:
        """The compute limit, as tight as the settler's."""
        return (LEADING - 1 + len(self.transfers)) * 150 + 300

    @property
    def fee_lamports(self) -> int:
        """What the network charges."""
        signatures = 1 if self.source is None else 2
        return 5_000 * signatures + -(-self.units * self.price // 1_000_000)

    def attempt(self, blockhash: Hash) -> VersionedTransaction:
        """Sign it over a blockhash."""
        source = self.source or self.treasury
        instructions = [
            set_compute_unit_limit(self.units),
            set_compute_unit_price(self.price),
            create_receipt(self.treasury, self.seed),
            Instruction(MEMO_PROGRAM, MEMO.encode(), []),
            *(pay(source, to, lamports) for to, lamports in self.transfers),
        ]
        return signed(instructions, blockhash, *dict.fromkeys((self.treasury, source)))


def receipt_of(treasury: Keypair, seed: str = SEED) -> Pubkey:
    """The address of a receipt."""
    return Pubkey.create_with_seed(treasury.pubkey(), seed, SYSTEM_PROGRAM)


def create_receipt(treasury: Keypair, seed: str = SEED) -> Instruction:
    """The instruction that can succeed once."""
    return create_account_with_seed(
        CreateAccountWithSeedParams(
            from_pubkey=treasury.pubkey(),
            to_pubkey=receipt_of(treasury, seed),
            base=treasury.pubkey(),
            seed=seed,
            lamports=RENT,
            space=0,
            owner=SYSTEM_PROGRAM,
        )
    )


def reclaim_receipt(treasury: Keypair, seed: str = SEED) -> Instruction:
    """Take the rent back out of a receipt."""
    return transfer_with_seed(
        TransferWithSeedParams(
            from_pubkey=receipt_of(treasury, seed),
            from_base=treasury.pubkey(),
            from_seed=seed,
            from_owner=SYSTEM_PROGRAM,
            to_pubkey=treasury.pubkey(),
            lamports=RENT,
        )
    )


def pay(source: Keypair, to: Pubkey, lamports: int) -> Instruction:
    """A plain transfer."""
    return transfer(TransferParams(from_pubkey=source.pubkey(), to_pubkey=to, lamports=lamports))
