"""Goal: views that were recorded before days and contents were counted are counted all the same."""

from datetime import UTC, datetime, timedelta

import psycopg

from pixr.adapters.postgres import connect
from pixr.adapters.postgres.migrate import migrate, migrations
from pixr.adapters.postgres.verification import CHECKS, offenders

BEFORE = "0010_drain.sql"
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def migrate_up_to(database_url: str, name: str) -> None:
    """The schema as it was before the file of that name."""
    with psycopg.connect(database_url, autocommit=True) as db:
        for earlier, text in migrations():
            if earlier < name:
                with db.transaction():
                    db.execute(text.encode())


def test_days_and_contents_are_counted_from_the_rows(empty_database_url: str) -> None:
    migrate_up_to(empty_database_url, BEFORE)
    with connect(empty_database_url) as db:
        db.execute(
            "INSERT INTO contents (content_id, creator_id, created_at)"
            " VALUES ('film', 'alice', now()), ('flop', 'alice', now()), ('new', 'bob', now());"
            "INSERT INTO content_epochs VALUES ('film', 1, 500, 2000, 0, 0, 0, false, now()),"
            " ('film', 2, 600, 2000, 0, 0, 0, true, now())"
        )
        for day in (YESTERDAY, TODAY):
            db.execute("SELECT ensure_view_events_day(%s)", (day,))
        for number, (day, content_id, outcome) in enumerate(
            [
                (YESTERDAY, "film", "earned"),
                (TODAY, "film", "earned"),
                (TODAY, "film", "too_short"),
                (TODAY, "flop", "too_short"),
                (TODAY, "nobody's", "unknown_content"),
            ]
        ):
            db.execute(
                "INSERT INTO view_events VALUES (%s, %s, %s, 'ann', 1, now(), %s,"
                " gen_random_uuid())",
                (str(number), day, content_id, outcome),
            )
        db.execute("INSERT INTO drains VALUES (gen_random_uuid(), 5, 5, 2, 0, now())")
        text = dict(migrations())[BEFORE]
        with db.transaction():
            db.execute(text.encode())
        days = db.execute("SELECT * FROM view_days ORDER BY day").fetchall()
        assert [(row["day"], row["events_new"], row["events_earning"]) for row in days] == [
            (YESTERDAY, 1, 1),
            (TODAY, 4, 1),
        ]
        epochs = db.execute(
            "SELECT content_id, epoch, is_open, views, qualified_views FROM content_epochs"
            " ORDER BY content_id, epoch"
        ).fetchall()
        assert [tuple(row.values()) for row in epochs] == [
            ("film", 1, False, 0, 0),
            ("film", 2, True, 3, 2),
            ("flop", 1, False, 1, 0),
        ]


def test_a_new_database_has_nothing_to_count(empty_database_url: str) -> None:
    migrate(empty_database_url)
    with connect(empty_database_url) as db:
        assert db.execute("SELECT * FROM view_days").fetchall() == []
        assert [row for name in CHECKS.values() for row in offenders(db, name)] == []
