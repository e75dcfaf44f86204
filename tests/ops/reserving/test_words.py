"""What each word of `pixr treasury` refuses, and that it can be said again after any stop."""

import base64
import json
from pathlib import Path

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from pixr.adapters.postgres import proposals, refills, reserve
from pixr.local.errors import LocalError
from pixr.ops.reserving import building, making, send
from pixr.ops.verification import verify
from tests.ops.reserving.conftest import SOL, Table, members_of

OFF_CURVE = str(Pubkey.find_program_address([b"x"], Pubkey.default())[0])


def actions(table: Table) -> list[str]:
    rows = table.settler.db.execute("SELECT action FROM audit_log ORDER BY seq").fetchall()
    return [row["action"] for row in rows]


def stopped(*_args: object, **_kwargs: object) -> None:
    raise LocalError("The power is gone.", mend="Wait.")


def booked(table: Table) -> None:
    """The settler books what came, nothing is paused, and everything agrees."""
    report = table.settler.tick()
    assert (report.paused, report.unseen, report.broken) == (None, [], {})
    wrong = [check for check in verify(table.settler.db, table.settler.chain) if check.differences]
    assert wrong == []


def test_what_comes_from_the_reserve_is_a_deposit_like_any_other(
    table: Table, trio: list[Keypair]
) -> None:
    before = table.settler.account("treasury")
    table.pass_("propose", "transfer", "--sol", "1.5")
    table.pass_("propose", "allow", "--sol", "5")
    table.done("refill", "--sol", "2.25")
    booked(table)
    assert table.settler.account("treasury") == before + 3_750_000_000
    assert actions(table) == [
        "reserve.planned",
        "reserve.handed-over",
        "reserve.proposed",
        "reserve.done",
        "reserve.proposed",
        "reserve.done",
        "reserve.refill-begun",
        "reserve.refilled",
    ]


def test_a_refill_brings_what_is_missing_to_the_float(
    table: Table, trio: list[Keypair], monkeypatch: pytest.MonkeyPatch
) -> None:
    table.pass_("propose", "allow", "--sol", "5")
    assert "no float that it is below" in table.refused("refill")
    held = table.settler.balance(table.treasury)
    refills.watch(
        table.settler.db,
        float_lamports=held + SOL,
        balance_lamports=held,
        now=table.settler.now(),
    )
    shown = table.say("status")
    assert shown.exit_code == 1
    assert "WRONG: a refill is asked for: `pixr treasury refill`" in shown.output
    assert "1 SOL came to the hot treasury" in table.done("refill")
    assert table.settler.balance(table.treasury) == held + SOL
    monkeypatch.setenv("HOT_FLOAT_LAMPORTS", str(held + 2 * SOL))
    assert "1 SOL came to the hot treasury" in table.done("refill")
    monkeypatch.setenv("TREASURY_PRIVATE_KEY", base64.b64encode(bytes(Keypair())).decode())
    assert "The treasury's key is that of" in table.refused("refill", "--sol", "1")
    monkeypatch.delenv("TREASURY_PRIVATE_KEY")
    assert "Nothing names the treasury's key." in table.refused("refill", "--sol", "1")


def test_a_group_is_three_outside_people(table: Table) -> None:
    ada, ben, cyd = table.people("ada", "ben", "cyd")
    user = table.settler.user("alice")
    for third, says in (
        (str(ben.pubkey()), "one is given twice"),
        (table.treasury, "is the hot treasury"),
        (table.settler.keyring.escrow_address, "is the escrow"),
        (user, "is the wallet of a user"),
        (str(table.payer.pubkey()), "is the payer of the fees"),
        (OFF_CURVE, "is not on the curve"),
        ("0" * 44, "is not 32 bytes in base58"),
    ):
        words = [*members_of([ada, ben]), "--member", third]
        assert says in table.refused("init", *words), third
    assert "must be given 3 times, not 2" in table.refused("init", *members_of([ada, ben]))
    assert reserve.groups(table.settler.db) == []
    table.file("payer", table.hot)
    assert "--payer is the hot treasury" in table.refused("init", *members_of([ada, ben, cyd]))


def test_a_members_key_never_pays(table: Table, trio: list[Keypair], tmp_path: Path) -> None:
    table.file("payer", trio[2])
    out = ("--out", str(tmp_path / "paper"))
    assert "--payer is a member of the reserve" in table.refused("propose", "revoke", *out)


