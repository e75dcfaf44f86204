"""An entry pays for itself or is not written; what a table says on chain is what is read."""

import struct
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.address_lookup_table_account import AddressLookupTable
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey

from pixr.domain import lookup_tables as rules
from pixr.domain.lookup_tables import Content, NotATable, Regular
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE, Table

AUTHORITY = str(Keypair.from_seed(bytes(32)).pubkey())


def address(number: int) -> str:
    return str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big")))


def regulars(*payments: int) -> list[Regular]:
    return [Regular(address=address(n), payments=count) for n, count in enumerate(payments)]


# ── the rule ─────────────────────────────────────────────────────────────────


def test_the_arithmetic_of_the_decision_record() -> None:
    assert rules.transaction_lamports() == 5_000 + 556 + 171
    assert rules.saved_lamports(1) == 357 - 140
    assert rules.entry_lamports(23) == 249 + 40 + 1_311
    assert rules.payments_needed(23) == 8
    assert rules.payments_needed(1) == 33
    assert rules.capital_lamports(10**9, timedelta(days=365)) == 70_000_000


def test_rent_is_what_the_runtime_asks_for() -> None:
    svm = LiteSVM()
    for entries in (0, 1, 23, 256):
        size = rules.HEADER_BYTES + 32 * entries
        assert rules.rent_lamports(entries) == svm.minimum_balance_for_rent_exemption(size)


def test_nobody_is_written_before_there_are_enough_to_fill_a_transaction() -> None:
    few = regulars(*[100] * (PAYEES_FULL_WITH_TABLE - 1))
    assert rules.worth_writing(few, entries_usable=0, room=256) == []
    assert len(rules.worth_writing(few, entries_usable=1, room=256)) == 23


def test_those_who_are_not_paid_often_enough_are_not_written() -> None:
    found = regulars(*[7] * 100)
    assert rules.worth_writing(found, entries_usable=100, room=256) == []


def test_the_fewer_share_an_extension_the_more_often_each_must_be_paid() -> None:
    assert rules.worth_writing(regulars(8, 8, 8), entries_usable=41, room=256) == []
    assert len(rules.worth_writing(regulars(16, 16, 16), entries_usable=41, room=256)) == 3
    # Two of 20 carry themselves; a third of 8 would have to pay a third of the extension.
    chosen = rules.worth_writing(regulars(8, 20, 20), entries_usable=41, room=256)
    assert [item.payments for item in chosen] == [20, 20]


def test_the_most_regular_go_first_and_no_more_than_there_is_room_for() -> None:
    found = regulars(*range(10, 60))
    chosen = rules.worth_writing(found, entries_usable=0, room=5)
    assert [item.payments for item in chosen] == [59, 58, 57, 56, 55]


@given(st.lists(st.integers(1, 60), max_size=120), st.integers(0, 256), st.integers(0, 256))
def test_every_entry_that_is_written_pays_for_itself(
    payments: list[int], entries_usable: int, room: int
) -> None:
    chosen = rules.worth_writing(regulars(*payments), entries_usable=entries_usable, room=room)
    assert len(chosen) <= min(room, rules.ADDRESSES_PER_EXTENSION)
    assert len({item.address for item in chosen}) == len(chosen)
    for item in chosen:
        assert rules.saved_lamports(item.payments) >= rules.entry_lamports(len(chosen))


@given(st.integers(1, 1_000))
def test_what_is_saved_is_never_rounded_up(payments: int) -> None:
    cost = rules.transaction_lamports()
    exact_times_all = cost * payments * (PAYEES_FULL_WITH_TABLE - PAYEES_FULL)
    assert rules.saved_lamports(payments) * PAYEES_FULL * PAYEES_FULL_WITH_TABLE <= exact_times_all


# ── the account ──────────────────────────────────────────────────────────────


def account(
    members: int, *, authority: str | None = AUTHORITY, deactivated: int | None = None
) -> bytes:
    """A table's bytes, laid out by hand."""
    key = bytes(32) if authority is None else bytes(Pubkey.from_string(authority))
    until = rules.NOT_DEACTIVATED if deactivated is None else deactivated
    header = struct.pack("<IQQBB32sH", 1, until, 7, 0, authority is not None, key, 0)
    assert len(header) == rules.HEADER_BYTES
    return header + b"".join(bytes(Pubkey.from_string(address(n))) for n in range(members))


@pytest.mark.parametrize("members", [0, 1, 23, 256])
@pytest.mark.parametrize("authority", [AUTHORITY, None])
def test_a_table_is_read_as_the_program_writes_it(members: int, authority: str | None) -> None:
    data = account(members, authority=authority, deactivated=99)
    theirs = AddressLookupTable.deserialize(data)
    assert [str(key) for key in theirs.addresses] == list(map(address, range(members)))
    assert theirs.meta.deactivation_slot == 99
    assert theirs.meta.authority == (Pubkey.from_string(authority) if authority else None)
    assert rules.read(rules.TABLE_PROGRAM, data) == Content(
        authority=authority, deactivation_slot=99, addresses=tuple(map(address, range(members)))
    )


@pytest.mark.parametrize(
    ("owner", "data"),
    [
        ("11111111111111111111111111111111", account(1)),
        (rules.TABLE_PROGRAM, b""),
        (rules.TABLE_PROGRAM, account(1)[:-1]),
        (rules.TABLE_PROGRAM, account(0)[:55]),
        (rules.TABLE_PROGRAM, struct.pack("<I", 0) + account(1)[4:]),
    ],
)
def test_what_is_no_table_is_not_read(owner: str, data: bytes) -> None:
    with pytest.raises(NotATable):
        rules.read(owner, data)


TABLE = Table(address=address(999), addresses=tuple(map(address, range(3))))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (account(3), None),
        # More than is booked, or less: that does not contradict.
        (account(5), None),
        (account(1), None),
        (account(3, authority=address(1)), "its authority is"),
        (account(3, authority=None), "its authority is None"),
        (account(3, deactivated=12), "it was deactivated in slot 12"),
        (account(1)[:56] + account(3)[88:] + account(1)[56:], "entry 0 is"),
    ],
)
def test_a_table_that_is_not_ours_is_contradicted(data: bytes, said: str | None) -> None:
    content = rules.read(rules.TABLE_PROGRAM, data)
    found = rules.contradiction(content, TABLE, authority=AUTHORITY)
    assert (found is None) == (said is None)
    assert (said or "") in (found or "")


def test_entries_that_are_not_there_yet_are_missed() -> None:
    for members, is_short in ((0, True), (2, True), (3, False), (4, False)):
        content = rules.read(rules.TABLE_PROGRAM, account(members))
        assert rules.is_short(content, TABLE) is is_short
    assert rules.is_short(None, TABLE)
