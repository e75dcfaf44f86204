"""What the database has committed to with hashes: the audit log's chain, and batches' roots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pixr.adapters.postgres import Database, Row, verification
from pixr.domain import audit, proofs
from pixr.ops.verifying.check import Check, Look, Tally

AUDIT: Final = "the audit log is one unbroken chain"
ROOTS: Final = "every root is that of its batch's leaves"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Number and hash of a line, which stand for everything up to it."""

    seq: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far the chain holds, and what is wrong with the line after that; None: nothing."""

    head: Head
    fault: str | None = None


def walk_audit(db: Database, noted: Head | None = None) -> Walked:
    """Compute every link anew, up to the first broken one: all others follow from it.

    Args:
        db: Whose log.
        noted: A head that was noted elsewhere; without one nobody can see that the end is missing.
    """
    head = Head(seq=0, hash=audit.FIRST_HASH)
    for page in verification.audit_log(db):
        for row in page:
            fault = _link_fault(row, head)
            if fault is not None:
                return Walked(head=head, fault=f"line {row['seq']} ({row['action']}): {fault}")
            head = Head(seq=row["seq"], hash=bytes(row["hash"]))
            if noted is not None and noted.seq == head.seq and noted.hash != head.hash:
                fault = f"line {head.seq} has another hash than was noted"
                return Walked(head=head, fault=fault)
    if noted is not None and noted.seq > head.seq:
        return Walked(head=head, fault=f"line {noted.seq}, which was noted, is missing")
    return Walked(head=head)


def compare_audit(look: Look) -> Sequence[Check]:
    """Walk the chain; only the first broken link is told."""
    tally = Tally()
    walked = walk_audit(look.db)
    tally.compared = walked.head.seq
    if walked.fault is not None:
        tally.differences.append(walked.fault)
    return [tally.check(AUDIT)]


def _link_fault(row: Row, head: Head) -> str | None:
    if row["seq"] != head.seq + 1:
        return f"line {head.seq + 1} is missing"
    if bytes(row["previous_hash"]) != head.hash:
        return "it does not follow from the line before"
    line = audit.Line(
        seq=row["seq"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        detail=row["detail"],
    )
    return None if audit.link(head.hash, line) == bytes(row["hash"]) else "its hash is another"


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
