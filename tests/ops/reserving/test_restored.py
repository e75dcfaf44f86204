"""A database that was set back: what came from the reserve is a deposit, and it is found again."""

import pytest
from solders.keypair import Keypair

from pixr.adapters.postgres import reserve
from tests.ops.conftest import Timeline, day_one, nothing_in_the_air, pixr_at, timeline
from tests.ops.reserving.conftest import SOL, Table, members_of
from tests.ops.timeline import go_on, recovered

__all__ = ["day_one", "nothing_in_the_air", "pixr_at", "timeline"]

pytestmark = pytest.mark.usefixtures("nothing_in_the_air")


def test_a_refill_since_is_read_back_as_a_deposit(
    table: Table, trio: list[Keypair], timeline: Timeline
) -> None:
    table.pass_("propose", "allow", "--sol", "5")
    backup = timeline.backup()
    before = table.settler.account("treasury")
    table.done("refill", "--sol", "2")
    table.settler.tick()
    timeline.restore(backup)
    assert recovered(timeline) == {"deposits": 1}
    go_on(timeline)
    assert table.settler.account("treasury") == before + 2 * SOL


def test_a_rotation_that_was_forgotten_is_shouted_and_found_again(
    table: Table, trio: list[Keypair], timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    heirs = table.people("dan", "eli", "fay")
    account = table.group().token_account
    backup = timeline.backup()
    table.pass_("rotate", *members_of(heirs))
    rotated = table.group()
    timeline.restore(backup)
    monkeypatch.setenv("DATABASE_URL", timeline.url)
    shown = table.say("status")
    assert shown.exit_code == 1
    assert f"WRONG: THE RESERVE BELONGS TO {rotated.multisig}" in shown.output
    assert "THE RESERVE BELONGS TO" in table.refused("fund", "--sol", "1")
    wrong = table.refused("init", *members_of(trio), "--reserve", account)
    assert "which is not 2 of these members" in wrong
    for text, says in (
        (str(Keypair().pubkey()), "is no account of wrapped SOL"),
        ("x", "is no address"),
    ):
        assert says in table.refused("init", *members_of(heirs), "--reserve", text)
    table.done("init", *members_of(heirs), "--reserve", account)
    assert table.group() == rotated
    assert table.say("status").exit_code == 0


def test_a_reserve_that_was_forgotten_is_found_again(
    table: Table, timeline: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = timeline.backup()
    members = table.people("ada", "ben", "cyd")
    table.init(members)
    stood = table.group()
    timeline.restore(backup)
    monkeypatch.setenv("DATABASE_URL", timeline.url)
    assert reserve.groups(table.settler.db) == []
    table.init(members)
    assert table.group() == stood
