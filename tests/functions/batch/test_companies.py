"""One batch that cannot be handled: the others are handled all the same, and not one by one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from functions.batch.companies import TRIES_MAX, companies, each
from functions.batch.tick import Clockwork, Report
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.domain.payouts import Search, Sighting
from tests.functions.batch.conftest import Settler

DUE = 11_400_000


class Counting(Solana):
    """The real node, which writes down how many batches were looked up at once."""

    def __init__(self, url: str) -> None:
        super().__init__([url])
        self.sizes: list[int] = []

    def look_up(self, searches: Sequence[Search]) -> list[list[Sighting]]:
        self.sizes.append(len(searches))
        return super().look_up(searches)


class Mute(Solana):
    """The real node, to which nothing is ever sent."""

    def send(self, raws: Sequence[bytes]) -> None:
        """Say nothing."""


def test_a_landing_that_cannot_be_booked_is_found_by_halves(settler: Settler) -> None:
    """Somebody changed a row by hand; the other fifteen are booked in a handful of calls."""
    url = settler.chain.nodes[0].url
    settler.terms = replace(settler.terms, payees_max=1)
    users = [f"creator-{number}" for number in range(16)]
    addresses = [settler.user(user_id) for user_id in users]
    for number, user_id in enumerate(users):
        settler.content(f"film-{number}", user_id)
        settler.watch(f"film-{number}", 600)
    settler.chain = Mute([url])
    rows = []
    for _ in range(10):
        settler.tick(seconds=2)
        rows = settler.db.execute("SELECT raw FROM transactions").fetchall()
        if len(rows) == 16:
            break
    settler.chain = Solana([url])
    settler.chain.send([row["raw"] for row in rows])
    settler.wait_until(lambda: all(settler.balance(address) == DUE for address in addresses))
    settler.db.execute(
        "UPDATE ledger_accounts SET reserved_lamports = 0 WHERE account = 'owed:creator-11'"
    )
    settler.chain = chain = Counting(url)

    report = settler.tick(seconds=6)

    states = {row["user_id"]: row["state"] for row in settler.db.execute("SELECT * FROM payouts")}
    assert states.pop("creator-11") == "RESERVED"
    assert set(states.values()) == {"PAID"}
    # All sixteen, the halves of each half that failed, and from then on the culprit alone.
    assert sorted(chain.sizes[:9], reverse=True) == [16, 8, 8, 4, 4, 2, 2, 1, 1]
    assert set(chain.sizes[9:]) <= {1}
    (fault,) = report.broken.values()
    assert fault.startswith("CheckViolation")
    assert list(report.broken) == report.apart
    # Mended, it goes on.
    settler.db.execute(
        "UPDATE ledger_accounts SET reserved_lamports = %s WHERE account = 'owed:creator-11'",
        (DUE,),
    )
    report = settler.tick()
    assert (report.broken, report.apart) == ({}, [])


def batch() -> Batch:
    return Batch(
        id=uuid4(),
        kind="earnings",
        state="INFLIGHT",
        version=2,
        receipt_address="r",
        receipt_seed=None,
        merkle_root=b"",
        lamports=1,
        treasury_reserved_lamports=1,
    )


class Round:
    """Rounds of one company, in which the batches of ``bad`` cannot be handled."""

    def __init__(self, settler: Settler, company: Sequence[Batch], bad: Sequence[Batch]) -> None:
        self.settler = settler
        self.company = company
        self.bad = {one.id for one in bad}
        self.report = Report()
        self.calls: list[list[UUID]] = []
        self.handled: set[UUID] = set()

    def handle(self, group: Sequence[Batch]) -> None:
        ids = [one.id for one in group]
        self.calls.append(ids)
        if self.bad & set(ids):
            raise ValueError("no")
        self.handled |= set(ids)

    def run(self, handle: Callable[[Sequence[Batch]], None] | None = None) -> int:
        """Run one round; the number of calls that it took."""
        before = len(self.calls)
        clockwork = Clockwork(
            now=self.settler.now, new_id=uuid4, remaining_s=lambda: 30.0, pause=lambda _: None
        )
        each(
            self.settler.world(),
            handle or self.handle,
            companies(self.company, 256),
            clockwork,
            self.report,
        )
        return len(self.calls) - before


@pytest.fixture
def company() -> list[Batch]:
    return [batch() for _ in range(256)]


def test_one_culprit_costs_seventeen_calls_once_and_one_call_later(
    settler: Settler, company: list[Batch]
) -> None:
    rounds = Round(settler, company, company[77:78])
    assert rounds.run() == 17
    assert len(rounds.handled) == 255
    assert rounds.report.broken == {str(company[77].id): "ValueError: no"}
    # The company is whole again but for the culprit, which comes last.
    assert rounds.run() == 2
    assert [len(ids) for ids in rounds.calls[-2:]] == [255, 1]
    # And when it is mended it is told of no more.
    rounds.bad.clear()
    rounds.run()
    assert rounds.report.broken == {}


def test_the_search_is_bounded_and_every_round_gets_further(
    settler: Settler, company: list[Batch]
) -> None:
    bad = company[::4]
    rounds = Round(settler, company, bad)
    for _ in range(8):
        assert rounds.run() <= TRIES_MAX
    assert set(rounds.report.broken) == {str(one.id) for one in bad}
    assert len(rounds.handled) == 192


def test_what_handling_says_of_a_batch_stays_until_the_next_round(
    settler: Settler, company: list[Batch]
) -> None:
    rounds = Round(settler, company, [])
    refused = str(company[3].id)

    def refuse(_: Sequence[Batch]) -> None:
        rounds.report.broken[refused] = "the rehearsal failed"

    rounds.run(refuse)
    assert rounds.report.broken == {refused: "the rehearsal failed"}
    rounds.run()
    assert rounds.report.broken == {}


def test_a_chain_that_is_away_ends_it(settler: Settler, company: list[Batch]) -> None:
    def away(_: Sequence[Batch]) -> None:
        raise ChainUnreachable("nobody answers")

    with pytest.raises(ChainUnreachable):
        Round(settler, company, []).run(away)
