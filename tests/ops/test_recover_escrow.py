"""Investments whose intent or decision was lost: no money is kept, none is given back twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.ops.conftest import Pixr
from tests.ops.timeline import SOL, Timeline

PRICE = 2_000_000
BOB, CAROL = 500_000 + 890_880, PRICE - 500_000 - 890_880


pytestmark = pytest.mark.usefixtures("nothing_in_the_air")


@pytest.fixture
def town(timeline: Timeline) -> Timeline:
    """Alice has a film; Bob and Carol have 2 SOL each from outside."""
    timeline.earn("alice", 10, day="one")
    for user_id in ("bob", "carol"):
        timeline.settler.airdrop(timeline.settler.user(user_id), 2 * SOL)
        timeline.observe(user_id)
    timeline.settler.tick()
    return timeline


def invest(town: Timeline, **parts: int) -> None:
    for user_id, lamports in parts.items():
        town.invest(user_id, "film-alice", lamports, price=PRICE)
        town.settler.tick()


def recovered(town: Timeline) -> dict[str, int]:
    report = town.recover()
    assert report.is_clean, (report.unexplained, report.differences)
    return dict(report.counts)


def wallets(town: Timeline) -> tuple[int, int]:
    return 2 * SOL - town.balance("bob"), 2 * SOL - town.balance("carol")


def escrow(town: Timeline) -> int:
    return town.settler.balance(town.settler.keyring.seed.escrow().address)


def settled(town: Timeline) -> None:
    town.settler.tick()
    assert town.differences() == []


def test_an_investment_that_completes_an_upgrade_is_found_out(town: Timeline) -> None:
    invest(town, bob=BOB)
    backup = town.backup()
    invest(town, carol=CAROL)
    town.restore(backup)
    assert recovered(town) == {"rebuilt": 1, "created": 1}
    assert town.states("fundings") == {"FUNDED": 1}
    assert town.states("content_investments") == {"ESCROWED": 2}
    town.end_job("PUBLISHED")
    settled(town)
    assert town.states("content_investments") == {"LIVE": 2}
    assert escrow(town) == 0


@pytest.mark.parametrize(("cap_bps", "cap_lamports"), [(20_000, 2 * CAROL), (0, None)])
def test_returns_of_an_investment_that_was_lost_stop_where_one_says(
    town: Timeline, cap_bps: int, cap_lamports: int | None
) -> None:
    invest(town, bob=BOB)
    backup = town.backup()
    invest(town, carol=CAROL)
    town.restore(backup)
    assert town.recover(return_cap_bps=cap_bps).is_clean
    row = town.settler.db.execute(
        "SELECT return_cap_lamports FROM content_investments WHERE user_id = 'carol'"
    ).fetchone()
    assert row == {"return_cap_lamports": cap_lamports}


def test_an_investment_that_nobody_can_place_waits_for_a_person(
    town: Timeline, pixr_at: Callable[[], Pixr]
) -> None:
    backup = town.backup()
    invest(town, bob=BOB)
    town.restore(backup)
    assert recovered(town) == {"rebuilt": 1, "created": 1}
    settled(town)
    assert wallets(town) == (BOB, 0)
    pixr = pixr_at()
    listed = pixr("hold", "list")
    assert "upgrade is not known any more" in listed.output
    (row,) = town.rows("SELECT id FROM payouts WHERE state = 'QUARANTINED'")
    assert pixr("hold", "release", str(row["id"])).exit_code == 0
    settled(town)
    assert wallets(town) == (0, 0)
    assert escrow(town) == 0


@pytest.mark.parametrize("end", ["FAILED", "PUBLISHED"])
def test_a_decision_that_was_lost_is_read_from_where_the_money_went(
    town: Timeline, end: str
) -> None:
    invest(town, bob=BOB, carol=CAROL)
    backup = town.backup()
    town.end_job(end)
    town.settler.tick()
    town.restore(backup)
    assert recovered(town)["rebuilt"] == 1
    assert town.states("fundings") == {"LIVE" if end == "PUBLISHED" else "FAILED": 1}
    # The job ends once more, and nothing moves twice.
    town.end_job(end)
    settled(town)
    assert wallets(town) == ((BOB, CAROL) if end == "PUBLISHED" else (0, 0))
    assert escrow(town) == 0


def test_an_upgrade_of_which_only_the_beginning_is_known(town: Timeline) -> None:
    """Completed, made, and released, all in the time that was forgotten."""
    invest(town, bob=BOB)
    backup = town.backup()
    invest(town, carol=CAROL)
    town.end_job("PUBLISHED")
    town.settler.tick()
    assert escrow(town) == 0
    town.restore(backup)
    assert recovered(town)["rebuilt"] == 2
    settled(town)
    assert town.states("content_investments") == {"LIVE": 2}
    assert wallets(town) == (BOB, CAROL)


def test_an_upgrade_that_was_forgotten_whole_leaves_debts(
    town: Timeline, pixr_at: Callable[[], Pixr]
) -> None:
    """Its money works for the treasury; the investors' claims wait for a person."""
    backup = town.backup()
    invest(town, bob=BOB, carol=CAROL)
    town.end_job("PUBLISHED")
    town.settler.tick()
    town.restore(backup)
    assert recovered(town)["rebuilt"] == 3
    settled(town)
    assert town.states("payouts")["QUARANTINED"] == 2
    pixr = pixr_at()
    for row in town.rows("SELECT id FROM payouts WHERE state = 'QUARANTINED'"):
        assert pixr("hold", "release", str(row["id"])).exit_code == 0
    settled(town)
    assert wallets(town) == (0, 0)


