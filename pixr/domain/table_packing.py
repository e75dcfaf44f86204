"""Payees that stand in a lookup table travel together; the others as ever.

    regulars of a table ──41 at a time──▶ v0 · v0 · v0
    what is left of each table ──filled up with everybody else──▶ v0
    who is left then ──16 at a time──▶ legacy

A table makes a transaction depend on one more account, so it is used only where it saves a
transaction: if the plain packing needs no more of them, the plain packing it is. That also
makes "never more transactions than without tables" true by construction. The same holds for
v1 messages, in which 60 travel without a table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pixr.domain import packing
from pixr.domain.packing import TRANSACTION_BYTES_MAX, Filling, Table
from pixr.domain.payouts import Payout


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one transaction carries, oldest first, and the table that makes room for it."""

    payouts: Sequence[Payout]
    table: Table | None = None
    is_v1: bool = False


@dataclass(slots=True, kw_only=True)
class _Open:
    """A transaction with a table, being filled."""

    filling: Filling
    company: int
    payouts: list[Payout]

    def takes(self, payout: Payout) -> bool:
        if len(self.payouts) == self.company or not self.filling.takes(payout.destination):
            return False
        self.payouts.append(payout)
        return True

    def take_while(self, waiting: Sequence[Payout]) -> list[Payout]:
        """Take from the front as long as there is room; return who is left."""
        for number, payout in enumerate(waiting):
            if not self.takes(payout):
                return list(waiting[number:])
        return []


def load(
    payouts: Sequence[Payout],
    *,
    addresses: Mapping[str, str],
    payees_max: int,
    tables: Sequence[Table] = (),
    has_v1: bool = False,
) -> list[Load]:
    """Share ``payouts`` out over as few transactions as their size allows.

    Only what the treasury owes (earnings, returns) travels with a table. Each transaction
    keeps the order of its payouts, and those with the oldest come first.

    Args:
        payouts: What to pay, oldest first.
        addresses: Ledger account → base58 address of every source.
        payees_max: Most transfers in one transaction, whatever fits.
        tables: Those that can be used now. An address stands in one of them at most.
        has_v1: v1 messages may be used; then tables are not.
    """
    if not tables and not has_v1:
        return _plain(payouts, addresses, payees_max)
    age = {payout.id: number for number, payout in enumerate(payouts)}
    companies: dict[int, list[Payout]] = {}
    others: list[Payout] = []
    for payout in payouts:
        if packing.kind_of(payout) == "earnings":
            company = packing.company_of(payout, payees_max=payees_max)
            companies.setdefault(company, []).append(payout)
        else:
            others.append(payout)
    loads = _plain(others, addresses, payees_max)
    for company, members in companies.items():
        plain = _plain(members, addresses, company)
        fuller = (
            _in_v1(members, addresses, company)
            if has_v1
            else _with_tables(members, addresses, company, tables, age)
        )
        loads += fuller if len(fuller) < len(plain) else plain
    return sorted(loads, key=lambda item: age[item.payouts[0].id])


def _in_v1(payouts: Sequence[Payout], addresses: Mapping[str, str], company: int) -> list[Load]:
    """As many as a v1 message takes; the last ones in a legacy message, if they fit."""
    size = min(company, packing.PAYEES_FULL_V1)
    loads: list[Load] = []
    for start in range(0, len(payouts), size):
        part = payouts[start : start + size]
        plain = _plain(part, addresses, size)
        loads += plain if len(plain) == 1 else [Load(payouts=part, is_v1=True)]
    return loads


def _plain(payouts: Sequence[Payout], addresses: Mapping[str, str], payees_max: int) -> list[Load]:
    packed = packing.pack(payouts, addresses=addresses, payees_max=payees_max)
    return [Load(payouts=group) for group in packed]


def _with_tables(
    payouts: Sequence[Payout],
    addresses: Mapping[str, str],
    company: int,
    tables: Sequence[Table],
    age: Mapping[UUID, int],
) -> list[Load]:
    """Full transactions of each table first; what is left of it takes everybody else along.

    Beside one regular there is room for as many others as without a table, so no transaction
    but the last is smaller than a plain one.
    """
    treasury = addresses["treasury"]

    def begin(table: Table) -> _Open:
        filling = Filling(treasury=treasury, source=treasury, table=table)
        return _Open(filling=filling, company=company, payouts=[])

    loads: list[Load] = []
    strangers, regulars = _sorted_out(payouts, tables)
    for table in tables:
        left = regulars[table.address]
        while left:
            open_ = begin(table)
            behind = open_.take_while(left)
            if not behind:
                break
            loads.append(_closed(open_, table, treasury, age))
            left = behind
        regulars[table.address] = left
    for table in sorted(tables, key=lambda item: -len(regulars[item.address])):
        if not regulars[table.address]:
            continue
        open_ = begin(table)
        regulars[table.address] = open_.take_while(regulars[table.address])
        strangers = open_.take_while(strangers)
        if not strangers:
            for other in regulars:
                regulars[other] = open_.take_while(regulars[other])
        loads.append(_closed(open_, table, treasury, age))
    return loads + _plain(strangers, addresses, company)


def _sorted_out(
    payouts: Iterable[Payout], tables: Sequence[Table]
) -> tuple[list[Payout], dict[str, list[Payout]]]:
    """Who stands in no table, and who stands in which, each in their order."""
    where = {address: table.address for table in tables for address in table.addresses}
    strangers: list[Payout] = []
    regulars: dict[str, list[Payout]] = {table.address: [] for table in tables}
    for payout in payouts:
        found = where.get(payout.destination)
        (strangers if found is None else regulars[found]).append(payout)
    return strangers, regulars


def _closed(open_: _Open, table: Table, treasury: str, age: Mapping[UUID, int]) -> Load:
    """The transaction as it is; without its table, where it fits without."""
    carried = sorted(open_.payouts, key=lambda payout: age[payout.id])
    size = packing.transaction_bytes(
        treasury=treasury, source=treasury, destinations=[item.destination for item in carried]
    )
    return Load(payouts=carried, table=table if size > TRANSACTION_BYTES_MAX else None)
