"""Reads that one node may answer: who is asked, what is believed, and what a send is worth."""

import threading
from typing import Any

import pytest
from solders.hash import Hash
from solders.pubkey import Pubkey

from pixr.adapters.solana import (
    GENESIS_HASHES,
    AccountView,
    Balance,
    ChainUnreachable,
    TransportFailed,
)
from pixr.adapters.solana.breaker import COOL_OFF_S, FAILURES_MAX
from pixr.domain.payouts import Passes, Refuses, Unknown
from tests.adapters.solana.scripted import (
    GENESIS,
    HEIGHT,
    SLOT,
    SYSTEM,
    Clock,
    Error,
    Raw,
    Script,
    account,
    in_context,
    scripts,
    solana,
)

SILENCE = TransportFailed("ReadTimeoutError")
ADDRESS = str(Pubkey.new_unique())


# ── who is asked ─────────────────────────────────────────────────────────────


def test_the_first_node_that_answers_is_enough() -> None:
    dead, good, spare = scripts({"getSlot": SILENCE}, {"getSlot": 7}, {"getSlot": 8})
    assert solana(dead, good, spare).slot() == 7
    assert spare.calls == []


def test_nobody_answers_and_each_says_why() -> None:
    chain = solana(*scripts({"getSlot": SILENCE}, {"getSlot": Raw(b"<html>")}))
    with pytest.raises(
        ChainUnreachable, match=r"node-1: getSlot: Read.*; node-2: getSlot: HTTP 200"
    ):
        chain.slot()


def test_a_node_that_fails_is_skipped_for_a_while() -> None:
    clock = Clock()
    dead, good = scripts({"getSlot": SILENCE}, {"getSlot": 7})
    chain = solana(dead, good, clock=clock)
    for _ in range(3 * FAILURES_MAX):
        assert chain.slot() == 7
    tried = dead.count("getSlot")
    assert tried < 3 * FAILURES_MAX
    dead.answers["getSlot"] = 6
    clock.now_s += COOL_OFF_S
    assert chain.slot() == 6


def test_when_all_are_left_alone_one_is_asked_all_the_same() -> None:
    """Else an outage of a second would last for as long as the cool-off."""
    both = scripts({"getSlot": SILENCE}, {"getSlot": SILENCE})
    chain = solana(*both)
    for _ in range(FAILURES_MAX):
        with pytest.raises(ChainUnreachable):
            chain.slot()
    calls = [len(script.calls) for script in both]
    with pytest.raises(ChainUnreachable):
        chain.slot()
    assert sum(len(script.calls) for script in both) == sum(calls) + 1
    for script in both:
        script.answers["getSlot"] = 9
    assert chain.slot() == 9


def test_the_height_is_the_finalized_one() -> None:
    script = Script()
    assert solana(script).finalized_height() == HEIGHT
    assert script.calls == [("getBlockHeight", [{"commitment": "finalized"}])]


# ── which chain ──────────────────────────────────────────────────────────────


def test_the_nodes_agree_on_the_chain() -> None:
    assert solana(*scripts({}, {"getGenesisHash": SILENCE}, {})).genesis_hash() == GENESIS


@pytest.mark.parametrize("answer", [SILENCE, "not a hash", None, 5])
def test_no_chain_without_a_node_that_names_it(answer: Any) -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getGenesisHash=answer)).genesis_hash()


def test_nodes_of_different_chains_are_no_chain() -> None:
    chain = solana(*scripts({}, {"getGenesisHash": str(Hash.new_unique())}))
    with pytest.raises(ChainUnreachable, match="several chains"):
        chain.genesis_hash()


def test_a_node_of_another_chain_is_not_read() -> None:
    foreign, ours = scripts({"getGenesisHash": str(Hash.new_unique()), "getSlot": 1}, {})
    assert solana(foreign, ours, genesis_hash=GENESIS).slot() == SLOT
    assert foreign.count("getSlot") == 0


