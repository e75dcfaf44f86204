"""Taking the rent back out of receipts whose guard is no longer needed.

A receipt guards a batch for as long as any of its attempts could land, and for as long as a
restored database could have forgotten that it was paid. After that its lamports go home, in
transactions of their own: inside a payout one reclaim would cost three payees. Repeated, a
reclaim finds the receipts empty and fails whole, so it needs no receipt itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferWithSeedParams, transfer_with_seed

from pixr.domain import fees
from pixr.domain.intent import IntentMismatch
from pixr.domain.packing import (
    COMPUTE_BUDGET_PROGRAM,
    SYSTEM_PROGRAM,
    UNITS_PER_NATIVE_INSTRUCTION,
)

RETENTION: Final = timedelta(hours=24)
"""How old a backup may be that is ever restored; a younger receipt must still stand."""

RECEIPTS_PER_RECLAIM: Final = 9
"""As many as fit into 1,232 bytes: 106 each, beside 227 of signature, keys and budget."""

_LEADING = 2
_SET_LIMIT = 2
_SET_PRICE = 3
_TRANSFER_WITH_SEED = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt to empty: its base58 address, the seed it follows from, all that is in it."""

    address: str
    seed: str
    lamports: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReclaimIntent:
    """Everything that a reclaim is allowed to say."""

    treasury: str
    receipts: tuple[Receipt, ...]

    @property
    def signatures(self) -> int:
        """The treasury alone signs."""
        return 1

    @property
    def compute_units(self) -> int:
        """What the message needs, no more."""
        return (_LEADING + len(self.receipts)) * UNITS_PER_NATIVE_INSTRUCTION


def message(intent: ReclaimIntent, *, blockhash: str, price: int) -> Message:
    """Build the message that empties exactly these receipts into the treasury."""
    treasury = Pubkey.from_string(intent.treasury)
    transfers = [
        transfer_with_seed(
            TransferWithSeedParams(
                from_pubkey=Pubkey.from_string(item.address),
                from_base=treasury,
                from_seed=item.seed,
                from_owner=SYSTEM_PROGRAM,
                to_pubkey=treasury,
                lamports=item.lamports,
            )
        )
        for item in intent.receipts
    ]
    budget = [set_compute_unit_limit(intent.compute_units), set_compute_unit_price(price)]
    return Message.new_with_blockhash([*budget, *transfers], treasury, Hash.from_string(blockhash))


def check(raw_message: bytes, intent: ReclaimIntent, *, price: int) -> None:
    """The signer's own look: refuse anything but exactly ``intent``.

    Raises:
        IntentMismatch: Names the first difference.
    """
    decoded = Message.from_bytes(raw_message)
    keys = decoded.account_keys
    signers = [str(key) for key in keys[: decoded.header.num_required_signatures]]
    if signers != [intent.treasury]:
        raise IntentMismatch(f"signers: the message says {signers}, not {intent.treasury}")
    found = [
        (
            str(keys[item.program_id_index]),
            bytes(item.data),
            [str(keys[index]) for index in item.accounts],
        )
        for item in decoded.instructions
    ]
    expected = _instructions(intent, price=price)
    if len(found) != len(expected):
        raise IntentMismatch(f"{len(found)} instructions, the reclaim has {len(expected)}")
    for number, (said, wanted) in enumerate(zip(found, expected, strict=True)):
        if said != wanted:
            raise IntentMismatch(
                f"instruction {number}: the message says {said!r}, the reclaim says {wanted!r}"
            )


def _instructions(
    intent: ReclaimIntent, *, price: int
) -> Sequence[tuple[str, bytes, Sequence[str]]]:
    budget, system = str(COMPUTE_BUDGET_PROGRAM), str(SYSTEM_PROGRAM)
    return [
        (budget, bytes([_SET_LIMIT]) + intent.compute_units.to_bytes(4, "little"), []),
        (budget, bytes([_SET_PRICE]) + price.to_bytes(8, "little"), []),
        *(
            (
                system,
                _TRANSFER_WITH_SEED.to_bytes(4, "little")
                + item.lamports.to_bytes(8, "little")
                + len(item.seed).to_bytes(8, "little")
                + item.seed.encode()
                + bytes(SYSTEM_PROGRAM),
                [item.address, intent.treasury, intent.treasury],
            )
            for item in intent.receipts
        ),
    ]


def fee_lamports(intent: ReclaimIntent, *, price: int) -> int:
    """What the network will charge for it."""
    return fees.fee_lamports(signatures=1, compute_units=intent.compute_units, price=price)
