"""What two members were talked into signing, outside of our words: `send` and `status` notice.

The chain would do it: two of three may do what they like. So these are refused by us alone, and
whoever signs is the one who must read.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from solders.keypair import Keypair

from pixr.domain.proposals import Allow, HandOver, Move, Proposal, Revoke
from pixr.ops.reserving import desk, making, paper
from tests.ops.reserving.conftest import SOL, Table

EVE = str(Keypair().pubkey())

FORGERIES: dict[str, tuple[Callable[[Proposal], Proposal], str]] = {
    "a move to a stranger": (
        lambda it: replace(it, deed=Move(lamports=SOL, destination=EVE)),
        f"It is for {EVE}, which is not the hot treasury",
    ),
    "an allowance for a stranger": (
        lambda it: replace(it, deed=Allow(lamports=SOL, delegate=EVE)),
        f"It is for {EVE}, which is not the hot treasury",
    ),
    "strangers as heirs": (
        lambda it: replace(it, deed=HandOver(new_multisig=EVE)),
        f"{EVE} is not the group that is planned to follow",
    ),
    "another reserve": (lambda it: replace(it, reserve=EVE), f"The file is for the reserve {EVE}"),
    "another multisig": (lambda it: replace(it, multisig=EVE), "The file is for the reserve"),
    "one signer": (
        lambda it: replace(it, signers=it.signers[:1]),
        "Fewer than 2 members are asked to sign",
    ),
    "another nonce account": (
        lambda it: replace(it, nonce_account=EVE),
        f"{EVE} is not the nonce account",
    ),
    "more than there is": (
        lambda it: replace(it, deed=Move(lamports=21 * SOL, destination=destination(it))),
        "The reserve holds 20 SOL, less than 21",
    ),
}


def destination(proposal: Proposal) -> str:
    assert isinstance(proposal.deed, Move)
    return proposal.deed.destination


def written(table: Table, proposal: Proposal, names: tuple[str, ...]) -> Path:
    made = paper.make(
        making.message(proposal),
        network=table.settler.chain.genesis_hash(),
        actor="Eve",
        now=table.settler.now(),
    )
    path = table.folder / "forged.json"
    paper.save(made, path)
    return table.signed(path, *names)


@pytest.fixture
def honest(table: Table, trio: list[Keypair]) -> Proposal:
    """What `propose transfer --sol 1` asks Ada and Ben to sign."""
    path = table.folder / "honest.json"
    table.done("propose", "transfer", "--sol", "1", "--out", str(path))
    return paper.load(path).proposal


def test_a_forged_file_is_not_sent(table: Table, honest: Proposal) -> None:
    """All of them over one reserve: nothing moves, so none disturbs the next."""
    for name, (forge, says) in FORGERIES.items():
        forged = forge(honest)
        path = written(table, forged, ("ada", "ben")[: len(forged.signers)])
        assert says in table.refused("send", str(path)), name
    assert table.holding().lamports == 20 * SOL
    table.done("send", str(written(table, honest, ("ada", "ben"))))
    assert table.holding().lamports == 19 * SOL


def test_what_was_allowed_to_a_stranger_is_shouted(
    table: Table, trio: list[Keypair], honest: Proposal
) -> None:
    deed = Allow(lamports=SOL, delegate=EVE)
    assert table.land(making.deed(deed, replace(honest, deed=deed)), *trio[:2]) is None
    shown = table.say("status")
    assert shown.exit_code == 1
    assert f"WRONG: {EVE} MAY TAKE 1 SOL and is not the hot treasury" in shown.output
    assert "may take 0 SOL" in table.refused("refill", "--sol", "0.5")
    revoke = Revoke()
    assert table.land(making.deed(revoke, replace(honest, deed=revoke)), *trio[:2]) is None
    assert table.say("status").exit_code == 0


def test_heirs_who_are_others_on_chain_than_planned_inherit_nothing(
    table: Table, honest: Proposal
) -> None:
    heirs = [str(key.pubkey()) for key in table.people("dan", "eli", "fay")]
    path = table.folder / "rotate.json"
    members = [word for heir in heirs for word in ("--member", heir)]
    table.done("rotate", *members, "--out", str(path))
    table.signed(path, "ada", "ben")
    table.settler.db.execute("UPDATE reserves SET members[1] = %s WHERE state = 'PLANNED'", (EVE,))
    assert "on chain is not the group that was planned" in table.refused("send", str(path))
    assert table.group().multisig == honest.multisig


def test_a_nonce_account_is_found_by_its_payer(table: Table, honest: Proposal) -> None:
    assert honest.nonce_account == desk.nonce_address(str(table.payer.pubkey()))
