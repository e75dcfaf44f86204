"""Goal: whoever rewrites the log is found, and where; also somebody who may do everything.

Method: as the owner of the tables, with their triggers off, which no role of ours may do.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from pixr.adapters.postgres import Database, audit
from tests.ops.conftest import Pixr, Settler

NOW = datetime(2030, 1, 1, tzinfo=UTC)
LINES = 7


@pytest.fixture
def log(settler: Settler) -> Database:
    for number in range(1, LINES + 1):
        audit.append(
            settler.db,
            at=NOW + timedelta(seconds=number),
            actor=f"user{number % 2}",
            action="withdrawal.requested",
            subject=f"s{number}",
            detail={"lamports": str(number), "to": "ü"},
        )
    return settler.db


def head(db: Database) -> str:
    found = audit.head(db)
    assert found is not None
    return found


def rechain(db: Database, since: int) -> None:
    """What a careful forger does: make all later hashes right again."""
    rows = db.execute("SELECT *, detail::text AS text FROM audit_log ORDER BY seq").fetchall()
    previous = bytes(32)
    for row in rows:
        if row["seq"] >= since:
            micros = (row["at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
            texts = (str(row["seq"]), str(micros), row["actor"], row["action"], row["subject"])
            said = b"\x00".join(text.encode() for text in (*texts, row["text"]))
            row["hash"] = hashlib.sha256(previous + said).digest()
            db.execute(
                "UPDATE audit_log SET previous_hash = %s, hash = %s WHERE seq = %s",
                [previous, row["hash"], row["seq"]],
            )
        previous = bytes(row["hash"])


Forge = Callable[[Database], object]
SWAP = """
    UPDATE audit_log AS one
    SET actor = other.actor, subject = other.subject, detail = other.detail, at = other.at
    FROM audit_log AS other
    WHERE (one.seq, other.seq) IN ((3, 4), (4, 3))
"""
INSERTED = """
    INSERT INTO audit_log SELECT 4, at, 'mallory', action, subject, detail, hash,
        sha256(hash || 'x') FROM audit_log WHERE seq = 3
"""


def forge(db: Database, *statements: str) -> None:
    db.execute("ALTER TABLE audit_log DISABLE TRIGGER ALL")
    for statement in statements:
        db.execute(statement.encode())


@pytest.mark.parametrize(
    ("statements", "line"),
    [
        (("UPDATE audit_log SET actor = 'mallory' WHERE seq = 3",), 3),
        (("UPDATE audit_log SET action = 'nothing.happened' WHERE seq = 1",), 1),
        (("""UPDATE audit_log SET detail = '{"lamports": "1"}' WHERE seq = 5""",), 5),
        (("UPDATE audit_log SET at = at + interval '1 microsecond' WHERE seq = 7",), 7),
        (("UPDATE audit_log SET hash = sha256('x') WHERE seq = 4",), 4),
        (("UPDATE audit_log SET previous_hash = sha256('x') WHERE seq = 4",), 4),
        (("DELETE FROM audit_log WHERE seq = 1",), 2),
        (("DELETE FROM audit_log WHERE seq = 4",), 5),
        ((SWAP,), 3),
        (
            (
                "UPDATE audit_log SET seq = seq + 100 WHERE seq > 3",
                "UPDATE audit_log SET seq = seq - 99 WHERE seq > 100",
                INSERTED,
            ),
            4,
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_first_broken_line_is_named(
    log: Database, pixr: Pixr, statements: tuple[str, ...], line: int
) -> None:
    forge(log, *statements)
    result = pixr("audit", "verify")
    assert result.exit_code == 1, result.output
    assert f"The chain is broken at line {line} " in result.output
    assert f"Unbroken up to line {line - 1 if 'DELETE' not in statements[0] else line - 2}:" in (
        result.output
    )


def test_an_unbroken_chain_tells_its_head(log: Database, pixr: Pixr) -> None:
    result = pixr("audit", "verify")
    assert result.exit_code == 0, result.output
    assert f"{LINES} lines, one unbroken chain." in result.output
    assert f"Head: {head(log)}" in result.output.replace("\n", " ")


def test_a_log_that_was_cut_off_is_noticed_by_a_head_that_was_noted(
    log: Database, pixr: Pixr
) -> None:
    noted = head(log)
    forge(log, "DELETE FROM audit_log WHERE seq >= 6")
    assert pixr("audit", "verify").exit_code == 0
    result = pixr("audit", "verify", "--expect", noted)
    assert result.exit_code == 1
    assert "line 7, which was noted, is missing" in result.output


def test_a_log_that_was_written_anew_is_noticed_by_a_head_that_was_noted(
    log: Database, pixr: Pixr
) -> None:
    noted = head(log)
    forge(log, "UPDATE audit_log SET actor = 'mallory' WHERE seq = 3")
    rechain(log, 3)
    assert pixr("audit", "verify").exit_code == 0
    result = pixr("audit", "verify", "--expect", noted)
    assert result.exit_code == 1
    assert "line 7 has another hash than was noted" in result.output


def test_a_log_that_went_on_agrees_with_an_older_head(log: Database, pixr: Pixr) -> None:
    noted = head(log)
    audit.append(log, at=NOW, actor="bob", action="a.b", subject="s", detail={})
    result = pixr("audit", "verify", "--expect", noted)
    assert result.exit_code == 0
    assert "line 7 is the one that was noted" in result.output


def test_the_newest_lines_are_shown_of_one_person_too(log: Database, pixr: Pixr) -> None:
    shown = pixr("audit", "list", "--limit", "2").output
    assert "s7" in shown
    assert "s6" in shown
    assert "s5" not in shown
    theirs = pixr("audit", "list", "--about", "user0").output
    assert "user0" in theirs
    assert "user1" not in theirs


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("audit", "mend"), "There is no `pixr audit mend`"),
        (("audit", "verify", "--expect", "7"), "not NUMBER:HASH"),
        (("audit", "verify", "--expect", "7:xyz"), "not NUMBER:HASH"),
    ],
)
def test_what_cannot_be_tried_is_said(pixr: Pixr, words: tuple[str, ...], says: str) -> None:
    result = pixr(*words)
    assert result.exit_code == 2
    assert says in result.stderr


def test_a_role_that_may_only_work_cannot_rewrite_the_log(log: Database) -> None:
    log.execute("CREATE ROLE worker_of_audit")
    try:
        log.execute("GRANT SELECT, INSERT ON audit_log TO worker_of_audit")
        log.execute("SET ROLE worker_of_audit")
        for statement in (
            "UPDATE audit_log SET actor = 'x'",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
            "ALTER TABLE audit_log DISABLE TRIGGER ALL",
            "DROP TRIGGER audit_log_append_only ON audit_log",
        ):
            with pytest.raises(Exception, match=r"permission denied|must be owner"):
                log.execute(statement.encode())
    finally:
        log.execute("RESET ROLE")
        log.execute("REVOKE ALL ON audit_log FROM worker_of_audit")
        log.execute("DROP ROLE worker_of_audit")


def test_a_user_id_that_looks_like_markup_is_shown_as_it_is(settler: Settler, pixr: Pixr) -> None:
    for actor in ("[/]", "[red]mallory", ":skull:", "[link=x]y[/link]"):
        audit.append(settler.db, at=NOW, actor=actor, action="a.done", subject=actor, detail={})
        shown = pixr("audit", "list", "--limit", "1").output
        assert shown.count(actor) == 2
