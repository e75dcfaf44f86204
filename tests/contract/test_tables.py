"""Lookup tables as settlement makes and fills them, and everything that may go wrong with one."""

import base64
from collections.abc import Sequence
from typing import Any

import pytest
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.compute_budget import set_compute_unit_limit
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import ID as SYSTEM_PROGRAM
from solders.transaction import VersionedTransaction

from tests.contract.payments import create_receipt, pay
from tests.contract.sides import PROCESSED, RENT, SOL, Side, signed

PROGRAM = Pubkey.from_string("AddressLookupTab1e1111111111111111111111111")
LAST_EXTENSION = slice(12, 20)
"""The slot in a table's data, of which each chain has its own."""
ADDRESSES = [Keypair.from_seed(bytes([number]) * 32).pubkey() for number in range(256)] * 2
INSTRUCTION_AT = 1


def derive(authority: Pubkey, slot: int) -> tuple[Pubkey, int]:
    return Pubkey.find_program_address([bytes(authority), slot.to_bytes(8, "little")], PROGRAM)


def rent_of(entries: int) -> int:
    return (128 + 56 + 32 * entries) * 6_960


def create(authority: Pubkey, payer: Keypair, slot: int, **more: Any) -> Instruction:
    table, bump = derive(authority, slot)
    accounts = [
        AccountMeta(more.get("table", table), is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=authority == payer.pubkey(), is_writable=False),
        AccountMeta(payer.pubkey(), is_signer=True, is_writable=True),
        AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
    ]
    data = bytes(4) + slot.to_bytes(8, "little") + bytes([more.get("bump", bump)])
    return Instruction(PROGRAM, data, accounts[: more.get("accounts", 4)])


def extend(
    table: Pubkey,
    authority: Pubkey,
    addresses: Sequence[Pubkey],
    *,
    payer: Pubkey | None = None,
    is_signed: bool = True,
) -> Instruction:
    accounts = [
        AccountMeta(table, is_signer=False, is_writable=True),
        AccountMeta(authority, is_signer=is_signed, is_writable=False),
    ]
    if payer is not None:
        accounts += [
            AccountMeta(payer, is_signer=True, is_writable=True),
            AccountMeta(SYSTEM_PROGRAM, is_signer=False, is_writable=False),
        ]
    listed = b"".join(bytes(address) for address in addresses)
    return Instruction(
        PROGRAM, (2).to_bytes(4, "little") + len(addresses).to_bytes(8, "little") + listed, accounts
    )


