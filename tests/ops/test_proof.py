"""A proof holds when the chain says so, and every lie in one is found and named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pixr.adapters.postgres import house
from tests.ops.conftest import Pixr, Settler


@pytest.fixture
def proof(settler: Settler, pixr: Pixr) -> dict[str, Any]:
    """Three creators were paid together; the proof of one of them."""
    for number, views in enumerate((600, 700, 800)):
        settler.user(f"creator-{number}")
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", views)
    settler.tick()
    house.pin_chain(settler.db, settler.chain.genesis_hash(), "localnet", now=datetime.now(UTC))
    row = settler.db.execute("SELECT id FROM payouts WHERE user_id = 'creator-1'").fetchone()
    assert row is not None
    made = pixr("proof", "make", str(row["id"]))
    assert made.exit_code == 0, made.output
    found: dict[str, Any] = json.loads(made.output)
    return found


def url(settler: Settler) -> str:
    return settler.chain.nodes[0].url


def test_a_proof_holds_offline_and_says_what_it_did_not_ask(
    proof: dict[str, Any], pixr: Pixr
) -> None:
    result = pixr("proof", "verify", "-", says=json.dumps(proof))
    assert result.exit_code == 0, result.output
    assert "was not asked" in result.output
    assert proof["address"] in result.output


def test_a_proof_holds_on_chain(
    settler: Settler, proof: dict[str, Any], pixr: Pixr, tmp_path: Path
) -> None:
    file = tmp_path / "proof.json"
    made = pixr("proof", "make", proof["payout_id"], "--out", str(file))
    assert made.exit_code == 0
    result = pixr("proof", "verify", str(file), "--rpc", url(settler))
    assert result.exit_code == 0, result.output
    assert "It holds" in result.output
    assert proof["genesis_hash"] == settler.chain.genesis_hash()


def more(proof: dict[str, Any]) -> None:
    proof["lamports"] = str(int(proof["lamports"]) + 1)


def elsewhere(proof: dict[str, Any]) -> None:
    proof["address"] = "So11111111111111111111111111111111111111112"


def another_payout(proof: dict[str, Any]) -> None:
    proof["payout_id"] = str(uuid4())


def turned(proof: dict[str, Any]) -> None:
    for step in proof["path"]:
        step["side"] = "left" if step["side"] == "right" else "right"


def shorter(proof: dict[str, Any]) -> None:
    proof["path"] = []


@pytest.mark.parametrize("lie", [more, elsewhere, another_payout, turned, shorter])
def test_a_lie_about_the_leaf_does_not_hold(
    proof: dict[str, Any], pixr: Pixr, lie: Callable[[dict[str, Any]], None]
) -> None:
    lie(proof)
    result = pixr("proof", "verify", "-", says=json.dumps(proof))
    assert result.exit_code == 1, result.output
    assert "It does not hold." in result.output


def test_a_whole_tree_of_lies_meets_the_chain(
    settler: Settler, proof: dict[str, Any], pixr: Pixr
) -> None:
    """A leaf that is its own root is sound by itself; the memo says otherwise."""
    more(proof)
    proof["path"] = []
    result = pixr("proof", "verify", "-", says=json.dumps(proof))
    hashed = result.output.split("it hashes to ")[1].split(",")[0]
    proof["leaf"] = proof["root"] = hashed
    assert pixr("proof", "verify", "-", says=json.dumps(proof)).exit_code == 0
    result = pixr("proof", "verify", "-", "--rpc", url(settler), says=json.dumps(proof))
    assert result.exit_code == 1, result.output
    assert "its memo is" in result.output
    assert "lamports to" in result.output


def test_another_transaction_does_not_prove_it(
    settler: Settler, proof: dict[str, Any], pixr: Pixr
) -> None:
    (airdrop,) = [
        record.signature
        for record in settler.chain.signatures(settler.keyring.treasury.address, until=None)
        if record.signature != proof["signature"]
    ]
    proof["signature"] = airdrop
    result = pixr("proof", "verify", "-", "--rpc", url(settler), says=json.dumps(proof))
    assert result.exit_code == 1, result.output
    assert "it is of another form" in result.output


def test_a_transaction_that_nobody_has_proves_nothing(
    settler: Settler, proof: dict[str, Any], pixr: Pixr
) -> None:
    proof["signature"] = proof["signature"][:-4] + "2222"
    result = pixr("proof", "verify", "-", "--rpc", url(settler), says=json.dumps(proof))
    assert result.exit_code == 1, result.output
    assert "no node has it" in result.output


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lamports": "1.5"}, "lamports"),
        ({"lamports": 5}, "lamports"),
        ({"salt": "short"}, "salt"),
        ({"path": [{"side": "up", "digest": "A" * 43 + "="}]}, "path.0.side"),
        ({"format": "pixr proof of payout 2"}, "format"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_malformed_proof_is_named(
    proof: dict[str, Any], pixr: Pixr, change: dict[str, Any], says: str
) -> None:
    result = pixr("proof", "verify", "-", says=json.dumps(proof | change))
    assert result.exit_code == 2
    assert f"not a proof of payout: {says}:" in result.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("make", "nobody"), "is not the id of a payout"),
        (("make", "00000000-0000-0000-0000-000000000000"), "no finalized payout"),
        (("bake", "x"), "There is no `pixr proof bake`"),
        (("verify", "/nowhere/proof.json"), "cannot be read"),
        (("verify", "-", "--rpc", "localhost"), "not a proof"),
    ],
)
def test_what_cannot_be_tried_says_why(pixr: Pixr, words: tuple[str, ...], says: str) -> None:
    result = pixr("proof", *words, says="[]")
    assert result.exit_code == 2, result.output
    assert says in result.stderr


def test_a_file_that_is_too_long_is_not_read(pixr: Pixr, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    file.write_bytes(b" " * 70_000)
    result = pixr("proof", "verify", str(file))
    assert result.exit_code == 2
    assert "more than 65536 bytes" in result.stderr


def test_a_malformed_node_is_named(proof: dict[str, Any], pixr: Pixr) -> None:
    result = pixr("proof", "verify", "-", "--rpc", "localhost", says=json.dumps(proof))
    assert result.exit_code == 2
    assert "--rpc is malformed" in result.stderr
