"""RPC methods about now: the clock of the chain, its accounts, its prices.

Source:
    https://solana.com/docs/rpc/http
"""

import base64
import binascii
from typing import Any, Final

from solders.hash import Hash
from solders.message import from_bytes_versioned
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from pixr.local.chain.encoding import account_json
from pixr.local.chain.errors import invalid_params
from pixr.local.chain.node import API_VERSION, Node, in_context
from pixr.local.chain.params import Config, Params
from pixr.local.chain.runtime import SLOTS_PER_EPOCH
from pixr.local.chain.wire import readable_message

ACCOUNTS_MAX: Final = 100
PRICED_ACCOUNTS_MAX: Final = 128
PRICED_BLOCKS: Final = 150
ACCOUNT_BYTES_MAX: Final = 10 * 1024 * 1024
FEATURE_SET: Final = 0


def get_health(node: Node, params: Params) -> str:
    """Always ``ok``: a lone node cannot be behind others."""
    del node, params
    return "ok"


def get_version(node: Node, params: Params) -> dict[str, Any]:
    """Name the runtime's release."""
    del node, params
    return {"solana-core": API_VERSION, "feature-set": FEATURE_SET}


def get_genesis_hash(node: Node, params: Params) -> str:
    """Name this chain; stable for a data directory."""
    del params
    return str(Hash.default()) if node.faults.wrong_genesis else node.chain.genesis_hash


def get_slot(node: Node, params: Params) -> int:
    """The slot that has reached the asked commitment."""
    return node.bank(params.config(0)).slot


def get_block_height(node: Node, params: Params) -> int:
    """How many blocks lie under the one that has reached the asked commitment."""
    return node.bank(params.config(0)).height


def get_epoch_info(node: Node, params: Params) -> dict[str, int]:
    """Where in its epoch the chain is."""
    block = node.bank(params.config(0))
    return {
        "absoluteSlot": block.slot,
        "blockHeight": block.height,
        "epoch": block.slot // SLOTS_PER_EPOCH,
        "slotIndex": block.slot % SLOTS_PER_EPOCH,
        "slotsInEpoch": SLOTS_PER_EPOCH,
        "transactionCount": node.chain.transaction_count,
    }


def get_latest_blockhash(node: Node, params: Params) -> dict[str, Any]:
    """The newest blockhash at the asked commitment, and its last block height."""
    block = node.bank(params.config(0))
    height = max(0, block.last_valid_height + node.faults.height_lie_blocks)
    return in_context(block, {"blockhash": block.blockhash, "lastValidBlockHeight": height})


def is_blockhash_valid(node: Node, params: Params) -> dict[str, Any]:
    """Whether a blockhash is still young enough at the asked commitment."""
    block = node.bank(params.config(1))
    return in_context(block, node.chain.is_recent(params.text(0), block))


def get_balance(node: Node, params: Params) -> dict[str, Any]:
    """Lamports of an account at the asked commitment; 0 for no account."""
    block = node.bank(params.config(1))
    account = node.chain.account(params.address(0), block)
    return in_context(block, account.lamports if account else 0)


def get_account_info(node: Node, params: Params) -> dict[str, Any]:
    """An account at the asked commitment, or null."""
    config = params.config(1)
    block = node.bank(config)
    account = node.chain.account(params.address(0), block)
    return in_context(block, account_json(account, _encoding(config), _data_slice(config)))


def get_multiple_accounts(node: Node, params: Params) -> dict[str, Any]:
    """Up to 100 accounts, all at one slot."""
    config = params.config(1)
    block = node.bank(config)
    encoding = config.text("encoding", "base64")
    data_slice = _data_slice(config)
    return in_context(
        block,
        [
            account_json(node.chain.account(address, block), encoding, data_slice)
            for address in params.addresses(0, count_max=ACCOUNTS_MAX)
        ],
    )


def get_minimum_balance(node: Node, params: Params) -> int:
    """Lamports that make an account of so many bytes exempt from rent."""
    data_bytes = params.integer(0)
    if data_bytes > ACCOUNT_BYTES_MAX:
        raise invalid_params(f"Invalid params: an account holds at most {ACCOUNT_BYTES_MAX} bytes")
    return node.chain.runtime.rent_exempt_lamports(data_bytes)


def get_fee_for_message(node: Node, params: Params) -> dict[str, Any]:
    """The fee in lamports that a message would pay; null once its blockhash is too old."""
    config = params.config(1)
    block = node.bank(config)
    try:
        message = from_bytes_versioned(base64.b64decode(params.text(0), validate=True))
    except (ValueError, binascii.Error) as error:
        raise invalid_params(f"invalid base64 encoding: {error}") from error
    readable = readable_message(message)
    if not node.chain.is_recent(str(readable.recent_blockhash), block):
        return in_context(block, None)
    unsigned = [Signature.default()] * readable.header.num_required_signatures
    outcome = node.chain.runtime.simulate(VersionedTransaction.populate(message, unsigned), past={})
    return in_context(block, outcome.fee_lamports)


def get_recent_prioritization_fees(node: Node, params: Params) -> list[dict[str, int]]:
    """The cheapest bid that got into each of the last 150 blocks.

    With accounts named, the cheapest among the transactions that locked any of
    them, taking the dearest account; never less than the block's own minimum.
    """
    named = params.optional_addresses(0, count_max=PRICED_ACCOUNTS_MAX)
    keys = [str(address) for address in named]
    return [
        {
            "slot": block.slot,
            "prioritizationFee": max(
                [block.prices.minimum]
                + [block.prices.minimum_of_account.get(key, 0) for key in keys]
            ),
        }
        for block in node.chain.recent_blocks(PRICED_BLOCKS)
    ]


def _encoding(config: Config) -> str:
    return config.text("encoding", "binary")


def _data_slice(config: Config) -> dict[str, int] | None:
    section = config.section("dataSlice")
    if section is None:
        return None
    return {
        "offset": section.integer("offset") or 0,
        "length": section.integer("length") or 0,
    }
