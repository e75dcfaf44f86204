"""One node: whatever it does wrong is one error, and counts against it or not."""

import json
import threading
from typing import Any

import pytest

from pixr.adapters.solana import Node, NodeError, TransportFailed
from pixr.adapters.solana.answers import integer
from pixr.adapters.solana.breaker import COOL_OFF_S, FAILURES_MAX
from pixr.adapters.solana.node import RETRY_AFTER_S_MAX, TIMEOUT_S
from tests.adapters.solana.scripted import GENESIS, Clock, Error, Raw, Script, node

SILENCE = TransportFailed("ConnectTimeoutError")


def test_a_result_comes_through() -> None:
    assert node(Script(getSlot=5)).read(integer, "getSlot") == 5


NONSENSE: list[Any] = [
    Raw(b""),
    Raw(b"<html>bad gateway</html>"),
    Raw(b'{"jsonrpc":"2.0","id":1,"resu'),
    Raw(b"\xff\xfe"),
    Raw(b"[" * 100_000),
    Raw(b"9" * 10_000),
    Raw(b"null"),
    Raw(b"[]"),
    Raw(b'"ok"'),
    Raw(b'[{"jsonrpc":"2.0","id":1,"result":5}]'),
    Raw(b"{}"),
    Raw(b'{"jsonrpc":"2.0","id":1}'),
    Raw(b'{"jsonrpc":"2.0","result":5}'),
    Raw(b'{"jsonrpc":"2.0","id":null,"result":5}'),
    Raw(b'{"jsonrpc":"2.0","id":"1","result":5}'),
    Raw(b'{"jsonrpc":"2.0","id":77,"result":5}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":5.5}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":-5}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":true}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":"5"}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":null}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":9223372036854775808}'),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":5,"error":"no"}'),
    Raw(b"not found", status=404),
    Raw(b"", status=301),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":5}', status=429),
    Raw(b'{"jsonrpc":"2.0","id":1,"result":5}', status=500),
    Raw(b"Service unavailable", status=503),
    Error({"code": -32002, "message": "Transaction simulation failed"}),
    Error({"code": -32005, "message": "Node is behind"}),
    Error({"code": -32005}),
    Error({"code": "many", "message": 5}),
    Error({}),
    Error("rate limited"),
    Error(["odd"]),
    SILENCE,
]


@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_whatever_else_it_says_is_one_error(answer: Any) -> None:
    with pytest.raises(NodeError):
        node(Script(getSlot=answer)).read(integer, "getSlot")


@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_what_it_says_to_a_send_is_one_error_too(answer: Any) -> None:
    """Even where the transaction was taken; only bodies that are an answer pass."""
    asked = node(Script(sendTransaction=answer))
    try:
        asked.call("sendTransaction", "AA==", {})
    except NodeError:
        return
    body = json.loads(answer.body)
    assert body["id"] == 1
    assert "result" in body


def test_a_strangers_words_are_short_and_plain() -> None:
    """They go into logs, and into a database that refuses a NUL."""
    script = Script(getSlot=Error({"code": -1, "message": "\0 é \ud800" + "x" * 10**6}))
    with pytest.raises(NodeError) as refused:
        node(script).call("getSlot")
    words = str(refused.value)
    assert words.isascii()
    assert words.isprintable()
    assert len(words) < 400


def test_a_key_in_the_url_is_not_told() -> None:
    script = Script("https://user:secret@rpc.example:8443/v1/secret?key=secret", getSlot=SILENCE)
    asked = node(script)
    assert asked.name == "rpc.example:8443"
    with pytest.raises(NodeError) as failed:
        asked.call("getSlot")
    assert "secret" not in str(failed.value)


# ── retries ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("failure", [SILENCE, Raw(b"", status=429), Raw(b"", status=502)], ids=repr)
def test_a_read_is_tried_once_more(failure: Any) -> None:
    clock, script = Clock(), Script(getSlot=5)
    script.once["getSlot"] = [failure]
    assert node(script, clock).call("getSlot") == 5
    assert script.count("getSlot") == 2
    assert clock.slept == [0.1]


def test_and_only_once() -> None:
    script = Script(getSlot=SILENCE)
    with pytest.raises(NodeError):
        node(script).call("getSlot")
    assert script.count("getSlot") == 2


@pytest.mark.parametrize("method", ["sendTransaction", "requestAirdrop"])
def test_what_moves_money_is_never_tried_again(method: str) -> None:
    script = Script()
    script.answers[method] = SILENCE
    with pytest.raises(NodeError):
        node(script).call(method)
    assert script.count(method) == 1


@pytest.mark.parametrize("answer", [Raw(b"<html>"), Error({"code": -32005})], ids=repr)
def test_an_answer_is_not_asked_for_again(answer: Any) -> None:
    script = Script(getSlot=answer)
    with pytest.raises(NodeError):
        node(script).call("getSlot")
    assert script.count("getSlot") == 1


@pytest.mark.parametrize(
    ("wanted_s", "slept", "tries"),
    [
        (0.0, [0.1], 2),
        (1.0, [1.0], 2),
        (RETRY_AFTER_S_MAX, [RETRY_AFTER_S_MAX], 2),
        (RETRY_AFTER_S_MAX + 1, [], 1),
    ],
)
def test_a_node_may_say_when_to_come_back(wanted_s: float, slept: list[float], tries: int) -> None:
    clock, script = Clock(), Script(getSlot=TransportFailed("HTTP 429", retry_after_s=wanted_s))
    with pytest.raises(NodeError):
        node(script, clock).call("getSlot")
    assert (clock.slept, script.count("getSlot")) == (slept, tries)


