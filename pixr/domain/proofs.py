r"""Proof of payout: a batch commits on chain to exactly who gets what.

            root  ── 44 base64 characters in the transaction's memo
           /    \
        node     c        node = SHA-256(0x01 ‖ left ‖ right)
        /  \              leaf = SHA-256(0x00 ‖ payout id ‖ address ‖ lamports ‖ salt)
       a    b             an odd node is promoted unchanged

Leaf and node carry different first bytes, so that no node can pass for a leaf. The salt
keeps an observer from guessing amounts by trying them.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from solders.pubkey import Pubkey

SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One sibling on the way up; ``side`` says where the sibling stands."""

    side: Literal["left", "right"]
    digest: bytes


def leaf(*, payout_id: UUID, address: str, lamports: int, salt: bytes) -> bytes:
    """Digest of one payout: 16 bytes id, 32 bytes address, u64 little-endian, 16 bytes salt."""
    assert len(salt) == SALT_BYTES
    return hashlib.sha256(
        b"\x00"
        + payout_id.bytes
        + bytes(Pubkey.from_string(address))
        + lamports.to_bytes(8, "little")
        + salt
    ).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over ``leaves``, in their order. At least one leaf."""
    return _levels(leaves)[-1][0]


def path(leaves: Sequence[bytes], position: int) -> list[Step]:
    """Return the siblings that lead from the leaf at ``position`` to the root."""
    steps: list[Step] = []
    for level in _levels(leaves)[:-1]:
        sibling = position ^ 1
        if sibling < len(level):
            steps.append(
                Step(side="left" if sibling < position else "right", digest=level[sibling])
            )
        position //= 2
    return steps


def verify(leaf_digest: bytes, steps: Sequence[Step], root_digest: bytes) -> bool:
    """Tell whether ``steps`` lead from the leaf to the root."""
    digest = leaf_digest
    for step in steps:
        pair = (step.digest, digest) if step.side == "left" else (digest, step.digest)
        digest = _node(*pair)
    return digest == root_digest


def memo(root_digest: bytes) -> str:
    """The root as it stands in the memo: base64, 44 characters."""
    return base64.b64encode(root_digest).decode()


def _levels(leaves: Sequence[bytes]) -> list[list[bytes]]:
    assert leaves
    levels = [list(leaves)]
    while len(levels[-1]) > 1:
        below = levels[-1]
        above = [_node(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)]
        if len(below) % 2:
            above.append(below[-1])
        levels.append(above)
    return levels


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
