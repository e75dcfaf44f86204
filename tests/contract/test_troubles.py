"""The nodes of the fake fail, lag, lie and forget as they say: each trouble alone, and it shows."""

import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest
from solders.hash import Hash

from pixr.adapters.solana.transport import TransportFailed
from tests.contract.payments import Batch
from tests.contract.runs import FINALIZED, SEARCH, SEEDS, Run, runs
from tests.contract.sides import RENT, as_base64
from tests.fakes.cluster import FOREIGN_GENESIS_HASH
from tests.fakes.troubles import CALM, LONG_PAUSE_SLOTS, Troubles


def test_an_error_after_accepting_is_not_a_refusal() -> None:
    said: Counter[str] = Counter()
    for run in runs(Troubles(send_error_after_accept=1.0), nodes=1):
        answers: list[tuple[int, bytes] | None] = []
        original = run.node.post

        def recorded(
            body: bytes,
            *,
            timeout_s: float,
            post: Callable[..., tuple[int, bytes]] = original,
            kept: list[tuple[int, bytes] | None] = answers,
        ) -> tuple[int, bytes]:
            try:
                kept.append(post(body, timeout_s=timeout_s))
            except TransportFailed:
                kept.append(None)
                raise
            assert kept[-1] is not None
            return kept[-1]

        run.node.post = recorded  # type: ignore[method-assign]  # this test listens in
        signature = run.attempt()
        [answer] = answers
        if answer is None:
            said["timeout"] += 1
        elif answer[0] != 200:
            said[str(answer[0])] += 1
        else:
            error = json.loads(answer[1])["error"]
            assert "data" not in error
            said[str(error["code"])] += 1
        run.cluster.pass_blocks(40)
        assert run.cluster.truth.find(signature) is not None
    assert set(said) == {"timeout", "500", "-32002", "-32005", "-32603"}


@pytest.mark.parametrize(
    "troubles",
    [
        Troubles(outage=1.0),
        Troubles(blackout=1.0),
        Troubles(too_many_requests=1.0),
        Troubles(unavailable=1.0),
        Troubles(garbage=1.0),
        Troubles(answer_lost=1.0),
        Troubles(server_error=1.0),
    ],
    ids=lambda troubles: next(
        name for name in Troubles.__slots__ if getattr(troubles, name) == 1.0
    ),
)
def test_a_node_in_trouble_gives_no_usable_answer(troubles: Troubles) -> None:
    for run in runs(troubles):
        answered = run.post(run.node, "getEpochInfo", FINALIZED)
        if answered is not None and answered[0] == 200:
            try:
                response = json.loads(answered[1])
            except (ValueError, RecursionError):
                continue
            is_answer = isinstance(response, dict) and response.get("id") == 1
            assert not (is_answer and response.get("result")), response
        run.cluster.troubles = CALM
        assert run.ask("getEpochInfo", FINALIZED)["blockHeight"] >= 0, "calm again at once"


def test_bent_answers_are_never_plausible_lies() -> None:
    for troubles in (Troubles(half_answer=1.0), Troubles(twisted=1.0)):
        for run in runs(troubles):
            signature = run.attempt()
            run.cluster.pass_blocks(40)
            bent = run.ask("getSignatureStatuses", [signature] * 4, SEARCH)
            run.cluster.troubles = CALM
            true = run.ask("getSignatureStatuses", [signature] * 4, SEARCH)
            assert bent != true
            values = bent.get("value") if isinstance(bent, dict) else None
            if isinstance(values, list):
                assert None not in values
                assert len(values) < 4 or troubles.twisted


def test_a_node_that_lags_tells_an_older_truth() -> None:
    behind = []
    for run in runs(Troubles(lag_slots_max=200)):
        run.cluster.pass_blocks(300)
        for node in run.cluster.nodes:
            epoch = run.ask("getEpochInfo", FINALIZED, node=node)
            behind.append(run.cluster.truth.height - epoch["blockHeight"])
            block = run.cluster.chain.finalized[epoch["blockHeight"]]
            assert block.slot == epoch["absoluteSlot"]
    assert min(behind) < 10
    assert max(behind) > 150


def test_a_load_balancer_may_answer_from_an_older_node() -> None:
    back = 0
    for run in runs(Troubles(lag_slots_max=100, lag_jitter=0.5), nodes=1):
        run.cluster.pass_blocks(200)
        told = [run.ask("getBlockHeight", FINALIZED) for _ in range(10)]
        back += sum(later < earlier for earlier, later in pairwise(told))
    assert back > len(SEEDS)


@pytest.mark.parametrize("hides", [0.0, 1.0])
def test_a_node_that_forgets_finds_nothing_old_and_may_hide_it(hides: float) -> None:
    for run in runs(Troubles(hides_forgetting=hides), nodes=1):
        signature = run.attempt()
        run.cluster.pass_blocks(50)
        assert run.status(signature) == "finalized"
        first = run.ask("getFirstAvailableBlock")
        run.cluster.troubles = Troubles(hides_forgetting=hides, forgets=1.0)
        run.ask("getHealth")
        run.cluster.troubles = Troubles(hides_forgetting=hides)
        assert run.status(signature) is None
        assert run.ask("getTransaction", signature, FINALIZED) is None
        payee = str(run.payees[0])
        assert run.ask("getSignaturesForAddress", payee, FINALIZED) == []
        assert run.ask("getBalance", payee, FINALIZED)["value"] == RENT, "accounts are kept"
        told = run.ask("getFirstAvailableBlock")
        assert (told == first) == bool(hides)
        run.cluster.remember()
        assert run.status(signature) == "finalized"


