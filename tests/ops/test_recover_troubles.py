"""What recovery cannot know it tells, and stays paused; what interrupts it costs only time."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from pixr.adapters.postgres import adoption, pauses
from pixr.adapters.solana import AccountView, Solana
from pixr.domain.payouts import Passes, Rehearsal
from pixr.ops.recovering import walking
from pixr.ops.recovery import RecoveryStuck
from tests.ops.conftest import Pixr, Timeline
from tests.ops.timeline import DUE, SOL, go_on, recovered

pytestmark = pytest.mark.usefixtures("nothing_in_the_air")


class Crash(BaseException):
    """The process died here."""


def test_a_wallet_that_was_pinned_since_is_found_or_named(day_one: Timeline) -> None:
    backup = day_one.backup()
    day_one.earn("dora", 1_000, day="two")
    day_one.settler.tick()
    assert day_one.balance("dora") == DUE
    day_one.restore(backup)
    report = day_one.recover()
    assert not report.is_clean
    assert "nothing explains 19000000 lamports from treasury" in report.unexplained[0]
    pause = pauses.read(day_one.settler.db)
    assert pause is not None
    assert "cannot explain" in pause["reason"]
    # Nobody is paid while it is so.
    day_one.earn("alice", 1_000, day="two")
    day_one.settler.tick()
    assert day_one.balance("alice") == DUE
    counts = recovered(day_one, users=["eve", "dora"])
    assert counts["wallets"] == 1
    go_on(day_one)
    assert (day_one.balance("alice"), day_one.balance("dora")) == (2 * DUE, DUE)


def test_a_stolen_key_is_told_and_nothing_is_signed(day_one: Timeline) -> None:
    backup = day_one.backup()
    treasury = day_one.settler.keyring.treasury
    key = Pubkey.from_string(treasury.address)
    thief = Keypair().pubkey()
    blockhash = Hash.from_string(day_one.settler.chain.blockhash().hash)
    theft = transfer(TransferParams(from_pubkey=key, to_pubkey=thief, lamports=SOL))
    message = Message.new_with_blockhash([theft], key, blockhash)
    raw = bytes(Transaction.populate(message, [treasury.sign(bytes(message))]))
    day_one.settler.chain.send([raw])
    day_one.settler.wait_until(lambda: day_one.settler.balance(str(thief)) == SOL)
    day_one.restore(backup)
    report = day_one.recover()
    assert "a key may be stolen" in report.unexplained[0]
    assert report.paused is not None
    assert any("treasury" in line for line in report.differences)


def test_a_payment_that_failed_since_cost_its_fee(day_one: Timeline) -> None:
    backup = day_one.backup()
    day_one.settler.user("mallory")
    day_one.earn("mallory", 1_000, day="two")
    day_one.settler.chain = Blind([day_one.settler.chain.nodes[0].url])
    day_one.settler.db.execute(
        "UPDATE user_wallets SET address = %s WHERE user_id = 'mallory'",
        ("SysvarC1ock11111111111111111111111111111111",),
    )
    day_one.settler.tick(seconds=10)
    day_one.settler.chain = Solana([day_one.settler.chain.nodes[0].url])
    assert day_one.states("transactions")["FAILED"] >= 1
    failed = day_one.states("transactions")["FAILED"]
    day_one.restore(backup)
    assert recovered(day_one)["failed"] == failed
    go_on(day_one)


class Blind(Solana):
    """Nodes that find nothing wrong beforehand with a payment that will fail."""

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        """Let everything pass."""
        return [Passes() for _ in raws]

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """Show sysvars as nobody's."""
        views = super().accounts(addresses)
        return [
            None if address.startswith("Sysvar") else view
            for address, view in zip(addresses, views, strict=True)
        ]


