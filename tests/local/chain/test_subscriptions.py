"""WebSocket subscriptions, spoken by hand; test_web3_js.py speaks them through a client."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from solders.keypair import Keypair
from websockets.sync.client import ClientConnection, connect

from tests.local.chain.harness import SOL, WAIT_S, Served, pay, signed


class Listener:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def call(self, method: str, *params: Any) -> Any:
        self.say({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        return self.hear()

    def say(self, message: Any) -> None:
        self._socket.send(json.dumps(message))

    def hear(self) -> Any:
        return json.loads(self._socket.recv(timeout=WAIT_S))


@contextmanager
def listening(served: Served) -> Iterator[Listener]:
    with connect(served.process.ws_url) as socket:
        yield Listener(socket)


def test_a_signature_is_announced_once_at_its_level(served: Served) -> None:
    alice, bob = served.funded(), Keypair().pubkey()
    transaction = signed(alice, [pay(alice, bob, SOL)], served.blockhash())
    signature = str(transaction.signatures[0])
    with listening(served) as listener:
        number = listener.call("signatureSubscribe", signature, {"commitment": "finalized"})
        served.send(transaction)
        news = listener.hear()
        assert news["method"] == "signatureNotification"
        assert news["params"]["subscription"] == number["result"]
        assert news["params"]["result"]["value"] == {"err": None}
        assert served.balance(bob, "finalized") == SOL
        gone = listener.call("signatureUnsubscribe", number["result"])
        assert gone["error"]["code"] == -32602, "announced once, then forgotten"


def test_what_is_known_already_is_announced_at_once(served: Served) -> None:
    alice = served.funded(SOL)
    overspend = [pay(alice, Keypair().pubkey(), 2 * SOL)]
    signature = served.send(signed(alice, overspend, served.blockhash()))
    served.wait_for_level(signature)
    with listening(served) as listener:
        listener.call("signatureSubscribe", signature, {"commitment": "confirmed"})
        err = listener.hear()["params"]["result"]["value"]["err"]
        assert err == {"InstructionError": [0, {"Custom": 1}]}


def test_an_account_and_the_slot_are_followed(served: Served) -> None:
    alice = served.funded()
    with listening(served) as listener:
        settings = {"commitment": "processed", "encoding": "base64"}
        followed = listener.call("accountSubscribe", str(alice.pubkey()), settings)
        transaction = signed(alice, [pay(alice, Keypair().pubkey(), SOL)], served.blockhash())
        served.send(transaction)
        news = listener.hear()
        assert news["method"] == "accountNotification"
        assert news["params"]["result"]["value"]["lamports"] == 9 * SOL - 5000
        assert listener.call("accountUnsubscribe", followed["result"])["result"] is True
        listener.call("slotSubscribe")
        first, second = listener.hear(), listener.hear()
        assert first["method"] == "slotNotification"
        assert second["params"]["result"]["parent"] == first["params"]["result"]["slot"]
        assert second["params"]["result"]["root"] <= second["params"]["result"]["parent"]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no object", -32600),
        ({"jsonrpc": "2.0", "id": 1, "method": "getSlot"}, -32601),
        ({"jsonrpc": "2.0", "id": 1, "method": "signatureSubscribe", "params": ["x"]}, -32602),
        ({"jsonrpc": "2.0", "id": 1, "method": "slotUnsubscribe", "params": [99_999]}, -32602),
    ],
)
def test_bad_messages_are_answered(served: Served, message: Any, code: int) -> None:
    with listening(served) as listener:
        listener.say(message)
        assert listener.hear()["error"]["code"] == code


def test_what_is_not_json_is_a_parse_error(served: Served) -> None:
    with connect(served.process.ws_url) as socket:
        socket.send("{")
        assert json.loads(socket.recv(timeout=WAIT_S))["error"]["code"] == -32700
