"""Several settlers at once on one database: who comes second makes nothing twice."""

import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

from solders.keypair import Keypair

from functions.deposits import observe_deposits
from pixr.adapters.postgres import connect, payouts, verification
from pixr.adapters.solana import Solana
from tests.functions.batch.conftest import Settler

SETTLERS = 3
CREATORS = 100
LEAVING = 12
VIEW_LAMPORTS = 19_000_000


def test_rivals_share_the_work_and_pay_once(settler: Settler, database_url: str) -> None:
    # Everybody's one view is worth a payout.
    rules = replace(settler.terms.rules, view_rate_lamports=20_000_000)
    settler.terms = replace(settler.terms, rules=rules, payees_max=5)
    settler.airdrop(settler.keyring.treasury.address, 100 * 10**9)
    creators = [settler.user(f"creator-{number}") for number in range(CREATORS)]
    outside = withdrawals(settler)
    for number in range(CREATORS):
        settler.content(f"film-{number}", f"creator-{number}")
        settler.watch(f"film-{number}", 1)

    failures = at_once(settler, database_url)
    settler.tick()

    assert failures == []
    assert {settler.balance(address) for address in creators} == {VIEW_LAMPORTS}
    assert [settler.balance(address) for address in outside] == [10**9] * LEAVING
    rows = settler.db.execute("SELECT state FROM payouts").fetchall()
    assert Counter(row["state"] for row in rows) == {"PAID": CREATORS + LEAVING}
    for name, statement in verification.CHECKS.items():
        assert not verification.offenders(settler.db, statement), name
    treasury = settler.keyring.treasury.address
    assert settler.account("treasury") == settler.balance(treasury)


def withdrawals(settler: Settler) -> list[str]:
    """So many users ask for 1 of their 3 SOL; returns where it is to go."""
    destinations = [str(Keypair().pubkey()) for _ in range(LEAVING)]
    for number, destination in enumerate(destinations):
        user_id, now = f"leaver-{number}", datetime.now(UTC)
        address = settler.user(user_id)
        settler.airdrop(address, 3 * 10**9)
        account = f"wallet:{user_id}"
        settler.wait_until(
            lambda address=address, account=account, now=now: bool(  # type: ignore[misc]
                observe_deposits(
                    settler.db, settler.chain, account=account, address=address, now=now
                )
            )
        )
        with settler.db.transaction():
            assert payouts.request(
                settler.db,
                payout_id=uuid4(),
                kind="withdrawal",
                user_id=user_id,
                debit_account=account,
                credit_account="world",
                destination=destination,
                lamports=10**9,
                now=now,
            )
    return destinations


def at_once(settler: Settler, database_url: str) -> list[BaseException]:
    failures: list[BaseException] = []

    def rival() -> None:
        try:
            with connect(database_url) as db:
                chain = Solana([settler.chain.nodes[0].url])
                for _ in range(2):
                    report = replace(settler, db=db, chain=chain).tick()
                    assert report.broken == {}, report.broken
        except BaseException as error:  # noqa: BLE001 -- shown by the test
            failures.append(error)

    threads = [threading.Thread(target=rival) for _ in range(SETTLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    return failures
