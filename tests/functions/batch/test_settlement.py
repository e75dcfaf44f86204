"""What the settler survives, on the real chain: crashes, drops, rivals, poison."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from functions import deposits
from functions.deposits import observe_deposits
from pixr.adapters.postgres import connect
from pixr.adapters.solana import Listing, Solana
from tests.functions.batch.conftest import Settler, request_withdrawals

DUE = 19_000_000
MEMO_PROGRAM = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"


class Crash(BaseException):
    """The process died here; no handler of ours runs any more."""


class Unlucky(Solana):
    """The real nodes, behind a line that fails the first ``failures`` sends."""

    def __init__(self, url: str, failures: int, fail: Callable[[Sequence[bytes]], None]) -> None:
        super().__init__([url])
        self.failures = failures
        self.fail = fail

    def send(self, raws: Sequence[bytes]) -> None:
        if self.failures > 0:
            self.failures -= 1
            self.fail(raws)
        else:
            super().send(raws)


def crash(_: Sequence[bytes]) -> None:
    raise Crash


def drop(_: Sequence[bytes]) -> None:
    """The bytes never arrive."""


@pytest.fixture
def due(settler: Settler) -> str:
    """Alice is owed 0.019 SOL; returns her address."""
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    return address


def url(settler: Settler) -> str:
    return settler.chain.nodes[0].url


def attempts(settler: Settler) -> list[tuple[int, str]]:
    rows = settler.db.execute("SELECT attempt, state FROM transactions ORDER BY signed_at")
    return [(row["attempt"], row["state"]) for row in rows]


def test_a_crash_before_the_first_byte_leaves(settler: Settler, due: str) -> None:
    settler.chain = Unlucky(url(settler), 1, crash)
    with pytest.raises(Crash):
        settler.tick()
    assert attempts(settler) == [(1, "INFLIGHT")]
    settler.tick()
    assert attempts(settler) == [(1, "LANDED")]
    assert settler.balance(due) == DUE


def test_a_crash_after_the_bytes_have_left(settler: Settler, due: str) -> None:
    sender = Solana([url(settler)])

    def send_and_crash(raws: Sequence[bytes]) -> None:
        sender.send(raws)
        raise Crash

    settler.chain = Unlucky(url(settler), 1, send_and_crash)
    with pytest.raises(Crash):
        settler.tick()
    settler.tick()
    assert attempts(settler) == [(1, "LANDED")]
    assert settler.balance(due) == DUE


def test_lost_bytes_are_signed_again_only_after_proof_of_expiry(settler: Settler, due: str) -> None:
    settler.chain = Unlucky(url(settler), 10**6, drop)
    for _ in range(20):
        settler.tick(seconds=4)
        if len(attempts(settler)) > 1:
            break
    settler.chain = Solana([url(settler)])
    settler.tick()
    states = [state for _, state in attempts(settler)]
    assert states[0] == "EXPIRED"
    assert states[-1] == "LANDED"
    assert states.count("LANDED") == 1
    assert settler.balance(due) == DUE
    evidence = settler.db.execute("SELECT evidence FROM rpc_evidence").fetchall()
    assert all(row["evidence"]["sighting"] == "Absent" for row in evidence)


def test_each_attempt_that_expired_raises_the_next_bid(settler: Settler, due: str) -> None:
    """In a spike the old bid would expire again and again."""

    class Spiky(Unlucky):
        def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
            return {slot: slot * 10_000 for slot in range(100)}

    settler.chain = Spiky(url(settler), 10**6, drop)
    for _ in range(20):
        settler.tick(seconds=4)
        if len(attempts(settler)) > 2:
            break
    rows = settler.db.execute("SELECT fee_lamports_max FROM transactions ORDER BY attempt")
    fees = [row["fee_lamports_max"] for row in rows][:3]
    assert fees == sorted(set(fees))


def test_a_batch_that_cannot_be_handled_does_not_hold_up_the_others(
    settler: Settler, due: str
) -> None:
    """Somebody changed a row by hand; its own payment stops, and is reported."""
    settler.chain = Unlucky(url(settler), 10**6, drop)
    settler.tick(seconds=3)
    reserve = "UPDATE ledger_accounts SET reserved_lamports = %s WHERE account = 'owed:alice'"
    settler.db.execute(reserve, (0,))
    bob = settler.user("bob")
    settler.content("other", "bob")
    settler.watch("other", 1_000)
    settler.chain = Solana([url(settler)])
    report = settler.tick(seconds=20)
    assert next(iter(report.broken.values())).startswith("CheckViolation")
    assert settler.balance(bob) == DUE
    states = {row["user_id"]: row["state"] for row in settler.db.execute("SELECT * FROM payouts")}
    assert states == {"alice": "RESERVED", "bob": "PAID"}
    # The money moved all the same: verify must say so, and mended it goes on.
    assert settler.balance(due) == DUE
    settler.db.execute(reserve, (DUE,))
    assert settler.tick().broken == {}
    assert [state for _, state in attempts(settler)] == ["LANDED", "LANDED"]


def test_two_settlers_at_once_pay_once(settler: Settler, due: str, database_url: str) -> None:
    failures: list[BaseException] = []

    def rival() -> None:
        try:
            with connect(database_url) as db:
                replace(settler, db=db, chain=Solana([url(settler)])).tick()
        except BaseException as error:  # noqa: BLE001 -- shown in the assertion below
            failures.append(error)

    threads = [threading.Thread(target=rival) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    settler.tick()
    assert settler.balance(due) == DUE
    assert [state for _, state in attempts(settler)].count("LANDED") == 1
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)


def test_a_destination_that_became_a_program_is_put_aside(settler: Settler, due: str) -> None:
    settler.db.execute("INSERT INTO user_wallets VALUES ('mallory', %s, 1, now())", (MEMO_PROGRAM,))
    settler.content("trap", "mallory")
    settler.watch("trap", 1_000)
    settler.tick()
    rows = settler.db.execute("SELECT user_id, state, reason FROM payouts ORDER BY user_id")
    assert [(row["user_id"], row["state"]) for row in rows] == [
        ("alice", "PAID"),
        ("mallory", "QUARANTINED"),
    ]
    assert settler.balance(due) == DUE


def request_withdrawal(settler: Settler, address: str, *amounts: int) -> list[str]:
    """Let alice's 3 SOL arrive and ask for some of it; returns the destinations."""
    return request_withdrawals(settler, "alice", address, *amounts)