def test_a_history_with_holes_is_another_on_each_node() -> None:
    seen: Counter[int] = Counter()
    for run in runs(Troubles(holes=0.5)):
        signature = run.attempt()
        run.cluster.pass_blocks(50)
        knowing = sum(run.status(signature, node=node) is not None for node in run.cluster.nodes)
        again = sum(run.status(signature, node=node) is not None for node in run.cluster.nodes)
        assert knowing == again
        seen[knowing] += 1
    assert len(seen) >= 3, seen


def test_one_node_lies_about_heights_and_the_others_do_not() -> None:
    for run in runs(Troubles(has_liar=True)):
        run.cluster.pass_blocks(300)
        liars = set()
        for node in run.cluster.nodes:
            for _ in range(8):
                if run.ask("getBlockHeight", FINALIZED, node=node) != run.cluster.truth.height:
                    liars.add(node.number)
                latest = run.ask("getLatestBlockhash", FINALIZED, node=node)["value"]
                if latest["lastValidBlockHeight"] != run.cluster.truth.height + 150:
                    liars.add(node.number)
        assert len(liars) == 1
    for run in runs(Troubles(has_liar=True), nodes=1):
        assert run.ask("getBlockHeight", FINALIZED) == run.cluster.truth.height


def test_a_foreigner_is_far_ahead_and_knows_nobody() -> None:
    for run in runs(Troubles(has_foreigner=True)):
        signature = run.attempt()
        run.cluster.pass_blocks(50)
        names = [run.ask("getGenesisHash", node=node) for node in run.cluster.nodes]
        assert names.count(FOREIGN_GENESIS_HASH) == 1
        node = run.cluster.nodes[names.index(FOREIGN_GENESIS_HASH)]
        assert run.status(signature, node=node) is None
        height = run.ask("getBlockHeight", FINALIZED, node=node)
        assert height > run.cluster.truth.height + 200
        run.cluster.pass_blocks(10)
        assert run.ask("getBlockHeight", FINALIZED, node=node) > height


def test_a_rehearsal_may_leak_what_is_signed() -> None:
    for run in runs(Troubles(simulation_leaks=1.0), nodes=1):
        chain = run.cluster.chain
        transfers = [(payee, RENT) for payee in run.payees]
        batch = Batch(treasury=run.treasury, transfers=transfers)
        signed = batch.attempt(Hash.from_string(chain.tip(chain.trunk).hash))
        blank = type(signed).populate(signed.message, [type(signed.signatures[0]).default()])
        settings = {"encoding": "base64", "sigVerify": False, "replaceRecentBlockhash": True}
        for transaction, is_leaked in ((blank, False), (signed, True)):
            told = run.ask("simulateTransaction", as_base64(transaction), settings)
            assert told["value"]["err"] is None
            run.cluster.pass_blocks(40)
            landed = run.cluster.truth.find(str(transaction.signatures[0]))
            assert (landed is not None) == is_leaked


def test_time_passes_inside_calls_and_the_harness_is_asked_outside_of_them() -> None:
    for run in runs(Troubles(pause_slots_max=3, long_pause=0.2)):
        moments: list[tuple[str, str, int]] = []
        run.cluster.on_call = lambda moment, method, run=run, kept=moments: kept.append(
            (moment, method, run.cluster.chain.slot)
        )
        for _ in range(20):
            run.ask("getHealth")
        assert [moment for moment, _, _ in moments] == ["before", "after"] * 20
        slots = [slot for _, _, slot in moments]
        assert slots == sorted(slots)
        longest = max(later - earlier for earlier, later in pairwise(slots))
        assert longest <= LONG_PAUSE_SLOTS + 3
        assert slots[-1] > slots[0]


class Crash(BaseException):
    """The process dies."""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_crash_before_a_call_did_nothing_and_after_it_did_all(moment: str) -> None:
    run = Run(seed=1, troubles=CALM)

    def crash(at: str, method: str) -> None:
        if at == moment and method == "sendTransaction":
            raise Crash

    run.cluster.on_call = crash
    with pytest.raises(Crash):
        run.attempt()
    run.cluster.on_call = None
    assert len(run.cluster.truth.seen) == (moment == "after")
    run.cluster.pass_blocks(40)
    assert run.cluster.truth.received(str(run.payees[0])) == (RENT if moment == "after" else 0)


def test_lists_and_transactions_may_come_later_than_statuses() -> None:
    late = 0
    for run in runs(Troubles(index_lag_slots_max=100), nodes=1):
        signature = run.attempt()
        run.cluster.pass_blocks(40)
        payee = str(run.payees[0])
        assert run.status(signature) == "finalized"
        assert run.ask("getBalance", payee, FINALIZED)["value"] == RENT
        listed = run.ask("getSignaturesForAddress", payee, FINALIZED)
        read = run.ask("getTransaction", signature, FINALIZED)
        assert (listed == []) == (read is None)
        late += read is None
        run.cluster.pass_blocks(120)
        assert run.ask("getTransaction", signature, FINALIZED) is not None
    assert 0 < late < len(SEEDS)
