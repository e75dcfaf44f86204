"""JSON-RPC 2.0: from request bytes to response bytes, alone or in batches.

Source:
    https://www.jsonrpc.org/specification
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pixr.local.chain import methods_history, methods_send, methods_state
from pixr.local.chain.errors import (
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RpcError,
)
from pixr.local.chain.node import Node
from pixr.local.chain.params import Params

Method = Callable[[Node, Params], Any]

METHODS: Final[Mapping[str, Method]] = MappingProxyType(
    {
        "getHealth": methods_state.get_health,
        "getVersion": methods_state.get_version,
        "getGenesisHash": methods_state.get_genesis_hash,
        "getSlot": methods_state.get_slot,
        "getBlockHeight": methods_state.get_block_height,
        "getEpochInfo": methods_state.get_epoch_info,
        "getLatestBlockhash": methods_state.get_latest_blockhash,
        "isBlockhashValid": methods_state.is_blockhash_valid,
        "getBalance": methods_state.get_balance,
        "getAccountInfo": methods_state.get_account_info,
        "getMultipleAccounts": methods_state.get_multiple_accounts,
        "getMinimumBalanceForRentExemption": methods_state.get_minimum_balance,
        "getFeeForMessage": methods_state.get_fee_for_message,
        "getRecentPrioritizationFees": methods_state.get_recent_prioritization_fees,
        "sendTransaction": methods_send.send_transaction,
        "simulateTransaction": methods_send.simulate_transaction,
        "requestAirdrop": methods_send.request_airdrop,
        "getSignatureStatuses": methods_history.get_signature_statuses,
        "getSignaturesForAddress": methods_history.get_signatures_for_address,
        "getTransaction": methods_history.get_transaction,
        "getBlock": methods_history.get_block,
        "getBlocks": methods_history.get_blocks,
        "getFirstAvailableBlock": methods_history.get_first_available_block,
    }
)


def answer(node: Node, body: bytes) -> bytes:
    """Answer one request or one batch; empty when nobody waits for an answer."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return _dump(_failure(None, RpcError(PARSE_ERROR, "Parse error")))
    if isinstance(payload, list) and payload:
        answers = [answer_one(node, request) for request in payload]
        spoken = [response for response in answers if response is not None]
        return _dump(spoken) if spoken else b""
    response = answer_one(node, payload)
    return b"" if response is None else _dump(response)


def answer_one(
    node: Node, request: Any, methods: Mapping[str, Method] = METHODS
) -> dict[str, Any] | None:
    """Answer a single request; None for a notification, which wants no answer."""
    invalid = RpcError(INVALID_REQUEST, "Invalid request")
    if not isinstance(request, dict):
        return _failure(None, invalid)
    request_id = request.get("id")
    name = request.get("method")
    if request.get("jsonrpc") != "2.0" or not isinstance(name, str):
        return _failure(request_id, invalid)
    response: dict[str, Any]
    # Nodes share the chain's history; each has forgotten as much of it as it was told to.
    node.chain.ledger.first_slot_shown = node.faults.forget_before_slot
    try:
        method = _refuse if node.faults.refuse_code else methods.get(name, _unknown)
        result = method(node, Params(request.get("params")))
        if node.faults.half_answers:
            result = _half(result)
        response = {"jsonrpc": "2.0", "result": result, "id": request_id}
    except RpcError as error:
        response = _failure(request_id, error)
    return response if "id" in request else None


def _refuse(node: Node, params: Params) -> None:
    del params
    raise RpcError(node.faults.refuse_code, "Node is unhealthy")


def _half(result: Any) -> Any:
    """The first half of a list, in a context or bare; anything else as it is."""
    if isinstance(result, dict) and isinstance(result.get("value"), list):
        return result | {"value": _half(result["value"])}
    return result[: len(result) // 2] if isinstance(result, list) else result


def _unknown(node: Node, params: Params) -> None:
    del node, params
    raise RpcError(METHOD_NOT_FOUND, "Method not found")


def _failure(request_id: Any, error: RpcError) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "error": error.to_json(), "id": request_id}


def _dump(response: Any) -> bytes:
    return json.dumps(response, separators=(",", ":")).encode()
