"""The real runtime, with nodes that a test may break."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from solders.keypair import Keypair

from pixr.adapters.solana import Solana
from pixr.local.chain import ChainProcess, running_chain
from tests.adapters.solana.payments import wait_for

SOL = 10**9


@pytest.fixture(scope="module")
def chain() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20) as process:
        yield process


@pytest.fixture
def faults(chain: ChainProcess) -> Iterator[Callable[..., None]]:
    """Switch faults of one node; all are off again afterwards."""
    quiet = httpx.get(f"{chain.url}/faults").json()
    touched: set[int] = set()

    def switch(node: int = 1, **values: Any) -> None:
        touched.add(node)
        httpx.post(f"{chain.node_url(node)}/faults", json=values).raise_for_status()

    yield switch
    for node in touched:
        switch(node, **quiet)


@pytest.fixture(scope="module")
def payer(chain: ChainProcess) -> Keypair:
    """Somebody with money."""
    found = Keypair()
    solana = Solana([chain.url])
    signature = solana.nodes[0].call("requestAirdrop", str(found.pubkey()), 1_000 * SOL)
    wait_for(lambda: solana.transaction(signature))
    return found