def test_an_init_that_was_stopped_goes_on(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    members = table.people("ada", "ben", "cyd")

    with monkeypatch.context() as power:
        power.setattr(building, "build", stopped)
        table.refused("init", *members_of(members))
    (planned,) = reserve.groups(table.settler.db)
    assert planned.state == "PLANNED"
    with monkeypatch.context() as power:
        power.setattr(building, "nonce", stopped)
        table.refused("init", *members_of(members))
    table.init(members)
    table.init(members[::-1])
    assert table.group().multisig == planned.multisig
    assert len(reserve.groups(table.settler.db)) == 1
    others = table.people("dan", "eli", "fay")
    assert "There is a reserve of other members" in table.refused("init", *members_of(others))


def test_a_reserve_has_addresses_that_nobody_withdraws_to(
    table: Table, trio: list[Keypair]
) -> None:
    group = table.group()
    assert reserve.addresses(table.settler.db) == {
        group.multisig: "the multisig of the reserve",
        group.token_account: "the wrapped SOL of the reserve",
    }


def test_nothing_is_sent_before_everything_agrees(
    table: Table, trio: list[Keypair], tmp_path: Path
) -> None:
    paper = tmp_path / "paper.json"
    said = table.refused("propose", "transfer", "--sol", "20.1", "--out", str(paper))
    assert "The reserve holds 20 SOL, less than 20.1" in said
    assert not paper.exists()
    table.done("propose", "transfer", "--sol", "1", "--out", str(paper))
    table.signed(paper, "ada", "ben")
    whole = paper.read_text()
    document = json.loads(whole)
    document["network"] = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
    paper.write_text(json.dumps(document))
    assert "The file is for the chain 5eykt4" in table.refused("send", str(paper))
    paper.write_text(whole)
    other = table.folder / "payer.json"
    kept = other.read_text()
    table.file("payer", Keypair())
    assert "the file is to be paid for by" in table.refused("send", str(paper))
    other.write_text(kept)
    table.settler.db.execute("UPDATE reserves SET threshold = 3")
    said = table.refused("send", str(paper))
    assert "THE MEMBERS DIFFER: on chain 2 of" in said
    shown = table.say("status")
    assert shown.exit_code == 1
    assert "WRONG: THE MEMBERS DIFFER" in shown.output
    table.settler.db.execute("UPDATE reserves SET threshold = 2")
    table.done("send", str(paper))
    assert table.holding().lamports == 19 * SOL


def test_one_of_those_that_share_a_nonce_can_land_and_a_cancelled_one_cannot(
    table: Table, trio: list[Keypair], tmp_path: Path
) -> None:
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    table.done("propose", "transfer", "--sol", "1", "--out", str(one))
    said = table.done("propose", "transfer", "--sol", "2", "--out", str(two))
    assert "ALSO OPEN, only one of them can land: MOVE 1 SOL" in said
    assert table.done("status").count("proposed ") == 2
    for paper in (one, two):
        table.signed(paper, "ada", "ben")
    table.done("send", str(two))
    assert "The nonce has moved on" in table.refused("send", str(one))
    assert "proposed " not in table.done("status")
    table.done("propose", "revoke", "--out", str(three))
    table.signed(three, "ada", "ben")
    table.done("cancel")
    assert "The nonce has moved on" in table.refused("send", str(three))
    assert table.holding().lamports == 18 * SOL


def test_a_send_that_was_stopped_after_it_landed_is_written_down(
    table: Table, trio: list[Keypair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heirs = table.people("dan", "eli", "fay")
    paper = tmp_path / "paper.json"
    table.done("rotate", *members_of(heirs), "--out", str(paper))
    table.signed(paper, "ada", "ben")

    with monkeypatch.context() as power:
        power.setattr(send, "_write_down", stopped)
        table.refused("send", str(paper))
    assert "THE RESERVE BELONGS TO" in table.say("status").output
    table.done("send", str(paper))
    table.done("send", str(paper))
    assert table.group().members == tuple(str(key.pubkey()) for key in heirs)
    assert proposals.unsent(table.settler.db) == []
    assert actions(table).count("reserve.handed-over") == 2
    assert table.say("status").exit_code == 0


def test_another_plan_ends_the_one_before(
    table: Table, trio: list[Keypair], tmp_path: Path
) -> None:
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    table.done("rotate", *members_of(table.people("dan", "eli", "fay")), "--out", str(first))
    table.done("cancel")
    table.done("rotate", *members_of(table.people("gus", "hal", "ida")), "--out", str(second))
    states = sorted(group.state for group in reserve.groups(table.settler.db))
    assert states == ["ABANDONED", "LIVE", "PLANNED"]
    table.done("rotate", *members_of(table.people("jan", "kim", "lea")), "--out", str(third))
    table.signed(second, "ada", "ben")
    assert "is not the group that is planned to follow" in table.refused("send", str(second))
    assert "These are the members already" in table.refused(
        "rotate", *members_of(trio), "--out", str(first)
    )


def test_who_is_to_follow_is_shown_as_the_chain_has_it(
    table: Table, trio: list[Keypair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heirs = table.people("dan", "eli", "fay")

    out = ("--out", str(tmp_path / "paper"))
    with monkeypatch.context() as power:
        power.setattr(building, "build", stopped)
        table.refused("rotate", *members_of(heirs), *out)
    assert "does not stand yet" in table.done("status")
    table.done("rotate", *members_of(heirs), *out)
    # What the database remembers of them is not what is shown.
    table.settler.db.execute("UPDATE reserves SET members[1] = 'x' WHERE state = 'PLANNED'")
    (planned,) = (it for it in reserve.groups(table.settler.db) if it.state == "PLANNED")
    members = "".join(f"  {key.pubkey()}\n" for key in heirs)
    said = f"{planned.multisig}  2 of, once it is handed over\n{members}"
    assert said in table.done("status")


def test_a_paper_is_never_written_over_a_key_or_another_paper(
    table: Table, trio: list[Keypair], tmp_path: Path
) -> None:
    key = table.folder / "payer.json"
    before, known = key.read_text(), len(reserve.groups(table.settler.db))
    heirs = members_of(table.people("dan", "eli", "fay"))
    for words in (["propose", "revoke"], ["rotate", *heirs]):
        assert "payer.json is there already" in table.refused(*words, "--out", str(key))
    assert key.read_text() == before
    assert proposals.unsent(table.settler.db) == []
    assert len(reserve.groups(table.settler.db)) == known
    lost = tmp_path / "nowhere" / "paper"
    assert "cannot be written" in table.refused("propose", "revoke", "--out", str(lost))


def test_a_reserve_that_stands_is_not_dropped_for_another(
    table: Table, trio: list[Keypair], tmp_path: Path
) -> None:
    mine = table.group()
    others = members_of(table.people("dan", "eli", "fay"))
    table.done("rotate", *others, "--out", str(tmp_path / "paper"))
    (heirs,) = (it for it in reserve.groups(table.settler.db) if it.state == "PLANNED")
    opened = making.open_token_account(str(table.payer.pubkey()), heirs.multisig)
    assert table.land([opened]) is None
    account = making.token_account(heirs.multisig)
    said = table.refused("init", *others, "--reserve", account)
    assert f"The reserve is {mine.token_account}, and the chain says so, too." in said
    assert table.group() == mine
    # The one that stands may be named again, for nothing.
    table.done("init", *members_of(trio), "--reserve", mine.token_account)
    assert table.group() == mine


def test_without_a_reserve_there_is_nothing_to_do(table: Table, tmp_path: Path) -> None:
    shown = table.say("status")
    assert shown.exit_code == 1
    assert "There is no reserve yet." in shown.output
    assert "There is no reserve yet." in table.refused("fund", "--sol", "1")
    assert "There is no reserve yet." in table.refused("refill")
    assert "has no nonce account" in table.refused("cancel")
    out = ("--out", str(tmp_path / "paper"))
    asked: list[tuple[list[str], str]] = [
        (["propose", "steal"], "There is no `pixr treasury propose steal`"),
        (["propose", "revoke", "--sol", "1"], "`revoke` is given an amount"),
        (["propose", "allow"], "`allow` is given no amount"),
        (["propose", "allow", "--sol", "1e3"], "--sol must be SOL written with"),
    ]
    for words, says in asked:
        assert says in table.refused(*words, *out)
