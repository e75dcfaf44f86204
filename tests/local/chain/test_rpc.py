"""JSON-RPC itself: the envelope, batches, malformed requests, HTTP."""

import json
from typing import Any

import pytest

from pixr.local.chain.rpc import METHODS
from tests.local.chain.harness import Refused, Served, Still


def error_of(response: Any) -> tuple[int, str]:
    return response["error"]["code"], response["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1,", b"[" * 100_000])
def test_what_is_not_json_is_a_parse_error(still: Still, body: bytes) -> None:
    response = still.post(body)
    assert error_of(response) == (-32700, "Parse error")
    assert response["id"] is None


@pytest.mark.parametrize(
    "payload",
    [
        1,
        "getSlot",
        [],
        None,
        {},
        {"jsonrpc": "1.0", "id": 1, "method": "getSlot"},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
    ],
)
def test_what_is_no_request_is_an_invalid_request(still: Still, payload: Any) -> None:
    assert error_of(still.post(json.dumps(payload).encode()))[0] == -32600


def test_an_unknown_method_is_named_so(still: Still) -> None:
    with pytest.raises(Refused) as refused:
        still.call("getEverything")
    assert (refused.value.code, refused.value.message) == (-32601, "Method not found")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("getBalance", []),
        ("getBalance", [5]),
        ("getBalance", ["not an address"]),
        ("getBalance", ["1" * 32, "finalized"]),
        ("getBalance", ["1" * 32, {"commitment": "sure"}]),
        ("getSlot", {"commitment": "finalized"}),
        ("getSlot", [{"minContextSlot": -1}]),
        ("getSlot", [{"minContextSlot": True}]),
        ("getMultipleAccounts", [["1" * 32] * 101]),
        ("getMultipleAccounts", ["1" * 32]),
        ("getAccountInfo", ["1" * 32, {"encoding": "hex"}]),
        ("getAccountInfo", ["1" * 32, {"dataSlice": 4}]),
        ("getMinimumBalanceForRentExemption", [-1]),
        ("getMinimumBalanceForRentExemption", [1 << 40]),
        ("getFeeForMessage", ["***"]),
        ("getRecentPrioritizationFees", [["1" * 32] * 129]),
        ("sendTransaction", ["", {"encoding": "base64"}]),
        ("sendTransaction", ["0OIl", {"encoding": "base58"}]),
        ("sendTransaction", ["AAAA", {"encoding": "hex"}]),
        ("sendTransaction", ["AAAA", {"encoding": "base64", "skipPreflight": "no"}]),
        ("simulateTransaction", ["AAAA"]),
        ("requestAirdrop", ["1" * 32, 1.5]),
        ("getSignatureStatuses", [["1"]]),
        ("getSignatureStatuses", [["1" * 64] * 257]),
        ("getSignaturesForAddress", ["1" * 32, {"limit": 0}]),
        ("getSignaturesForAddress", ["1" * 32, {"limit": 1001}]),
        ("getSignaturesForAddress", ["1" * 32, {"commitment": "processed"}]),
        ("getTransaction", ["1" * 64, {"commitment": "processed"}]),
        ("getBlock", [0, {"commitment": "processed"}]),
        ("getBlock", [0, {"transactionDetails": "some"}]),
        ("getBlock", ["0"]),
    ],
)
def test_parameters_that_make_no_sense_are_refused(still: Still, method: str, params: Any) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    assert error_of(still.post(json.dumps(body).encode()))[0] == -32602


def test_a_batch_is_answered_in_its_order(still: Still) -> None:
    batch = [
        {"jsonrpc": "2.0", "id": "a", "method": "getSlot"},
        {"jsonrpc": "2.0", "id": "b", "method": "getNothing"},
        {"jsonrpc": "2.0", "method": "getSlot"},
        7,
        {"jsonrpc": "2.0", "id": "c", "method": "getHealth", "params": None},
    ]
    response = still.post(json.dumps(batch).encode())
    assert [one["id"] for one in response] == ["a", "b", None, "c"]
    assert response[0]["result"] == 0
    assert [error_of(one)[0] for one in response[1:3]] == [-32601, -32600]
    assert response[3]["result"] == "ok"


def test_a_notification_gets_no_answer(served: Served) -> None:
    status, body = served.request("POST", "/", b'{"jsonrpc":"2.0","method":"getSlot"}')
    assert (status, body) == (200, b"")


def test_http_that_is_not_json_rpc_is_refused(served: Served) -> None:
    assert served.request("GET", "/health") == (200, b"ok")
    assert served.request("GET", "/")[0] == 405
    assert served.request("POST", "/", b"{}", "text/plain")[0] == 415
    assert served.request("POST", "/", b" " * 51_201)[0] == 413
    assert served.request("POST", "/", b" " * 51_200)[0] == 200
    assert served.request("POST", "/elsewhere", b"{}")[0] == 404


def test_every_method_of_the_issue_is_there() -> None:
    wanted = """getHealth getVersion getGenesisHash getLatestBlockhash isBlockhashValid
        getBlockHeight getSlot getEpochInfo getBalance getAccountInfo getMultipleAccounts
        getMinimumBalanceForRentExemption getFeeForMessage getRecentPrioritizationFees
        simulateTransaction sendTransaction getSignatureStatuses getSignaturesForAddress
        getTransaction getBlock getBlocks getFirstAvailableBlock requestAirdrop"""
    assert set(METHODS) == set(wanted.split())
