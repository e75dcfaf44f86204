"""What strangers send to the escrow leaves it where it is in the way, and costs nothing else."""

from collections.abc import Sequence

from pixr.adapters.solana import Solana
from pixr.domain.payouts import Rehearsal
from pixr.ops.verification import verify
from tests.functions.batch.conftest import Settler
from tests.functions.batch.test_upgrades import end_job, invest, states
from tests.functions.batch.test_waiting_upgrades import move

PART = 1_000_000
SOL = 10**9


def two_investors(settler: Settler) -> str:
    """Both halves are in escrow; its address."""
    settler.user("creator")
    settler.content("film", "creator")
    invest(settler, "alice", PART)
    invest(settler, "bob", PART)
    settler.tick()
    assert states(settler) == ["ESCROWED", "ESCROWED"]
    return settler.keyring.seed.escrow().address


def sweeps(settler: Settler) -> list[tuple[int, str]]:
    rows = settler.db.execute(
        "SELECT lamports, state FROM payouts WHERE kind = 'release' AND investment_id IS NULL"
        " ORDER BY created_at"
    )
    return [(row["lamports"], row["state"]) for row in rows]


def is_clean(settler: Settler) -> bool:
    return not any(check.differences for check in verify(settler.db, settler.chain))


class Sprinkled(Solana):
    """The real node; a stranger sends dust after the settler has looked at its addresses."""

    def __init__(self, settler: Settler, address: str) -> None:
        super().__init__([settler.chain.nodes[0].url])
        self.airdrop = settler.airdrop
        self.address = address
        self.is_sent = False

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        if not self.is_sent:
            self.airdrop(self.address, 5)
            self.is_sent = True
        return super().rehearse(raws)


def test_dust_beside_what_is_not_decided_stays(settler: Settler) -> None:
    escrow = two_investors(settler)
    settler.airdrop(escrow, 1)
    assert settler.tick().batches_sent == 0
    assert sweeps(settler) == []


def test_a_refund_that_waits_for_a_person_pays_for_no_sweeps(settler: Settler) -> None:
    """The review's attack: a lamport a tick bought a fee and a receipt's rent, for ever."""
    escrow = two_investors(settler)
    move(settler, "short", held := settler.account("treasury") - 1_000_000)
    end_job(settler, "FAILED")
    settler.tick(seconds=4)
    settler.db.execute(
        "UPDATE payouts SET state = 'RESERVED', batch_id = (SELECT id FROM batches LIMIT 1)"
        " WHERE kind = 'refund' AND user_id = 'bob'"
    )
    settler.db.execute(
        "UPDATE payouts SET state = 'QUARANTINED', batch_id = NULL, reason = 'a program'"
        " WHERE kind = 'refund' AND user_id = 'bob'"
    )
    move(settler, "filled", -held)
    for _ in range(3):
        settler.airdrop(escrow, 1)
        settler.tick()
    assert sweeps(settler) == []
    assert sorted(states(settler)) == ["REFUNDED", "REFUNDING"]
    assert settler.account("escrow") == PART + 3 == settler.balance(escrow)
    # A person says "retry": now the dust would keep the refund in escrow, so it goes.
    settler.db.execute("UPDATE payouts SET state = 'PENDING', reason = NULL WHERE reason <> ''")
    settler.tick()
    settler.tick()
    assert sweeps(settler) == [(3, "PAID")]
    assert states(settler) == ["REFUNDED", "REFUNDED"]
    assert settler.account("escrow") == 0 == settler.balance(escrow)
    assert is_clean(settler)


def test_one_sweep_is_under_way_at_a_time(settler: Settler) -> None:
    """While the treasury is short every tick would ask for another one."""
    escrow = two_investors(settler)
    move(settler, "short", held := settler.account("treasury") - 1_000_000)
    end_job(settler, "FAILED")
    for _ in range(3):
        settler.airdrop(escrow, 1)
        settler.tick(seconds=4)
    assert sweeps(settler) == [(1, "PENDING")]
    move(settler, "filled", -held)
    settler.tick()
    settler.tick()
    assert sweeps(settler) == [(1, "PAID"), (2, "PAID")]
    assert states(settler) == ["REFUNDED", "REFUNDED"]
    assert settler.account("escrow") == 0 == settler.balance(escrow)


def test_dust_that_stops_a_planned_refund_is_swept_at_the_next_tick(settler: Settler) -> None:
    """The rehearsal finds it; the ledger learns of it a tick later."""
    escrow = two_investors(settler)
    end_job(settler, "FAILED")
    settler.chain = Sprinkled(settler, escrow)
    report = settler.tick(seconds=6)
    assert len(report.broken) == 1
    assert states(settler) == ["REFUNDING", "REFUNDING"]
    settler.tick()
    settler.tick()
    assert sweeps(settler) == [(5, "PAID")]
    assert states(settler) == ["REFUNDED", "REFUNDED"]
    assert is_clean(settler)


def test_a_cushion_makes_dust_harmless(settler: Settler) -> None:
    """What an operator may do once: the account then never falls below its rent."""
    escrow = two_investors(settler)
    settler.airdrop(escrow, SOL // 1_000)
    end_job(settler, "FAILED")
    settler.chain = Sprinkled(settler, escrow)
    settler.tick()
    assert states(settler) == ["REFUNDED", "REFUNDED"]
    assert sweeps(settler) == []
    settler.tick()
    assert settler.account("escrow") == SOL // 1_000 + 5 == settler.balance(escrow)
    assert is_clean(settler)
