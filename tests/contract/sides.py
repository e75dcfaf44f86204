"""The two sides of the contract, behind the same few words.

    fake     the cluster of the simulation, calm, one node
    still    the SVM server's chain in this process; blocks come when the test says so
    served   the SVM server itself over HTTP; blocks come by themselves

``still`` and ``served`` are the same code. What depends on exact heights is compared with
``still``, everything else with both.
"""

import base64
import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Final

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from pixr.adapters.solana.transport import HttpTransport, Transport
from pixr.local.chain import ChainProcess
from pixr.local.chain.rpc import answer
from tests.fakes.cluster import FakeCluster
from tests.local.chain.harness import Still
from tests.local.chain.test_lookup import make_table

SOL: Final = 1_000_000_000
RENT: Final = 890_880
FINALIZED: Final = {"commitment": "finalized"}
PROCESSED: Final = {"commitment": "processed"}
FINALITY_BLOCKS: Final = 34
"""Enough for a transaction that was sent just now to become final."""
WAIT_S: Final = 60.0
TOKEN_PROGRAM: Final = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"


class Refused(Exception):
    """A JSON-RPC error object."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(str(error))
        self.error = error


class Side(ABC):
    """A chain that can be asked and waited for."""

    name: str

    @property
    @abstractmethod
    def transport(self) -> Transport:
        """The way to its one node."""

    @abstractmethod
    def blocks(self, count: int) -> None:
        """Let that many blocks be made, or a few more."""

    def program(self) -> str:
        """An address that holds a program."""
        return TOKEN_PROGRAM

    def table(self, owner: Keypair, addresses: list[Pubkey]) -> AddressLookupTableAccount:
        """An address lookup table, ready for use."""
        raise AssertionError(f"{self.name} makes none")

    def answer(self, body: bytes) -> Any:
        """The parsed answer to any bytes."""
        status, content = self.transport.post(body, timeout_s=WAIT_S)
        assert status == 200
        return json.loads(content)

    def call(self, method: str, *params: Any) -> Any:
        """The result of one call; ``Refused`` for a JSON-RPC error."""
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
        response = self.answer(json.dumps(body).encode())
        assert response["jsonrpc"] == "2.0"
        assert response["id"] == 7
        if "error" in response:
            raise Refused(response["error"])
        return response["result"]

    def value(self, method: str, *params: Any) -> Any:
        """The value of an answer in context."""
        return self.call(method, *params)["value"]

    def refusal(self, method: str, *params: Any) -> dict[str, Any]:
        """The error object of a call that must be refused."""
        try:
            result = self.call(method, *params)
        except Refused as refused:
            return refused.error
        raise AssertionError(f"{self.name} answered {result}")

    def height(self, commitment: str = "processed") -> int:
        """The block height."""
        return int(self.call("getBlockHeight", {"commitment": commitment}))

    def blockhash(self, commitment: str = "processed") -> Hash:
        """A blockhash to sign with."""
        value = self.value("getLatestBlockhash", {"commitment": commitment})
        return Hash.from_string(value["blockhash"])

    def balance(self, address: Pubkey, commitment: str = "finalized") -> int:
        """Lamports of an address."""
        return int(self.value("getBalance", str(address), {"commitment": commitment}))

    def fund(self, lamports: dict[Keypair, int]) -> None:
        """Give everybody so many lamports, and wait until that is final."""
        for person, amount in lamports.items():
            self.call("requestAirdrop", str(person.pubkey()), amount)
        self.blocks(FINALITY_BLOCKS)
        for person, amount in lamports.items():
            assert self.balance(person.pubkey()) == amount

    def send(self, transaction: VersionedTransaction) -> str:
        """Offer a transaction the way that the settler does."""
        settings = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
        return str(self.call("sendTransaction", as_base64(transaction), settings))

    def land(self, transaction: VersionedTransaction) -> dict[str, Any]:
        """Send, wait until final, and give the status."""
        signature = self.send(transaction)
        self.blocks(FINALITY_BLOCKS)
        status: dict[str, Any] = self.status(signature)
        assert status is not None, f"{signature} did not land on {self.name}"
        return status

    def status(self, signature: str) -> Any:
        """The status in full history; None: not found."""
        search = {"searchTransactionHistory": True}
        return self.value("getSignatureStatuses", [signature], search)[0]


class Fake(Side):
    """The fake cluster."""

    name = "fake"

    def __init__(self) -> None:
        self.cluster = FakeCluster(random.Random(1), nodes=1)

    @property
    def transport(self) -> Transport:
        return self.cluster.nodes[0]

    def blocks(self, count: int) -> None:
        self.cluster.pass_blocks(count)

    def program(self) -> str:
        self.cluster.become_program(TOKEN_PROGRAM)
        return TOKEN_PROGRAM

    def table(self, owner: Keypair, addresses: list[Pubkey]) -> AddressLookupTableAccount:
        address = self.cluster.give_table([str(one) for one in addresses])
        return AddressLookupTableAccount(Pubkey.from_string(address), addresses)


class _StillTransport:
    """The server's dispatcher without the HTTP around it."""

    url = "still"

    def __init__(self, still: Still) -> None:
        self._still = still

    def post(self, body: bytes, *, timeout_s: float) -> tuple[int, bytes]:
        del timeout_s
        return 200, answer(self._still.node, body)


class StillServer(Side):
    """The SVM server's chain, which moves when told."""

    name = "still"

    def __init__(self) -> None:
        self.still = Still()
        self._transport = _StillTransport(self.still)
        self.blocks(2)

    @property
    def transport(self) -> Transport:
        return self._transport

    def blocks(self, count: int) -> None:
        self.still.blocks(count)

    def table(self, owner: Keypair, addresses: list[Pubkey]) -> AddressLookupTableAccount:
        return make_table(self.still, owner, addresses)


class Served(Side):
    """The SVM server."""

    name = "served"

    def __init__(self, process: ChainProcess) -> None:
        self._transport = HttpTransport(process.url)

    @property
    def transport(self) -> Transport:
        return self._transport

    def blocks(self, count: int) -> None:
        target = self.height() + count
        deadline_s = time.monotonic() + WAIT_S
        while self.height() < target:
            assert time.monotonic() < deadline_s, "the chain stands still"
            time.sleep(0.02)


def as_base64(transaction: VersionedTransaction) -> str:
    """How a transaction travels."""
    return base64.b64encode(bytes(transaction)).decode()


def signed(
    instructions: Sequence[Instruction], blockhash: Hash, *signers: Keypair
) -> VersionedTransaction:
    """A legacy transaction; the first signer pays the fee."""
    message = Message.new_with_blockhash(instructions, signers[0].pubkey(), blockhash)
    by_key = {signer.pubkey(): signer for signer in signers}
    wanted = message.account_keys[: message.header.num_required_signatures]
    return VersionedTransaction(message, [by_key[key] for key in wanted])