def test_a_part_that_is_known_of_an_upgrade_that_is_not(town: Timeline) -> None:
    """Bob's part is known; Carol's and Dora's, which completed it together, are not."""
    town.settler.airdrop(town.settler.user("dora"), 2 * SOL)
    town.observe("dora")
    invest(town, bob=BOB)
    backup = town.backup()
    invest(town, carol=300_000, dora=CAROL - 300_000)
    town.end_job("PUBLISHED")
    town.settler.tick()
    assert escrow(town) == 0
    town.restore(backup)
    recovered(town)
    settled(town)
    assert town.states("payouts")["QUARANTINED"] == 3
    assert town.states("content_investments") == {"CANCELLED": 1}
    assert town.states("fundings") == {"OPEN": 1}


def test_an_upgrade_that_was_given_up(town: Timeline) -> None:
    invest(town, bob=BOB)
    backup = town.backup()
    usual = town.settler.terms
    town.settler.terms = replace(usual, funding=timedelta())
    town.settler.tick()
    assert wallets(town) == (0, 0)
    town.settler.terms = usual
    town.restore(backup)
    recovered(town)
    settled(town)
    assert town.states("fundings") == {"FAILED": 1}
    assert wallets(town) == (0, 0)


def test_a_strangers_dust_that_was_swept_out_of_escrow(town: Timeline) -> None:
    invest(town, bob=BOB, carol=CAROL)
    backup = town.backup()
    town.settler.airdrop(town.settler.keyring.seed.escrow().address, 5_000)
    town.settler.tick()
    town.end_job("FAILED")
    for _ in range(2):
        town.settler.tick()
    assert escrow(town) == 0
    town.restore(backup)
    recovered(town)
    settled(town)
    assert wallets(town) == (0, 0)
    assert town.settler.account("escrow") == 0


def test_what_waits_to_leave_a_wallet_that_is_empty_by_now(town: Timeline) -> None:
    """It was put aside in the forgotten time, and the money went elsewhere."""
    first, second = (town.address(name) for name in ("elsewhere", "nowhere"))
    town.withdraw("carol", first, SOL)
    backup = town.backup()
    town.settler.db.execute("DELETE FROM payouts WHERE destination = %s", (first,))
    town.settler.db.execute(
        "UPDATE ledger_accounts SET reserved_lamports = 0 WHERE account = 'wallet:carol'"
    )
    town.withdraw("carol", second, 2 * SOL)
    town.settler.tick()
    assert town.settler.balance(second) == 2 * SOL
    town.restore(backup)
    assert recovered(town)["overtaken"] == 1
    settled(town)
    assert town.settler.balance(first) == 0
    (row,) = town.rows(
        "SELECT state, reason FROM payouts WHERE kind = 'withdrawal' AND state <> 'PAID'"
    )
    assert row["state"] == "QUARANTINED"
    assert "had left already" in row["reason"]