def test_the_known_chains_have_hashes() -> None:
    assert set(GENESIS_HASHES) == {"mainnet-beta", "devnet", "testnet"}
    for genesis_hash in GENESIS_HASHES.values():
        assert len(bytes(Hash.from_string(genesis_hash))) == 32


# ── accounts ─────────────────────────────────────────────────────────────────


def test_accounts_come_in_order_with_what_they_hold() -> None:
    found = in_context([account(5, space=9, executable=True), None], slot=77)
    views = solana(Script(getMultipleAccounts=found)).accounts([ADDRESS, ADDRESS])
    assert views == [
        AccountView(lamports=5, owner=SYSTEM, is_executable=True, data_bytes=9, slot=77),
        None,
    ]


def test_the_data_of_an_account_is_not_fetched() -> None:
    """Anybody may be paid at an address that holds 10 MiB, and 100 of them are one call."""
    script = Script()
    solana(script).account(ADDRESS)
    ((_, (_, options)),) = script.calls
    assert options["dataSlice"] == {"offset": 0, "length": 0}
    assert options["commitment"] == "finalized"


@pytest.mark.parametrize("workers", [1, 8])
def test_many_accounts_take_several_calls(workers: int) -> None:
    def answer(addresses: list[str], _: Any) -> Any:
        return in_context([account(len(address)) for address in addresses])

    script = Script(getMultipleAccounts=answer)
    addresses = ["x" * number for number in range(1, 252)]
    views = solana(script, workers=workers).accounts(addresses)
    assert [view and view.lamports for view in views] == list(range(1, 252))
    assert sorted(len(params[0]) for _, params in script.calls) == [51, 100, 100]


@pytest.mark.parametrize(
    "answer",
    [
        [],
        in_context([]),
        in_context([None, None]),
        in_context([account(lamports=-1)]),
        in_context([account() | {"lamports": 1.0}]),
        in_context([account(owner="?")]),
        in_context([account(executable=None)]),
        in_context([account(space=None)]),
        in_context([account()], slot=-1),
    ],
    ids=repr,
)
def test_accounts_that_make_no_sense_are_an_outage(answer: Any) -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getMultipleAccounts=answer)).account(ADDRESS)


def test_every_node_tells_a_balance_as_of_its_own_slot() -> None:
    chain = solana(
        Script("http://a", getMultipleAccounts=in_context([account(7)], 5)),
        Script("http://b", getMultipleAccounts=SILENCE),
        Script("http://c", getMultipleAccounts=in_context([None], 6)),
    )
    assert chain.balances(ADDRESS) == [
        Balance(lamports=7, slot=5),
        None,
        Balance(lamports=0, slot=6),
    ]


# ── fees ─────────────────────────────────────────────────────────────────────


def test_prices_come_by_slot() -> None:
    script = Script()
    assert solana(script).recent_fees([ADDRESS]) == {SLOT: 7}
    assert script.calls == [("getRecentPrioritizationFees", [[ADDRESS]])]


@pytest.mark.parametrize(
    "answer", [{}, [{}], [{"slot": 5}], [{"slot": 5, "prioritizationFee": -1}], [[5, 7]]], ids=repr
)
def test_prices_that_make_no_sense_are_an_outage(answer: Any) -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getRecentPrioritizationFees=answer)).recent_fees([ADDRESS])


# ── rehearsals ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (in_context({"err": None, "logs": []}), Passes()),
        (
            in_context({"err": {"InsufficientFundsForRent": {"account_index": 3}}}),
            Refuses(error='{"InsufficientFundsForRent": {"account_index": 3}}', account_index=3),
        ),
        (
            in_context({"err": "InsufficientFundsForFee"}),
            Refuses(error='"InsufficientFundsForFee"', is_source_short=True),
        ),
    ],
)
def test_a_rehearsal_tells_what_would_become(answer: Any, expected: Any) -> None:
    script = Script(simulateTransaction=answer)
    assert solana(script).rehearse([b"bytes"]) == [expected]
    ((_, (raw, options)),) = script.calls
    assert raw == "Ynl0ZXM="
    assert (options["sigVerify"], options["replaceRecentBlockhash"]) == (False, True)


