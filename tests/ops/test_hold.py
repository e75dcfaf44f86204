"""What waits for a person is told whole, and goes on only where that cannot pay twice."""

from typing import Any
from uuid import UUID

import pytest
from solders.keypair import Keypair

from pixr.adapters.postgres import batches, holds, pauses
from pixr.ops import releasing
from tests.ops import timeline
from tests.ops.conftest import Pixr, Settler

DUE = 19_000_000
MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


@pytest.fixture
def due(settler: Settler) -> str:
    """Alice is owed 0.019 SOL; returns her address."""
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    return address


def rows(settler: Settler, statement: str) -> list[dict[str, Any]]:
    return settler.db.execute(statement.encode()).fetchall()


def one(settler: Settler, statement: str) -> dict[str, Any]:
    (row,) = rows(settler, statement)
    return row


def begin(settler: Settler) -> str:
    """Sign and store a payment that nobody sends; the batch's id."""
    timeline.begin(settler)
    return str(one(settler, "SELECT id FROM batches WHERE state = 'INFLIGHT'")["id"])


def put_on_hold(settler: Settler) -> None:
    settler.db.execute(
        "UPDATE batches SET state = 'HOLD', version = version + 1,"
        " hold_reason = 'the nodes cannot tell' WHERE state = 'INFLIGHT'"
    )


def declare_dead(settler: Settler) -> None:
    """What a proof of expiry does, without the proof."""
    settler.db.execute("UPDATE transactions SET state = 'EXPIRED', closed_at = now()")


def land(settler: Settler) -> None:
    """Let the stored bytes land, behind the settler's back."""
    row = one(settler, "SELECT raw, signature FROM transactions")
    settler.chain.send([bytes(row["raw"])])
    settler.wait_until(lambda: settler.chain.transaction(row["signature"]) is not None)


def states(settler: Settler) -> tuple[set[str], set[str], set[str]]:
    return (
        {row["state"] for row in rows(settler, "SELECT state FROM batches")},
        {row["state"] for row in rows(settler, "SELECT state FROM transactions")},
        {row["state"] for row in rows(settler, "SELECT state FROM payouts")},
    )


def audited(settler: Settler) -> list[tuple[str, str, str]]:
    found = rows(settler, "SELECT actor, action, subject FROM audit_log ORDER BY seq")
    return [(row["actor"], row["action"], row["subject"]) for row in found]


def test_nothing_waits(settler: Settler, due: str, pixr: Pixr) -> None:
    settler.tick()
    result = pixr("hold", "list")
    assert result.exit_code == 0, result.output
    assert "Nothing waits for a person." in result.output


def test_look_again_lets_the_settler_judge_and_pays_once(
    settler: Settler, due: str, pixr: Pixr
) -> None:
    batch = begin(settler)
    put_on_hold(settler)
    listed = pixr("hold", "list")
    assert batch in listed.output
    assert "the nodes cannot tell" in listed.output
    told = pixr("hold", "explain", batch)
    assert told.exit_code == 0, told.output
    assert "open   look-again" in told.output
    assert "closed dissolve: attempt 1 may still land" in told.output
    assert "closed adopt: no node shows that it was paid" in told.output
    assert due in told.output
    result = pixr("hold", "release", batch, "--how", "look-again", "--actor", "Eve")
    assert result.exit_code == 0, result.output
    settler.tick()
    assert settler.balance(due) == DUE
    assert audited(settler) == [("Eve", "hold.look-again", batch)]


@pytest.mark.parametrize("is_known", [True, False])
def test_what_landed_is_adopted_and_posted_once(
    settler: Settler, due: str, pixr: Pixr, *, is_known: bool
) -> None:
    batch = begin(settler)
    land(settler)
    put_on_hold(settler)
    declare_dead(settler)
    if not is_known:
        settler.db.execute("DELETE FROM transactions")
    for way in ("look-again", "dissolve"):
        refused = pixr("hold", "release", batch, "--how", way)
        assert refused.exit_code == 1, refused.output
    told = pixr("hold", "explain", batch)
    assert "open   adopt" in told.output
    assert "is exactly this batch" in told.output
    result = pixr("hold", "release", batch)
    assert result.exit_code == 0, result.output
    assert states(settler) == ({"FINALIZED"}, {"LANDED"}, {"PAID"})
    settler.tick()
    assert settler.balance(due) == settler.account("wallet:alice") == DUE
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)
    again = pixr("hold", "release", batch, "--how", "adopt")
    assert again.exit_code == 1
    assert "the batch is FINALIZED" in again.output


def test_what_differs_from_the_batch_is_not_adopted(settler: Settler, due: str, pixr: Pixr) -> None:
    batch = begin(settler)
    land(settler)
    put_on_hold(settler)
    declare_dead(settler)
    settler.db.execute("UPDATE payouts SET destination = %s", (str(Keypair().pubkey()),))
    result = pixr("hold", "release", batch, "--how", "adopt")
    assert result.exit_code == 1
    assert "is not this batch; its transfers: the chain says" in result.output
    assert states(settler)[0] == {"HOLD"}


