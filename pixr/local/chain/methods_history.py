"""RPC methods about the past: statuses, transactions, blocks.

Source:
    https://solana.com/docs/rpc/http
"""

from typing import Any, Final

from pixr.local.chain.chain import RECENT_BLOCKS
from pixr.local.chain.encoding import account_keys_json, transaction_json
from pixr.local.chain.errors import (
    block_cleaned_up,
    block_not_available,
    invalid_params,
    slot_skipped,
)
from pixr.local.chain.ledger import Block
from pixr.local.chain.node import Node, in_context, signature_status
from pixr.local.chain.params import Config, Params

STATUSES_MAX: Final = 256
SIGNATURES_MAX: Final = 1000
BLOCKS_MAX: Final = 500_000
SLOT_MAX: Final = (1 << 63) - 1
"""What SQLite can hold, and more than any chain will reach."""

END: Final = (SLOT_MAX, 0)
START: Final = (-1, 0)


def get_signature_statuses(node: Node, params: Params) -> dict[str, Any]:
    """How far each signature has come; null for one that is not found.

    Without ``searchTransactionHistory`` only the last 300 blocks are looked at.
    """
    chain, tip = node.chain, node.block_at("processed")
    slot_min = chain.recent_blocks(RECENT_BLOCKS)[0].slot
    if params.config(1).flag("searchTransactionHistory"):
        slot_min = min(slot_min, chain.ledger.first_slot_shown)
    signatures = params.signatures(0, count_max=STATUSES_MAX)
    landed = chain.ledger.mentions(signatures)
    return in_context(
        tip,
        [
            signature_status(node, found)
            if (found := landed.get(signature)) and slot_min <= found.slot <= tip.slot
            else None
            for signature in signatures
        ],
    )


def get_signatures_for_address(node: Node, params: Params) -> list[dict[str, Any]]:
    """What mentions an address, newest first, between ``before`` and ``until``."""
    config = params.config(1)
    limit = config.integer("limit")
    if limit is None:
        limit = SIGNATURES_MAX
    if not 1 <= limit <= SIGNATURES_MAX:
        raise invalid_params(f"Invalid limit; max {SIGNATURES_MAX}")
    block = node.bank(config, config.stored_commitment)
    before = _place_of(node, config.signature("before"), otherwise=(block.slot + 1, 0))
    until = _place_of(node, config.signature("until"), otherwise=START)
    if before is None:
        return []
    landed_list = node.chain.ledger.transactions_of(
        params.address(0),
        before=min(before, (block.slot + 1, 0)),
        until=until or START,
        count_max=limit,
    )
    return [
        {
            "signature": landed.signature,
            "slot": landed.slot,
            "err": landed.error,
            "memo": landed.memo,
            "blockTime": node.chain.ledger.time_s(landed.slot),
            "confirmationStatus": node.commitment_of(landed.slot),
        }
        for landed in landed_list
    ]


def get_transaction(node: Node, params: Params) -> dict[str, Any] | None:
    """A landed transaction with all it did, or null."""
    config = params.config(1)
    block = node.bank(config, config.stored_commitment)
    landed = node.chain.ledger.transaction(params.signature(0))
    if (
        landed is None
        or landed.slot > block.slot
        or landed.slot < node.chain.ledger.first_slot_shown
    ):
        return None
    encoding = config.text("encoding", "json")
    version_max = config.integer("maxSupportedTransactionVersion")
    return {
        "slot": landed.slot,
        "blockTime": node.chain.ledger.time_s(landed.slot),
        **transaction_json(landed, encoding, version_max),
    }


def get_block(node: Node, params: Params) -> dict[str, Any]:
    """A block with its transactions in the asked detail."""
    config = params.config(1)
    block = _stored_block(node, params.integer(0), config)
    parent = {
        "blockhash": block.blockhash,
        "previousBlockhash": block.parent_hash,
        "parentSlot": block.parent_slot,
        "blockTime": block.time_s,
        "blockHeight": block.height,
    }
    rewards: dict[str, Any] = {"rewards": []} if config.flag("rewards", default=True) else {}
    return parent | _block_details(node, block, config) | rewards


def get_blocks(node: Node, params: Params) -> list[int]:
    """The slots between two slots, both included, that have a block."""
    first = params.integer(0)
    asked_last = params.optional_integer(1)
    config = params.config(1 if asked_last is None else 2)
    newest = node.bank(config, config.stored_commitment).slot
    last = newest if asked_last is None else min(asked_last, newest)
    if last - first > BLOCKS_MAX:
        raise invalid_params(f"Slot range too large; max {BLOCKS_MAX}")
    return node.chain.ledger.slots_between(min(first, SLOT_MAX), last)


def get_first_available_block(node: Node, params: Params) -> int:
    """The oldest block that this node can still show."""
    del params
    return node.chain.ledger.first_slot()


def _stored_block(node: Node, slot: int, config: Config) -> Block:
    newest = node.bank(config, config.stored_commitment)
    if slot > newest.slot:
        raise block_not_available(slot)
    first = node.chain.ledger.first_slot()
    if slot < first:
        raise block_cleaned_up(slot, first)
    block = node.chain.ledger.block(slot)
    if block is None:
        raise slot_skipped(slot)
    return block


def _block_details(node: Node, block: Block, config: Config) -> dict[str, Any]:
    details = config.text("transactionDetails", "full")
    if details == "none":
        return {}
    landed_list = node.chain.ledger.transactions_in(block.slot)
    match details:
        case "signatures":
            return {"signatures": [landed.signature for landed in landed_list]}
        case "accounts":
            return {"transactions": [account_keys_json(landed) for landed in landed_list]}
        case "full":
            encoding = config.text("encoding", "json")
            version_max = config.integer("maxSupportedTransactionVersion")
            return {
                "transactions": [
                    transaction_json(landed, encoding, version_max) for landed in landed_list
                ]
            }
        case _:
            raise invalid_params(
                f"Invalid params: unknown variant `{details}`, "
                "expected one of `full`, `signatures`, `none`, `accounts`"
            )


def _place_of(
    node: Node, signature: str | None, *, otherwise: tuple[int, int]
) -> tuple[int, int] | None:
    """Where a signature landed; ``otherwise`` for no signature, None for an unknown one."""
    if signature is None:
        return otherwise
    landed = node.chain.ledger.transaction(signature)
    return None if landed is None else (landed.slot, landed.position)
