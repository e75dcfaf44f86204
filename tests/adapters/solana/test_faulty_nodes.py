"""The adapter on the real runtime, over nodes of one chain with faults of their own."""

from collections.abc import Callable
from typing import Any

import pytest
from solders.keypair import Keypair

from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.adapters.solana.breaker import COOL_OFF_S
from pixr.domain.payouts import (
    Absent,
    Finalized,
    Unknown,
    Unsettled,
    Verdict,
    judge,
)
from pixr.local.chain import ChainProcess
from tests.adapters.solana.payments import DEAD, batch, settled


@pytest.mark.parametrize(
    "fault",
    [
        {"http_429": True},
        {"http_503": True},
        {"garbage": True},
        {"cut_answers": True},
        {"refuse_code": -32002},
        {"refuse_code": -32005},
    ],
    ids=repr,
)
def test_a_node_that_fails_knows_nothing(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None], fault: dict[str, Any]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(**fault)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Unknown)
    with pytest.raises(ChainUnreachable):
        solana.blockhash()
    assert [type(found) for found in solana.rehearse([one.attempt.raw])] == [Unknown]
    solana.send([one.attempt.raw])


def test_half_an_answer_is_no_absence(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(half_answers=True)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Unknown)
    with pytest.raises(ChainUnreachable):
        solana.accounts([str(one.target), str(one.target)])


def test_a_healthy_node_beside_it_is_enough_to_read(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(2, garbage=True)
    solana = Solana([DEAD, chain.node_url(2), chain.url])
    one = batch(Solana([chain.url]), payer)
    ((dead, broken, healthy),) = solana.look_up([one.search])
    assert (type(dead), type(broken), type(healthy)) == (Unknown, Unknown, Absent)
    assert solana.slot() >= 0
    # But to sign by what one of three says, or to believe it of an account, would be too little.
    with pytest.raises(ChainUnreachable, match="only 1 of the nodes tells its height"):
        solana.blockhash()
    with pytest.raises(ChainUnreachable):
        solana.accounts_of_each([str(one.target)])


def test_what_one_node_must_not_decide_is_asked_of_two(chain: ChainProcess, payer: Keypair) -> None:
    solana = Solana([DEAD, chain.node_url(2), chain.url, chain.url + "/"])
    first, second = solana.accounts_of_each([str(payer.pubkey()), str(Keypair().pubkey())])
    assert first == second or first[0] is not None
    assert first[1] is second[1] is None
    assert len(Solana([chain.url]).accounts_of_each([str(payer.pubkey())])) == 1


def test_bytes_that_were_taken_with_an_error_have_paid(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(error_after_accept=True)
    solana.send([one.attempt.raw])
    faults(error_after_accept=False)
    assert isinstance(settled(solana, one.search)[0], Finalized)


def test_bytes_that_one_node_drops_reach_the_chain_by_another(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(drop_sends=True)
    solana = Solana([chain.url, chain.node_url(2)])
    one = batch(solana, payer)
    solana.send([one.attempt.raw])
    assert isinstance(settled(solana, one.search)[0], Finalized)


def test_a_node_of_another_chain_has_no_say(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    ours = Solana([chain.url]).genesis_hash()
    faults(2, wrong_genesis=True)
    solana = Solana([chain.node_url(2), chain.url], genesis_hash=ours)
    one = batch(Solana([chain.url]), payer)
    ((foreign, own),) = solana.look_up([one.search])
    assert isinstance(foreign, Unknown)
    assert "wrong genesis" in foreign.reason
    assert isinstance(own, Absent)
    with pytest.raises(ChainUnreachable, match="several chains"):
        Solana([chain.node_url(2), chain.url]).genesis_hash()


def test_a_lagging_node_proves_no_absence_and_gives_no_blockhash(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    faults(2, lag_blocks=60)
    solana = Solana([chain.node_url(2), chain.url])
    height = solana.nodes[1].call("getBlockHeight", {"commitment": "confirmed"})
    one = batch(solana, payer)
    assert one.attempt.last_valid_block_height >= height + 150
    solana.send([one.attempt.raw])
    settled(Solana([chain.url]), one.search)
    faults(1, freeze=True)
    ((late, current),) = solana.look_up([one.search])
    assert isinstance(late, Absent | Unsettled)
    assert judge([one.attempt], [late]) is Verdict.WAIT
    assert judge([one.attempt], [late, current]) is Verdict.WAIT
    faults(1, freeze=False)
    both = settled(solana, one.search)
    assert both == [current, current]
    assert judge([one.attempt], both) is Verdict.PAID


def test_one_address_with_two_nodes_behind_it_proves_no_absence(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    """A load balancer sent the first look to one node and the second to one that lags."""
    solana = Solana([chain.node_url(2)])
    one = batch(solana, payer)
    ((before,),) = solana.look_up([one.search])
    assert isinstance(before, Absent)
    faults(2, lag_blocks=60)
    ((after,),) = solana.look_up([one.search])
    assert isinstance(after, Unknown)
    assert "ran back" in after.reason


@pytest.mark.parametrize("lie_blocks", [-(10**6), -50, 10**6])
def test_a_lie_about_the_last_height_is_seen_through(
    chain: ChainProcess, faults: Callable[..., None], lie_blocks: int
) -> None:
    solana = Solana([chain.url])
    faults(height_lie_blocks=lie_blocks, freeze=True)
    height = solana.nodes[0].call("getBlockHeight", {"commitment": "confirmed"})
    assert solana.blockhash().last_valid_block_height == height + 150


def test_a_node_that_lost_its_history_says_how_far_it_goes(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    solana = Solana([chain.url])
    one = batch(solana, payer)
    faults(forget_before_slot=one.attempt.blockhash_slot + 5)
    ((sighting,),) = solana.look_up([one.search])
    assert isinstance(sighting, Absent)
    assert sighting.first_available_slot > one.attempt.blockhash_slot


def test_a_node_that_comes_back_is_believed_again(
    chain: ChainProcess, payer: Keypair, faults: Callable[..., None]
) -> None:
    now_s = 0.0
    solana = Solana([chain.url], clock=lambda: now_s, sleep=lambda _: None)
    one = batch(solana, payer)
    faults(http_503=True)
    reasons = [str(solana.look_up([one.search])[0][0]) for _ in range(8)]
    assert "breaker open" in reasons[-1]
    faults(http_503=False)
    assert isinstance(solana.look_up([one.search])[0][0], Unknown)
    now_s += COOL_OFF_S
    assert isinstance(solana.look_up([one.search])[0][0], Absent)
