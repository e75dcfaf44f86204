"""Goal: the log only grows, and each line seals the line before."""

import hashlib
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from pixr.adapters.postgres import Database, audit

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def write(db: Database, number: int) -> None:
    audit.append(
        db,
        at=NOW + timedelta(microseconds=number),
        actor="alice",
        action="withdrawal.requested",
        subject=f"s{number}",
        detail={"b": "ü", "a": str(number)},
    )


def test_each_line_carries_the_hash_of_the_line_before(db: Database) -> None:
    for number in range(3):
        write(db, number)
    previous = bytes(32)
    rows = db.execute("SELECT *, detail::text AS text FROM audit_log ORDER BY seq").fetchall()
    for seq, row in enumerate(rows, start=1):
        micros = (row["at"] - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        texts = (str(seq), str(micros), row["actor"], row["action"], row["subject"], row["text"])
        digest = hashlib.sha256(previous + b"\x00".join(text.encode() for text in texts)).digest()
        assert (row["seq"], row["previous_hash"], row["hash"]) == (seq, previous, digest)
        previous = digest
    assert len(rows) == 3


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"],
)
def test_a_line_cannot_be_changed_or_taken_out(db: Database, statement: str) -> None:
    write(db, 1)
    with pytest.raises(psycopg.errors.RestrictViolation):
        db.execute(statement.encode())