def test_nodes_without_the_history_are_not_believed(
    day_one: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = day_one.backup()
    day_one.earn("alice", 1_000, day="two")
    day_one.settler.tick()
    day_one.restore(backup)

    def forgetful(_self: Solana, *_args: object, **_kwargs: object) -> list[Any]:
        return [[]]

    with monkeypatch.context() as patch:
        patch.setattr(Solana, "walks", forgetful)
        with pytest.raises(RecoveryStuck, match=r"holds \d+ lamports and its listed history"):
            day_one.recover()
        since = day_one.rows("SELECT now() AS at")[0]["at"]
        with pytest.raises(RecoveryStuck, match="add nodes with full history"):
            day_one.recover(since=since)
    assert pauses.read(day_one.settler.db) is not None
    recovered(day_one, since=since)
    go_on(day_one)
    assert day_one.balance("alice") == 2 * DUE


def test_a_chain_that_stands_still_is_not_waited_for_for_ever(
    day_one: Timeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walking, "WAIT_POLLS_MAX", 3)
    monkeypatch.setattr(walking, "BLOCKHASH_BLOCKS", 10**9)
    with pytest.raises(RecoveryStuck, match="has not got past block"):
        day_one.recover()


@pytest.mark.parametrize("step", [0, 2])
def test_a_crash_anywhere_costs_only_time(
    day_one: Timeline, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Said again, it finds its own work done."""
    outside = str(Keypair().pubkey())
    day_one.settler.terms = replace(day_one.settler.terms, payees_max=1)
    backup = day_one.backup()
    for user_id in ("alice", "bob"):
        day_one.earn(user_id, 1_000, day="two")
    day_one.withdraw("carol", outside, SOL)
    day_one.settler.tick()
    day_one.restore(backup)
    left = [step]
    real = adoption.adopt

    def dying(*args: Any, **kwargs: Any) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise Crash
        return real(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(adoption, "adopt", dying)
        with pytest.raises(Crash):
            day_one.recover()
    assert recovered(day_one).get("rebuilt", 0) == 3 - step
    go_on(day_one)
    assert (day_one.balance("alice"), day_one.balance("bob")) == (2 * DUE, 2 * DUE)
    assert day_one.settler.balance(outside) == SOL


def test_a_backup_from_before_the_first_tick(timeline: Timeline) -> None:
    """It knows neither treasury nor escrow; a payment of ours is no deposit all the same."""
    timeline.settler.user("alice")
    backup = timeline.backup()
    timeline.earn("alice", 1_000, day="one")
    timeline.settler.tick()
    assert timeline.balance("alice") == DUE
    timeline.restore(backup)
    assert timeline.observe("alice") == 0
    with pytest.raises(RecoveryStuck, match="does not know the treasury's address"):
        timeline.recover()
    house = {
        "treasury": timeline.settler.keyring.treasury.address,
        "escrow": timeline.settler.keyring.seed.escrow().address,
    }
    counts = recovered(timeline, house=house)
    assert counts["lamports of lost accruals"] == DUE
    go_on(timeline)
    assert timeline.balance("alice") == timeline.settler.account("wallet:alice") == DUE


def test_a_pause_by_hand_is_lifted_by_hand(day_one: Timeline, pixr: Pixr) -> None:
    assert pixr("pause", "--reason", "maintenance", "--actor", "Eve").exit_code == 0
    report = day_one.recover()
    assert report.is_clean
    assert report.paused == "by hand (Eve): maintenance"


def test_the_word_recovers_and_tells_what_it_read_back(
    day_one: Timeline, pixr_at: Callable[[], Pixr]
) -> None:
    backup = day_one.backup()
    day_one.earn("alice", 1_000, day="two")
    day_one.earn("dora", 1_000, day="two")
    day_one.settler.tick()
    day_one.restore(backup)
    pixr = pixr_at()
    # Without the master seed Dora's wallet is nobody's.
    unclear = pixr("recover", "--yes")
    assert unclear.exit_code == 1, unclear.output
    assert "MASTER_SEED_ARN is not set" in unclear.output
    assert "nothing explains 19000000 lamports" in unclear.output
    assert "Settlement is paused: pixr recover found what it cannot explain" in unclear.output
    day_one.settler.user("dora")
    clear = pixr("recover", "--since", "2000-01-01T00:00:00")
    assert clear.exit_code == 0, clear.output
    assert "38,000,000  lamports of lost accruals" in clear.output
    assert "Settlement goes on." in clear.output
    again = pixr("recover", "--yes")
    assert "The database had forgotten nothing." in again.output
    go_on(day_one)
    rows = day_one.rows("SELECT action FROM audit_log ORDER BY seq")
    assert [row["action"] for row in rows] == ["recovery.began", "recovery.ended"] * 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "Say --since with a time before the restore point, or --yes"),
        (("--since", "2999-01-01T00:00:00"), "lies in the future"),
        (("--yes", "--users", "/nowhere"), "cannot be read"),
    ],
)
def test_a_recovery_that_is_not_meant_is_refused(
    pixr: Pixr, words: tuple[str, ...], says: str
) -> None:
    result = pixr("recover", *words)
    assert result.exit_code == 2, result.output
    assert says in result.stderr


def test_what_the_database_calls_dead_and_the_chain_has_is_told(day_one: Timeline) -> None:
    with day_one.settler.db.transaction():
        day_one.settler.db.execute("SET LOCAL session_replication_role = replica")
        day_one.settler.db.execute(
            "UPDATE transactions SET state = 'EXPIRED', slot = NULL, fee_lamports = NULL"
        )
    report = day_one.recover()
    assert "the database calls it EXPIRED, and the chain has it" in report.unexplained[0]
    assert report.paused is not None
