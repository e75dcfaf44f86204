"""The file goes through hands that nobody watches: whatever was changed in it is refused.

`sign` runs here with no database and no chain in the environment, as on an offline machine.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey
from typer.testing import CliRunner, Result

from pixr.domain.proposals import Allow, Deed, Move, Proposal
from pixr.ops.cli import app
from pixr.ops.reserving import making, paper

NOW = datetime(2026, 11, 28, tzinfo=UTC)
ADA, BEN, EVE = (Keypair.from_seed(bytes([number] * 32)) for number in range(3))
TREASURY = str(Pubkey.new_unique())
NETWORK = str(Pubkey.new_unique())
TWO = 2_000_000_000
OVERWRITES = "\x1b[6A\x1b[2KMOVE 1 SOL to a friend"
"""Moves a terminal's cursor up, to where the deed was shown."""


def proposal(deed: Deed) -> Proposal:
    return Proposal(
        deed=deed,
        reserve=str(Pubkey.new_unique()),
        multisig=str(Pubkey.new_unique()),
        signers=(str(ADA.pubkey()), str(BEN.pubkey())),
        payer=str(Pubkey.new_unique()),
        nonce_account=str(Pubkey.new_unique()),
        nonce=str(Pubkey.new_unique()),
    )


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATABASE_URL", "SOLANA_RPC_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "paper.json"
    message = making.message(proposal(Move(lamports=TWO, destination=TREASURY)))
    paper.save(paper.make(message, network=NETWORK, actor="Eve", now=NOW), path)
    return path


def sign(file: Path, keypair: Keypair, *words: str, says: str | None = None) -> Result:
    key = file.parent / "key.json"
    key.write_text(json.dumps(list(bytes(keypair))))
    command = ["treasury", "sign", str(file), "--key", str(key), *words]
    return CliRunner().invoke(app, command, input=says)


def change(file: Path, turn: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(file.read_text())
    turn(document)
    file.write_text(json.dumps(document))


def test_a_member_reads_what_the_bytes_do_and_signs(file: Path) -> None:
    result = sign(file, ADA, says="y\n")
    assert result.exit_code == 0, result.output
    assert f"MOVE 2 SOL ({TWO} lamports) out of the reserve to {TREASURY}" in result.output
    assert f"Missing: {BEN.pubkey()}." in result.output
    last = sign(file, BEN, "--yes")
    assert "Missing: nobody." in last.output
    found = paper.load(file)
    assert found.missing == ()
    for keypair in (ADA, BEN):
        assert found.signatures[str(keypair.pubkey())] == keypair.sign_message(found.message)


def test_a_member_may_say_no(file: Path) -> None:
    before = file.read_text()
    result = sign(file, ADA, says="n\n")
    assert result.exit_code == 1
    assert "Nothing was signed." in result.output
    assert file.read_text() == before


def test_a_stranger_and_a_second_signature_are_refused(file: Path) -> None:
    assert "is not asked to sign" in sign(file, EVE, "--yes").stderr
    assert sign(file, ADA, "--yes").exit_code == 0
    again = sign(file, ADA, "--yes")
    assert again.exit_code == 2
    assert "has signed already" in again.stderr


def other_message() -> str:
    deed = Allow(lamports=TWO, delegate=TREASURY)
    return base64.b64encode(bytes(making.message(proposal(deed)))).decode()


def signature_of(keypair: Keypair, document: dict[str, Any]) -> str:
    return str(keypair.sign_message(base64.b64decode(document["message"])))


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "less": (lambda it: it["says"].__setitem__(0, "MOVE 1 SOL"), "under 'says'"),
    "a word more": (lambda it: it["says"].append("Approved by the board."), "under 'says'"),
    "fewer signers": (lambda it: it["must_sign"].pop(), "under 'must_sign'"),
    "an end": (lambda it: it.update(expires="tomorrow"), "under 'expires'"),
    "another deed": (lambda it: it.update(message=other_message()), "under 'says'"),
    "a short message": (lambda it: it.update(message="AAAA"), "the message is not understood"),
    "no base64": (lambda it: it.update(message="*"), "is not a treasury proposal"),
    "version": (lambda it: it.update(version=2), "is not a treasury proposal of version 1"),
    "no text": (lambda it: it.update(network=5), "is not a treasury proposal"),
    "a cursor in the network": (
        lambda it: it.update(network=NETWORK + OVERWRITES),
        "is not a treasury proposal",
    ),
    "a cursor in a name": (
        lambda it: it.update(proposed_by=OVERWRITES),
        "is not a treasury proposal",
    ),
    "a turned name": (lambda it: it.update(proposed_by="\u202eEve"), "is not a treasury proposal"),
    "nobody": (lambda it: it.update(proposed_by=None), "is not a treasury proposal"),
    "a cursor in a time": (
        lambda it: it.update(proposed_at=it["proposed_at"] + OVERWRITES),
        "is not a treasury proposal",
    ),
    "a cursor in a signer": (
        lambda it: it["signatures"].update({OVERWRITES: signature_of(ADA, it)}),
        "is not a treasury proposal",
    ),
    "a field more": (lambda it: it.update(more=5), "is not a treasury proposal"),
    "a field less": (lambda it: it.pop("network"), "is not a treasury proposal"),
    "a list": (lambda it: it.update(signatures=[]), "is not a treasury proposal"),
    "no signature": (
        lambda it: it["signatures"].update({str(BEN.pubkey()): "1"}),
        "is not a treasury proposal",
    ),
    "forged": (
        lambda it: it["signatures"].update({str(BEN.pubkey()): signature_of(EVE, it)}),
        "is not of this message",
    ),
    "a stranger's": (
        lambda it: it["signatures"].update({str(EVE.pubkey()): signature_of(EVE, it)}),
        "has signed and is not asked to",
    ),
}


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_file_that_was_changed_is_refused(file: Path, name: str) -> None:
    turn, says = CHANGES[name]
    change(file, turn)
    before = file.read_text()
    result = sign(file, ADA, "--yes")
    assert result.exit_code == 2, result.output
    assert says in result.stderr
    assert "\x1b" not in result.output
    assert file.read_text() == before


@pytest.mark.parametrize(
    "text", ["", "[]", "5", "null", '"x"', "{", "{}", "x" * 20_000, "[" * 9_000]
)
def test_what_is_no_such_file_is_refused(file: Path, text: str) -> None:
    file.write_text(text)
    assert sign(file, ADA, "--yes").exit_code == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "null",
        "[1, 2]",
        json.dumps([0] * 64),
        json.dumps([256] * 64),
        "5",
        '"x"',
        "[" * 1_000,
    ],
)
def test_what_is_no_key_is_refused_without_a_word_of_it(file: Path, content: str) -> None:
    key = file.parent / "key.json"
    key.write_text(content)
    result = CliRunner().invoke(app, ["treasury", "sign", str(file), "--key", str(key), "--yes"])
    assert result.exit_code == 2
    assert "holds no key pair" in result.stderr


def test_no_secret_of_a_member_is_shown_or_kept(file: Path) -> None:
    said = sign(file, ADA, "--yes").output + file.read_text()
    secret = bytes(ADA)[:32]
    for form in (secret.hex(), base64.b64encode(secret).decode(), str(ADA), str(list(secret))):
        assert form not in said
