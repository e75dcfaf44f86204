"""What every RPC method is given, and what every answer has in common."""

from dataclasses import dataclass, field
from typing import Any, Final

from pixr.local.chain.chain import Chain
from pixr.local.chain.errors import min_context_slot_not_reached
from pixr.local.chain.faults import Faults
from pixr.local.chain.ledger import Block, Mention
from pixr.local.chain.params import Config

API_VERSION: Final = "4.1.2"
"""The Agave release whose runtime LiteSVM carries."""


@dataclass(slots=True)
class Node:
    """One RPC node: a chain, and the faults it is told to have."""

    chain: Chain
    faults: Faults = field(default_factory=Faults)

    def block_at(self, commitment: str) -> Block:
        """The newest block that this node has seen reach ``commitment``."""
        return self.chain.block_at(commitment, lag_blocks=self.faults.lag_blocks)

    def commitment_of(self, slot: int) -> str:
        """The highest level that this node has seen the block of ``slot`` reach."""
        for commitment in ("finalized", "confirmed"):
            if slot <= self.block_at(commitment).slot:
                return commitment
        return "processed"

    def bank(self, config: Config, commitment: str | None = None) -> Block:
        """The block whose state answers a request.

        Raises:
            RpcError: -32016; the block is older than the caller's ``minContextSlot``.
        """
        block = self.block_at(commitment or config.commitment)
        slot_min = config.integer("minContextSlot")
        if slot_min is not None and block.slot < slot_min:
            raise min_context_slot_not_reached(block.slot)
        return block


def in_context(block: Block, value: Any) -> dict[str, Any]:
    """Wrap ``value`` with the slot at which it was true."""
    return {"context": {"slot": block.slot, "apiVersion": API_VERSION}, "value": value}


def signature_status(node: Node, landed: Mention) -> dict[str, Any]:
    """Say how far ``landed`` has come, as getSignatureStatuses does."""
    level = node.commitment_of(landed.slot)
    confirmations: int | None = None
    if level != "finalized":
        height = node.chain.ledger.height(landed.slot)
        assert height is not None, "a landed transaction has its block"
        confirmations = node.block_at("processed").height - height
    return {
        "slot": landed.slot,
        "confirmations": confirmations,
        "status": {"Ok": None} if landed.error is None else {"Err": landed.error},
        "err": landed.error,
        "confirmationStatus": level,
    }
