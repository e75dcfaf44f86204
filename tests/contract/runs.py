"""One seed of the fake on its own: a treasury, a few payees, and what the nodes said."""

import base64
import hashlib
import json
import random
from dataclasses import dataclass, field
from typing import Any

from solders.hash import Hash
from solders.keypair import Keypair

from pixr.adapters.solana.transport import TransportFailed
from tests.contract.payments import Batch
from tests.contract.sides import RENT, SOL, as_base64
from tests.fakes.cluster import FakeCluster
from tests.fakes.node import FakeNode
from tests.fakes.troubles import Troubles

SEEDS = range(30)
SEND = {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}
SEARCH = {"searchTransactionHistory": True}
FINALIZED = {"commitment": "finalized"}


@dataclass(kw_only=True)
class Run:
    """One seed: a treasury, a few payees, and what the nodes said."""

    seed: int
    troubles: Troubles
    nodes: int = 3
    digest: Any = field(default_factory=hashlib.sha256)

    def __post_init__(self) -> None:
        self.luck = random.Random(self.seed)
        self.cluster = FakeCluster(self.luck, nodes=self.nodes, troubles=self.troubles)
        self.treasury = Keypair.from_seed(self.luck.randbytes(32))
        self.payees = [Keypair.from_seed(self.luck.randbytes(32)).pubkey() for _ in range(4)]
        self.cluster.airdrop(str(self.treasury.pubkey()), 100 * SOL)

    @property
    def node(self) -> FakeNode:
        return self.cluster.nodes[0]

    def post(self, node: FakeNode, method: str, *params: Any) -> tuple[int, bytes] | None:
        """An answer, or None when there is none."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answered = node.post(json.dumps(body).encode(), timeout_s=1.0)
        except TransportFailed as failure:
            self.digest.update(str(failure).encode())
            return None
        self.digest.update(answered[1])
        return answered

    def ask(self, method: str, *params: Any, node: FakeNode | None = None) -> Any:
        """The result of a call that is answered properly, else None."""
        answered = self.post(node or self.node, method, *params)
        if answered is None:
            return None
        try:
            response = json.loads(answered[1])
            return response["result"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return None

    def attempt(self, *, seed: str = "receipt", price: int = 1_000) -> str:
        """Sign over the trunk's newest hash and send to each node; the signature."""
        chain = self.cluster.chain
        blockhash = Hash.from_string(chain.tip(chain.trunk).hash)
        transfers = [(payee, RENT) for payee in self.payees]
        batch = Batch(treasury=self.treasury, transfers=transfers, seed=seed, price=price)
        transaction = batch.attempt(blockhash)
        for node in self.cluster.nodes:
            self.post(node, "sendTransaction", as_base64(transaction), SEND)
        return str(transaction.signatures[0])

    def status(self, signature: str, *, node: FakeNode | None = None) -> str | None:
        """The commitment that a node gives a signature."""
        found = self.ask("getSignatureStatuses", [signature], SEARCH, node=node)
        try:
            return str(found["value"][0]["confirmationStatus"])
        except (TypeError, KeyError, IndexError):
            return None


def runs(troubles: Troubles, **more: Any) -> list[Run]:
    return [Run(seed=seed, troubles=troubles, **more) for seed in SEEDS]


def wander(run: Run) -> None:
    """Ask, send and wait at random."""
    luck, cluster = run.luck, run.cluster
    address = str(run.treasury.pubkey())
    sent: list[str] = []
    for step in range(60):
        node = luck.choice(cluster.nodes)
        kind = luck.randrange(8)
        if kind == 0:
            sent.append(run.attempt(seed=f"r{step % 5}"))
        elif kind == 1:
            run.post(node, "getSignatureStatuses", sent[-256:], SEARCH)
        elif kind == 2:
            accounts = [address, *map(str, run.payees)]
            run.post(node, "getMultipleAccounts", accounts, FINALIZED)
        elif kind == 3:
            run.post(node, "getSignaturesForAddress", address, {"limit": 7})
        elif kind == 4:
            run.post(node, "getEpochInfo", FINALIZED)
            run.post(node, "getFirstAvailableBlock")
        elif kind == 5:
            run.post(node, "getLatestBlockhash", {"commitment": "confirmed"})
            run.post(node, "getRecentPrioritizationFees", [address])
        elif kind == 6 and sent:
            raw = cluster.truth.seen.get(sent[-1])
            wire = base64.b64encode(raw.raw).decode() if raw else ""
            settings = {"encoding": "base64", "replaceRecentBlockhash": True}
            run.post(node, "simulateTransaction", wire, settings)
        else:
            cluster.pass_time(luck.choice([0.4, 4.0, 70.0]))
