"""Verification agrees with an honest machine and finds every lie told to it."""

import time
from collections.abc import Callable

import pytest
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import Transaction

from pixr.ops.verification import Check, verify
from tests.functions.batch.conftest import Settler


def wrong(settler: Settler) -> dict[str, Check]:
    return {check.name: check for check in verify(settler.db, settler.chain) if check.differences}


@pytest.fixture
def paid(settler: Settler) -> Settler:
    """Three creators were paid; one more has too little to be paid yet."""
    for number, views in enumerate((600, 700, 800, 10)):
        settler.user(f"creator-{number}")
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", views)
    settler.tick()
    assert wrong(settler) == {}
    return settler


def test_money_that_just_arrived_is_not_a_difference(paid: Settler) -> None:
    paid.airdrop(paid.keyring.seed.wallet("creator-0").address, 10**9)
    assert wrong(paid) == {}


def lie_about_a_balance(settler: Settler) -> None:
    settler.db.execute(
        "UPDATE ledger_accounts SET posted_lamports = posted_lamports + 1"
        " WHERE account = 'wallet:creator-1'"
    )


def lie_about_an_accrual(settler: Settler) -> None:
    settler.db.execute("UPDATE pending_earnings SET lamports = lamports + 1 WHERE views = 10")


def lie_about_a_payout(settler: Settler) -> None:
    settler.db.execute("UPDATE payouts SET lamports = lamports + 1 WHERE user_id = 'creator-2'")


def lie_about_a_destination(settler: Settler) -> None:
    settler.db.execute(
        "UPDATE payouts SET destination = %s WHERE user_id = 'creator-0'",
        (settler.keyring.treasury.address,),
    )


def forget_a_view(settler: Settler) -> None:
    settler.db.execute("DELETE FROM view_events WHERE event_id = 'film-0-a-0'")


def reserve_for_nothing(settler: Settler) -> None:
    settler.db.execute(
        "UPDATE ledger_accounts SET reserved_lamports = 1 WHERE account = 'wallet:creator-0'"
    )


def move_a_receipt(settler: Settler) -> None:
    settler.db.execute("UPDATE batches SET receipt_address = %s", (str("1" * 31 + "2"),))


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
        (lie_about_a_destination, "every payment on chain says what its batch says"),
        (forget_a_view, "drains, views, accruals and epochs agree"),
        (reserve_for_nothing, "reserved is what is under way"),
        (move_a_receipt, "every receipt stands on chain"),
    ],
)
def test_a_lie_is_found(paid: Settler, lie: Callable[[Settler], None], found_by: str) -> None:
    lie(paid)
    assert found_by in wrong(paid)
