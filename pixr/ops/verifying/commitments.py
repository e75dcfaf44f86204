"""What the database has committed to with hashes: the audit log's chain, and batches' roots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pixr.adapters.postgres import Row, verification
from pixr.domain import audit, proofs
from pixr.ops.verifying.check import Check, Look, Tally

AUDIT: Final = "the audit log is one unbroken chain"
ROOTS: Final = "every root is that of its batch's leaves"


def compare_audit(look: Look) -> Sequence[Check]:
    """Compute every link anew; only the first broken one is told, the rest follow from it."""
    tally = Tally()
    previous = audit.FIRST_HASH
    number = 0
    for page in verification.audit_log(look.db):
        for row in page:
            number += 1
            fault = _link_fault(row, previous, number)
            if fault is not None:
                tally.differences.append(f"line {row['seq']} ({row['action']}): {fault}")
                return [tally.check(AUDIT)]
            previous = bytes(row["hash"])
            tally.compared += 1
    return [tally.check(AUDIT)]


def _link_fault(row: Row, previous: bytes, number: int) -> str | None:
    if row["seq"] != number:
        return f"line {number} is missing"
    if bytes(row["previous_hash"]) != previous:
        return "it does not follow from the line before"
    line = audit.Line(
        seq=row["seq"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
    )
    return None if audit.link(previous, line) == bytes(row["hash"]) else "its hash is another"


def compare_roots(look: Look) -> Sequence[Check]:
    """Build every payment's tree anew; that its root stands on chain is compared elsewhere."""
    tally = Tally()
    for page in verification.roots(look.db):
        for row in page:
            tally.compared += 1
            leaves = [
                proofs.leaf(
                    payout_id=payout_id, address=address, lamports=lamports, salt=bytes(salt)
                )
                for payout_id, address, lamports, salt in zip(
                    row["payout_ids"],
                    row["destinations"],
                    row["lamports"],
                    row["salts"],
                    strict=True,
                )
            ]
            if proofs.root(leaves) != bytes(row["merkle_root"]):
                tally.differences.append(f"batch {row['key']}: its leaves have another root")
    return [tally.check(ROOTS)]
