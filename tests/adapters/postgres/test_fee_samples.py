"""The day of samples says what is cheap: zeros count, our own bids do not, old ones go."""

import random
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from pixr.adapters.postgres import Database, fee_samples
from pixr.domain import fees

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SLOTS = fees.WINDOW_SLOTS


def record_windows(db: Database, medians: list[int], *, now: datetime = NOW) -> None:
    """Whole windows, each with this median."""
    for number, median in enumerate(medians):
        prices = {number * SLOTS + i: median for i in range(SLOTS)}
        fee_samples.record(db, prices, now=now)


def land(db: Database, slot: int, *, now: datetime = NOW) -> None:
    """A transaction of ours that landed in a slot."""
    batch_id = uuid4()
    db.execute(
        "INSERT INTO batches (id, kind, receipt_address, merkle_root, payees, lamports,"
        " treasury_reserved_lamports, planned_at) VALUES (%s, 'earnings', %s, %s, 1, 1, 1, %s)",
        (batch_id, str(batch_id)[:32], bytes(32), now),
    )
    db.execute(
        "INSERT INTO transactions (signature, batch_id, attempt, state, raw, blockhash,"
        " blockhash_slot, last_valid_block_height, fee_lamports_max, fee_lamports, slot,"
        " signed_at, closed_at)"
        " VALUES (%s, %s, 1, 'LANDED', '', 'h', 1, 1, 1, 1, %s, %s, %s)",
        (f"{slot:064}", batch_id, slot, now, now),
    )


def test_empty_slots_are_stored_and_returned_as_zero(db: Database) -> None:
    prices = fee_samples.record(db, {1_000: 9, 990: 4}, now=NOW)
    assert len(prices) == SLOTS
    assert (prices[-1], prices[-11], sum(prices)) == (9, 4, 13)
    found = db.execute(
        "SELECT count(*) AS slots, sum(micro_lamports_per_unit) AS total FROM fee_samples"
    )
    assert found.fetchone() == {"slots": SLOTS, "total": 13}


def test_a_slot_keeps_its_first_price(db: Database) -> None:
    fee_samples.record(db, {1_000: 9}, now=NOW)
    prices = fee_samples.record(db, {1_001: 3, 1_000: 7}, now=NOW + timedelta(seconds=1))
    assert prices[-2:] == (7, 3), "a decision sees what the node says now"
    row = db.execute("SELECT micro_lamports_per_unit AS price FROM fee_samples WHERE slot = 1000")
    assert row.fetchone() == {"price": 9}


def test_a_node_that_says_nothing_leaves_nothing(db: Database) -> None:
    assert fee_samples.record(db, {}, now=NOW) == ()
    assert fee_samples.record(db, {-5: 1, 2**70: 1}, now=NOW) == ()
    assert fee_samples.trailing_p25(db, now=NOW) is None


def test_a_price_beyond_belief_is_bounded(db: Database) -> None:
    assert max(fee_samples.record(db, {1_000: 2**64}, now=NOW)) == fees.PRICE_MAX


def test_our_own_bids_are_not_the_market(db: Database) -> None:
    for slot in range(960, 1_000):
        land(db, slot)
    prices = fee_samples.record(db, dict.fromkeys(range(960, 1_000), 500) | {1_000: 20}, now=NOW)
    assert len(prices) == SLOTS - 40
    assert (max(prices), prices[-1]) == (20, 20)
    stored = db.execute("SELECT max(micro_lamports_per_unit) AS price FROM fee_samples").fetchone()
    assert stored == {"price": 20}


def test_when_we_fill_the_window_our_bids_are_the_best_that_is_known(db: Database) -> None:
    for slot in range(851, 960):
        land(db, slot)
    prices = fee_samples.record(db, dict.fromkeys(range(851, 1_001), 500), now=NOW)
    assert prices == (500,) * SLOTS
    stored = db.execute("SELECT count(*) AS slots FROM fee_samples").fetchone()
    assert stored == {"slots": 41}, "the day's samples hold others' bids only"


def test_what_is_cheap_needs_an_hour_of_windows(db: Database) -> None:
    record_windows(db, [5] * (fees.WINDOWS_MIN - 1))
    assert fee_samples.trailing_p25(db, now=NOW) is None
    record_windows(db, [5] * fees.WINDOWS_MIN)
    assert fee_samples.trailing_p25(db, now=NOW) == 5


def test_a_window_of_few_samples_does_not_count(db: Database) -> None:
    record_windows(db, [5] * (fees.WINDOWS_MIN - 1))
    first = fees.WINDOWS_MIN * SLOTS
    for slot in range(first, first + SLOTS // 2 - 1):
        db.execute("INSERT INTO fee_samples VALUES (%s, 0, %s)", (slot, NOW))
    assert fee_samples.trailing_p25(db, now=NOW) is None
    db.execute("INSERT INTO fee_samples VALUES (%s, 0, %s)", (first + SLOTS, NOW))
    assert fee_samples.trailing_p25(db, now=NOW) is None, "the next window does not help"
    db.execute("INSERT INTO fee_samples VALUES (%s, 0, %s)", (first + SLOTS - 1, NOW))
    assert fee_samples.trailing_p25(db, now=NOW) == 5


@pytest.mark.parametrize("seed", range(3))
def test_the_database_finds_the_percentile_that_the_replay_finds(db: Database, seed: int) -> None:
    dice = random.Random(seed)
    medians: list[int] = []
    for number in range(dice.randint(60, 90)):
        window = [int(dice.lognormvariate(8, 3)) for _ in range(SLOTS)]
        fee_samples.record(
            db, {number * SLOTS + i: price for i, price in enumerate(window)}, now=NOW
        )
        medians.append(fees.percentile(window, 50))
    expected = fees.percentile(medians, fees.TRAILING_PERCENT)
    assert fee_samples.trailing_p25(db, now=NOW) == expected


def test_a_day_is_kept_and_forgotten_in_bites(db: Database) -> None:
    record_windows(db, [7] * 70, now=NOW - timedelta(hours=25))
    assert fee_samples.trailing_p25(db, now=NOW) is None, "older than a day"
    fee_samples.record(db, {10**6: 1}, now=NOW)
    left = db.execute("SELECT count(*) AS slots FROM fee_samples WHERE slot < 10500").fetchone()
    assert left == {"slots": 500}
    fee_samples.record(db, {10**6 + 1: 1}, now=NOW)
    left = db.execute("SELECT count(*) AS slots FROM fee_samples WHERE slot < 10500").fetchone()
    assert left == {"slots": 0}
