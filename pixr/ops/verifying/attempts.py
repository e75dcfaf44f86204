"""Every attempt against the chain: what landed, what failed, and what was declared dead.

The bytes are those that the chain kept, decoded with code that the settler does not use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Row, batches, house, verification
from pixr.adapters.solana import TransactionView
from pixr.domain.decoding import Extension, Payment, decode
from pixr.domain.payouts import Attempt, Failed, Finalized, Search, Sighting, Unsettled
from pixr.ops import comparison
from pixr.ops.comparison import Expected
from pixr.ops.verifying.check import Check, Look, Tally

PAYMENTS: Final = "every payment on chain says what its batch says"
ONCE: Final = "no receipt was used by two payments"
FAILURES: Final = "what failed on chain cost its fee and nothing else"
DEAD: Final = "what was declared dead never landed"

SEARCHED_TOGETHER: Final = 1_024


def compare_landed(look: Look) -> Sequence[Check]:
    """Compare every attempt that landed with its batch, and their receipts with each other."""
    said, once = Tally(), Tally()
    users: dict[str, str] = {}
    first_slot = look.first_slot()
    treasury = house.addresses(look.db).get("treasury")
    for page in verification.attempts(look.db, "LANDED"):
        expected = _expected(look, page, treasury)
        views = look.chain.transactions([row["signature"] for row in page])
        for row, view in zip(page, views, strict=True):
            found = decode(bytes(row["raw"]), None if view is None else view.accounts)
            if isinstance(found, Payment | Extension):
                once.compared += 1
                other = users.setdefault(found.receipt, row["signature"])
                if other != row["signature"]:
                    once.differences.append(f"{found.receipt}: {other} and {row['signature']}")
            if view is None and row["slot"] < first_slot:
                said.too_old += 1
                continue
            said.compared += 1
            fault = _landed_fault(row, view, expected.get(row["batch_id"]))
            if fault is not None:
                said.differences.append(f"{row['signature']}: {fault}")
    return [said.check(PAYMENTS), once.check(ONCE)]


def _expected(look: Look, page: Sequence[Row], treasury: str | None) -> dict[UUID, Expected]:
    ids = [row["batch_id"] for row in page]
    payouts = batches.items(look.db, ids)
    receipts = batches.receipts(look.db, ids)
    extensions = comparison.extensions(look.db, ids)
    found: dict[UUID, Expected] = {}
    for batch_id, (batch, source) in verification.batches_of(look.db, ids).items():
        found[batch_id] = Expected(
            treasury=treasury,
            source=source,
            batch=batch,
            payouts=payouts[batch_id],
            receipts=receipts[batch_id],
            extension=extensions.get(batch_id),
        )
    return found


def _landed_fault(row: Row, view: TransactionView | None, expected: Expected | None) -> str | None:
    if view is None:
        return "the chain does not have it"
    if view.error is not None:
        return f"it failed on chain: {view.error}"
    if expected is None:
        return "its batch is gone"
    if difference := comparison.difference(decode(view.raw, view.accounts), expected):
        return difference
    return _cost_fault(row, view)


def _cost_fault(row: Row, view: TransactionView) -> str | None:
    if view.raw != bytes(row["raw"]):
        return "the chain has other bytes than were stored"
    if (view.slot, view.fee_lamports) != (row["slot"], row["fee_lamports"]):
        return f"slot and fee are {view.slot} and {view.fee_lamports}"
    return None


def compare_failed(look: Look) -> Sequence[Check]:
    """Compare every attempt that failed with what the chain charged for it."""
    tally = Tally()
    first_slot = look.first_slot()
    for page in verification.attempts(look.db, "FAILED"):
        views = look.chain.transactions([row["signature"] for row in page])
        for row, view in zip(page, views, strict=True):
            if view is None and row["slot"] < first_slot:
                tally.too_old += 1
                continue
            tally.compared += 1
            fault = _failed_fault(row, view)
            if fault is not None:
                tally.differences.append(f"{row['signature']}: {fault}")
    return [tally.check(FAILURES)]


def _failed_fault(row: Row, view: TransactionView | None) -> str | None:
    if view is None:
        return "the chain does not have it"
    if view.error is None:
        return "it succeeded on chain"
    return _cost_fault(row, view)


def compare_expired(look: Look) -> Sequence[Check]:
    """Ask every node for each attempt that was declared dead."""
    tally = Tally()
    for page in verification.attempts(look.db, "EXPIRED"):
        tally.compared += len(page)
        for start in range(0, len(page), SEARCHED_TOGETHER):
            part = page[start : start + SEARCHED_TOGETHER]
            searches = [Search(attempts=(_attempt(row),), receipt=None) for row in part]
            for row, sightings in zip(part, look.chain.look_up(searches), strict=True):
                if seen := next((item for item in sightings if _is_seen(item)), None):
                    tally.differences.append(f"{row['signature']}: {seen}")
    return [tally.check(DEAD)]


def _is_seen(sighting: Sighting) -> bool:
    return isinstance(sighting, Finalized | Failed | Unsettled)


def _attempt(row: Row) -> Attempt:
    return Attempt(
        signature=row["signature"],
        batch_id=row["batch_id"],
        number=row["attempt"],
        state=row["state"],
        raw=bytes(row["raw"]),
        blockhash_slot=row["blockhash_slot"],
        last_valid_block_height=row["last_valid_block_height"],
        fee_lamports_max=row["fee_lamports_max"],
    )
