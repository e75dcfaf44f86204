"""The fake chain is as cruel as it says, no crueller, and the same for the same seed.

What must never happen is checked over many seeds: nothing final goes away, no lamport appears,
nothing lands twice or too late.
"""

import json
import random
from collections import Counter
from itertools import pairwise

import pytest
from solders.keypair import Keypair

from tests.contract.runs import FINALIZED, SEEDS, Run, runs, wander
from tests.contract.sides import SOL
from tests.fakes.runtime import BUILT_IN
from tests.fakes.troubles import CALM, Troubles
from tests.fakes.wire import SYSTEM, Step, decode


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_the_chain_keeps_its_own_rules(seed: int) -> None:
    luck = random.Random(seed)
    run = Run(seed=seed, troubles=Troubles.drawn(luck), nodes=luck.choice([1, 2, 3, 5]))
    final: dict[str, int] = {}
    for _ in range(4):
        wander(run)
        run.cluster.troubles = Troubles.drawn(run.luck)
        landed = {item.signature: item.slot for item in run.cluster.truth.landed()}
        assert final.items() <= landed.items(), "something final went away or moved"
        final = landed
    run.cluster.troubles = CALM
    run.cluster.pass_blocks(200)
    truth = run.cluster.truth
    fees = sum(item.fee_lamports for item in truth.landed())
    outside = sum(account.lamports for account in BUILT_IN.values())
    assert sum(truth.balances().values()) + fees == 10**18 + outside
    for item in truth.landed():
        seen = truth.seen.get(item.signature)
        assert seen is None or seen.slot <= item.slot, "it landed before anybody saw it"
        assert not truth.is_alive(item.signature)
    for payee in run.payees:
        paid = sum(move.lamports for move in truth.moves() if move.target == str(payee))
        assert paid == truth.received(str(payee)) == truth.balance(str(payee))
    receipts = [move for move in truth.moves() if move.instruction == 2]
    assert len(receipts) == len({move.target for move in receipts}), "one receipt was made twice"


@pytest.mark.parametrize("seed", range(10))
def test_the_same_seed_is_the_same_run_to_the_byte(seed: int) -> None:
    digests = set()
    for _ in range(2):
        run = Run(seed=seed, troubles=Troubles.drawn(random.Random(seed)))
        wander(run)
        digests.add((run.digest.hexdigest(), json.dumps(run.cluster.truth.balances())))
    assert len(digests) == 1


def test_a_calm_cluster_answers_everything_and_finalizes_in_time() -> None:
    for run in runs(CALM):
        signature = run.attempt()
        run.cluster.pass_blocks(1)
        assert [run.status(signature, node=node) for node in run.cluster.nodes] == ["processed"] * 3
        run.cluster.pass_blocks(31)
        assert run.status(signature) == "finalized"


def test_forks_withdraw_what_was_processed_or_confirmed_and_nothing_more() -> None:
    troubles = Troubles(fork=0.2, fork_blocks_max=20, fork_ends=0.2, fork_returns=0.5)
    fates: Counter[str] = Counter()
    for run in runs(troubles):
        signature = run.attempt()
        seen: list[str | None] = []
        for _ in range(60):
            run.cluster.pass_slots(2)
            seen += [run.status(signature, node=node) for node in run.cluster.nodes]
        for earlier, later in pairwise(seen):
            if earlier == "confirmed" and later is None:
                fates["withdrawn"] += 1
        run.cluster.troubles = CALM
        run.cluster.pass_blocks(200)
        is_final = run.cluster.truth.find(signature) is not None
        fates["final" if is_final else "gone for good"] += 1
        if "finalized" in seen:
            assert is_final
            first = seen.index("finalized")
            assert None not in seen[first + 3 :: 3]
    assert min(fates["withdrawn"], fates["final"], fates["gone for good"]) > 0, fates


def test_a_late_transaction_may_come_in_the_last_block_that_takes_it() -> None:
    heights: list[int] = []
    for run in runs(Troubles(send_late=1.0), nodes=1):
        born = run.cluster.chain.tip(run.cluster.chain.trunk).height
        signature = run.attempt()
        assert run.cluster.truth.is_alive(signature)
        run.cluster.pass_blocks(200)
        landed = run.cluster.truth.find(signature)
        assert landed is not None
        heights.append(landed.height - born)
    assert max(heights) == 151
    assert heights.count(151) >= len(SEEDS) // 4
    assert min(heights) < 140


def test_dropped_sends_are_seen_and_never_land() -> None:
    for run in runs(Troubles(send_dropped=1.0)):
        signature = run.attempt()
        run.cluster.pass_blocks(200)
        assert signature in run.cluster.truth.seen
        assert run.cluster.truth.find(signature) is None
        assert not run.cluster.truth.is_alive(signature)


