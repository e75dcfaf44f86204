"""What a transaction says that writes payees into a lookup table, and the look at it again.

    compute limit · compute price · receipt · rent · [create] · extend

The rent is an explicit transfer, to the lamport, of what the table must hold afterwards and
does not hold yet; ``extend`` is given no payer, so it cannot take a lamport more, whoever sent
dust to the table meanwhile. The receipt makes the extension a thing that happens once: repeated
without it, the same addresses would stand in the table twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from pixr.domain import packing
from pixr.domain.intent import IntentMismatch
from pixr.domain.lookup_tables import TABLE_PROGRAM, rent_lamports
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM

RECENT_SLOTS: Final = 200
"""A table is named after a slot of the last 512. So old it may be when it is signed for: a
transaction lives 150 blocks, and the rest is room for skipped slots."""

UNITS_EXTENDING: Final = 5_500
"""4,314 measured, the receipt and the rent included."""
UNITS_CREATING: Final = 11_000
"""8,636 measured, on top of it."""
UNITS_PER_ADDRESS: Final = 330
"""294 measured."""

_PROGRAM: Final = Pubkey.from_string(TABLE_PROGRAM)
_CREATE: Final = 0
_EXTEND: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionIntent:
    """Everything that an extension is allowed to say. Addresses are base58."""

    treasury: str
    """Pays the fee, the receipt and the rent, and is the table's authority."""
    receipt_seed: str
    recent_slot: int
    """What the table is named after."""
    first_position: int
    """Where the first of ``addresses`` will stand; 0: the table is created first."""
    addresses: tuple[str, ...]

    @property
    def signatures(self) -> int:
        """The treasury alone signs."""
        return 1

    @property
    def receipt(self) -> Pubkey:
        """The address that the extension occupies."""
        return Pubkey.from_string(packing.receipt_address(self.treasury, self.receipt_seed))

    @property
    def table(self) -> str:
        """Base58 address of the table."""
        return table_address(self.treasury, self.recent_slot)

    @property
    def rent_lamports(self) -> int:
        """What the table must hold more than before."""
        held = rent_lamports(self.first_position) if self.first_position else 0
        return rent_lamports(self.first_position + len(self.addresses)) - held

    @property
    def compute_units(self) -> int:
        """What the message needs, with a quarter to spare: the program is not ours."""
        creating = UNITS_CREATING if self.first_position == 0 else 0
        return creating + UNITS_EXTENDING + len(self.addresses) * UNITS_PER_ADDRESS


def table_address(authority: str, recent_slot: int) -> str:
    """Base58 address of the table that ``authority`` makes in the name of a slot."""
    return str(_derived(Pubkey.from_string(authority), recent_slot)[0])


def message(intent: ExtensionIntent, *, blockhash: str, price: int) -> Message:
    """Build the message that writes exactly these addresses."""
    treasury = Pubkey.from_string(intent.treasury)
    table, bump = _derived(treasury, intent.recent_slot)
    create = Instruction(
        _PROGRAM,
        _create_data(intent.recent_slot, bump),
        [
            AccountMeta(table, is_signer=False, is_writable=True),
            AccountMeta(treasury, is_signer=True, is_writable=False),
            AccountMeta(treasury, is_signer=True, is_writable=True),
            AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
        ],
    )
    extend = Instruction(
        _PROGRAM,
        _extend_data(intent.addresses),
        [
            AccountMeta(table, is_signer=False, is_writable=True),
            AccountMeta(treasury, is_signer=True, is_writable=False),
        ],
    )
    rent = TransferParams(from_pubkey=treasury, to_pubkey=table, lamports=intent.rent_lamports)
    instructions = [
        set_compute_unit_limit(intent.compute_units),
        set_compute_unit_price(price),
        packing.create_receipt(treasury, intent.receipt, intent.receipt_seed),
        transfer(rent),
        *([create] if intent.first_position == 0 else []),
        extend,
    ]
    return Message.new_with_blockhash(instructions, treasury, Hash.from_string(blockhash))


def check(raw_message: bytes, intent: ExtensionIntent, *, price: int) -> None:
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
        raise IntentMismatch(f"{len(found)} instructions, the extension has {len(expected)}")
    for number, (said, wanted) in enumerate(zip(found, expected, strict=True)):
        if said != wanted:
            raise IntentMismatch(
                f"instruction {number}: the message says {said!r}, the extension says {wanted!r}"
            )


def _instructions(
    intent: ExtensionIntent, *, price: int
) -> Sequence[tuple[str, bytes, Sequence[str]]]:
    """Each instruction as (program, data, accounts), spelled out byte by byte."""
    budget, system = str(COMPUTE_BUDGET_PROGRAM), str(SYSTEM_PROGRAM)
    treasury = intent.treasury
    base = bytes(Pubkey.from_string(treasury))
    seed = intent.receipt_seed.encode()
    table, bump = Pubkey.find_program_address([base, _u64(intent.recent_slot)], _PROGRAM)
    at = str(table)
    receipt = (
        b"\x03\x00\x00\x00" + base + _u64(len(seed)) + seed
        + _u64(RENT_EXEMPT_LAMPORTS) + _u64(0) + bytes(SYSTEM_PROGRAM)
    )  # fmt: skip
    created = (
        TABLE_PROGRAM,
        b"\x00\x00\x00\x00" + _u64(intent.recent_slot) + bytes([bump]),
        [at, treasury, treasury, system],
    )
    listed = b"".join(bytes(Pubkey.from_string(address)) for address in intent.addresses)
    extended = b"\x02\x00\x00\x00" + _u64(len(intent.addresses)) + listed
    return [
        (budget, b"\x02" + intent.compute_units.to_bytes(4, "little"), []),
        (budget, b"\x03" + _u64(price), []),
        (system, receipt, [treasury, str(intent.receipt)]),
        (system, b"\x02\x00\x00\x00" + _u64(intent.rent_lamports), [treasury, at]),
        *([created] if intent.first_position == 0 else []),
        (TABLE_PROGRAM, extended, [at, treasury]),
    ]


def _derived(authority: Pubkey, recent_slot: int) -> tuple[Pubkey, int]:
    seeds = [bytes(authority), recent_slot.to_bytes(8, "little")]
    return Pubkey.find_program_address(seeds, _PROGRAM)


def _create_data(recent_slot: int, bump: int) -> bytes:
    return _CREATE.to_bytes(4, "little") + recent_slot.to_bytes(8, "little") + bytes([bump])


def _extend_data(addresses: Sequence[str]) -> bytes:
    listed = b"".join(bytes(Pubkey.from_string(address)) for address in addresses)
    return _EXTEND.to_bytes(4, "little") + len(addresses).to_bytes(8, "little") + listed


def _u64(value: int) -> bytes:
    return value.to_bytes(8, "little")