def test_two_withdrawals_of_one_wallet_go_one_after_the_other(settler: Settler) -> None:
    """The second empties the wallet; judged too early, it would seem to leave dust."""
    address = settler.user("alice")
    first, second = request_withdrawal(settler, address, 2_999_000_000, 1_000_000)
    settler.tick()
    assert (settler.balance(first), settler.balance(second)) == (2_999_000_000, 1_000_000)
    assert settler.balance(address) == settler.account("wallet:alice") == 0


def test_a_withdrawal_leaves_from_the_users_own_wallet(settler: Settler) -> None:
    address = settler.user("alice")
    (destination,) = request_withdrawal(settler, address, 1_000_000_000)
    settler.tick()
    assert settler.balance(destination) == 1_000_000_000
    assert settler.balance(address) == settler.account("wallet:alice") == 2_000_000_000
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)


def test_a_wallet_whose_key_changed_is_never_signed_for(settler: Settler) -> None:
    address = settler.user("alice")
    request_withdrawal(settler, address, 1_000_000_000)
    settler.db.execute("UPDATE user_wallets SET address = %s", (str(Keypair().pubkey()),))
    settler.tick()
    row = settler.db.execute("SELECT state, hold_reason FROM batches").fetchone()
    assert row is not None
    assert row["state"] == "HOLD"
    assert "the key of wallet:alice is not that of" in row["hold_reason"]
    assert attempts(settler) == []


def test_dust_that_arrives_meanwhile_gives_the_withdrawal_back(settler: Settler) -> None:
    """Anybody may send a lamport to a wallet that is about to be emptied."""
    address = settler.user("alice")
    (destination,) = request_withdrawal(settler, address, 3_000_000_000)
    settler.airdrop(address, 1)
    settler.tick()
    row = settler.db.execute("SELECT state, reason FROM payouts").fetchone()
    assert row is not None
    assert row["state"] == "QUARANTINED"
    assert "would be left with 1; 0 or at least 890880 may stay" in row["reason"]
    assert settler.balance(destination) == 0
    reserved = settler.db.execute("SELECT sum(reserved_lamports) AS lamports FROM ledger_accounts")
    assert reserved.fetchone() == {"lamports": 0}


def test_a_stranger_cannot_make_the_receipt_first(settler: Settler) -> None:
    """Sending lamports to a receipt's address would block its batch; the seed is keyed."""
    settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    settler.tick()
    row = settler.db.execute("SELECT id, receipt_address FROM batches").fetchone()
    assert row is not None
    guess = Pubkey.create_with_seed(
        Pubkey.from_string(settler.keyring.treasury.address),
        str(row["id"])[:16],
        Pubkey.from_string("11111111111111111111111111111111"),
    )
    assert str(guess) != row["receipt_address"]


def test_dust_on_an_address_is_read_a_little_at_a_time(
    settler: Settler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever floods the treasury with dust must not keep the settler from paying."""
    monkeypatch.setattr(deposits, "TRANSACTIONS_PER_WALK", 2)
    settler.tick()
    before = settler.account("treasury")
    for _ in range(3):
        settler.airdrop(settler.keyring.treasury.address, 1_000_000)
    assert [settler.tick().deposited_lamports for _ in range(3)] == [2_000_000, 1_000_000, 0]
    assert settler.account("treasury") == before + 3_000_000


def test_a_flooded_address_stops_nobody(settler: Settler, due: str) -> None:
    settler.tick()
    settler.watch("film", 1_000, day="b")

    class Flooded(Solana):
        def listing(self, address: str, *, until: str | None, pages_max: int) -> Listing:
            return Listing(records=(), strays=(), gap="it is too long", settled=0)

    settler.chain = Flooded([url(settler)])
    report = settler.tick()
    assert settler.balance(due) == 2 * DUE
    # But it is told that a restored database might go unnoticed.
    assert report.unseen == ["treasury: it is too long", "escrow: it is too long"]
    now = datetime.now(UTC)
    came = observe_deposits(settler.db, settler.chain, account="wallet:alice", address=due, now=now)
    assert came == 0


def test_our_own_payments_are_not_deposits(settler: Settler, due: str) -> None:
    settler.tick()
    before = settler.account("treasury")
    stranger = Keypair()
    settler.airdrop(str(stranger.pubkey()), 10**9)
    blockhash = settler.chain.blockhash().hash
    treasury = Pubkey.from_string(settler.keyring.treasury.address)

    gift = transfer(
        TransferParams(from_pubkey=stranger.pubkey(), to_pubkey=treasury, lamports=12_345)
    )
    message = Message.new_with_blockhash([gift], stranger.pubkey(), Hash.from_string(blockhash))
    settler.chain.send([bytes(Transaction([stranger], message, Hash.from_string(blockhash)))])
    for _ in range(100):
        if settler.tick().deposited_lamports:
            break
    assert settler.account("treasury") == before + 12_345
    assert settler.account("treasury") == settler.balance(settler.keyring.treasury.address)
    assert settler.balance(due) == DUE
