"""Paid for, but another job makes that very rung: nobody waits for it, and no money is kept."""

import threading
from uuid import UUID, uuid4

import pytest

from pixr.adapters.postgres import connect, investments_settled
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler
from tests.functions.batch.test_upgrades import PRICE, invest, states

DUE = 19_000_000
SOL = 10**9


@pytest.fixture
def encoding(settler: Settler) -> Settler:
    """Alice's film was uploaded; its own job makes 480p, which is not there yet."""
    settler.user("alice")
    settler.content("film", "alice")
    job_id = base_job(settler)
    settler.db.execute(
        "UPDATE upgrade_jobs SET rung = 480, state = 'ENCODING', settings = '{}', chunks_total = 1"
        " WHERE id = %s",
        (job_id,),
    )
    return settler


def base_job(settler: Settler) -> UUID:
    """What the first event of an upload writes."""
    job_id = uuid4()
    settler.db.execute(
        "INSERT INTO upgrade_jobs (id, content_id, kind, source_key, created_at, moved_at)"
        " VALUES (%s, 'film', 'base', 'originals/x', now(), now())",
        (job_id,),
    )
    return job_id


def fail(settler: Settler) -> None:
    settler.db.execute(
        "UPDATE upgrade_jobs SET state = 'FAILED', reason = 'no', closed_at = now()"
        " WHERE closed_at IS NULL"
    )


def publish(settler: Settler) -> None:
    settler.db.execute("UPDATE upgrade_jobs SET state = 'PUBLISHED', closed_at = now()")
    settler.db.execute(
        "INSERT INTO renditions SELECT content_id, rung, id, 854, 480, 720, 30000, 9, 9, 'p', now()"
        " FROM upgrade_jobs"
    )


def funding(settler: Settler) -> str:
    row = settler.db.execute("SELECT state FROM fundings").fetchone()
    assert row is not None
    return str(row["state"])


def wallet(settler: Settler, user_id: str) -> int:
    return settler.balance(settler.keyring.seed.wallet(user_id).address)


def is_clean(settler: Settler) -> bool:
    return not any(check.differences for check in verify(settler.db, settler.chain))


@pytest.fixture
def waiting(encoding: Settler) -> Settler:
    """Mallory has paid for that very rung, in full."""
    invest(encoding, "mallory", PRICE, rung=480)
    assert encoding.tick().broken == {}
    return encoding


def test_money_for_a_rung_that_is_being_made_holds_nobody_up(encoding: Settler) -> None:
    """The proof of the review: one investor, and everybody's payments were rolled back."""
    bob = encoding.user("bob")
    encoding.content("other", "bob")
    encoding.watch("other", 1_000)
    invest(encoding, "mallory", PRICE, rung=480)
    report = encoding.tick()
    assert report.broken == {}
    assert encoding.balance(bob) == DUE
    assert funding(encoding) == "OPEN"
    assert states(encoding) == ["ESCROWED"]
    assert encoding.account("escrow") == PRICE
    assert encoding.sent == []
    assert is_clean(encoding)


def test_when_the_other_job_fails_the_upgrade_begins_once(waiting: Settler) -> None:
    fail(waiting)
    waiting.tick()
    row = waiting.db.execute("SELECT * FROM upgrade_jobs WHERE kind = 'funded'").fetchone()
    assert row is not None
    assert (row["state"], row["rung"], row["source_key"]) == ("QUEUED", 480, "originals/x")
    assert funding(waiting) == "FUNDED"
    assert waiting.sent == [("upgrade.plan", {"job_id": str(row["id"])})]
    waiting.tick()
    assert len(waiting.sent) == 1
    # And fails for good: its source was deleted, or replaced.
    fail(waiting)
    waiting.tick()
    assert (funding(waiting), states(waiting)) == ("FAILED", ["REFUNDED"])
    assert wallet(waiting, "mallory") == SOL
    assert is_clean(waiting)


def test_when_the_rung_is_there_everybody_gets_their_money_back(waiting: Settler) -> None:
    publish(waiting)
    waiting.tick()
    assert (funding(waiting), states(waiting)) == ("FAILED", ["REFUNDED"])
    assert wallet(waiting, "mallory") == SOL
    assert waiting.account("escrow") == 0
    assert waiting.sent == []
    assert is_clean(waiting)


