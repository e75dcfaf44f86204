"""A proof that the chain committed to exactly one payout. Public: it names no user.

Whoever has it hashes the leaf from id, address, amount and salt, climbs the path, and
compares the root with the memo of the transaction. Nothing in it asks to be trusted.
"""

import base64
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from pixr.adapters.postgres import Database, payout_proofs
from pixr.domain import proofs
from pixr.domain.errors import NotFound


class StepView(BaseModel):
    """One sibling on the way from the leaf to the root."""

    side: Literal["left", "right"]
    digest: str


class ProofView(BaseModel):
    """Digests and salt are base64; ``root`` stands in the transaction's memo."""

    payout_id: str
    address: str
    lamports: str
    salt: str
    leaf: str
    path: list[StepView]
    root: str
    signature: str
    slot: int


def show_proof(db: Database, payout_id: UUID) -> ProofView:
    """Return leaf, salt, path and root, and the transaction that carries the root.

    Raises:
        NotFound: There is no such payout, or it is not finalized yet.
    """
    rows = payout_proofs.batch_of(db, payout_id)
    if not rows:
        raise NotFound(f"no finalized payout {payout_id}")
    leaves = [
        proofs.leaf(
            payout_id=row["payout_id"],
            address=row["destination"],
            lamports=row["lamports"],
            salt=bytes(row["salt"]),
        )
        for row in rows
    ]
    position = next(i for i, row in enumerate(rows) if row["payout_id"] == payout_id)
    own = rows[position]
    return ProofView(
        payout_id=str(payout_id),
        address=own["destination"],
        lamports=str(own["lamports"]),
        salt=_text(bytes(own["salt"])),
        leaf=_text(leaves[position]),
        path=[
            StepView(side=step.side, digest=_text(step.digest))
            for step in proofs.path(leaves, position)
        ],
        root=_text(bytes(own["merkle_root"])),
        signature=own["signature"],
        slot=own["slot"],
    )


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
