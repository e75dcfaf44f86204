"""Goal: an address is pinned once, and what is decided from a locked balance still holds."""

from datetime import UTC, datetime, timedelta

import pytest

from pixr.adapters.postgres import Database, ledger, wallets
from pixr.adapters.postgres.wallets import Totals, WalletChanged

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ADDRESS = "a" * 44
OTHER = "b" * 44


def test_an_address_is_pinned_at_first_use_and_compared_at_each_later_one(db: Database) -> None:
    assert wallets.get(db, "alice") is None
    first = wallets.pin(db, "alice", ADDRESS, version=1, now=NOW)
    again = wallets.pin(db, "alice", ADDRESS, version=1, now=NOW + timedelta(days=1))
    assert first == again == wallets.get(db, "alice")
    assert first.created_at == NOW
    with pytest.raises(WalletChanged):
        wallets.pin(db, "alice", OTHER, version=2, now=NOW)
    assert wallets.get(db, "alice") == first


def test_an_address_of_ours_is_known(db: Database) -> None:
    wallets.pin(db, "alice", ADDRESS, version=1, now=NOW)
    assert wallets.is_ours(db, ADDRESS)
    assert not wallets.is_ours(db, OTHER)


def test_what_can_be_spent_is_what_nobody_has_a_promise_on(db: Database) -> None:
    wallets.pin(db, "alice", ADDRESS, version=1, now=NOW)
    ledger.post(db, "x", {"world": -10, "wallet:alice": 10}, now=NOW)
    ledger.reserve(db, "wallet:alice", 4)
    with db.transaction():
        assert wallets.lock_available(db, "alice") == 6
        assert wallets.lock_available(db, "nobody") == 0


def test_somebody_new_is_owed_nothing(db: Database) -> None:
    assert wallets.totals(db, "nobody") == Totals(
        pending_lamports=0, paid_lamports=0, known_slot=None
    )


def test_movements_of_the_same_moment_are_paged_without_gaps(db: Database) -> None:
    wallets.pin(db, "alice", ADDRESS, version=1, now=NOW)
    names = [f"{number}" * 64 for number in range(5)]
    for name in names:
        db.execute("INSERT INTO deposits VALUES (%s, 'wallet:alice', 1, 1, %s)", (name, NOW))
    seen: list[str] = []
    before: tuple[datetime, str] | None = None
    while page := wallets.list_movements(db, "alice", limit=2, before=before):
        seen += [row["key"] for row in page]
        before = (page[-1]["at"], page[-1]["key"])
    assert seen == names[::-1]
