"""What stops the settler: a pause, a limit, a schema or a chain it does not know, no money."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from functions.batch import guard
from functions.batch.keyring import Keyring
from pixr.adapters.keys import Signer
from pixr.adapters.postgres import batch_edges, connect, house, ledger, pauses, sql
from pixr.adapters.postgres.house import ChainChanged
from pixr.adapters.postgres.migrate import SchemaAhead
from pixr.adapters.solana import Solana
from pixr.domain.limits import Limit
from pixr.domain.payouts import Rehearsal
from tests.functions.batch.conftest import Settler, request_withdrawals

DUE = 19_000_000
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SOL = 1_000_000_000


@pytest.fixture
def due(settler: Settler) -> str:
    """Alice is owed 0.019 SOL; returns her address."""
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    return address


def states(settler: Settler, table: str) -> list[str]:
    rows = settler.db.execute(f"SELECT state FROM {table}".encode())
    return [row["state"] for row in rows]


def test_while_paused_views_are_drained_and_nobody_is_paid(settler: Settler, due: str) -> None:
    pauses.pause(settler.db, "a person looks", now=NOW)
    report = settler.tick()
    assert (report.events_new, report.batches_sent, report.paused) == (1_000, 0, "a person looks")
    assert states(settler, "batches") == []
    assert settler.account("owed:alice") == DUE
    assert pauses.resume(settler.db) is not None
    settler.tick()
    assert settler.balance(due) == DUE


def test_the_first_reason_of_a_pause_stays(settler: Settler) -> None:
    assert pauses.pause(settler.db, "first", now=NOW)
    assert not pauses.pause(settler.db, "second", now=NOW)
    assert pauses.read(settler.db) == {"reason": "first", "paused_at": NOW}


def limit(lamports_max: int, treasury_bps_max: int = 10_000) -> Limit:
    return Limit(window_s=600, lamports_max=lamports_max, treasury_bps_max=treasury_bps_max)


def test_a_tripped_limit_signs_nothing_and_pauses(settler: Settler, due: str) -> None:
    settler.terms = replace(settler.terms, limits=(limit(DUE - 1),))
    report = settler.tick()
    assert report.paused == (
        "a signing limit was reached: 19000000 lamports within 600 s;"
        " the limit is 18999999 lamports"
    )
    assert states(settler, "batches") == ["PLANNED"]
    assert states(settler, "transactions") == []
    assert settler.balance(due) == 0

    settler.terms = replace(settler.terms, limits=(limit(DUE),))
    pauses.resume(settler.db)
    settler.tick()
    assert settler.balance(due) == DUE


def test_what_was_signed_before_counts_and_fades(settler: Settler, due: str) -> None:
    settler.terms = replace(settler.terms, limits=(limit(3 * DUE // 2),))
    settler.tick()
    settler.watch("film", 1_000, day="b")
    paused = settler.tick().paused
    assert paused is not None
    assert paused.startswith("a signing limit was reached: ")
    assert settler.balance(due) == DUE
    # Half a window later half of it is forgotten.
    settler.db.execute("UPDATE transactions SET signed_at = signed_at - interval '300 seconds'")
    pauses.resume(settler.db)
    settler.tick()
    assert settler.balance(due) == 2 * DUE


def test_one_users_withdrawals_stop_nobody_else(settler: Settler, due: str) -> None:
    """Whoever moves much of their own money waits; creators are paid meanwhile."""
    bob = settler.user("bob")
    settler.terms = replace(settler.terms, limits=(limit(SOL),))
    first, second = request_withdrawals(settler, "bob", bob, SOL // 2, SOL)
    report = settler.tick(seconds=10)
    assert report.paused is None
    (reason,) = report.broken.values()
    assert re.fullmatch(
        r"it waits for a signing limit: 1[45]\d{8} lamports within 600 s;"
        r" the limit is 1000000000 lamports",
        reason,
    )
    assert settler.balance(due) == DUE
    assert (settler.balance(first), settler.balance(second)) == (SOL // 2, 0)
    # A window later the first is forgotten.
    settler.db.execute("UPDATE transactions SET signed_at = signed_at - interval '600 seconds'")
    assert settler.tick().broken == {}
    assert settler.balance(second) == SOL


def test_what_no_limit_will_ever_let_through_stays_with_its_owner(
    settler: Settler, due: str
) -> None:
    bob = settler.user("bob")
    settler.terms = replace(settler.terms, limits=(limit(SOL),))
    request_withdrawals(settler, "bob", bob, SOL + 1)
    report = settler.tick()
    assert (report.paused, report.broken) == (None, {})
    row = settler.db.execute(
        "SELECT state, reason FROM payouts WHERE kind = 'withdrawal'"
    ).fetchone()
    assert row == {
        "state": "QUARANTINED",
        "reason": "a signing limit never lets it through: 1000000001 lamports within 600 s;"
        " the limit is 1000000000 lamports",
    }
    wallet = ledger.read(settler.db, "wallet:bob")
    assert wallet.available_lamports == wallet.posted_lamports == 3 * SOL
    assert settler.balance(due) == DUE


def test_a_pause_in_the_middle_of_a_round_stops_what_is_signed_already(
    settler: Settler, due: str, database_url: str
) -> None:
    class Slow(Solana):
        def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
            with connect(database_url) as db:
                pauses.pause(db, "a person saw something", now=NOW)
            return super().rehearse(raws)

    settler.chain = Slow([settler.chain.nodes[0].url])
    report = settler.tick()
    assert (report.batches_sent, report.paused) == (0, "a person saw something")
    assert states(settler, "batches") == ["PLANNED"]
    assert states(settler, "transactions") == []
    assert settler.balance(due) == 0


def test_not_even_code_that_knows_no_pause_can_store_a_signature(
    settler: Settler, due: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A settler of an older version beside `pixr recover`."""
    pauses.pause(settler.db, "a person looks", now=NOW)
    monkeypatch.setattr(pauses, "read", lambda _db: None)
    unaware = sql("transactions/insert").replace(
        b"AND NOT EXISTS (SELECT 1 FROM settlement_pause)", b""
    )
    monkeypatch.setattr(
        batch_edges, "sql", lambda name: unaware if name == "transactions/insert" else sql(name)
    )
    report = settler.tick(seconds=5)
    assert list(report.broken.values())
    assert all("settlement is paused: nothing is signed" in why for why in report.broken.values())
    assert states(settler, "batches") == ["PLANNED"]
    assert settler.balance(due) == 0


