"""From an investment to its return, or back to its owner, through the real settler."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from functions.deposits import observe_deposits
from pixr.adapters.postgres import payouts
from pixr.domain.investments import return_cap
from pixr.domain.money import Lamports
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler

PRICE = 2_000_000


def invest(settler: Settler, user_id: str, lamports: int, *, rung: int = 1080) -> UUID:
    """What POST /invest writes, for a user who got 1 SOL from outside."""
    address = settler.user(user_id)
    settler.airdrop(address, 10**9)
    now = datetime.now(UTC)
    observe_deposits(
        settler.db, settler.chain, account=f"wallet:{user_id}", address=address, now=now
    )
    investment_id = uuid4()
    with settler.db.transaction():
        settler.db.execute(
            "INSERT INTO fundings (content_id, rung, price_lamports, quote, opened_at)"
            " VALUES ('film', %s, %s, '{}', now()) ON CONFLICT DO NOTHING",
            (rung, PRICE),
        )
        settler.db.execute(
            "UPDATE fundings SET funded_lamports = funded_lamports + %s WHERE rung = %s",
            (lamports, rung),
        )
        settler.db.execute(
            "INSERT INTO content_investments (id, content_id, rung, user_id, lamports,"
            " return_cap_lamports, created_at) VALUES (%s, 'film', %s, %s, %s, %s, now())",
            (investment_id, rung, user_id, lamports, lamports * 3 // 2),
        )
        assert payouts.request(
            settler.db,
            payout_id=uuid4(),
            kind="investment",
            user_id=user_id,
            debit_account=f"wallet:{user_id}",
            credit_account="escrow",
            destination=settler.keyring.seed.escrow().address,
            lamports=lamports,
            investment_id=investment_id,
            now=now,
        )
    return investment_id


def end_job(settler: Settler, state: str) -> None:
    """What reprocessing writes when a job ends."""
    settler.db.execute(
        "UPDATE upgrade_jobs SET state = 'ENCODING', chunks_total = 1, settings = '{}'"
    )
    if state == "PUBLISHED":
        settler.db.execute("UPDATE upgrade_jobs SET state = 'ASSEMBLING'")
        settler.db.execute("UPDATE upgrade_jobs SET state = 'PUBLISHED', closed_at = now()")
        settler.db.execute("UPDATE contents SET best_rung = 1080")
    else:
        settler.db.execute(
            "UPDATE upgrade_jobs SET state = 'FAILED', reason = 'no', closed_at = now()"
        )


def states(settler: Settler) -> list[str]:
    rows = settler.db.execute("SELECT state FROM content_investments ORDER BY lamports")
    return [row["state"] for row in rows]


@pytest.fixture
def funded(settler: Settler) -> Settler:
    """Bob put in 500,000 and Carol 1,500,000: the upgrade is paid for and its job started."""
    settler.user("alice")
    settler.content("film", "alice")
    invest(settler, "carol", 1_500_000)
    settler.tick()
    assert settler.sent == []
    invest(settler, "bob", 500_000)
    settler.tick()
    assert states(settler) == ["ESCROWED", "ESCROWED"]
    assert settler.balance(settler.keyring.seed.escrow().address) == PRICE
    return settler


def test_a_full_funding_starts_the_job_once(funded: Settler) -> None:
    row = funded.db.execute("SELECT job_id, state FROM fundings").fetchone()
    assert row is not None
    assert row["state"] == "FUNDED"
    assert funded.sent == [("upgrade.plan", {"job_id": str(row["job_id"])})]
    funded.tick()
    assert len(funded.sent) == 1


def test_a_live_upgrade_pays_returns_up_to_the_cap(funded: Settler) -> None:
    end_job(funded, "PUBLISHED")
    funded.tick()
    assert states(funded) == ["LIVE", "LIVE"]
    assert funded.balance(funded.keyring.seed.escrow().address) == 0

    # 1,000 views × 25,000 × 20 % = 5,000,000 for the investors, whose caps are 3,000,000.
    funded.watch("film", 1_000)
    funded.tick()
    bob, carol = (funded.keyring.seed.wallet(name).address for name in ("bob", "carol"))
    assert funded.account("return:bob") == 750_000  # not enough to pay out, and final
    assert funded.balance(carol) == 10**9 - 1_500_000 + 2_250_000
    assert funded.balance(bob) == 10**9 - 500_000
    assert funded.account("owed:alice") == 0
    assert funded.account("platform") == 1_250_000
    alice = funded.balance(funded.keyring.seed.wallet("alice").address)
    assert alice == 25_000_000 - 1_250_000 - 3_000_000
    assert [c for c in verify(funded.db, funded.chain) if c.differences] == []


def test_returns_without_a_cap_do_not_stop(funded: Settler) -> None:
    """What RETURN_CAP_BPS=0 means: POST /invest writes no cap down."""
    caps = [return_cap(Lamports(lamports), cap_bps=0) for lamports in (1_500_000, 500_000)]
    funded.db.execute("UPDATE content_investments SET return_cap_lamports = %s", (caps[0],))
    end_job(funded, "PUBLISHED")
    funded.tick()
    # 10,000 views × 25,000 × 20 % = 50,000,000, 25 times what was invested.
    funded.watch("film", 10_000)
    funded.tick()
    bob, carol = (funded.keyring.seed.wallet(name).address for name in ("bob", "carol"))
    assert caps == [None, None]
    assert funded.balance(carol) == 10**9 - 1_500_000 + 37_500_000
    assert funded.balance(bob) == 10**9 - 500_000 + 12_500_000
    assert funded.account("platform") == 12_500_000
    alice = funded.balance(funded.keyring.seed.wallet("alice").address)
    assert alice == 250_000_000 - 12_500_000 - 50_000_000
    # One more view is shared all the same; what is due waits for the minimum.
    funded.watch("film", 1, day="later")
    funded.tick()
    assert funded.account("return:carol") == 3_750
    assert [c for c in verify(funded.db, funded.chain) if c.differences] == []


def test_a_failed_upgrade_refunds_everybody_in_full(funded: Settler) -> None:
    end_job(funded, "FAILED")
    funded.tick()
    assert states(funded) == ["REFUNDED", "REFUNDED"]
    for name in ("bob", "carol"):
        assert funded.balance(funded.keyring.seed.wallet(name).address) == 10**9
    assert [c for c in verify(funded.db, funded.chain) if c.differences] == []


def test_what_is_not_fully_funded_in_time_is_refunded(settler: Settler) -> None:
    settler.user("creator")
    settler.content("film", "creator")
    invest(settler, "alice", PRICE // 2)
    settler.tick()
    assert states(settler) == ["ESCROWED"]
    settler.db.execute("UPDATE fundings SET opened_at = opened_at - interval '31 days'")
    settler.tick()
    assert states(settler) == ["REFUNDED"]
    row = settler.db.execute("SELECT state FROM fundings").fetchone()
    assert row == {"state": "FAILED"}
    assert settler.balance(settler.keyring.seed.wallet("alice").address) == 10**9
    assert settler.account("escrow") == 0


def test_a_part_on_its_way_to_escrow_is_waited_for(settler: Settler) -> None:
    settler.user("creator")
    settler.content("film", "creator")
    invest(settler, "alice", PRICE // 2)
    settler.tick()
    settler.db.execute("UPDATE fundings SET opened_at = opened_at - interval '31 days'")
    invest(settler, "bob", PRICE // 2)
    settler.tick()
    # The price was reached after all: the job begins, and nobody is refunded.
    assert states(settler) == ["ESCROWED", "ESCROWED"]
    row = settler.db.execute("SELECT state FROM fundings").fetchone()
    assert row == {"state": "FUNDED"}


def test_dust_in_the_escrow_does_not_keep_the_last_refund_there(settler: Settler) -> None:
    """One lamport of a stranger's would leave less than the rent behind."""
    settler.user("creator")
    settler.content("film", "creator")
    invest(settler, "alice", PRICE)
    settler.tick()
    settler.airdrop(settler.keyring.seed.escrow().address, 1)
    end_job(settler, "FAILED")
    settler.tick()
    settler.tick()
    assert states(settler) == ["REFUNDED"]
    assert settler.balance(settler.keyring.seed.wallet("alice").address) == 10**9
    assert settler.account("escrow") == 0 == settler.balance(settler.keyring.seed.escrow().address)
    assert all(not check.differences for check in verify(settler.db, settler.chain))
