"""Goal: many posters that share an account wait for each other and never deadlock."""

import threading
from datetime import UTC, datetime

from pixr.adapters.postgres import Database, connect, ledger

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POSTERS = 8
POSTS = 25


def test_posters_that_share_an_account_do_not_deadlock(db: Database, database_url: str) -> None:
    failures: list[Exception] = []
    start = threading.Barrier(POSTERS)

    def post(number: int) -> None:
        account = f"wallet:user{number}"
        with connect(database_url) as own:
            start.wait()
            for turn in range(POSTS):
                try:
                    ledger.post(own, f"{number}-{turn}", {account: 1, "world": -1}, now=NOW)
                except Exception as error:  # noqa: BLE001 -- a thread's failure is told below
                    failures.append(error)
                    return

    threads = [threading.Thread(target=post, args=(number,)) for number in range(POSTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ledger.read(db, "world").posted_lamports == -POSTERS * POSTS
