"""What a node remembers: lists of signatures, and whole transactions.

A list is walked on one node from end to end. Two nodes know different things, and a cursor
that the second has never heard of would read as the end of the list.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from pixr.adapters.solana import answers
from pixr.adapters.solana.answers import WrongShape, field
from pixr.adapters.solana.errors import HistoryHole, HistoryTooLong
from pixr.adapters.solana.node import Node
from pixr.adapters.solana.refusals import ERROR_CHARACTERS_MAX
from pixr.adapters.solana.values import SignatureRecord, TransactionView

SIGNATURES_PER_PAGE: Final = 1_000
"""Limit of getSignaturesForAddress."""
PAGES_MAX: Final = 20
TRANSACTION_VERSION_MAX: Final = 1
"""Anybody may send us money in the newest form of transaction; it must not stop a walk."""


def walk(
    node: Node, address: str, *, until: str | None, pages_max: int | None = None
) -> list[SignatureRecord]:
    """Finalized transactions of ``address`` after ``until``, newest first.

    Raises:
        NodeError: The node does not answer, or pages do not get older.
        HistoryTooLong: There are more than ``pages_max`` pages (``PAGES_MAX`` by default).
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
            if records:
                _prove_end(node, address, oldest=records[-1].signature, until=until)
            return records
    raise HistoryTooLong(f"{address} has more than {len(records)} unseen transactions")


def _prove_end(node: Node, address: str, *, oldest: str, until: str | None) -> None:
    """Refuse a list that stops early: what is missing at its old end would be skipped for ever.

    A node that lost its past, or gave half of a page, does not join on to where we were.
    """
    options = {"commitment": "finalized", "limit": 1, "before": oldest}
    older = node.read(answers.list_of(_record), "getSignaturesForAddress", address, options)
    if [record.signature for record in older] != ([until] if until else []):
        raise HistoryHole(f"getSignaturesForAddress: the past of {address} has a hole")


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
