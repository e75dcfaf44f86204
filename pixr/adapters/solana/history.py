"""What a node remembers: lists of signatures, and whole transactions.

A list is walked on one node from end to end. Two nodes know different things, and a cursor
that the second has never heard of would read as the end of the list.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import answers
from pixr.adapters.solana.answers import WrongShape, field
from pixr.adapters.solana.errors import HistoryHole, HistoryTooLong, NodeError
from pixr.adapters.solana.node import Node
from pixr.adapters.solana.refusals import ERROR_CHARACTERS_MAX
from pixr.adapters.solana.values import Listing, SignatureRecord, TransactionView

SIGNATURES_PER_PAGE: Final = 1_000
"""Limit of getSignaturesForAddress."""
PAGES_MAX: Final = 20
TRANSACTION_VERSION_MAX: Final = 1
"""Anybody may send us money in the newest form of transaction; it must not stop a walk."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One node's list, newest first, and why it does not join on to where it should end."""

    records: list[SignatureRecord]
    gap: HistoryTooLong | HistoryHole | None


def walk(
    node: Node, address: str, *, until: str | None, pages_max: int | None = None
) -> list[SignatureRecord]:
    """Finalized transactions of ``address`` after ``until``, newest first.

    Raises:
        NodeError: The node does not answer, or pages do not get older.
        HistoryTooLong: There are more than ``pages_max`` pages (``PAGES_MAX`` by default).
    """
    found = listed(node, address, until=until, pages_max=pages_max)
    if found.gap is not None:
        raise found.gap
    return found.records


def listed(node: Node, address: str, *, until: str | None, pages_max: int | None = None) -> Listed:
    """The same, with whatever the node lists where it cannot list all of it.

    Raises:
        NodeError: The node does not answer, or pages do not get older.
    """
    records: list[SignatureRecord] = []
    seen: set[str] = set()
    for _ in range(pages_max or PAGES_MAX):
        options: dict[str, Any] = {"commitment": "finalized", "limit": SIGNATURES_PER_PAGE}
        options |= {"until": until} if until else {}
        options |= {"before": records[-1].signature} if records else {}
        page = node.read(answers.list_of(_record), "getSignaturesForAddress", address, options)
        for record in page:
            if record.signature in seen or (records and record.slot > records[-1].slot):
                raise WrongShape(f"getSignaturesForAddress: {address} does not get older")
            seen.add(record.signature)
            records.append(record)
        if len(page) < SIGNATURES_PER_PAGE:
            return Listed(records, _hole(node, address, records, until=until))
    long = HistoryTooLong(f"{address} has more than {len(records)} unseen transactions")
    return Listed(records, long)


def joined(told: Sequence[Listed | NodeError], *, quorum: int) -> Listing | None:
    """The lists of several nodes as one; None when there is none.

    A node that lags hides what is newest, and one that lacks blocks what was in them: whatever
    one of them lists has happened, and what ``quorum`` of them have passed is complete.
    """
    found = [item for item in told if isinstance(item, Listed)]
    if not found:
        return None
    placed: dict[str, tuple[int, int, SignatureRecord]] = {}
    for item in found:
        if item.gap is None:
            for position, record in enumerate(reversed(item.records)):
                placed.setdefault(record.signature, (record.slot, position, record))
    strays = {
        record.signature: record
        for item in found
        for record in item.records
        if record.signature not in placed
    }
    gaps = [item.gap for item in found if item.gap is not None]
    # Within a slot in the order of the first list.
    records = tuple(item[2] for item in sorted(placed.values(), key=lambda item: item[:2]))
    return Listing(
        records=records,
        settled=_settled(records, [item for item in found if item.gap is None], quorum=quorum),
        strays=tuple(sorted(strays.values(), key=lambda record: -record.slot)),
        gap=str(gaps[0]) if len(gaps) == len(found) else None,
    )


def _settled(records: Sequence[SignatureRecord], lists: Sequence[Listed], *, quorum: int) -> int:
    """How many of ``records`` so many ``lists`` have, or have something newer than."""
    passed = [
        (item.records[0].slot, {record.signature for record in item.records})
        for item in lists
        if item.records
    ]
    for position, record in enumerate(records):
        having = [slot for slot, names in passed if slot > record.slot or record.signature in names]
        if len(having) < quorum:
            return position
    return len(records)


def _hole(
    node: Node, address: str, records: Sequence[SignatureRecord], *, until: str | None
) -> HistoryHole | None:
    """Doubt a list that stops early: what is missing at its old end would be skipped for ever.

    A node that lost its past, or gave half of a page, does not join on to where we were.
    """
    if not records:
        return None
    options = {"commitment": "finalized", "limit": 1, "before": records[-1].signature}
    older = node.read(answers.list_of(_record), "getSignaturesForAddress", address, options)
    if [record.signature for record in older] == ([until] if until else []):
        return None
    hole = HistoryHole(f"getSignaturesForAddress: the past of {address} has a hole")
    hole.at = node.name
    return hole


def _record(value: Any) -> SignatureRecord:
    return SignatureRecord(
        signature=answers.signature(field(value, "signature")),
        slot=answers.integer(field(value, "slot")),
        is_failed=field(value, "err") is not None,
    )


def transaction(node: Node, signature: str) -> TransactionView | None:
    """A finalized transaction; None when this node does not have it.

    Raises:
        NodeError: The node does not answer, or not about this transaction.
    """

    def read(value: Any) -> TransactionView | None:
        return None if value is None else _view(value, signature)

    options = {
        "commitment": "finalized",
        "encoding": "base64",
        "maxSupportedTransactionVersion": TRANSACTION_VERSION_MAX,
    }
    return node.read(read, "getTransaction", signature, options)


def _view(value: Any, signature: str) -> TransactionView:
    meta = field(value, "meta")
    raw = answers.encoded(field(value, "transaction"))
    accounts = _accounts(raw, signature, answers.mapping(meta).get("loadedAddresses") or {})
    balances = answers.list_of(answers.integer, length=len(accounts))
    before = balances(field(meta, "preBalances"))
    after = balances(field(meta, "postBalances"))
    error = field(meta, "err")
    return TransactionView(
        signature=signature,
        slot=answers.integer(field(value, "slot")),
        error=None if error is None else json.dumps(error)[:ERROR_CHARACTERS_MAX],
        fee_lamports=answers.integer(field(meta, "fee")),
        raw=raw,
        accounts=accounts,
        changes={
            account: late - early
            for account, early, late in zip(accounts, before, after, strict=True)
        },
    )


def _accounts(raw: bytes, signature: str, loaded: Any) -> tuple[str, ...]:
    try:
        found = VersionedTransaction.from_bytes(raw)
    except ValueError as error:
        raise WrongShape("the bytes are no transaction") from error
    if not found.signatures or str(found.signatures[0]) != signature:
        raise WrongShape("the bytes are of another transaction")
    own: Iterable[object] = found.message.account_keys
    added: list[str] = []
    if isinstance(found.message, MessageV0):
        added += answers.list_of(answers.address)(field(loaded, "writable"))
        added += answers.list_of(answers.address)(field(loaded, "readonly"))
    return (*map(str, own), *added)
