"""Goal: money goes to plain wallets of outside people, whatever an address looks like."""

from datetime import UTC, datetime

import pytest
from solders.keypair import Keypair

from pixr.adapters.postgres import reserve
from pixr.adapters.postgres.reserve import Group
from pixr.domain import wallets
from tests.house import SOL, Answer, House

TOKEN_PROGRAM = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
LOOK_ALIKES = {"o": "о", "a": "а", "e": "е", "c": "с", "1": "l", "x": "0"}
"""A letter → what looks like it: Cyrillic, or none of base58's."""


def outside() -> str:
    return str(Keypair().pubkey())


def ask(house: House, destination: str) -> Answer:
    body = {"amount": "0.1", "destination": destination}
    return house.post("/withdraw", body, key="k")


def test_the_reserve_gets_nothing_from_users(house: House) -> None:
    house.user("alice")
    multisig, token_account = outside(), outside()
    group = Group(
        multisig=multisig,
        token_account=token_account,
        members=tuple(outside() for _ in range(3)),
        threshold=2,
        state="PLANNED",
    )
    reserve.plan(house.db, group, actor="eve", now=datetime.now(UTC))
    for destination, what in ((multisig, "the multisig of"), (token_account, "the wrapped SOL of")):
        answer = ask(house, destination)
        assert answer.problem == (400, "bad-destination")
        assert what in answer.body["detail"]
    assert house.count("payouts") == 0


def test_a_program_at_an_address_on_the_curve_is_known_by_its_account(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes could be anybody's; here without the list that has the common ones by name."""
    monkeypatch.setattr(wallets, "RUNTIME_ADDRESSES", {})
    house.user("alice", lamports=SOL)
    answer = ask(house, TOKEN_PROGRAM)
    assert answer.problem == (400, "bad-destination")
    assert "is a program" in answer.body["detail"]
    assert house.count("payouts") == 0


@pytest.mark.parametrize("letter", LOOK_ALIKES)
def test_a_letter_that_only_looks_right_is_no_address(house: House, letter: str) -> None:
    house.user("alice", lamports=SOL)
    real = next(key for key in (outside() for _ in range(1_000)) if letter in key)
    answer = ask(house, real.replace(letter, LOOK_ALIKES[letter], 1))
    assert answer.problem == (400, "bad-destination")
    assert house.count("payouts") == 0
