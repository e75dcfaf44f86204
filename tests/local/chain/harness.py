"""Two ways to hold a chain in a test, with one way to ask it.

``Still`` is the chain in this process: slots pass only when the test says so, so
every height in a test is exact. ``Served`` asks a running chain over HTTP.
"""

import base64
import http.client
import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from pixr.local.chain.chain import Chain
from pixr.local.chain.ledger import Ledger
from pixr.local.chain.node import Node
from pixr.local.chain.process import ChainProcess
from pixr.local.chain.rpc import answer

SOL = 1_000_000_000
RENT_EXEMPT = 890_880
WAIT_S = 30.0
NOW_S = 1_795_000_000


class Refused(Exception):
    """A JSON-RPC error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")
        self.has_data = "data" in error


class Rpc(ABC):
    """What both ways have in common."""

    @abstractmethod
    def post(self, body: bytes) -> Any:
        """Ask, and give the parsed answer."""

    def call(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        response = self.post(json.dumps(body).encode())
        assert response["jsonrpc"] == "2.0"
        assert response["id"] == 7
        if "error" in response:
            raise Refused(response["error"])
        return response["result"]

    def value(self, method: str, *params: Any) -> Any:
        return self.call(method, *params)["value"]

    def blockhash(self, commitment: str = "processed") -> Hash:
        value = self.value("getLatestBlockhash", {"commitment": commitment})
        return Hash.from_string(value["blockhash"])

    def balance(self, address: Pubkey, commitment: str = "processed") -> int:
        return int(self.value("getBalance", str(address), {"commitment": commitment}))

    def height(self, commitment: str = "processed") -> int:
        return int(self.call("getBlockHeight", {"commitment": commitment}))

    def send(self, transaction: VersionedTransaction, **config: Any) -> str:
        settings = {"encoding": "base64", "skipPreflight": True} | config
        return str(self.call("sendTransaction", as_base64(transaction), settings))

    def status(self, signature: str) -> Any:
        settings = {"searchTransactionHistory": True}
        return self.value("getSignatureStatuses", [signature], settings)[0]


class Still(Rpc):
    """A chain in this process that moves when told."""

    def __init__(self, data: Path | None = None, *, slot_ms: int = 400) -> None:
        self.node = Node(Chain(Ledger(data), slot_ms=slot_ms))
        self.chain = self.node.chain

    def post(self, body: bytes) -> Any:
        return json.loads(answer(self.node, body))

    def blocks(self, count: int = 1) -> None:
        """Make ``count`` blocks, over however many slots that takes."""
        target = self.chain.tip.height + count
        while self.chain.tip.height < target:
            self.chain.tick(now_s=NOW_S)

    def funded(self, lamports: int = 10 * SOL) -> Keypair:
        """A keypair with that balance, not yet confirmed."""
        keypair = Keypair()
        self.call("requestAirdrop", str(keypair.pubkey()), lamports)
        self.blocks()
        assert self.balance(keypair.pubkey()) == lamports
        return keypair

    def close(self) -> None:
        self.chain.ledger.close()


class Served(Rpc):
    """A running chain, asked over HTTP."""

    def __init__(self, process: ChainProcess) -> None:
        self.process = process

    def request(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, {"content-type": content_type})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def post(self, body: bytes) -> Any:
        status, answered = self.request("POST", "/", body)
        assert status == 200
        return json.loads(answered)

    def set_faults(self, **wanted: Any) -> dict[str, Any]:
        status, body = self.request("POST", "/faults", json.dumps(wanted).encode())
        assert status == 200, body
        settings: dict[str, Any] = json.loads(body)
        return settings

    def wait_for(self, condition: Callable[[], Any]) -> Any:
        """Poll until ``condition`` is truthy; a test that waits in vain fails."""
        deadline_s = time.monotonic() + WAIT_S
        while time.monotonic() < deadline_s:
            outcome = condition()
            if outcome:
                return outcome
            time.sleep(0.01)
        raise AssertionError("waited in vain")

    def wait_for_level(self, signature: str, level: str = "confirmed") -> dict[str, Any]:
        enough = {"confirmed": ("confirmed", "finalized"), "finalized": ("finalized",)}[level]

        def reached() -> Any:
            status = self.status(signature)
            return status if status and status["confirmationStatus"] in enough else None

        found: dict[str, Any] = self.wait_for(reached)
        return found

    def funded(self, lamports: int = 10 * SOL) -> Keypair:
        """A keypair with that balance, confirmed."""
        keypair = Keypair()
        self.wait_for_level(self.call("requestAirdrop", str(keypair.pubkey()), lamports))
        return keypair


def pay(payer: Keypair, to: Pubkey, lamports: int) -> Instruction:
    return transfer(TransferParams(from_pubkey=payer.pubkey(), to_pubkey=to, lamports=lamports))


def signed(
    payer: Keypair, instructions: Sequence[Instruction], blockhash: Hash
) -> VersionedTransaction:
    message = Message.new_with_blockhash(instructions, payer.pubkey(), blockhash)
    return VersionedTransaction(message, [payer])


def as_base64(transaction: VersionedTransaction) -> str:
    return base64.b64encode(bytes(transaction)).decode()