def test_a_try_that_used_up_the_time_is_the_last() -> None:
    clock = Clock()

    def hang() -> TransportFailed:
        clock.now_s += TIMEOUT_S
        return SILENCE

    script = Script(getSlot=hang)
    with pytest.raises(NodeError):
        node(script, clock).call("getSlot")
    assert script.count("getSlot") == 1


def test_the_second_try_gets_what_time_is_left() -> None:
    clock = Clock()

    def dawdle() -> TransportFailed:
        clock.now_s += 3
        return SILENCE

    script = Script(getSlot=dawdle)
    with pytest.raises(NodeError):
        node(script, clock).call("getSlot")
    assert script.timeouts == pytest.approx([TIMEOUT_S, TIMEOUT_S - 3.1])


def test_retries_end_when_nothing_pays_for_them() -> None:
    """A node that fails gets hardly more calls than one that does not."""
    clock, script = Clock(), Script(getSlot=SILENCE)
    asked = node(script, clock)
    for _ in range(100):
        clock.now_s += COOL_OFF_S
        with pytest.raises(NodeError):
            asked.call("getSlot")
    assert 100 < script.count("getSlot") <= 103


# ── breaker ──────────────────────────────────────────────────────────────────


def fail(asked: Node, method: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(NodeError):
            asked.call(method)


@pytest.mark.parametrize(
    "answer",
    [
        SILENCE,
        Raw(b"", status=429),
        Raw(b"", status=500),
        Raw(b"", status=403),
        Raw(b"<html>"),
        Raw(b"{}"),
        Error({"code": -32005}),
    ],
    ids=repr,
)
def test_a_node_that_fails_is_left_alone_for_a_while(answer: Any) -> None:
    clock, script = Clock(), Script(getSlot=answer)
    asked = node(script, clock)
    fail(asked, "getSlot", FAILURES_MAX)
    tried = script.count("getSlot")
    with pytest.raises(NodeError, match="breaker open after: getSlot"):
        asked.call("getSlot")
    assert script.count("getSlot") == tried
    script.answers["getSlot"] = 5
    clock.now_s += COOL_OFF_S
    assert [asked.call("getSlot"), asked.call("getSlot")] == [5, 5]


def test_a_wrong_shape_counts_against_the_node() -> None:
    asked = node(Script(getSlot="five"))
    for _ in range(FAILURES_MAX):
        with pytest.raises(NodeError, match="str instead of a count"):
            asked.read(integer, "getSlot")
    with pytest.raises(NodeError, match="breaker open"):
        asked.read(integer, "getSlot")


def test_a_refusal_of_the_request_does_not() -> None:
    asked = node(Script(getSlot=Error({"code": -32602, "message": "Invalid params"})))
    fail(asked, "getSlot", 3 * FAILURES_MAX)
    assert asked.breaker.open_until_s is None


@pytest.mark.parametrize(
    "answer", [Raw(b"", status=429), Error({"code": -32005}), Error({"code": -32002})], ids=repr
)
def test_a_send_that_is_turned_away_does_not(answer: Any) -> None:
    """Providers limit sends more than reads; look-ups must go on."""
    asked = node(Script(sendTransaction=answer))
    fail(asked, "sendTransaction", 3 * FAILURES_MAX)
    assert asked.call("getSlot")


def test_a_send_that_nobody_answers_does() -> None:
    asked = node(Script(sendTransaction=SILENCE))
    fail(asked, "sendTransaction", FAILURES_MAX)
    with pytest.raises(NodeError, match="breaker open"):
        asked.call("getSlot")


def test_a_caller_who_dies_in_the_trial_does_not_close_the_door() -> None:
    class Death(BaseException):
        pass

    def die() -> None:
        raise Death

    clock, script = Clock(), Script(getSlot=SILENCE)
    asked = node(script, clock)
    fail(asked, "getSlot", FAILURES_MAX)
    clock.now_s += COOL_OFF_S
    script.answers["getSlot"] = die
    with pytest.raises(Death):
        asked.call("getSlot")
    script.answers["getSlot"] = 5
    clock.now_s += COOL_OFF_S
    assert asked.call("getSlot") == 5


# ── which chain ──────────────────────────────────────────────────────────────


def test_the_chain_is_asked_for_once() -> None:
    script = Script()
    asked = node(script, genesis_hash=GENESIS)
    for _ in range(3):
        asked.call("getSlot")
    assert [method for method, _ in script.calls][:2] == ["getGenesisHash", "getSlot"]
    assert script.count("getGenesisHash") == 1


def test_without_an_expectation_it_is_not_asked_for() -> None:
    script = Script()
    node(script).call("getSlot")
    assert script.count("getGenesisHash") == 0


@pytest.mark.parametrize("told", ["1" * 32, "", 5, None, ["x"]])
def test_nothing_of_another_chain_counts(told: Any) -> None:
    script = Script(getGenesisHash=told)
    asked = node(script, genesis_hash=GENESIS)
    for method in ("getSlot", "sendTransaction", "getSignatureStatuses"):
        with pytest.raises(NodeError):
            asked.call(method)
        assert script.count(method) == 0


def test_a_node_that_comes_to_our_chain_is_welcome() -> None:
    script = Script(getGenesisHash="1" * 32)
    asked = node(script, genesis_hash=GENESIS)
    with pytest.raises(NodeError, match="wrong genesis"):
        asked.call("getSlot")
    script.answers["getGenesisHash"] = GENESIS
    assert asked.call("getSlot")


def test_several_threads_ask_for_the_chain_once() -> None:
    script = Script()
    asked = node(script, genesis_hash=GENESIS)
    threads = [threading.Thread(target=asked.call, args=("getSlot",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (script.count("getGenesisHash"), script.count("getSlot")) == (1, 8)
