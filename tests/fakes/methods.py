"""The RPC methods that settlement uses, on a node's own view of the chain.

Parameters are checked and errors are worded by the same code as in the SVM server
(``pixr.local.chain``); what the methods say is this file's own, and contract tests compare
it field by field.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from pixr.local.chain.errors import (
    MIN_CONTEXT_SLOT,
    PREFLIGHT_FAILURE,
    RpcError,
    describe,
    invalid_params,
    signature_failure,
    unsupported_version,
)
from pixr.local.chain.params import Config, Params
from pixr.local.chain.wire import decode_bytes
from tests.fakes.chain import BLOCKHASH_AGE_MAX, Block, Landed
from tests.fakes.render import account_json, memo_of, meta_json, transaction_json
from tests.fakes.runtime import Outcome, execute
from tests.fakes.view import View
from tests.fakes.wire import Undecodable, Wire, decode, is_signed

if TYPE_CHECKING:
    from tests.fakes.node import FakeNode

API_VERSION: Final = "4.1.2"
ACCOUNTS_MAX: Final = 100
STATUSES_MAX: Final = 256
SIGNATURES_MAX: Final = 1_000
PRICED_ACCOUNTS_MAX: Final = 128
PRICED_BLOCKS: Final = 150
RECENT_BLOCKS: Final = 300
"""How far back signature statuses are known without searching history."""
_RUST_TYPE: Final = "solana_transaction::versioned::VersionedTransaction"


def _bank(view: View, config: Config, commitment: str) -> Block:
    block = view.block(commitment)
    slot_min = config.integer("minContextSlot")
    if slot_min is not None and block.slot < slot_min:
        raise RpcError(
            MIN_CONTEXT_SLOT,
            "Minimum context slot has not been reached",
            {"contextSlot": block.slot},
        )
    return block


def _in_context(block: Block, value: Any) -> dict[str, Any]:
    return {"context": {"slot": block.slot, "apiVersion": API_VERSION}, "value": value}


def _wire(params: Params, config: Config) -> Wire:
    raw = decode_bytes(params.text(0), config.text("encoding", "base58"))
    try:
        return decode(raw)
    except Undecodable as error:
        raise invalid_params(f"failed to deserialize {_RUST_TYPE}: {error}") from error


def get_genesis_hash(node: "FakeNode", params: Params) -> str:
    """Name the cluster that this node belongs to."""
    del params
    return node.view().chain.genesis_hash


def get_health(node: "FakeNode", params: Params) -> str:
    """Always well, in its own opinion."""
    del node, params
    return "ok"


def get_slot(node: "FakeNode", params: Params) -> int:
    """The slot that has reached the asked commitment."""
    config, view = params.config(0), node.view()
    return _bank(view, config, config.commitment).slot


def get_block_height(node: "FakeNode", params: Params) -> int:
    """The height that has reached the asked commitment, plus what the node lies."""
    config, view = params.config(0), node.view()
    return max(_bank(view, config, config.commitment).height + view.height_lie, 0)


def get_epoch_info(node: "FakeNode", params: Params) -> dict[str, int]:
    """Slot and height of one bank in one answer."""
    config, view = params.config(0), node.view()
    block = _bank(view, config, config.commitment)
    return {
        "absoluteSlot": block.slot,
        "blockHeight": max(block.height + view.height_lie, 0),
        "epoch": block.slot // 432_000,
        "slotIndex": block.slot % 432_000,
        "slotsInEpoch": 432_000,
        "transactionCount": len(view.chain.landed),
    }


def get_first_available_block(node: "FakeNode", params: Params) -> int:
    """The oldest block that this node has, or claims to have."""
    del params
    view = node.view()
    if not view.told_first_slot:
        return 0
    later = (block.slot for block in view.chain.finalized if block.slot >= view.told_first_slot)
    return next(later, view.told_first_slot)


def get_latest_blockhash(node: "FakeNode", params: Params) -> dict[str, Any]:
    """A blockhash and until when, as this node tells it, it can be used."""
    config, view = params.config(0), node.view()
    block = _bank(view, config, config.commitment)
    last_valid = max(block.height + BLOCKHASH_AGE_MAX + view.height_lie, 0)
    blockhash = node.invented_blockhash() if view.height_lie else None
    return _in_context(
        block, {"blockhash": blockhash or block.hash, "lastValidBlockHeight": last_valid}
    )


def get_balance(node: "FakeNode", params: Params) -> dict[str, Any]:
    """Lamports of an account; 0 for no account."""
    config, view = params.config(1), node.view()
    block = _bank(view, config, config.commitment)
    account = view.account(str(params.address(0)), block)
    return _in_context(block, account.lamports if account else 0)


def get_account_info(node: "FakeNode", params: Params) -> dict[str, Any]:
    """An account, or null."""
    config, view = params.config(1), node.view()
    block = _bank(view, config, config.commitment)
    account = view.account(str(params.address(0)), block)
    encoding = config.text("encoding", "binary")
    return _in_context(block, account_json(account, encoding, _data_slice(config)))


def get_multiple_accounts(node: "FakeNode", params: Params) -> dict[str, Any]:
    """Up to 100 accounts of one bank."""
    config, view = params.config(1), node.view()
    block = _bank(view, config, config.commitment)
    encoding, data_slice = config.text("encoding", "base64"), _data_slice(config)
    return _in_context(
        block,
        [
            account_json(view.account(str(address), block), encoding, data_slice)
            for address in params.addresses(0, count_max=ACCOUNTS_MAX)
        ],
    )


def _data_slice(config: Config) -> dict[str, int] | None:
    section = config.section("dataSlice")
    if section is None:
        return None
    return {"offset": section.integer("offset") or 0, "length": section.integer("length") or 0}


def get_recent_prioritization_fees(node: "FakeNode", params: Params) -> list[dict[str, int]]:
    """What it took to get into each of the last 150 blocks."""
    params.optional_addresses(0, count_max=PRICED_ACCOUNTS_MAX)
    view = node.view()
    heights = range(max(view.head_height - PRICED_BLOCKS + 1, 0), view.head_height + 1)
    blocks = [view.chain.block(view.branch, height) for height in heights]
    return [{"slot": block.slot, "prioritizationFee": block.price} for block in blocks]


def get_signature_statuses(node: "FakeNode", params: Params) -> dict[str, Any]:
    """How far each signature has come; null for one that this node does not find."""
    view = node.view()
    searches = params.config(1).flag("searchTransactionHistory")
    height_min = 0 if searches else view.head_height - RECENT_BLOCKS + 1
    found = [view.landed(text) for text in params.signatures(0, count_max=STATUSES_MAX)]
    return _in_context(
        view.block("processed"),
        [
            _status(view, landed) if landed and landed.height >= height_min else None
            for landed in found
        ],
    )


def _status(view: View, landed: Landed) -> dict[str, Any]:
    level = view.level(landed)
    return {
        "slot": landed.slot,
        "confirmations": None if level == "finalized" else view.head_height - landed.height,
        "status": {"Ok": None} if landed.error is None else {"Err": landed.error},
        "err": landed.error,
        "confirmationStatus": level,
    }


def get_signatures_for_address(node: "FakeNode", params: Params) -> list[dict[str, Any]]:
    """What mentions an address, newest first, between ``before`` and ``until``."""
    config, view = params.config(1), node.view()
    limit = config.integer("limit")
    if limit is None:
        limit = SIGNATURES_MAX
    if not 1 <= limit <= SIGNATURES_MAX:
        raise invalid_params(f"Invalid limit; max {SIGNATURES_MAX}")
    commitment = config.stored_commitment
    _bank(view, config, commitment)
    listed = view.appearances(str(params.address(0)), commitment)
    before, until = config.signature("before"), config.signature("until")
    if before is not None:
        place = view.landed(before)
        if place is None or not view.indexes(place.slot):
            return []
        listed = [item for item in listed if _place(item) < _place(place)]
    if until is not None and (place := view.landed(until)):
        listed = [item for item in listed if _place(item) > _place(place)]
    return [
        {
            "signature": item.wire.signature,
            "slot": item.slot,
            "err": item.error,
            "memo": memo_of(item.wire),
            "blockTime": item.time_s,
            "confirmationStatus": view.level(item),
        }
        for item in listed[:limit]
    ]


def _place(landed: Landed) -> tuple[int, int]:
    return landed.slot, landed.position


def get_transaction(node: "FakeNode", params: Params) -> dict[str, Any] | None:
    """A landed transaction with all it did, or null."""
    config, view = params.config(1), node.view()
    block = _bank(view, config, config.stored_commitment)
    landed = view.landed(params.signature(0))
    if landed is None or landed.height > block.height or not view.indexes(landed.slot):
        return None
    version_max = config.integer("maxSupportedTransactionVersion")
    if landed.wire.is_versioned and version_max is None:
        raise unsupported_version(0)
    shown = {
        "slot": landed.slot,
        "blockTime": landed.time_s,
        "transaction": transaction_json(landed.wire, config.text("encoding", "json")),
        "meta": meta_json(landed),
    }
    if version_max is not None:
        shown["version"] = 0 if landed.wire.is_versioned else "legacy"
    return shown


def send_transaction(node: "FakeNode", params: Params) -> str:
    """Take a transaction and give its signature, which promises nothing."""
    config = params.config(1)
    wire = _wire(params, config)
    skips_preflight = config.flag("skipPreflight")
    commitment = config.commitment_named("preflightCommitment")
    view = node.view()
    block = _bank(view, config, "processed" if skips_preflight else commitment)
    if not skips_preflight:
        if not is_signed(wire.raw):
            raise signature_failure()
        simulated = _simulated(view, wire, block, replaces_blockhash=False)
        if simulated["err"] is not None:
            raise RpcError(
                PREFLIGHT_FAILURE,
                f"Transaction simulation failed: {describe(simulated['err'])}",
                simulated | {"accounts": None, "innerInstructions": None},
            )
    node.accept(wire)
    return wire.signature


def simulate_transaction(node: "FakeNode", params: Params) -> dict[str, Any]:
    """Run a transaction on the state at the asked commitment and keep nothing."""
    config, view = params.config(1), node.view()
    wire = _wire(params, config)
    verifies, replaces = config.flag("sigVerify"), config.flag("replaceRecentBlockhash")
    if verifies and replaces:
        raise invalid_params("sigVerify may not be used with replaceRecentBlockhash")
    if verifies and not is_signed(wire.raw):
        raise signature_failure()
    block = _bank(view, config, config.commitment)
    node.leak(wire)
    simulated = _simulated(view, wire, block, replaces_blockhash=replaces)
    replacement = {
        "blockhash": block.hash,
        "lastValidBlockHeight": max(block.height + BLOCKHASH_AGE_MAX + view.height_lie, 0),
    }
    return _in_context(
        block,
        simulated | {"accounts": None, "replacementBlockhash": replacement if replaces else None},
    )


def _simulated(view: View, wire: Wire, block: Block, *, replaces_blockhash: bool) -> dict[str, Any]:
    if not replaces_blockhash:
        if not view.chain.is_recent(view.branch, wire.blockhash, block.height):
            return _not_started("BlockhashNotFound")
        landed = view.landed(wire.signature)
        if landed is not None and landed.height <= block.height:
            return _not_started("AlreadyProcessed")

    def read(address: str) -> Any:
        return view.account(address, block)

    chain = view.chain
    moment = chain.moment(view.branch, slot=block.slot, parent_height=block.height - 1)
    outcome: Outcome = execute(wire, read, reserved=chain.reserved, moment=moment)
    return {
        "err": outcome.error,
        "logs": [],
        "unitsConsumed": outcome.units,
        "returnData": None,
        "innerInstructions": None,
        "replacementBlockhash": None,
        "fee": outcome.fee_lamports,
        "preBalances": list(outcome.before),
        "postBalances": list(outcome.after),
    }


def _not_started(error: str) -> dict[str, Any]:
    return {
        "err": error,
        "logs": [],
        "unitsConsumed": 0,
        "returnData": None,
        "innerInstructions": None,
        "replacementBlockhash": None,
    }


def request_airdrop(node: "FakeNode", params: Params) -> str:
    """Money from outside, final at once."""
    return node.cluster.airdrop(str(params.address(0)), params.integer(1))


Method = Callable[["FakeNode", Params], Any]
METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getGenesisHash": get_genesis_hash,
        "getHealth": get_health,
        "getSlot": get_slot,
        "getBlockHeight": get_block_height,
        "getEpochInfo": get_epoch_info,
        "getFirstAvailableBlock": get_first_available_block,
        "getLatestBlockhash": get_latest_blockhash,
        "getBalance": get_balance,
        "getAccountInfo": get_account_info,
        "getMultipleAccounts": get_multiple_accounts,
        "getRecentPrioritizationFees": get_recent_prioritization_fees,
        "getSignatureStatuses": get_signature_statuses,
        "getSignaturesForAddress": get_signatures_for_address,
        "getTransaction": get_transaction,
        "sendTransaction": send_transaction,
        "simulateTransaction": simulate_transaction,
        "requestAirdrop": request_airdrop,
    }
)
