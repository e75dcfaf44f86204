"""What to sign against, and for how long: nodes may be wrong about both, in both directions."""

from typing import Any

import pytest
from solders.hash import Hash

from pixr.adapters.solana import ChainUnreachable, TransportFailed
from tests.adapters.solana.scripted import Script, in_context, scripts, solana

SILENCE = TransportFailed("ReadTimeoutError")


def gives(height: Any, claim: Any = None, name: int = 1) -> dict[str, Any]:
    told = height + 150 if claim is None else claim
    value = {"blockhash": str(Hash(bytes([name] * 32))), "lastValidBlockHeight": told}
    return {"getBlockHeight": height, "getLatestBlockhash": in_context(value)}


@pytest.mark.parametrize(
    ("nodes", "last_valid"),
    [
        ([gives(1_000)], 1_150),
        # Read after the blockhash, the height may be higher than the claim allows for.
        ([gives(1_003, claim=1_150)], 1_153),
        # Too low would let us sign again while the first attempt can still land.
        ([gives(1_000, claim=0)], 1_150),
        ([gives(1_000, claim=0), gives(1_001)], 1_151),
        # Too high, within reason, only costs time.
        ([gives(1_000, claim=1_300)], 1_300),
        # Without reason it would cost for ever.
        ([gives(1_000, claim=1_301)], 1_150),
        ([gives(1_000, claim=10**15)], 1_150),
        # A node that lags says too little; another knows better.
        ([gives(700, claim=850), gives(1_000)], 1_150),
        ([gives(1_000), gives(700)], 1_150),
        # Of three, one that lies about its height is outvoted.
        ([gives(1_000), gives(10**12), gives(1_001)], 1_151),
        ([gives(10**12, claim=1), gives(1_000), gives(1_001)], 1_151),
        ([gives(1_000), gives(0), gives(1_001)], 1_151),
        # Of two there is no telling, and too late is the side to be wrong on.
        ([gives(1_000), gives(10**6)], 10**6 + 150),
        # Who does not answer has no vote.
        ([gives(1_000), {"getBlockHeight": SILENCE}, gives(1_001)], 1_151),
        ([{"getBlockHeight": SILENCE}, gives(1_000), gives(1_000)], 1_150),
        ([{"getLatestBlockhash": SILENCE, "getBlockHeight": 1_020}, gives(1_000)], 1_170),
    ],
)  # fmt: skip
def test_how_long_a_blockhash_is_valid(nodes: list[dict[str, Any]], last_valid: int) -> None:
    assert solana(*scripts(*nodes)).blockhash().last_valid_block_height == last_valid


def test_heights_are_read_after_every_blockhash() -> None:
    asked: list[str] = []

    def note(method: str, answer: Any) -> Any:
        def tell(_: Any) -> Any:
            asked.append(method)
            return answer

        return tell

    nodes = [
        {method: note(method, answer) for method, answer in gives(1_000).items()} for _ in range(3)
    ]
    solana(*scripts(*nodes)).blockhash()
    assert asked == ["getLatestBlockhash"] * 3 + ["getBlockHeight"] * 3


@pytest.mark.parametrize(
    "value",
    [
        None,
        {},
        {"blockhash": "?", "lastValidBlockHeight": 5},
        {"blockhash": str(Hash.default()), "lastValidBlockHeight": -5},
        {"blockhash": str(Hash.default()), "lastValidBlockHeight": "5"},
        {"blockhash": str(Hash.default())},
    ],
    ids=repr,
)
def test_a_blockhash_that_is_none(value: Any) -> None:
    with pytest.raises(ChainUnreachable):
        solana(Script(getLatestBlockhash=in_context(value))).blockhash()


def test_a_blockhash_without_any_height_is_none() -> None:
    with pytest.raises(ChainUnreachable, match="getBlockHeight"):
        solana(Script(getBlockHeight=SILENCE)).blockhash()


@pytest.mark.parametrize(
    ("slots", "expected"),
    [
        # The only one there is: its word.
        ([1_000], 1_000),
        # Too high would let a node prove an expiry that has forgotten everything since.
        ([10**12, 1_000], 1_000),
        ([1_000, 10**12], 1_000),
        ([1_000, 1_001, 10**12], 1_001),
        # Too low would keep every node from proving one.
        ([0, 1_000, 1_001], 1_000),
        ([0, 1_000, 1_001, 1_002], 1_000),
    ],
)
def test_a_blockhash_is_as_old_as_most_nodes_say(slots: list[int], expected: int) -> None:
    nodes = [
        gives(1_000, name=number)
        | {
            "getLatestBlockhash": in_context(
                {"blockhash": str(Hash(bytes([number] * 32))), "lastValidBlockHeight": 1_150}, slot
            )
        }
        for number, slot in enumerate(slots)
    ]
    chain = solana(*scripts(*nodes))
    assert {chain.blockhash().slot for _ in slots} == {expected}


def test_a_node_that_lags_gives_no_blockhash() -> None:
    """Nothing that is signed with it could land, and it would be asked again each time."""
    chain = solana(*scripts(gives(800, name=1), gives(1_000, name=2)))
    assert {chain.blockhash().hash for _ in range(4)} == {str(Hash(bytes([2] * 32)))}


def test_nodes_that_keep_up_give_in_turn() -> None:
    """One that makes its hashes up would else keep every payment from landing."""
    chain = solana(*scripts(gives(1_000, name=1), gives(995, name=2), gives(1_001, name=3)))
    given = [chain.blockhash().hash for _ in range(6)]
    assert given[:3] == given[3:]
    assert len(set(given)) == 3
