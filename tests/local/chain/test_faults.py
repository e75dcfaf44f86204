"""The faults that can be switched on while the chain runs."""

import json
import time

import pytest
from solders.keypair import Keypair

from pixr.local.chain.faults import Faults
from tests.local.chain.harness import SOL, Refused, Served, Still, pay, signed

OFF = {
    "drop_sends": False,
    "error_after_accept": False,
    "http_429": False,
    "http_503": False,
    "garbage": False,
    "cut_answers": False,
    "half_answers": False,
    "refuse_code": 0,
    "latency_ms": 0,
    "freeze": False,
    "forget_before_slot": 0,
    "lag_blocks": 0,
    "height_lie_blocks": 0,
    "wrong_genesis": False,
}
HEALTH = b'{"jsonrpc":"2.0","id":1,"method":"getHealth"}'


def test_all_are_off_and_a_post_changes_what_it_names(own: Served) -> None:
    status, body = own.request("GET", "/faults")
    assert (status, json.loads(body)) == (200, OFF)
    assert own.set_faults(latency_ms=5) == OFF | {"latency_ms": 5}
    assert own.set_faults(garbage=True, latency_ms=0) == OFF | {"garbage": True}
    assert own.set_faults() == OFF | {"garbage": True}


@pytest.mark.parametrize(
    "wanted",
    [
        b"{",
        b"[]",
        b'{"rain":true}',
        b'{"freeze":1}',
        b'{"latency_ms":-1}',
        b'{"latency_ms":true}',
        b'{"latency_ms":1e9}',
        b'{"lag_blocks":65}',
    ],
)
def test_a_fault_that_does_not_exist_is_refused(served: Served, wanted: bytes) -> None:
    assert served.request("POST", "/faults", wanted)[0] == 400
    assert json.loads(served.request("GET", "/faults")[1]) == OFF


def test_http_failures(own: Served) -> None:
    own.set_faults(http_429=True)
    assert own.request("POST", "/", HEALTH)[0] == 429
    own.set_faults(http_429=False, http_503=True)
    assert own.request("POST", "/", HEALTH)[0] == 503
    own.set_faults(http_503=False, garbage=True)
    status, body = own.request("POST", "/", HEALTH)
    assert status == 200
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(body)
    own.set_faults(garbage=False, latency_ms=300)
    started_s = time.monotonic()
    assert own.call("getHealth") == "ok"
    assert time.monotonic() - started_s >= 0.3


def test_a_dropped_send_looks_like_any_other(own: Served) -> None:
    alice, bob = own.funded(), Keypair().pubkey()
    transaction = signed(alice, [pay(alice, bob, SOL)], own.blockhash())
    own.set_faults(drop_sends=True)
    signature = own.send(transaction)
    height = own.height()
    own.wait_for(lambda: own.height() > height + 3)
    assert own.status(signature) is None
    own.set_faults(drop_sends=False)
    assert own.send(transaction) == signature
    own.wait_for_level(signature)
    assert own.balance(bob) == SOL


def test_an_error_after_accepting_pays_all_the_same(own: Served) -> None:
    alice, bob = own.funded(), Keypair().pubkey()
    own.set_faults(error_after_accept=True)
    transaction = signed(alice, [pay(alice, bob, SOL)], own.blockhash())
    with pytest.raises(Refused) as refused:
        own.send(transaction)
    assert refused.value.code == -32005
    assert not refused.value.has_data
    own.wait_for_level(str(transaction.signatures[0]))
    assert own.balance(bob) == SOL


def test_a_frozen_chain_takes_everything_and_does_nothing(own: Served) -> None:
    alice, bob = own.funded(), Keypair().pubkey()
    own.set_faults(freeze=True)
    height = own.height()
    signature = own.send(signed(alice, [pay(alice, bob, SOL)], own.blockhash()))
    time.sleep(0.2)  # ten slots' worth
    assert own.height() == height
    assert own.status(signature) is None
    own.set_faults(freeze=False)
    own.wait_for_level(signature)


def test_history_can_be_lost(own: Served) -> None:
    alice = own.funded()
    signature = own.send(signed(alice, [pay(alice, Keypair().pubkey(), SOL)], own.blockhash()))
    slot = own.wait_for_level(signature, "finalized")["slot"]
    own.set_faults(forget_before_slot=slot + 1)
    assert own.call("getTransaction", signature) is None
    assert own.call("getFirstAvailableBlock") > slot
    with pytest.raises(Refused) as refused:
        own.call("getBlock", slot)
    assert refused.value.code == -32001
    own.set_faults(forget_before_slot=0)
    assert own.call("getTransaction", signature) is not None


def test_an_error_without_data_for_every_call(own: Served) -> None:
    own.set_faults(refuse_code=-32005)
    with pytest.raises(Refused) as refused:
        own.height()
    assert (refused.value.code, refused.value.has_data) == (-32005, False)


def test_answers_come_cut_or_halved(own: Served) -> None:
    address = str(Keypair().pubkey())
    own.set_faults(half_answers=True)
    assert own.value("getMultipleAccounts", [address, address]) == [None]
    assert len(own.call("getRecentPrioritizationFees")) <= 75
    assert own.call("getHealth") == "ok"
    own.set_faults(half_answers=False, cut_answers=True)
    status, body = own.request("POST", "/", HEALTH)
    assert status == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(body)


def test_a_node_lies_about_its_chain_and_about_heights(own: Served) -> None:
    truth = own.call("getGenesisHash")
    own.set_faults(wrong_genesis=True, freeze=True)
    assert own.call("getGenesisHash") != truth

    def last_valid() -> int:
        return int(own.value("getLatestBlockhash")["lastValidBlockHeight"])

    honest = last_valid()
    own.set_faults(height_lie_blocks=1_000)
    assert last_valid() == honest + 1_000
    own.set_faults(height_lie_blocks=-(10**6))
    assert last_valid() == 0


def test_nodes_of_one_chain_have_faults_of_their_own(own: Served) -> None:
    second = json.dumps({"http_503": True}).encode()
    assert own.request("POST", "/nodes/2/faults", second)[0] == 200
    assert own.request("POST", "/nodes/2", HEALTH)[0] == 503
    assert own.request("POST", "/", HEALTH)[0] == 200
    own.set_faults(http_429=True)
    assert own.request("POST", "/nodes/1", HEALTH)[0] == 429
    assert own.request("POST", "/nodes/9", HEALTH)[0] == 200
    assert own.request("POST", "/nodes/10", HEALTH)[0] == 404


def test_a_lagging_node_shows_the_past_and_takes_transactions(still: Still) -> None:
    alice, bob = still.funded(), Keypair().pubkey()
    still.blocks(40)
    signature = still.send(signed(alice, [pay(alice, bob, SOL)], still.blockhash()))
    still.blocks(35)
    assert still.status(signature)["confirmationStatus"] == "finalized"
    height = still.height()
    still.node.faults = Faults(lag_blocks=20)
    assert still.height() == height - 20
    assert still.height("finalized") == height - 51
    assert still.status(signature)["confirmationStatus"] == "confirmed"
    assert still.balance(bob, "finalized") == 0
    assert still.balance(bob, "confirmed") == SOL
    still.node.faults = Faults(lag_blocks=36)
    assert still.status(signature) is None
    assert still.balance(bob) == 0
    assert still.call("getTransaction", signature, {"commitment": "confirmed"}) is None
    again = still.send(signed(alice, [pay(alice, bob, 2 * SOL)], still.chain.tip_blockhash()))
    still.node.faults = Faults()
    still.blocks(1)
    assert still.status(again)["err"] is None
