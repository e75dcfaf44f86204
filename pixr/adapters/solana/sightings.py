"""What one node knows of many batches.

    1  epoch info, first block     finalized height and slot of one bank; how far history reaches
    2  signature statuses          256 a call
    3  receipts                    100 a call, where no signature is known or all have failed
    4  who made the receipt        where one exists all the same; who took it, where a reclaim's
                                   is gone

The order is the proof. What is absent is absent as of a height that was read *before* the
search, in an answer that is no older than that height. Whatever is missing, late, malformed or
contradicts itself is ``Unknown`` for the searches it touches, never ``Absent``. What a node does
see counts however far it lags: finality does not go back.

Source:
    settlement.md "Proof of expiry"; https://solana.com/docs/rpc/http/getsignaturestatuses
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from pixr.adapters.solana import answers, history, reads
from pixr.adapters.solana.answers import InContext, WrongShape, field
from pixr.adapters.solana.errors import HistoryTooLong, NodeError
from pixr.adapters.solana.node import Node
from pixr.adapters.solana.refusals import blame
from pixr.domain.payouts import (
    EXPIRY_MARGIN_BLOCKS,
    Absent,
    Attempt,
    Failed,
    Finalized,
    ReceiptOnly,
    Search,
    Sighting,
    Unknown,
    Unsettled,
)

T = TypeVar("T")
R = TypeVar("R")

SIGNATURES_PER_CALL_MAX: Final = 256
"""Limit of getSignatureStatuses."""
RECEIPT_PAGES_MAX: Final = 3
"""A receipt is made once and reclaimed once; thousands of transactions are somebody's dust."""


