"""Goal: many posters that share an account wait for each other and never deadlock."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from pixr.adapters.postgres import Database, connect, ledger

NOW = datetime(2030, 1, 1, tzinfo=UTC)
POSTERS = 8
POSTS = 25


def post_together(
    database_url: str, entries: Callable[[int, int], dict[str, int]]
) -> list[Exception]:
    """Post ``entries(poster, turn)`` from all posters at once; return what went wrong."""
    failures: list[Exception] = []
    start = threading.Barrier(POSTERS)

    def post(number: int) -> None:
        with connect(database_url) as own:
            for turn in range(POSTS):
                start.wait()
                try:
                    ledger.post(own, f"{number}-{turn}", entries(number, turn), now=NOW)
                except Exception as error:  # noqa: BLE001 -- a thread's failure is told below
                    failures.append(error)

    threads = [threading.Thread(target=post, args=(number,)) for number in range(POSTERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_posters_that_share_an_account_do_not_deadlock(db: Database, database_url: str) -> None:
    assert post_together(database_url, lambda own, _: {f"wallet:user{own}": 1, "world": -1}) == []
    assert ledger.read(db, "world").posted_lamports == -POSTERS * POSTS


def test_posters_that_open_the_same_accounts_at_once_all_move_them(
    db: Database, database_url: str
) -> None:
    def entries(_: int, turn: int) -> dict[str, int]:
        return {f"wallet:user{turn}-{place}": 1 for place in range(3)} | {"world": -3}

    assert post_together(database_url, entries) == []
    for turn in range(POSTS):
        for place in range(3):
            account = ledger.read(db, f"wallet:user{turn}-{place}")
            assert account.posted_lamports == POSTERS
    assert ledger.read(db, "world").posted_lamports == -3 * POSTERS * POSTS