class Library:
    """A treasury, and what it does with tables on one side."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.treasury, self.stranger = Keypair(), Keypair()
        side.fund({self.treasury: 100 * SOL, self.stranger: SOL})
        self.me = self.treasury.pubkey()

    def run(self, *instructions: Instruction, also: Sequence[Keypair] = ()) -> tuple[Any, int]:
        """Land a transaction: its error, and the units that the instructions took."""
        side = self.side
        steps = [set_compute_unit_limit(1_000_000), *instructions]
        transaction = signed(steps, side.blockhash(), self.treasury, *also)
        signature = side.send(transaction)
        side.blocks(2)
        told = side.call("getTransaction", signature, {"commitment": "confirmed"})
        return told["meta"]["err"], told["meta"]["computeUnitsConsumed"] - 150

    def recent_slot(self) -> int:
        slot = int(self.side.call("getSlot", PROCESSED))
        self.side.blocks(1)
        return slot

    def opened(self, entries: int = 0) -> Pubkey:
        """A table with so many entries."""
        slot = self.recent_slot()
        table, _ = derive(self.me, slot)
        assert self.run(create(self.me, self.treasury, slot))[0] is None
        for start in range(0, entries, 20):
            part = ADDRESSES[start : min(start + 20, entries)]
            assert self.run(extend(table, self.me, part, payer=self.me))[0] is None
        return table

    def data(self, table: Pubkey) -> tuple[int, bytes]:
        settings = PROCESSED | {"encoding": "base64"}
        told = self.side.value("getAccountInfo", str(table), settings)
        assert told["owner"] == str(PROGRAM)
        return told["lamports"], base64.b64decode(told["data"][0])


def expected_data(authority: Pubkey, entries: int, *, before: int, slot: bytes) -> bytes:
    head = (1).to_bytes(4, "little") + b"\xff" * 8 + slot + bytes([before, 1])
    listed = b"".join(bytes(address) for address in ADDRESSES[:entries])
    return head + bytes(authority) + bytes(2) + listed


def test_receipt_rent_create_and_extend_in_one_as_settlement_does(exact: Side) -> None:
    library = Library(exact)
    slot = library.recent_slot()
    table, _ = derive(library.me, slot)
    error, units = library.run(
        create_receipt(library.treasury),
        pay(library.treasury, table, rent_of(23)),
        create(library.me, library.treasury, slot),
        extend(table, library.me, ADDRESSES[:23]),
    )
    assert error is None
    assert units == pytest.approx(19_392, rel=0.02)
    lamports, data = library.data(table)
    assert lamports == rent_of(23)
    assert data == expected_data(library.me, 23, before=0, slot=data[LAST_EXTENSION])
    before = exact.balance(library.me, "processed")
    more = [
        pay(library.treasury, table, rent_of(30) - rent_of(23)),
        extend(table, library.me, ADDRESSES[23:30]),
    ]
    error, units = library.run(create_receipt(library.treasury, "another"), *more)
    assert error is None
    assert units == pytest.approx(150 * 2 + 3_790 + 7 * 290, rel=0.02)
    lamports, data = library.data(table)
    assert lamports == rent_of(30)
    assert data == expected_data(library.me, 30, before=23, slot=data[LAST_EXTENSION])
    spent = before - exact.balance(library.me, "processed")
    assert spent == RENT + rent_of(30) - rent_of(23) + 5_000
    error, _ = library.run(create_receipt(library.treasury, "another"), *more)
    assert error == {"InstructionError": [1, {"Custom": 0}]}, "the receipt makes it happen once"
    assert library.data(table) == (lamports, data)


def test_the_payer_makes_up_the_rent_and_dust_counts(exact: Side) -> None:
    library = Library(exact)
    slot = library.recent_slot()
    table, _ = derive(library.me, slot)
    assert library.run(pay(library.stranger, table, RENT + 7), also=[library.stranger])[0] is None
    error, units = library.run(create(library.me, library.treasury, slot))
    assert (error, library.data(table)[0]) == (None, rent_of(0))
    assert units == pytest.approx(10_570, rel=0.02)
    error, units = library.run(create(library.me, library.treasury, slot))
    assert error is None, "a table that is there already is made again by doing nothing"
    assert units == pytest.approx(2_960, rel=0.02)
    error, units = library.run(extend(table, library.me, ADDRESSES[:5], payer=library.me))
    assert (error, library.data(table)[0]) == (None, rent_of(5))
    assert units == pytest.approx(3_790 + 5 * 290 + 1_850, rel=0.03)
    error, _ = library.run(extend(table, library.me, ADDRESSES[5:6]))
    assert error == {"InstructionError": [INSTRUCTION_AT, "NotEnoughAccountKeys"]}
    error, _ = library.run(pay(library.stranger, table, SOL // 2), also=[library.stranger])
    assert error is None
    error, _ = library.run(extend(table, library.me, ADDRESSES[5:25]))
    assert (error, library.data(table)[0]) == (None, rent_of(5) + SOL // 2)


def test_a_table_takes_256_entries(exact: Side) -> None:
    library = Library(exact)
    table = library.opened(240)
    me = library.me
    for addresses, cause in (
        (ADDRESSES[:17], "InvalidInstructionData"),
        ([], "InvalidInstructionData"),
        (ADDRESSES[240:256], None),
        (ADDRESSES[:1], "InvalidArgument"),
    ):
        error, _ = library.run(extend(table, me, addresses, payer=me))
        assert error == (cause and {"InstructionError": [INSTRUCTION_AT, cause]})
    _, data = library.data(table)
    assert data == expected_data(me, 256, before=240, slot=data[LAST_EXTENSION])


def test_only_its_authority_extends_a_table(exact: Side) -> None:
    library = Library(exact)
    table, me, other = library.opened(1), library.me, library.stranger.pubkey()
    unsigned = extend(table, other, ADDRESSES[1:2], payer=me, is_signed=False)
    for instruction, also, cause in (
        (extend(table, other, ADDRESSES[1:2], payer=me), [library.stranger], "IncorrectAuthority"),
        (unsigned, [], "MissingRequiredSignature"),
        (extend(Keypair().pubkey(), me, ADDRESSES[1:2], payer=me), [], "InvalidAccountOwner"),
        (extend(other, me, ADDRESSES[1:2], payer=me), [], "InvalidAccountOwner"),
    ):
        error, _ = library.run(instruction, also=also)
        assert error == {"InstructionError": [INSTRUCTION_AT, cause]}
    slot = library.recent_slot()
    theirs, _ = derive(other, slot)
    assert library.run(create(other, library.treasury, slot))[0] is None, "anybody may open one"
    error, _ = library.run(extend(theirs, me, ADDRESSES[:1], payer=me))
    assert error == {"InstructionError": [INSTRUCTION_AT, "IncorrectAuthority"]}


def test_a_table_is_named_after_one_of_the_512_newest_blocks(exact: Side) -> None:
    library = Library(exact)
    me, payer = library.me, library.treasury
    slot = library.recent_slot()
    for instruction, cause in (
        (create(me, payer, slot + 1_000), "InvalidInstructionData"),
        (create(me, payer, slot, bump=0), "InvalidArgument"),
        (create(me, payer, slot, table=Keypair().pubkey()), "InvalidArgument"),
        (create(me, payer, slot, accounts=3), "MissingAccount"),
        (create(me, payer, slot, accounts=2), "NotEnoughAccountKeys"),
    ):
        error, _ = library.run(instruction)
        # A wrong bump makes another address, or, as often, none at all.
        assert error in (
            {"InstructionError": [INSTRUCTION_AT, cause]},
            {"InstructionError": [INSTRUCTION_AT, {"Custom": 1}]},
        )
    slot = int(exact.call("getSlot", PROCESSED))
    # The transaction runs in the block after that, whose parent is 511 above.
    exact.blocks(511)
    assert library.run(create(me, payer, slot))[0] is None
    old = int(exact.call("getSlot", PROCESSED))
    exact.blocks(512)
    error, _ = library.run(create(me, payer, old))
    assert error == {"InstructionError": [INSTRUCTION_AT, "InvalidInstructionData"]}


def test_entries_can_be_used_from_the_next_block_on(exact: Side) -> None:
    library = Library(exact)
    table, me = library.opened(2), library.me
    account = AddressLookupTableAccount(table, ADDRESSES[:3])

    def paying(position: int) -> VersionedTransaction:
        step = pay(library.treasury, ADDRESSES[position], SOL + position)
        return VersionedTransaction(
            MessageV0.try_compile(me, [step], [account], exact.blockhash()), [library.treasury]
        )

    extension = signed(
        [extend(table, me, ADDRESSES[2:3], payer=me)], exact.blockhash(), library.treasury
    )
    exact.send(extension)
    early = [exact.send(paying(position)) for position in (1, 2)]
    exact.blocks(1)
    assert [exact.status(signature) is not None for signature in early] == [True, False]
    late = exact.send(paying(2))
    exact.blocks(1)
    assert exact.status(late)["err"] is None
    exact.blocks(5)
    assert exact.status(early[1]) is None, "what could not load is gone"