def test_a_batch_of_which_nothing_landed_is_dissolved_and_paid_anew(
    settler: Settler, due: str, pixr: Pixr
) -> None:
    batch = begin(settler)
    put_on_hold(settler)
    declare_dead(settler)
    too_early = pixr("hold", "release", batch, "--how", "dissolve")
    assert too_early.exit_code == 1, too_early.output
    assert "cannot prove that no attempt of it landed" in too_early.output
    settler.db.execute(
        "UPDATE transactions SET last_valid_block_height = 1, blockhash_slot = 10^12"
    )
    result = pixr("hold", "release", batch, "--how", "dissolve")
    assert result.exit_code == 0, result.output
    assert states(settler)[2] == {"PENDING"}
    settler.tick()
    assert settler.balance(due) == DUE
    assert settler.account("owed:alice") == 0


def test_a_batch_that_the_signer_refused_is_dissolved(
    settler: Settler, due: str, pixr: Pixr
) -> None:
    """It was never signed: that it has no receipt is all there is to prove."""
    batch = begin_planned(settler)
    result = pixr("hold", "release", batch, "--how", "dissolve")
    assert result.exit_code == 0, result.output
    settler.tick()
    assert settler.balance(due) == DUE


def begin_planned(settler: Settler) -> str:
    """A planned batch that is held, as the signer does when it refuses."""
    begin(settler)
    settler.db.execute("UPDATE transactions SET state = 'EXPIRED', closed_at = now()")
    settler.db.execute("DELETE FROM transactions")
    settler.db.execute("UPDATE batches SET state = 'PLANNED' WHERE state = 'INFLIGHT'")
    settler.db.execute("UPDATE batches SET state = 'HOLD', hold_reason = 'the signer refused'")
    return str(one(settler, "SELECT id FROM batches")["id"])


def test_who_comes_late_changes_nothing(settler: Settler, due: str) -> None:
    """Two people at once, or a person and a settler: the version decides."""
    batch_id = UUID(begin(settler))
    put_on_hold(settler)
    read = batches.reread(settler.db, batch_id)
    case = releasing.examine(settler.db, settler.chain, read)
    settler.db.execute("UPDATE batches SET version = version + 1")
    with pytest.raises(releasing.NotSafe, match="somebody moved the batch"):
        releasing.release(
            settler.db,
            settler.chain,
            case,
            "look-again",
            actor="Eve",
            new_id=lambda: batch_id,
            now=read_time(settler),
        )
    assert audited(settler) == []
    assert states(settler)[0] == {"HOLD"}


def read_time(settler: Settler) -> Any:
    return one(settler, "SELECT now() AS at")["at"]


def put_aside(settler: Settler) -> str:
    """Mallory's address has become a program; the payout's id."""
    settler.db.execute("INSERT INTO user_wallets VALUES ('mallory', %s, 1, now())", (MEMO_PROGRAM,))
    settler.content("trap", "mallory")
    settler.watch("trap", 1_000)
    settler.tick()
    return str(one(settler, "SELECT id FROM payouts WHERE user_id = 'mallory'")["id"])


def test_a_quarantined_payout_is_tried_again_alone(settler: Settler, due: str, pixr: Pixr) -> None:
    payout = put_aside(settler)
    listed = pixr("hold", "list")
    assert payout in listed.output
    told = pixr("hold", "explain", payout)
    assert "open   retry" in told.output
    assert "was carried by batch" in told.output
    mended = str(Keypair().pubkey())
    settler.db.execute("UPDATE payouts SET destination = %s WHERE id = %s", (mended, payout))
    settler.db.execute("UPDATE user_wallets SET address = %s WHERE user_id = 'mallory'", (mended,))
    result = pixr("hold", "release", payout)
    assert result.exit_code == 0, result.output
    settler.tick()
    assert settler.balance(mended) == DUE
    again = pixr("hold", "release", payout, "--how", "retry")
    assert again.exit_code == 1
    assert "the payout is PAID" in again.output


def test_a_users_own_money_is_not_tried_again(settler: Settler, due: str, pixr: Pixr) -> None:
    payout = put_aside(settler)
    settler.db.execute("UPDATE payouts SET kind = 'withdrawal' WHERE id = %s", (payout,))
    result = pixr("hold", "release", payout, "--how", "retry")
    assert result.exit_code == 1
    assert "its owner's money again" in result.output
    assert holds.list_quarantined(settler.db, limit=9) == []


def test_the_list_says_that_settlement_is_paused(settler: Settler, pixr: Pixr) -> None:
    pauses.pause(settler.db, "for a test", now=read_time(settler))
    assert "for a test" in pixr("hold", "list").output


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("forget",), 2, "There is no `pixr hold forget`"),
        (("explain",), 2, "needs an id"),
        (("explain", "x"), 2, "is not the id of a batch or a payout"),
        (("explain", "00000000-0000-0000-0000-000000000000"), 2, "There is no batch and no"),
        (("release", "00000000-0000-0000-0000-000000000000", "--how", "pay"), 2, "no way 'pay'"),
        (("release", "00000000-0000-0000-0000-000000000000"), 1, "there is no batch"),
        (("release", "00000000-0000-0000-0000-000000000000", "--how", "retry"), 1, "no payout"),
        (("list", "--database-url", "mysql://x/y"), 2, "DATABASE_URL is malformed"),
        (("list", "--database-url", "postgresql://127.0.0.1:1/x"), 2, "database does not answer"),
        (("list", "--data", "/nowhere"), 2, "No machine runs on /nowhere"),
    ],
)
def test_what_cannot_be_done_says_why(
    pixr: Pixr, words: tuple[str, ...], code: int, says: str
) -> None:
    result = pixr("hold", *words)
    assert result.exit_code == code, result.output
    assert says in result.output + result.stderr
