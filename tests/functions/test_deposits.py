"""The settler's walk: nothing may hide a payment that the database does not know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from functions import deposits
from functions.deposits import UnknownPayment, observe_deposits, walk
from pixr.adapters.postgres import Database, house, ledger
from pixr.adapters.postgres import deposits as tables
from pixr.adapters.solana import AccountView, Listing, SignatureRecord, TransactionView

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SYSTEM = "11111111111111111111111111111111"
TREASURY = str(Pubkey.new_unique())
STRANGER = str(Pubkey.new_unique())


@dataclass
class Nodes:
    """What they list, oldest first, and who paid for each; whatever is not named is dust."""

    records: Sequence[SignatureRecord] = ()
    strays: Sequence[SignatureRecord] = ()
    gap: str | None = None
    settled: int | None = None
    """So many are passed by two nodes; None: all."""
    ours: set[str] = field(default_factory=set)
    made_up: set[str] = field(default_factory=set)
    read: list[str] = field(default_factory=list)
    held: int = 0

    def listing(self, address: str, *, until: str | None, pages_max: int) -> Listing:
        assert pages_max == deposits.PAGES_PER_WALK
        names = [record.signature for record in self.records]
        start = names.index(until) + 1 if until in names else 0
        found = tuple(self.records[start:])
        settled = len(found) if self.settled is None else self.settled
        return Listing(records=found, strays=tuple(self.strays), gap=self.gap, settled=settled)

    def account(self, address: str) -> AccountView | None:
        return AccountView(
            lamports=self.held, owner=SYSTEM, is_executable=False, data_bytes=0, slot=1
        )

    def transaction(self, signature: str) -> TransactionView | None:
        self.read.append(signature)
        if signature in self.made_up:
            return None
        payer = TREASURY if signature in self.ours else STRANGER
        return TransactionView(
            signature=signature,
            slot=1,
            error=None,
            fee_lamports=5_000,
            raw=b"",
            accounts=(payer,) if payer == TREASURY else (payer, TREASURY),
            changes={TREASURY: -1_000_000 if payer == TREASURY else 1},
        )


def records(count: int) -> list[SignatureRecord]:
    return [
        SignatureRecord(signature=str(Keypair().sign_message(b"any")), slot=number, is_failed=False)
        for number in range(count)
    ]


@pytest.fixture
def house_db(db: Database) -> Database:
    house.pin(db, "treasury", TREASURY, now=NOW)
    return db


def step(db: Database, nodes: Nodes) -> deposits.Walked:
    return walk(db, nodes, account="treasury", address=TREASURY, now=NOW)


def book(db: Database, known: Sequence[SignatureRecord]) -> None:
    """The ledger has these already; the cursor stands before them."""
    db.execute("INSERT INTO ledger_accounts (account) VALUES ('treasury') ON CONFLICT DO NOTHING")
    for record in known:
        db.execute(
            "INSERT INTO deposits VALUES (%s, 'treasury', 1, %s, %s)",
            (record.signature, record.slot, NOW),
        )


def test_a_backlog_of_what_is_known_hides_nothing_and_costs_no_call(house_db: Database) -> None:
    listed = records(251)
    book(house_db, listed[:250])
    nodes = Nodes(records=listed, ours={listed[-1].signature})
    with pytest.raises(UnknownPayment, match=listed[-1].signature):
        step(house_db, nodes)
    assert nodes.read == [listed[-1].signature]
    assert tables.cursor(house_db, TREASURY) is None


def test_the_cursor_keeps_up_with_any_number_of_our_own(house_db: Database) -> None:
    listed = records(250)
    book(house_db, listed)
    assert step(house_db, Nodes(records=listed)) == deposits.Walked()
    assert tables.cursor(house_db, TREASURY) == listed[-1].signature


def test_dust_is_read_a_little_at_a_time_and_said_to_wait(house_db: Database) -> None:
    nodes = Nodes(records=records(250))
    walked = step(house_db, nodes)
    assert walked == deposits.Walked(
        lamports=100, unseen="treasury: 150 transactions wait to be read"
    )
    assert tables.cursor(house_db, TREASURY) == nodes.records[99].signature
    assert step(house_db, nodes).unseen == "treasury: 50 transactions wait to be read"
    assert step(house_db, nodes) == deposits.Walked(lamports=50)


def test_dust_does_not_hide_what_the_treasury_paid_for(house_db: Database) -> None:
    """After a restore: a hundred strangers, and then all that was forgotten."""
    listed = records(400)
    nodes = Nodes(records=listed, ours={record.signature for record in listed[200:]})
    with pytest.raises(UnknownPayment):
        step(house_db, nodes)
    assert tables.cursor(house_db, TREASURY) is None


@pytest.mark.parametrize("gap", ["it has a hole", "it has more than 20000 unseen transactions"])
def test_a_walk_that_cannot_see_says_so_and_posts_nothing(house_db: Database, gap: str) -> None:
    nodes = Nodes(strays=records(300), gap=gap)
    assert step(house_db, nodes) == deposits.Walked(unseen=f"treasury: {gap}")
    assert len(nodes.read) == deposits.PROBES_PER_WALK
    assert tables.cursor(house_db, TREASURY) is None


def test_what_only_a_list_with_a_gap_shows_is_looked_at(house_db: Database) -> None:
    strays = records(300)
    nodes = Nodes(
        strays=strays, gap="it is too long", ours={record.signature for record in strays[:60]}
    )
    with pytest.raises(UnknownPayment):
        step(house_db, nodes)
    # Another node's list joins on, and shows less: it lags.
    with pytest.raises(UnknownPayment):
        step(house_db, Nodes(strays=strays[:1], ours={strays[0].signature}))


def test_what_waits_is_looked_at_elsewhere_in_the_next_minute(house_db: Database) -> None:
    strays = records(300)
    looked: set[str] = set()
    for minute in range(15):
        nodes = Nodes(strays=strays, gap="it is too long")
        walk(
            house_db,
            nodes,
            account="treasury",
            address=TREASURY,
            now=datetime(2030, 1, 1, 0, minute, tzinfo=UTC),
        )
        looked |= set(nodes.read)
    assert len(looked) == 300


def test_what_one_node_lists_is_posted_and_walked_again_until_another_has_passed_it(
    house_db: Database,
) -> None:
    """The node lacks a block, and the other has not come to it yet: it must not be skipped."""
    listed = records(4)
    one = Nodes(records=[listed[0], listed[1], listed[3]], settled=1)
    assert step(house_db, one).lamports == 3
    assert tables.cursor(house_db, TREASURY) == listed[0].signature
    nobody = Nodes(records=listed, settled=0)
    assert step(house_db, nobody).lamports == 1
    assert tables.cursor(house_db, TREASURY) == listed[0].signature
    assert step(house_db, Nodes(records=listed)) == deposits.Walked()
    assert tables.cursor(house_db, TREASURY) == listed[3].signature
    assert ledger.read(house_db, "treasury").posted_lamports == 4


def test_what_every_node_lacked_is_found_when_the_address_holds_more(house_db: Database) -> None:
    """The walk has passed it by; the balance tells, and it is listed once more from its end."""
    listed = records(5)

    def look(nodes: Nodes) -> int:
        return observe_deposits(house_db, nodes, account="treasury", address=TREASURY, now=NOW)

    assert look(Nodes(records=[*listed[:2], *listed[3:]], held=4)) == 4
    assert tables.cursor(house_db, TREASURY) == listed[-1].signature
    # They have it again, but nothing says so: nobody lists what was walked.
    quiet = Nodes(records=listed, held=4)
    assert look(quiet) == 0
    assert quiet.read == []
    found = Nodes(records=listed, held=5)
    assert look(found) == 1
    assert found.read == [listed[2].signature]
    assert tables.cursor(house_db, TREASURY) == listed[-1].signature
    assert look(found) == 0
    assert ledger.read(house_db, "treasury").posted_lamports == 5


def test_what_nobody_can_read_stops_the_walk_and_nobodys_payment(house_db: Database) -> None:
    """One node could keep everybody from being paid by listing what there is not."""
    listed = records(30)
    made_up = listed[1].signature
    nodes = Nodes(records=listed, made_up={made_up})
    assert step(house_db, nodes) == deposits.Walked(
        lamports=1, unseen="treasury: 29 transactions wait to be read"
    )
    assert tables.cursor(house_db, TREASURY) == listed[0].signature
    # And what the treasury paid for does not hide behind it.
    hiding = Nodes(records=listed, made_up={made_up}, ours={item.signature for item in listed[2:]})
    with pytest.raises(UnknownPayment):
        step(house_db, hiding)
    # Nor does money that came meanwhile.
    found = observe_deposits(
        house_db, replace(nodes, held=30), account="treasury", address=TREASURY, now=NOW
    )
    assert found == 28
