"""Nobody is left out or paid twice, no transaction is too large, and tables only ever save some."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from pixr.domain import packing
from pixr.domain.packing import (
    PAYEES_FULL,
    PAYEES_FULL_WITH_TABLE,
    TRANSACTION_BYTES_MAX,
    Intent,
    Table,
)
from pixr.domain.payouts import Payout
from pixr.domain.table_packing import Load, load

TREASURY = str(Keypair.from_seed(bytes(32)).pubkey())
WALLET = str(Keypair.from_seed(bytes([7]) * 32).pubkey())
ADDRESSES = {"treasury": TREASURY, "escrow": WALLET, "wallet:a": WALLET}
LOCKS_MAX = 64


def address(number: int) -> str:
    return str(Pubkey.from_bytes(bytes([5]) + number.to_bytes(31, "big")))


def table(number: int, members: Sequence[int]) -> Table:
    return Table(address=address(10**6 + number), addresses=tuple(map(address, members)))


def payout(number: int, payee: int, kind: str = "earnings", company: int | None = None) -> Payout:
    debit = {"refund": "escrow", "withdrawal": "wallet:a"}.get(kind, "owed:a")
    return Payout(
        id=UUID(int=number),
        kind=kind,
        user_id="a",
        debit_account=debit,
        credit_account="wallet:a",
        destination=address(payee),
        lamports=1_000_000 + number,
        payees_max=company,
    )


def serialized(item: Load) -> VersionedTransaction:
    """The transaction of a load, built as the settler builds it, with blank signatures."""
    intent = Intent(
        treasury=TREASURY,
        source=ADDRESSES[item.payouts[0].source],
        receipt_seed=packing.receipt_seed(b"k" * 32, UUID(int=1)),
        memo="m" * 44,
        transfers=tuple(
            packing.Transfer(destination=one.destination, lamports=one.lamports)
            for one in item.payouts
        ),
        table=item.table,
    )
    build = packing.message if item.table is None else packing.message_v0
    message = build(intent, blockhash=str(Hash.default()), price=0)
    return VersionedTransaction.populate(message, [Signature.default()] * intent.signatures)


def locks(transaction: VersionedTransaction) -> int:
    message = transaction.message
    looked_up = 0
    if isinstance(message, MessageV0):
        lookups = message.address_table_lookups
        looked_up = sum(len(bytes(item.writable_indexes)) for item in lookups)
    return len(message.account_keys) + looked_up


def plain(payouts: Sequence[Payout], payees_max: int) -> list[list[Payout]]:
    return packing.pack(payouts, addresses=ADDRESSES, payees_max=payees_max)


KINDS = st.sampled_from(["earnings"] * 6 + ["return", "refund", "withdrawal"])


@st.composite
def queues(draw: st.DrawFn) -> list[Payout]:
    """Payees 0–119 with companies, some of them more than once."""
    rows = draw(
        st.lists(
            st.tuples(st.integers(0, 119), KINDS, st.sampled_from([None] * 8 + [1, 8, 30])),
            max_size=150,
        )
    )
    return [payout(number, *row) for number, row in enumerate(rows)]


@st.composite
def standing(draw: st.DrawFn) -> list[Table]:
    """Up to four tables over payees 0–99; no payee stands in two of them."""
    places = draw(st.lists(st.integers(-1, 3), min_size=100, max_size=100))
    members = [[n for n, place in enumerate(places) if place == number] for number in range(4)]
    return [table(number, listed) for number, listed in enumerate(members) if listed]


@given(queues(), standing(), st.sampled_from([1, 5, 16, 41, 50, 1_000]))
def test_every_payout_travels_once_in_transactions_that_fit(
    payouts: list[Payout], tables: list[Table], payees_max: int
) -> None:
    loads = load(payouts, addresses=ADDRESSES, payees_max=payees_max, tables=tables)
    carried = [one.id for item in loads for one in item.payouts]
    assert sorted(carried) == [one.id for one in payouts]
    assert len(loads) <= len(plain(payouts, payees_max))
    oldest = [item.payouts[0].id for item in loads]
    if tables:
        assert oldest == sorted(oldest)
    for item in loads:
        ids = [one.id for one in item.payouts]
        assert ids == sorted(ids)
        assert len({(one.source, packing.kind_of(one)) for one in item.payouts}) == 1
        companies = [packing.company_of(one, payees_max=payees_max) for one in item.payouts]
        assert len(set(companies)) == 1
        assert len(item.payouts) <= companies[0]
        transaction = serialized(item)
        assert len(bytes(transaction)) == packing.transaction_bytes(
            treasury=TREASURY,
            source=ADDRESSES[item.payouts[0].source],
            destinations=[one.destination for one in item.payouts],
            table=item.table,
        )
        assert len(bytes(transaction)) <= TRANSACTION_BYTES_MAX
        assert locks(transaction) <= LOCKS_MAX


@given(queues(), st.sampled_from([1, 16, 50]))
def test_without_tables_it_is_the_plain_packing(payouts: list[Payout], payees_max: int) -> None:
    loads = load(payouts, addresses=ADDRESSES, payees_max=payees_max)
    assert [item.payouts for item in loads] == plain(payouts, payees_max)
    assert all(item.table is None for item in loads)


@pytest.mark.parametrize(
    ("members", "others", "sizes"),
    [
        (41, 0, [41]),
        (42, 0, [41, 1]),
        (82, 0, [41, 41]),
        # Beside a few regulars there is room for as many others as 1,232 bytes leave.
        (7, 12, [19]),
        (1, 16, [16, 1]),
        (3, 14, [17]),
        (48, 12, [41, 19]),
    ],
)
def test_a_table_makes_room(members: int, others: int, sizes: list[int]) -> None:
    payees = [*range(members), *range(500, 500 + others)]
    payouts = [payout(number, payee) for number, payee in enumerate(payees)]
    loads = load(payouts, addresses=ADDRESSES, payees_max=1_000, tables=[table(1, range(256))])
    assert sorted((len(item.payouts) for item in loads), reverse=True) == sizes


def test_a_table_that_saves_no_transaction_is_not_used() -> None:
    payouts = [payout(number, number) for number in range(16)]
    (one,) = load(payouts, addresses=ADDRESSES, payees_max=50, tables=[table(1, range(20))])
    assert one.table is None


def test_the_last_transaction_needs_no_table_when_it_fits_without() -> None:
    payouts = [payout(number, number) for number in range(PAYEES_FULL_WITH_TABLE + 2)]
    first, last = load(payouts, addresses=ADDRESSES, payees_max=50, tables=[table(1, range(60))])
    assert first.table is not None
    assert last.table is None


def test_regulars_of_several_tables_ride_along_as_others() -> None:
    """Three in each of six tables: alone each would be a transaction, together they are two."""
    tables = [table(number, range(10 * number, 10 * number + 3)) for number in range(6)]
    payouts = [payout(10 * n + k, 10 * n + k) for n in range(6) for k in range(3)]
    loads = load(payouts, addresses=ADDRESSES, payees_max=50, tables=tables)
    assert len(loads) == 2
    assert all(item.table is None for item in loads)


def test_after_a_failure_that_named_nobody_company_is_small_with_a_table_too() -> None:
    payouts = [payout(number, number, company=20) for number in range(60)]
    loads = load(payouts, addresses=ADDRESSES, payees_max=50, tables=[table(1, range(60))])
    assert [len(item.payouts) for item in loads] == [20, 20, 20]


def test_full_is_what_is_measured() -> None:
    assert (PAYEES_FULL, PAYEES_FULL_WITH_TABLE) == (16, 41)