def test_a_part_of_what_is_there_by_now_is_given_back_at_once(encoding: Settler) -> None:
    """Nobody can put in the rest any more, so waiting for it would be waiting for nothing."""
    invest(encoding, "mallory", PRICE // 2, rung=480)
    encoding.tick()
    assert states(encoding) == ["ESCROWED"]
    publish(encoding)
    encoding.tick()
    assert states(encoding) == ["REFUNDED"]
    assert wallet(encoding, "mallory") == SOL


def test_a_part_that_lands_after_the_rung_is_there_is_given_back(encoding: Settler) -> None:
    publish(encoding)
    invest(encoding, "mallory", PRICE, rung=480)
    encoding.tick()
    assert (funding(encoding), states(encoding)) == ("FAILED", ["REFUNDED"])
    assert wallet(encoding, "mallory") == SOL
    assert encoding.sent == []


def test_what_cannot_begin_in_time_is_refunded(waiting: Settler) -> None:
    """A job that hangs for a month keeps nobody's money."""
    waiting.db.execute("UPDATE fundings SET opened_at = opened_at - interval '31 days'")
    waiting.tick()
    assert (funding(waiting), states(waiting)) == ("FAILED", ["REFUNDED"])
    assert wallet(waiting, "mallory") == SOL
    # Nor does the job's end begin it after all.
    fail(waiting)
    waiting.tick()
    assert waiting.sent == []
    assert wallet(waiting, "mallory") == SOL


def test_a_refund_waits_for_a_treasury_that_is_short_and_is_paid_in_full(waiting: Settler) -> None:
    """The treasury pays the way, and has nothing: the money waits in escrow, reserved."""
    held = waiting.account("treasury") - 1_000_000
    move(waiting, "short", held)
    publish(waiting)
    report = waiting.tick(seconds=5)
    assert (report.payouts_short, report.batches_sent) == (1, 0)
    assert (funding(waiting), states(waiting)) == ("FAILED", ["REFUNDING"])
    assert waiting.account("escrow") == PRICE
    move(waiting, "filled", -held)
    waiting.tick()
    assert states(waiting) == ["REFUNDED"]
    assert wallet(waiting, "mallory") == SOL
    assert is_clean(waiting)


def move(settler: Settler, reference: str, lamports: int) -> None:
    """Let the ledger believe that so much has left the treasury."""
    settler.db.execute(
        "INSERT INTO ledger_transactions (reference, posted_at) VALUES (%s, now())", (reference,)
    )
    settler.db.execute(
        "INSERT INTO ledger_entries SELECT max(id), a, l FROM ledger_transactions,"
        " (VALUES ('treasury', %s::bigint), ('world', %s::bigint)) AS e (a, l) GROUP BY a, l",
        (-lamports, lamports),
    )


def test_a_rung_that_is_published_at_this_very_moment_is_not_made_again(
    waiting: Settler, database_url: str
) -> None:
    """The insertion waits for the other job's transaction, and then nothing conflicts any more."""
    begun: list[bool] = []

    def start() -> None:
        with connect(database_url) as db:
            now = waiting.now()
            begun.append(investments_settled.start(db, "film", 480, job_id=uuid4(), now=now))

    thread = threading.Thread(target=start)
    with waiting.db.transaction():
        publish(waiting)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
    thread.join()
    assert begun == [False]
    assert funding(waiting) == "OPEN"


def test_an_upgrade_begins_only_when_it_is_paid_for_and_open(waiting: Settler) -> None:
    def start() -> bool:
        now = waiting.now()
        return investments_settled.start(waiting.db, "film", 480, job_id=uuid4(), now=now)

    assert not start()
    fail(waiting)
    waiting.db.execute("UPDATE fundings SET escrowed_lamports = escrowed_lamports - 1")
    assert not start()
    waiting.db.execute("UPDATE fundings SET escrowed_lamports = price_lamports")
    waiting.db.execute(
        "UPDATE contents SET state = 'awaiting', best_rung = NULL,"
        " manifest_key = NULL, source_key = NULL"
    )
    assert not start()
    waiting.db.execute("UPDATE contents SET source_key = 'originals/y'")
    assert start()
    assert not start()