def test_a_share_of_the_treasury_is_a_limit_too(settler: Settler, due: str) -> None:
    # 19,000,000 of 100 SOL are 1.9 hundredths of a percent.
    settler.terms = replace(settler.terms, limits=(limit(10**18, treasury_bps_max=1),))
    paused = settler.tick().paused
    assert paused is not None
    assert "the limit is 1 bps of it, 10000000 lamports" in paused
    assert settler.balance(due) == 0


def test_code_that_is_older_than_the_schema_touches_nothing(settler: Settler, due: str) -> None:
    settler.db.execute(
        "INSERT INTO schema_migrations (name, sha256) VALUES ('9999_future.sql', 'x')"
    )
    with pytest.raises(SchemaAhead, match=r"9999_future\.sql, which this code does not know"):
        settler.tick()
    assert settler.stream.depth() > 0
    assert states(settler, "payouts") == []


def test_another_chain_is_refused(settler: Settler) -> None:
    house.pin_chain(settler.db, "11111111111111111111111111111112", "localnet", now=NOW)
    with pytest.raises(ChainChanged, match="the nodes are of"):
        house.pin_chain(settler.db, settler.chain.genesis_hash(), "localnet", now=NOW)


def test_a_treasury_that_holds_less_on_chain_than_in_the_ledger_sends_nothing(
    settler: Settler, due: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody took the money with the key: the ledger does not know, the chain does."""
    settler.tick()
    settler.watch("film", 1_000, day="b")
    treasury = Pubkey.from_string(settler.keyring.treasury.address)
    held = settler.balance(settler.keyring.treasury.address)
    blockhash = Hash.from_string(settler.chain.blockhash().hash)
    theft = transfer(
        TransferParams(
            from_pubkey=treasury, to_pubkey=Keypair().pubkey(), lamports=held - 2_000_000
        )
    )
    message = Message.new_with_blockhash([theft], treasury, blockhash)
    signature = settler.keyring.treasury.sign(bytes(message))
    settler.chain.send([bytes([1]) + bytes(signature) + bytes(message)])
    settler.wait_until(lambda: settler.balance(settler.keyring.treasury.address) < 2_000_000)

    report = settler.tick()

    assert report.batches_sent == 0
    assert report.paused is not None
    assert "was paid for by the treasury and is not in the database" in report.paused
    assert settler.balance(due) == DUE

    # Even if a person resumes, and the walk has passed it, the balance tells.
    settler.db.execute(
        "INSERT INTO deposit_cursors VALUES (%s, %s, now())"
        " ON CONFLICT (address) DO UPDATE SET signature = EXCLUDED.signature",
        (str(treasury), str(signature)),
    )
    pauses.resume(settler.db)
    report = settler.tick(seconds=5)
    assert report.batches_sent == 0
    assert report.paused is not None
    assert "less than the books can explain" in report.paused

    # And if nobody compared it, nothing is signed that the chain could not pay.
    monkeypatch.setattr(guard, "_missing", lambda *_: 0)
    pauses.resume(settler.db)
    report = settler.tick(seconds=5)
    assert (report.batches_sent, report.batches_short) == (0, 1)
    assert settler.balance(due) == DUE


def test_an_empty_treasury_pays_nobody_until_it_is_filled(settler: Settler) -> None:
    settler.keyring = Keyring(seed=settler.keyring.seed, treasury=Signer(Keypair()))
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    report = settler.tick(seconds=5)
    assert (report.payouts_made, report.payouts_short, report.batches_sent) == (1, 1, 0)
    settler.airdrop(settler.keyring.treasury.address, 10**9)
    settler.tick()
    assert settler.balance(address) == DUE


def test_a_clock_that_jumps_back_changes_nothing(settler: Settler, due: str) -> None:
    settler.tick()
    settler.watch("film", 1_000, day="b")
    settler.now = lambda: datetime.now(UTC) - timedelta(hours=3)
    settler.tick()
    assert settler.balance(due) == 2 * DUE
