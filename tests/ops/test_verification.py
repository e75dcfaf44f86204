"""Verification agrees with an honest machine and finds every lie told to it."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from pixr.adapters.postgres import audit, connect
from pixr.adapters.solana import Solana
from pixr.ops.verification import Check, verify
from tests.ops.conftest import Pixr, Settler


def wrong(settler: Settler) -> dict[str, Check]:
    checks = verify(settler.db, settler.chain, pause=lambda _: time.sleep(0.05))
    return {check.name: check for check in checks if check.differences}


@pytest.fixture
def paid(settler: Settler) -> Settler:
    """Three creators were paid; one more has too little to be paid yet."""
    for number, views in enumerate((600, 700, 800, 10)):
        settler.user(f"creator-{number}")
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", views)
    settler.tick()
    for number in range(3):
        audit.append(
            settler.db,
            at=datetime.now(UTC),
            actor="Eve",
            action="test.noted",
            subject=str(number),
            detail={"ünïcode": "用户", "lamports": "5"},
        )
    assert wrong(settler) == {}
    return settler


def test_money_that_just_arrived_is_not_a_difference(paid: Settler) -> None:
    paid.airdrop(paid.keyring.seed.wallet("creator-0").address, 10**9)
    assert wrong(paid) == {}


def say(settler: Settler, *statements: str) -> None:
    """Change rows behind the back of every trigger, as a hand in the database would."""
    with settler.db.transaction():
        settler.db.execute("SET LOCAL session_replication_role = replica")
        for statement in statements:
            settler.db.execute(statement.encode())


def lie_about_a_balance(settler: Settler) -> None:
    say(
        settler,
        "UPDATE ledger_accounts SET posted_lamports = posted_lamports + 1"
        " WHERE account = 'wallet:creator-1'",
    )


def lie_about_an_accrual(settler: Settler) -> None:
    say(settler, "UPDATE pending_earnings SET lamports = lamports + 1 WHERE views = 10")


def lie_about_a_payout(settler: Settler) -> None:
    say(settler, "UPDATE payouts SET lamports = lamports + 1 WHERE user_id = 'creator-2'")


def lie_about_a_destination(settler: Settler) -> None:
    treasury = settler.keyring.treasury.address
    say(settler, f"UPDATE payouts SET destination = '{treasury}' WHERE user_id = 'creator-0'")


def forget_a_view(settler: Settler) -> None:
    say(settler, "DELETE FROM view_events WHERE event_id = 'film-0-a-0'")


def reserve_for_nothing(settler: Settler) -> None:
    say(
        settler,
        "UPDATE ledger_accounts SET reserved_lamports = 1 WHERE account = 'wallet:creator-0'",
    )


def move_a_receipt(settler: Settler) -> None:
    say(settler, f"UPDATE batches SET receipt_address = '{'1' * 31}2'")


def count_another_payee(settler: Settler) -> None:
    say(settler, "UPDATE batches SET payees = payees + 1")


def forget_a_landing(settler: Settler) -> None:
    say(settler, "UPDATE payouts SET state = 'RESERVED', paid_at = NULL")


def lie_about_a_fee(settler: Settler) -> None:
    say(settler, "UPDATE transactions SET fee_lamports = fee_lamports - 1")


def lie_about_a_deposit(settler: Settler) -> None:
    say(settler, "UPDATE deposits SET lamports = lamports + 1")


def say_that_rent_came_home(settler: Settler) -> None:
    say(settler, "UPDATE batches SET receipt_state = 'RECLAIMED'")


def leave_a_request_unanswered(settler: Settler) -> None:
    say(
        settler,
        "INSERT INTO idempotency (user_id, key, route, body_sha256, claimed_at)"
        " VALUES ('alice', 'k', 'POST /withdraw', sha256(''), now())",
    )


def rewrite_history(settler: Settler) -> None:
    say(settler, "UPDATE audit_log SET actor = 'nobody' WHERE seq = 2")


def cut_history(settler: Settler) -> None:
    say(settler, "DELETE FROM audit_log WHERE seq = 2")


def change_a_salt(settler: Settler) -> None:
    say(settler, "UPDATE batch_items SET salt = substr(sha256(''), 1, 16) WHERE position = 1")


def forget_an_attempt(settler: Settler) -> None:
    say(settler, "DELETE FROM transactions")


def use_a_receipt_twice(settler: Settler) -> None:
    say(
        settler,
        "INSERT INTO transactions (signature, batch_id, attempt, state, raw, blockhash,"
        " blockhash_slot, last_valid_block_height, fee_lamports_max, fee_lamports, slot,"
        f" signed_at, closed_at) SELECT '{Signature.new_unique()}', gen_random_uuid(), attempt,"
        " state, raw, blockhash, blockhash_slot, last_valid_block_height, fee_lamports_max,"
        " fee_lamports, slot, signed_at, closed_at FROM transactions",
    )


def call_it_failed(settler: Settler) -> None:
    say(settler, "UPDATE transactions SET state = 'FAILED', error = 'no'")


def call_it_dead(settler: Settler) -> None:
    say(
        settler,
        "UPDATE transactions SET state = 'EXPIRED', slot = NULL, fee_lamports = NULL",
    )


def test_money_that_a_thief_took_is_found(paid: Settler) -> None:
    """Signed with a stolen key and never seen by the settler."""
    thief = str(Keypair().pubkey())
    wallet = paid.keyring.seed.wallet("creator-1")
    owner = Pubkey.from_string(wallet.address)
    blockhash = Hash.from_string(paid.chain.blockhash().hash)
    lamports = paid.account("wallet:creator-1") - 5_000
    theft = transfer(
        TransferParams(from_pubkey=owner, to_pubkey=Pubkey.from_string(thief), lamports=lamports)
    )
    message = Message.new_with_blockhash([theft], owner, blockhash)
    paid.chain.send([bytes(Transaction.populate(message, [wallet.sign(bytes(message))]))])
    for _ in range(200):
        if paid.balance(thief):
            break
        time.sleep(0.02)
    assert paid.balance(thief) == lamports
    assert "every balance on chain is what the ledger says" in wrong(paid)


@pytest.mark.parametrize(
    ("lie", "found_by"),
    [
        (lie_about_a_balance, "every balance on chain is what the ledger says"),
        (lie_about_a_balance, "every balance is the sum of its entries"),
        (lie_about_a_balance, "the ledger sums to zero"),
        (lie_about_an_accrual, "what is owed is what accrued less what was paid"),
        (lie_about_an_accrual, "drains, views, accruals and epochs agree"),
        (lie_about_a_payout, "each payout is the sum of its accruals"),
        (lie_about_a_payout, "every payment on chain says what its batch says"),
        (lie_about_a_payout, "every root is that of its batch's leaves"),
        (lie_about_a_destination, "every payment on chain says what its batch says"),
        (forget_a_view, "drains, views, accruals and epochs agree"),
        (reserve_for_nothing, "reserved is what is under way"),
        (move_a_receipt, "every receipt stands on chain until its rent comes home"),
        (count_another_payee, "batches, attempts and payouts agree"),
        (forget_a_landing, "batches, attempts and payouts agree"),
        (lie_about_a_fee, "every attempt is in the ledger as it ended"),
        (lie_about_a_fee, "every payment on chain says what its batch says"),
        (lie_about_a_deposit, "every deposit is in the ledger"),
        (say_that_rent_came_home, "the rent is that of the receipts that stand"),
        (
            leave_a_request_unanswered,
            "every request has its answer, every paid upgrade its message",
        ),
        (rewrite_history, "the audit log is one unbroken chain"),
        (cut_history, "the audit log is one unbroken chain"),
        (change_a_salt, "every root is that of its batch's leaves"),
        (forget_an_attempt, "every transaction that the treasury paid for is known"),
        (use_a_receipt_twice, "no receipt was used by two payments"),
        (call_it_failed, "what failed on chain cost its fee and nothing else"),
        (call_it_dead, "what was declared dead never landed"),
    ],
)
def test_a_lie_is_found(paid: Settler, lie: Callable[[Settler], None], found_by: str) -> None:
    lie(paid)
    assert found_by in wrong(paid)


def test_the_first_broken_link_is_named(paid: Settler) -> None:
    rewrite_history(paid)
    (difference,) = wrong(paid)["the audit log is one unbroken chain"].differences
    assert difference == "line 2 (test.noted): its hash is another"


def test_dust_where_a_receipt_was_is_nobodys_fault(paid: Settler) -> None:
    """Anybody may send it; only a receipt that the treasury made anew would be a payment."""
    address = str(Keypair().pubkey())
    paid.airdrop(address, 1_000_000)
    say(paid, f"UPDATE batches SET receipt_state = 'RECLAIMED', receipt_address = '{address}'")
    assert "every receipt stands on chain until its rent comes home" not in wrong(paid)


def test_it_holds_while_people_are_paid(paid: Settler, database_url: str) -> None:
    """No false alarm from money in motion."""
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with connect(database_url) as db:
                busy = replace(paid, db=db, chain=Solana([paid.chain.nodes[0].url]))
                for day in "bcd":
                    for number in range(3):
                        busy.watch(f"film-{number}", 700, day=day)
                    busy.tick()
        except BaseException as error:  # noqa: BLE001 -- shown in the assertion below
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    found: dict[str, Check] = {}
    while thread.is_alive():
        found |= wrong(paid)
    thread.join(60)
    assert failures == []
    assert found == {}
    assert wrong(paid) == {}


def test_the_word_tells_by_its_exit_code(paid: Settler, pixr: Pixr) -> None:
    clean = pixr("verify")
    assert clean.exit_code == 0, clean.output
    assert "every balance on chain is what the ledger says" in clean.output
    lie_about_a_payout(paid)
    wrong = pixr("verify")
    assert wrong.exit_code == 1
    assert "the batch says" in wrong.output


def test_nodes_of_another_chain_are_not_asked(paid: Settler, pixr: Pixr) -> None:
    say(
        paid,
        "INSERT INTO chain_identity (genesis_hash, network, pinned_at)"
        " VALUES ('5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d', 'mainnet-beta', now())"
        " ON CONFLICT (id) DO UPDATE SET genesis_hash = EXCLUDED.genesis_hash",
    )
    result = pixr("verify")
    assert result.exit_code == 2
    assert "wrong genesis" in result.stderr


def test_a_database_of_another_kind_is_told(
    paid: Settler, pixr: Pixr, empty_database_url: str
) -> None:
    result = pixr("verify", "--database-url", empty_database_url)
    assert result.exit_code == 2
    assert "has no schema of this version" in result.stderr
