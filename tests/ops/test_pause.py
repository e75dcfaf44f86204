"""A person stops settlement and lets it go on, and both are written down."""

import pytest

from pixr.adapters.postgres import pauses
from tests.ops.conftest import Pixr, Settler


def test_a_pause_keeps_everything_but_signing(settler: Settler, pixr: Pixr) -> None:
    address = settler.user("alice")
    settler.content("film", "alice")
    settler.watch("film", 1_000)
    paused = pixr("pause", "--reason", "the moon", "--actor", "Eve")
    assert paused.exit_code == 0, paused.output
    report = settler.tick()
    assert report.paused == "by hand (Eve): the moon"
    assert (report.events_new, report.batches_sent) == (1_000, 0)
    assert settler.db.execute("SELECT id FROM payouts").fetchall() == []
    resumed = pixr("pause", "--resume", "--actor", "Bob")
    assert resumed.exit_code == 0
    assert "It was paused: by hand (Eve): the moon" in resumed.output
    settler.tick()
    assert settler.balance(address) == 19_000_000
    rows = settler.db.execute("SELECT actor, action FROM audit_log ORDER BY seq").fetchall()
    assert [(row["actor"], row["action"]) for row in rows] == [
        ("Eve", "settlement.paused"),
        ("Bob", "settlement.resumed"),
    ]


def test_what_is_so_already_is_told(settler: Settler, pixr: Pixr) -> None:
    assert pixr("pause", "--resume").exit_code == 1
    assert pixr("pause", "--reason", "first").exit_code == 0
    second = pixr("pause", "--reason", "second")
    assert second.exit_code == 1
    assert "first" in second.output
    found = pauses.read(settler.db)
    assert found is not None
    assert found["reason"].endswith(": first")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--reason", " "), "The reason has 0 characters"),
        (("--reason", "x" * 1_001), "The reason has 1001 characters"),
        (("--actor", " "), "Nobody is named as the actor"),
        (("--actor", "x" * 129), "Nobody is named as the actor"),
        (("--actor", "Eve\x1b[2K"), "Nobody is named as the actor"),
    ],
)
def test_a_pause_needs_words(pixr: Pixr, words: tuple[str, ...], says: str) -> None:
    result = pixr("pause", *words)
    assert result.exit_code == 2
    assert says in result.stderr
