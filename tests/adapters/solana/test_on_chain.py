"""What a node says, and what it is worth: every failure becomes a sighting or one error."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
from solders.keypair import Keypair

from pixr.adapters.solana import ChainUnreachable, HistoryTooLong, Solana
from pixr.domain.payouts import Absent, Attempt, Search, Unknown
from pixr.local.chain import ChainProcess, running_chain

SIGNATURE = str(Keypair().sign_message(b"never sent"))
NOBODY = str(Keypair().pubkey())
DEAD = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def chain() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=20) as process:
        yield process


@pytest.fixture
def faults(chain: ChainProcess) -> Iterator[Any]:
    """Switch a fault of the node on; all are off again afterwards."""
    quiet = httpx.get(f"{chain.url}/faults").json()

    def switch(**values: object) -> None:
        httpx.post(f"{chain.url}/faults", json=values).raise_for_status()

    yield switch
    switch(**quiet)


def attempt(signature: str = SIGNATURE) -> Attempt:
    return Attempt(
        signature=signature,
        batch_id=UUID(int=1),
        number=1,
        state="INFLIGHT",
        raw=b"",
        blockhash_slot=1,
        last_valid_block_height=1,
        fee_lamports_max=1,
    )


def search(signature: str = SIGNATURE) -> Search:
    return Search(attempts=(attempt(signature),), receipt=NOBODY)


def test_what_was_never_sent_is_absent_as_of_a_height(chain: ChainProcess) -> None:
    ((sighting,),) = Solana([chain.url]).look_up([search()])
    assert isinstance(sighting, Absent)
    assert sighting.finalized_block_height >= 0


@pytest.mark.parametrize("fault", ["http_429", "http_503", "garbage"])
def test_a_node_that_fails_knows_nothing(chain: ChainProcess, faults: Any, fault: str) -> None:
    solana = Solana([chain.url])
    faults(**{fault: True})
    ((sighting,),) = solana.look_up([search()])
    assert isinstance(sighting, Unknown)
    with pytest.raises(ChainUnreachable):
        solana.blockhash()


def test_a_dead_node_is_a_sighting_of_its_own(chain: ChainProcess) -> None:
    ((first, second),) = Solana([DEAD, chain.url]).look_up([search()])
    assert isinstance(first, Unknown)
    assert isinstance(second, Absent)


def test_reads_go_on_to_the_next_node(chain: ChainProcess) -> None:
    assert Solana([DEAD, chain.url]).slot() >= 0


def test_nobody_answers(chain: ChainProcess) -> None:
    with pytest.raises(ChainUnreachable, match=r"127\.0\.0\.1:9"):
        Solana([DEAD]).slot()


def test_an_error_after_the_bytes_were_taken_is_only_a_word(
    chain: ChainProcess, faults: Any
) -> None:
    faults(error_after_accept=True)
    Solana([chain.url]).send([b"\x00"])


def test_an_account_that_is_not_there_is_none(chain: ChainProcess) -> None:
    assert Solana([chain.url]).account(str(Keypair().pubkey())) is None


def test_many_accounts_take_several_calls(chain: ChainProcess) -> None:
    addresses = [str(Keypair().pubkey()) for _ in range(101)]
    assert Solana([chain.url]).accounts(addresses) == [None] * 101


def test_a_blockhash_never_expires_before_the_chain_lets_it(chain: ChainProcess) -> None:
    solana = Solana([chain.url])
    height = int(solana.nodes[0].call("getBlockHeight", {"commitment": "confirmed"}))
    assert solana.blockhash().last_valid_block_height >= height + 150


def test_a_flood_is_told_apart_from_an_outage(
    chain: ChainProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address has two transactions: with pages of one, two pages and no end."""
    somebody = str(Keypair().pubkey())
    solana = Solana([chain.url])
    for _ in range(2):
        solana.nodes[0].call("requestAirdrop", somebody, 1_000_000)
    for _ in range(500):
        if len(solana.signatures(somebody, until=None)) > 1:
            break
        time.sleep(0.02)
    monkeypatch.setattr("pixr.adapters.solana.history.SIGNATURES_PER_PAGE", 1)
    monkeypatch.setattr("pixr.adapters.solana.history.PAGES_MAX", 2)
    with pytest.raises(HistoryTooLong):
        solana.signatures(somebody, until=None)