def test_finality_stops_and_goes_on() -> None:
    longest = 0
    for run in runs(Troubles(stall=0.02, stall_blocks_max=200)):
        for _ in range(40):
            run.cluster.pass_blocks(10)
            chain = run.cluster.chain
            longest = max(longest, chain.tip(chain.trunk).height - chain.root.height)
        run.cluster.troubles = CALM
        run.cluster.pass_blocks(1)
        assert chain.tip(chain.trunk).height - chain.root.height == 31
    assert longest > 150


def test_a_spike_makes_cheap_bids_wait() -> None:
    waits: dict[int, list[int]] = {0: [], 10**9: []}
    for run in runs(Troubles(spike=1.0, spike_price_max=1_000_000, crowding=0.9)):
        run.cluster.pass_blocks(3)
        fees = run.ask("getRecentPrioritizationFees", [])
        assert max(fee["prioritizationFee"] for fee in fees) > 0
        slot = run.cluster.chain.slot
        sent = {price: run.attempt(seed=f"p{price}", price=price) for price in waits}
        run.cluster.pass_blocks(200)
        for price, signature in sent.items():
            landed = run.cluster.truth.find(signature)
            waits[price].append(landed.slot - slot if landed else 1_000)
    assert sum(waits[10**9]) * 2 < sum(waits[0])


def test_people_outside_change_the_world_for_good() -> None:
    run = Run(seed=1, troubles=CALM)
    owner, truth = Keypair.from_seed(bytes(32)), run.cluster.truth
    address = str(owner.pubkey())
    first = run.cluster.airdrop(address, 3 * SOL)
    assert truth.balance(address) == 3 * SOL
    found = truth.find(first)
    assert found is not None
    assert found.changes[address] == 3 * SOL
    later = run.cluster.transfer_from_outside(address, SOL)
    assert truth.find(later) is None
    run.cluster.pass_blocks(40)
    assert truth.balance(address) == 4 * SOL
    run.cluster.drain(owner, left_lamports=0)
    assert truth.balance(address) == 0
    run.cluster.give_data(address)
    told = run.ask("getAccountInfo", address, FINALIZED | {"encoding": "base64"})["value"]
    assert (told["space"], told["executable"]) == (165, False)
    run.cluster.become_program(address)
    told = run.ask("getAccountInfo", address, FINALIZED | {"encoding": "base64"})["value"]
    assert told["executable"] is True
    run.cluster.reserve(str(run.payees[0]))
    signature = run.attempt()
    run.cluster.pass_blocks(40)
    failed = truth.find(signature)
    assert failed is not None
    assert failed.error == {"InstructionError": [4, "ReadonlyLamportChange"]}


def test_slots_may_be_faster_slower_or_stop_and_time_goes_on() -> None:
    for slot_ms in (50, 400, 1_600):
        run = Run(seed=1, troubles=Troubles(slot_ms=slot_ms))
        slot = run.cluster.chain.slot
        run.cluster.pass_time(160.0)
        assert run.cluster.chain.slot - slot == pytest.approx(160_000 / slot_ms, abs=3)
    run = Run(seed=1, troubles=Troubles(halt=1.0, halt_s_max=600.0))
    began, slot = run.cluster.now, run.cluster.chain.slot
    run.cluster.pass_time(3_000.0)
    assert run.cluster.now == began + 3_000.0
    assert 3 <= run.cluster.chain.slot - slot <= 60
    run.cluster.troubles = CALM
    run.cluster.pass_time(4.0)
    assert run.cluster.chain.slot - slot >= 10
    times = [block.time_s for block in run.cluster.chain.finalized]
    assert times == sorted(times)


SHORT = {"Custom": 1}


def _moves(raw: bytes) -> list[Step]:
    wire = decode(raw)
    return [step for step in wire.steps if wire.keys[step.program] == SYSTEM]


def test_odd_letters_bring_the_same_money() -> None:
    kinds: Counter[tuple[bool, bool, int]] = Counter()
    for run in runs(Troubles(odd_letters=1.0)):
        address = str(Keypair.from_seed(run.luck.randbytes(32)).pubkey())
        before = len(run.cluster.truth.landed())
        signature = run.cluster.airdrop(address, 3 * SOL + 1)
        found = run.cluster.truth.find(signature)
        assert found is not None
        assert found.error is None
        assert found.changes[address] == run.cluster.truth.balance(address) == 3 * SOL + 1
        landed = run.cluster.truth.landed()[before:]
        if len(landed) == 2:
            assert landed[0].error == {"InstructionError": [len(_moves(landed[0].raw)) - 1, SHORT]}
            assert address not in landed[0].changes
        settings = {"encoding": "base64", "maxSupportedTransactionVersion": 0}
        told = run.ask("getTransaction", signature, settings | FINALIZED)
        parts = sum(move.target == address for move in run.cluster.truth.moves())
        kinds[(told["version"] == 0, len(landed) == 2, parts)] += 1
    assert len(kinds) == 8, kinds