@pytest.mark.parametrize(
    "answer", [SILENCE, Raw(b"<html>"), Error({"code": -32002}), in_context({}), in_context(5), {}]
)
def test_a_rehearsal_that_nobody_answers_is_unknown(answer: Any) -> None:
    (found,) = solana(Script(simulateTransaction=answer)).rehearse([b""])
    assert isinstance(found, Unknown)


def test_a_refusal_that_the_second_node_does_not_share_stops_nobody() -> None:
    refusal = {"simulateTransaction": in_context({"err": "AccountNotFound"})}
    assert solana(*scripts(refusal, {})).rehearse([b""]) == [Passes()]
    dead = {"simulateTransaction": SILENCE}
    for first, second in ((refusal, refusal), (refusal, dead), (dead, refusal)):
        (found,) = solana(*scripts(first, second, {})).rehearse([b""])
        assert isinstance(found, Refuses)


def test_a_rehearsal_falls_back_once() -> None:
    dead = {"simulateTransaction": SILENCE}
    assert solana(*scripts(dead, {})).rehearse([b""]) == [Passes()]
    three = scripts(dead, dead, {})
    (found,) = solana(*three).rehearse([b""])
    assert isinstance(found, Unknown)
    assert three[-1].calls == []


# ── sends ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("workers", [1, 4])
def test_every_transaction_goes_to_every_node(workers: int) -> None:
    both = scripts({}, {})
    solana(*both, workers=workers).send([b"one", b"two", b"three"])
    for script in both:
        assert sorted(params[0] for _, params in script.calls) == ["b25l", "dGhyZWU=", "dHdv"]
        for _, (_, options) in script.calls:
            assert options == {"encoding": "base64", "skipPreflight": True, "maxRetries": 0}


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        Raw(b""),
        Raw(b"<html>"),
        Raw(b"[" * 100_000),
        Raw(b"", status=429),
        Error({"code": -32002, "message": "Transaction simulation failed"}),
        Error({"code": -32005, "message": "Node is unhealthy"}),
        Error("?"),
        None,
        5,
    ],
    ids=repr,
)
def test_whatever_a_node_says_to_a_send_says_nothing(answer: Any) -> None:
    first, second = scripts({"sendTransaction": answer}, {})
    solana(first, second).send([b"bytes"])
    assert first.count("sendTransaction") == second.count("sendTransaction") == 1


def test_a_dead_node_does_not_hold_up_the_sends() -> None:
    dead, good = scripts({"sendTransaction": SILENCE}, {})
    solana(dead, good).send([b"x"] * 100)
    assert dead.count("sendTransaction") == FAILURES_MAX
    assert good.count("sendTransaction") == 100


def test_with_one_worker_everything_happens_in_the_callers_thread() -> None:
    """A simulation crashes its caller in the middle of a call, and must find it there."""
    threads: set[int] = set()

    def note(*_: Any) -> Any:
        threads.add(threading.get_ident())
        return in_context([None])

    both = scripts(*[{"getMultipleAccounts": note, "sendTransaction": note}] * 2)
    chain = solana(*both, workers=1)
    chain.send([b"x"] * 5)
    chain.blockhash()
    with pytest.raises(ChainUnreachable):
        chain.accounts([ADDRESS] * 300)
    assert threads == {threading.get_ident()}


def test_a_node_that_is_listed_twice_has_no_second_vote() -> None:
    with pytest.raises(ValueError, match="twice"):
        solana(Script("http://a"), Script("http://a"))


def test_no_node_is_no_chain() -> None:
    with pytest.raises(AssertionError):
        solana()
