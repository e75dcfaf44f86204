"""Goal: a day of views goes without a trace of a missing lamport, and never comes back."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from pixr.adapters.postgres import Database, connect, earnings, sql, view_days
from pixr.adapters.postgres.verification import offenders
from pixr.adapters.postgres.view_days import DROPS_MAX
from pixr.domain.views import VIEW_RETENTION_DAYS, kept_days

NOW = datetime.now(UTC).replace(hour=12)
TODAY = NOW.date()
DAY = timedelta(days=1)
TOO_OLD = TODAY - (VIEW_RETENTION_DAYS + 1) * DAY


def partitions(db: Database) -> list[date]:
    return [row["day"] for row in db.execute(sql("view_days/list_kept"))]


def watch(db: Database, day: date, *, views: int, earning: int, is_counted: bool = True) -> None:
    """A day of views, as drains leave it."""
    db.execute("SELECT ensure_view_events_day(%s)", (day,))
    db.execute(
        "INSERT INTO view_events SELECT 'e' || n, %(day)s, 'film', 'ann', 40000, %(day)s,"
        " CASE WHEN n <= %(earning)s THEN 'earned' ELSE 'too_short' END, gen_random_uuid()"
        " FROM generate_series(1, %(views)s) AS n",
        {"day": day, "views": views, "earning": earning},
    )
    db.execute(
        "INSERT INTO drains VALUES (gen_random_uuid(), %s, %s, %s, 0, now())",
        (views, views, earning),
    )
    if is_counted:
        db.execute("INSERT INTO view_days VALUES (%s, %s, %s)", (day, views, earning))


def kept(db: Database, day: date) -> tuple[int, int, bool]:
    row = db.execute("SELECT * FROM view_days WHERE day = %s", (day,)).fetchone()
    assert row is not None
    return row["events_new"], row["events_earning"], row["dropped_at"] is not None


def test_today_and_tomorrow_are_there_before_they_begin(db: Database) -> None:
    assert view_days.keep(db, now=NOW) == 0
    assert partitions(db) == [TODAY, TODAY + DAY]
    assert view_days.keep(db, now=NOW) == 0
    assert partitions(db) == [TODAY, TODAY + DAY]


def test_only_what_is_too_old_is_dropped_and_its_sums_stay(db: Database) -> None:
    oldest, _ = kept_days(NOW)
    watch(db, TOO_OLD, views=5, earning=3)
    watch(db, oldest, views=4, earning=2)
    assert view_days.keep(db, now=NOW) == 1
    assert partitions(db) == [oldest, TODAY, TODAY + DAY]
    assert kept(db, TOO_OLD) == (5, 3, True)
    assert kept(db, oldest) == (4, 2, False)
    assert offenders(db, "verify/drains") == []


def test_a_dropped_day_is_never_made_again(db: Database) -> None:
    """Neither it nor an older one, whoever asks: also a settler from before this schema."""
    watch(db, TOO_OLD, views=1, earning=1)
    view_days.keep(db, now=NOW)
    for day in (TOO_OLD, TOO_OLD - DAY):
        with pytest.raises(psycopg.errors.RestrictViolation, match="were dropped"):
            db.execute("SELECT ensure_view_events_day(%s)", (day,))
    db.execute("SELECT ensure_view_events_day(%s)", (TOO_OLD + DAY,))


def test_the_drain_learns_which_day_was_dropped(db: Database) -> None:
    """A clock that goes back must not open it again."""
    watch(db, TOO_OLD, views=1, earning=1)
    with earnings.drain_transaction(db) as dropped:
        assert dropped is None
    view_days.keep(db, now=NOW)
    with earnings.drain_transaction(db) as dropped:
        assert dropped == TOO_OLD


def test_a_day_without_views_is_dropped_as_well(db: Database) -> None:
    db.execute("SELECT ensure_view_events_day(%s)", (TOO_OLD,))
    assert view_days.keep(db, now=NOW) == 1
    assert kept(db, TOO_OLD) == (0, 0, True)


def test_what_an_older_settler_did_not_count_is_counted_before_it_goes(db: Database) -> None:
    watch(db, TOO_OLD, views=7, earning=5, is_counted=False)
    watch(db, TODAY, views=2, earning=1)
    view_days.keep(db, now=NOW)
    assert kept(db, TOO_OLD) == (7, 5, True)
    assert offenders(db, "verify/drains") == []


def test_a_long_absence_is_made_up_for_in_steps_the_oldest_first(db: Database) -> None:
    days = [TOO_OLD - number * DAY for number in range(DROPS_MAX + 1)]
    for day in days:
        db.execute("SELECT ensure_view_events_day(%s)", (day,))
    assert view_days.keep(db, now=NOW) == DROPS_MAX
    assert partitions(db)[0] == TOO_OLD
    assert view_days.keep(db, now=NOW) == 1


def test_a_day_that_somebody_reads_stays_for_the_next_time(db: Database, database_url: str) -> None:
    watch(db, TOO_OLD, views=5, earning=3)
    with connect(database_url) as reader:
        with reader.transaction():
            reader.execute("SELECT count(*) FROM view_events")
            assert view_days.keep(db, now=NOW) == 0
            assert partitions(db)[0] == TOO_OLD
        assert kept(db, TOO_OLD) == (5, 3, False)
        assert view_days.keep(db, now=NOW) == 1
    row = db.execute("SHOW lock_timeout").fetchone()
    assert row == {"lock_timeout": "5s"}, "only the drop is impatient"


def test_a_clock_that_is_ahead_drops_nothing(db: Database) -> None:
    watch(db, TODAY, views=1, earning=1)
    assert view_days.keep(db, now=NOW + 400 * DAY) == 0
    assert partitions(db) == [TODAY, TODAY + 400 * DAY, TODAY + 401 * DAY]


def test_a_partition_that_is_not_ours_is_left_alone(db: Database) -> None:
    db.execute(
        "CREATE TABLE view_events_attic PARTITION OF view_events"
        " FOR VALUES FROM ('2001-01-01') TO ('2002-01-01')"
    )
    assert view_days.keep(db, now=NOW) == 0
    assert partitions(db) == [TODAY, TODAY + DAY]
