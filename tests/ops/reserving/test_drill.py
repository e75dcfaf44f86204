"""The drill: what each of the people can do to the reserve, and what nobody can.

Each refusal twice: by our own words, and by the chain when somebody goes around them.
"""

import json
from pathlib import Path

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair

from pixr.domain.proposals import Allow, Deed, HandOver, Move, Proposal, Revoke
from pixr.ops.reserving import making
from tests.ops.reserving.conftest import SOL, Table, members_of

MISSING_SIGNATURE = '{"InstructionError": [%d, "MissingRequiredSignature"]}'
NOT_ENOUGH = {"Custom": 1}
NOT_THE_OWNER = {"Custom": 4}


def steps(table: Table, deed: Deed, signers: list[Keypair]) -> list[Instruction]:
    """What a proposal does, without its nonce."""
    group = table.group()
    proposal = Proposal(
        deed=deed,
        reserve=group.token_account,
        multisig=group.multisig,
        signers=tuple(str(key.pubkey()) for key in signers),
        payer=str(table.payer.pubkey()),
        nonce_account=group.multisig,
        nonce=group.multisig,
    )
    return making.deed(deed, proposal)


def taken(table: Table, lamports: int) -> list[Instruction]:
    """What the hot treasury does as the delegate."""
    return making.move(
        str(table.payer.pubkey()),
        table.group().token_account,
        table.treasury,
        (),
        lamports=lamports,
        destination=table.treasury,
    )


def why(error: str | None) -> object:
    assert error is not None
    return json.loads(error)["InstructionError"][1]


@pytest.fixture
def paper(table: Table, trio: list[Keypair]) -> Path:
    path = table.folder / "paper.json"
    table.done("propose", "transfer", "--sol", "3", "--out", str(path))
    return path


def test_one_signer_is_refused(table: Table, trio: list[Keypair], paper: Path) -> None:
    table.signed(paper, "ada")
    assert f"is not signed by {trio[1].pubkey()}" in table.refused("send", str(paper))
    alone = steps(table, Move(lamports=SOL, destination=table.treasury), trio[:1])
    assert why(table.land(alone, trio[0])) == "MissingRequiredSignature"
    assert table.holding().lamports == 20 * SOL


def test_the_same_signer_twice_is_refused(table: Table, trio: list[Keypair], paper: Path) -> None:
    table.signed(paper, "ada")
    again = table.refused("sign", str(paper), "--key", str(table.folder / "ada.json"), "--yes")
    assert "has signed already" in again
    ada = str(trio[0].pubkey())
    twice = ("--sol", "1", "--by", ada, "--by", ada, "--out", str(table.folder / "twice"))
    assert "names 1 members; 2 must sign" in table.refused("propose", "transfer", *twice)
    same = steps(table, Move(lamports=SOL, destination=table.treasury), [trio[0], trio[0]])
    assert why(table.land(same, trio[0])) == "MissingRequiredSignature"
    assert table.holding().lamports == 20 * SOL


def test_an_outsider_is_refused(table: Table, trio: list[Keypair], paper: Path) -> None:
    (eve,) = table.people("eve")
    said = table.refused("sign", str(paper), "--key", str(table.folder / "eve.json"), "--yes")
    assert f"{eve.pubkey()} is not asked to sign" in said
    by = ("--by", str(trio[0].pubkey()), "--by", str(eve.pubkey()))
    said = table.refused("propose", "revoke", *by, "--out", str(table.folder / "eve"))
    assert f"{eve.pubkey()} is no member" in said
    pair = steps(table, Move(lamports=SOL, destination=table.treasury), [trio[0], eve])
    assert why(table.land(pair, trio[0], eve)) == "MissingRequiredSignature"
    assert table.holding().lamports == 20 * SOL


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (1, 2)])
def test_any_two_are_enough_and_it_comes_as_plain_sol(
    table: Table, trio: list[Keypair], pair: tuple[int, int]
) -> None:
    before = table.settler.balance(table.treasury)
    names = [("ada", "ben", "cyd")[number] for number in pair]
    by = [word for number in pair for word in ("--by", str(trio[number].pubkey()))]
    said = table.pass_("propose", "transfer", "--sol", "3.000000001", *by, names=names)
    assert "MOVE 3.000000001 SOL (3000000001 lamports)" in said
    assert table.settler.balance(table.treasury) == before + 3_000_000_001
    assert table.holding().lamports == 16_999_999_999