class Each(Protocol):
    """Calls a function for each item, several at a time."""

    def __call__(self, act: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Return what ``act`` returned for each of ``items``, in their order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a node says of itself before it is asked anything else."""

    finalized_height: int
    finalized_slot: int
    first_slot: int
    doubt: str | None
    """Why what this node does not see proves nothing; None when it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A finalized status: the transaction is in a block that cannot go away."""

    slot: int
    error: Any


Status: TypeAlias = Landed | Unsettled | Unknown | None
"""Of one signature; None when the node's history does not have it."""


def look(node: Node, searches: Sequence[Search], each: Each) -> list[Sighting]:
    """Return what ``node`` knows of each search. Never raises for what the node answers."""
    try:
        claim = _claim(node)
    except NodeError as error:
        return [Unknown(reason=str(error)) for _ in searches]
    statuses = _statuses(node, searches, claim, each)
    found = [_seen(search, known) for search, known in zip(searches, statuses, strict=True)]
    open_ = [number for number, sighting in enumerate(found) if sighting is None]
    traces = [searches[number].receipt or searches[number].emptied for number in open_]
    receipts = _receipts(node, traces, each)

    def settle(position: int) -> Sighting:
        number, receipt, trace = open_[position], receipts[position], traces[position]
        is_gone_a_trace = searches[number].emptied is not None
        failed = [item for item in statuses[number] if isinstance(item, Landed)]
        floor_slot = max([claim.finalized_slot, *(item.slot for item in failed)])
        if isinstance(receipt, Unknown):
            return receipt
        if trace is not None and receipt.value is not is_gone_a_trace:
            return _maker(node, searches[number], trace, claim)
        if claim.doubt is not None or receipt.slot < floor_slot:
            return Unknown(reason=claim.doubt or f"receipts as of slot {receipt.slot} only")
        return _nothing_moved(searches[number], statuses[number], claim)

    settled = each(settle, range(len(open_)))
    for number, sighting in zip(open_, settled, strict=True):
        found[number] = sighting
    return [sighting or Unknown(reason="not looked at") for sighting in found]


def _claim(node: Node) -> Claim:
    """Height and slot in one answer: two calls could reach two nodes behind one address."""
    epoch = node.read(answers.mapping, "getEpochInfo", {"commitment": "finalized"})
    slot = answers.integer(field(epoch, "absoluteSlot"))
    height = answers.integer(field(epoch, "blockHeight"))
    first_slot = node.read(answers.integer, "getFirstAvailableBlock")
    highest = node.finalized_slot
    node.finalized_slot = max(highest, slot)
    doubt = f"its finalized slot ran back from {highest} to {slot}" if slot < highest else None
    return Claim(finalized_height=height, finalized_slot=slot, first_slot=first_slot, doubt=doubt)


def _statuses(
    node: Node, searches: Sequence[Search], claim: Claim, each: Each
) -> list[list[Status]]:
    """The status of each attempt of each search."""
    signatures = [attempt.signature for search in searches for attempt in search.attempts]

    def ask(page: Sequence[str]) -> list[Status]:
        options = {"searchTransactionHistory": True}
        reader = answers.in_context(answers.list_of(_status, length=len(page)))
        try:
            answer = node.read(reader, "getSignatureStatuses", list(page), options)
        except NodeError as error:
            return [Unknown(reason=str(error)) for _ in page]
        if answer.slot >= claim.finalized_slot:
            return answer.value
        behind = Unknown(reason=f"statuses as of slot {answer.slot}, after {claim.finalized_slot}")
        return [behind if status is None else status for status in answer.value]

    pages = reads.pages(signatures, SIGNATURES_PER_CALL_MAX)
    flat = iter([status for page in each(ask, pages) for status in page])
    return [[next(flat) for _ in search.attempts] for search in searches]


def _status(value: Any) -> Status:
    """One status; a malformed one is ``Unknown`` by itself and spoils no other."""
    if value is None:
        return None
    try:
        slot = answers.integer(field(value, "slot"))
        error = field(value, "err")
        level = answers.text(field(value, "confirmationStatus"))
    except WrongShape as wrong:
        return Unknown(reason=f"getSignatureStatuses: {wrong}")
    match level:
        case "finalized":
            return Landed(slot=slot, error=error)
        case "confirmed" | "processed":
            # With or without an error: a fork may still go away, and the error with it.
            return Unsettled()
        case _:
            return Unknown(reason=f"getSignatureStatuses: no such level {level[:20]!a}")


def _seen(search: Search, statuses: Sequence[Status]) -> Sighting | None:
    """What the statuses alone tell; None when the receipt must be looked at."""
    for attempt, status in zip(search.attempts, statuses, strict=True):
        if isinstance(status, Landed) and status.error is None:
            return _finalized(attempt, status.slot)
    for kind in (Unsettled, Unknown):
        for status in statuses:
            if isinstance(status, kind):
                return status
    return None


def _finalized(attempt: Attempt, slot: int) -> Finalized:
    # What was signed says what it costs: signatures and limit × price, both fixed.
    return Finalized(signature=attempt.signature, slot=slot, fee_lamports=attempt.fee_lamports_max)


def _receipts(
    node: Node, addresses: Sequence[str | None], each: Each
) -> list[InContext[bool] | Unknown]:
    """Whether each receipt exists; a batch without one has none to find."""
    wanted = [address for address in addresses if address is not None]

    def ask(page: Sequence[str]) -> list[InContext[bool] | Unknown]:
        try:
            found = reads.accounts(node, page)
        except NodeError as error:
            return [Unknown(reason=str(error)) for _ in page]
        return [InContext(slot=found.slot, value=view is not None) for view in found.value]

    pages = reads.pages(wanted, reads.ACCOUNTS_PER_CALL_MAX)
    flat = iter([receipt for page in each(ask, pages) for receipt in page])
    none = InContext(slot=answers.INTEGER_END, value=False)
    return [none if address is None else next(flat) for address in addresses]


def _maker(node: Node, search: Search, trace: str, claim: Claim) -> Sighting:
    """Find who made a receipt, or emptied it: an attempt of ours has landed, or somebody's.

    A list of signatures may lag behind the accounts. While an attempt of ours may be the one
    that is not listed yet, there is nothing to tell.
    """
    creator: str | None = None
    try:
        records = history.walk(node, trace, until=None, pages_max=RECEIPT_PAGES_MAX)
        ordered = records[::-1] if search.emptied is None else records
        creator = next((item.signature for item in ordered if not item.is_failed), None)
        attempt = next((item for item in search.attempts if item.signature == creator), None)
        if attempt is not None:
            view = history.transaction(node, attempt.signature)
            if view is not None and view.error is None:
                return _finalized(attempt, view.slot)
        is_told = creator is not None and attempt is None
    except HistoryTooLong:
        is_told = True
    except NodeError as error:
        return Unknown(reason=str(error))
    if is_told or claim.finalized_height > _dead_above(search):
        return ReceiptOnly(address=trace, creator=creator)
    state = "exists, and what made it" if search.emptied is None else "is gone, and what took it"
    return Unknown(reason=f"the receipt {trace} {state} is not listed yet")


def _dead_above(search: Search) -> int:
    heights = [attempt.last_valid_block_height for attempt in search.attempts]
    return max(heights, default=0) + EXPIRY_MARGIN_BLOCKS


def _nothing_moved(search: Search, statuses: Sequence[Status], claim: Claim) -> Failed | Absent:
    """No attempt succeeded and there is no receipt: it failed, or it is not there."""
    failures = [
        (attempt, status)
        for attempt, status in zip(search.attempts, statuses, strict=True)
        if isinstance(status, Landed)
    ]
    if not failures:
        return Absent(
            finalized_block_height=claim.finalized_height, first_available_slot=claim.first_slot
        )
    attempt, status = failures[-1]
    return Failed(
        signature=attempt.signature,
        slot=status.slot,
        fee_lamports=attempt.fee_lamports_max,
        **asdict(blame(status.error, attempt.raw)),
    )
