"""What one node believes at the moment of one answer."""

from bisect import bisect_right
from dataclasses import dataclass

from tests.fakes.chain import Block, Branch, Chain, Landed
from tests.fakes.values import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A chain seen from one branch, as of an earlier slot, perhaps without its past."""

    chain: Chain
    branch: Branch
    head_height: int
    root_height: int
    indexed_slot: int | None
    """Younger transactions are in no list and cannot be read yet; None: all can."""
    first_slot: int
    """Older transactions are not found."""
    told_first_slot: int
    """What the node says of it."""
    height_lie: int = 0
    """Added to every height that it tells."""
    hole_salt: int = 0
    holes: float = 0.0
    """Share of the blocks whose transactions this node never got to know."""

    def block(self, commitment: str) -> Block:
        """The newest block of that commitment."""
        if commitment == "finalized":
            return self.chain.finalized[self.root_height]
        behind = 1 if commitment == "confirmed" else 0
        height = max(self.head_height - behind, self.root_height)
        return self.chain.block(self.branch, height)

    def account(self, address: str, block: Block) -> Account | None:
        """An account as it was after ``block``."""
        if block.height <= self.root_height:
            return self.chain.final_account(address, block.height)
        return self.chain.account(self.branch, address, block.height)

    def landed(self, signature: str) -> Landed | None:
        """A transaction in a block that this node has seen and still remembers."""
        found = self.chain.landed.get(signature) or self.branch.landed.get(signature)
        if found is None or found.height > self.head_height or self.lacks(found.slot):
            return None
        return found

    def lacks(self, slot: int) -> bool:
        """Whether the transactions of a slot are not known here: forgotten, or never heard of."""
        if slot < self.first_slot:
            return True
        if not self.holes:
            return False
        # The same blocks every time, others on every node.
        scrambled = (slot * 2_654_435_761 + self.hole_salt * 40_503) % (1 << 32)
        return scrambled < self.holes * (1 << 32)

    def indexes(self, slot: int) -> bool:
        """Whether transactions of a slot can be listed and read by now."""
        return self.indexed_slot is None or slot <= self.indexed_slot

    def level(self, landed: Landed) -> str:
        """The commitment that this node gives a transaction."""
        if landed.height <= self.root_height:
            return "finalized"
        return "confirmed" if landed.height <= self.head_height - 1 else "processed"

    def appearances(self, address: str, commitment: str) -> list[Landed]:
        """What mentions an address up to that commitment, newest first."""
        height = self.block(commitment).height
        final = self.chain.appearances.get(address, [])
        young = [
            landed
            for block in self.branch.blocks
            if block.landed
            for landed in block.landed
            if address in landed.keys
        ]
        return [
            landed
            for landed in reversed([*final, *young])
            if landed.height <= height and not self.lacks(landed.slot) and self.indexes(landed.slot)
        ]


def look(chain: Chain, branch: Branch, *, lag_slots: int) -> tuple[int, int]:
    """The head and the final height of a node that is that many slots behind."""
    if not lag_slots:
        return chain.tip(branch).height, chain.root.height
    slot = max(chain.slot - lag_slots, 0)
    root_height = chain.root_at(slot)
    count = bisect_right(branch.blocks, slot, key=_slot_of)
    if count:
        return chain.root.height + count, root_height
    height = bisect_right(chain.finalized, slot, lo=root_height, key=_slot_of) - 1
    return max(height, root_height), root_height


def _slot_of(block: Block) -> int:
    return block.slot