def test_the_hot_treasury_takes_what_it_is_allowed_and_no_more(
    table: Table, trio: list[Keypair]
) -> None:
    assert "may take 0 SOL" in table.refused("refill", "--sol", "1")
    assert why(table.land(taken(table, SOL), table.hot)) == NOT_THE_OWNER
    table.pass_("propose", "allow", "--sol", "5")
    before = table.settler.balance(table.treasury)
    assert "It may still take 2.5 SOL" in table.done("refill", "--sol", "2.5")
    assert table.settler.balance(table.treasury) == before + 2_500_000_000
    said = table.refused("refill", "--sol", "2.500000001")
    assert "may take 2.5 SOL (2500000000 lamports), less than 2.500000001" in said
    assert why(table.land(taken(table, 2_500_000_001), table.hot)) == NOT_ENOUGH
    assert table.holding().allowance_lamports == 2_500_000_000
    assert table.settler.balance(table.treasury) == before + 2_500_000_000


def test_what_was_allowed_can_be_taken_back(table: Table, trio: list[Keypair]) -> None:
    table.pass_("propose", "allow", "--sol", "5")
    assert table.holding().allowance_lamports == 5 * SOL
    table.pass_("propose", "revoke", names=("ada", "ben"))
    assert table.holding().delegate is None
    assert "may take 0 SOL" in table.refused("refill", "--sol", "1")
    assert why(table.land(taken(table, SOL), table.hot)) == NOT_THE_OWNER


def test_after_a_rotation_the_old_members_can_move_nothing(
    table: Table, trio: list[Keypair]
) -> None:
    table.pass_("propose", "allow", "--sol", "5")
    old = table.group()
    heirs = table.people("dan", "eli", "fay")
    said = table.pass_("rotate", *members_of(heirs))
    assert "The hot treasury may take nothing now" in said
    new = table.group()
    assert new.token_account == old.token_account
    assert new.members == tuple(str(key.pubkey()) for key in heirs)
    assert table.holding().owner == new.multisig
    assert table.holding().delegate is None
    assert why(table.land(taken(table, SOL), table.hot)) == NOT_THE_OWNER
    for deed in (
        Move(lamports=SOL, destination=table.treasury),
        Allow(lamports=SOL, delegate=table.treasury),
        Revoke(),
        HandOver(new_multisig=old.multisig),
    ):
        # As themselves, and as the group that they were.
        for owner in (new.multisig, old.multisig):
            proposal = Proposal(
                deed=deed,
                reserve=new.token_account,
                multisig=owner,
                signers=tuple(str(key.pubkey()) for key in trio[:2]),
                payer=str(table.payer.pubkey()),
                nonce_account=owner,
                nonce=owner,
            )
            error = why(table.land(making.deed(deed, proposal), *trio[:2]))
            assert error in ("MissingRequiredSignature", NOT_THE_OWNER), error
    assert table.holding().lamports == 20 * SOL
    table.pass_("propose", "transfer", "--sol", "1", names=("dan", "eli"))
    assert table.holding().lamports == 19 * SOL


def test_the_reserve_may_go_back_to_those_who_had_it(table: Table, trio: list[Keypair]) -> None:
    first = table.group()
    table.pass_("rotate", *members_of(table.people("dan", "eli", "fay")))
    table.pass_("rotate", *members_of(trio), names=("dan", "eli"))
    assert table.group().members == first.members
    assert table.group().multisig != first.multisig
    table.pass_("propose", "transfer", "--sol", "1")
    assert table.holding().lamports == 19 * SOL
