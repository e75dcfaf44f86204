"""Goal: a person sees what could not be counted and why, and can give it another chance safely.

Method: real Valkey and PostgreSQL; letters are made by the drain itself.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis
from typer.testing import CliRunner, Result

from pixr.adapters.postgres import Database
from pixr.adapters.redis import DEAD, PACKS, DeadLetters, ViewStream
from pixr.domain.view_lines import write_lines
from pixr.ops import dead as word
from pixr.ops.cli import app
from tests.functions.batch.drain.conftest import CREATOR_VIEW, Bench

Pixr = Callable[..., Result]


@pytest.fixture
def bench(db: Database, redis_url: str) -> Iterator[Bench]:
    stream, dead = ViewStream(redis_url, idle_ms=0), DeadLetters(redis_url)
    with redis.Redis.from_url(redis_url) as raw:
        made = Bench(db=db, stream=stream, raw=raw, dead=dead)
        made.content("film", "alice")
        yield made
    stream.close()
    dead.close()


@pytest.fixture
def pixr(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Pixr:
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(app, ["dead", *words])


def bury(bench: Bench, number: int) -> str:
    """A good view whose readers died; the id of its letter."""
    bench.stream.append([bench.view(number)])
    for _ in range(6):
        bench.stream.read(10, "dies")
    return list(bench.dead.list())[-1].id


def spoil(bench: Bench, line: bytes = b"gar\x1b[31mbage") -> str:
    """Something that is no view; the id of its letter."""
    bench.raw.xadd(PACKS, {"p": line})
    bench.drain()
    return list(bench.dead.list())[-1].id


def test_nothing_waits_at_first(pixr: Pixr) -> None:
    result = pixr("list")
    assert (result.exit_code, result.stdout) == (0, "No view event waits for a person.\n")
    assert pixr("replay", "--all").stdout == "0 letters with 0 events went back, 0 had to stay.\n"


def test_letters_are_listed_with_what_could_come_of_them(bench: Bench, pixr: Pixr) -> None:
    good, bad = bury(bench, 1), spoil(bench)
    output = pixr("list").stdout
    assert good in output
    assert bad in output
    assert "delivered 5 times" in output
    assert "1 may earn" in output
    assert "not a view event" in output
    assert "2 letters; 1 event may still earn." in output


def test_more_letters_than_a_screen_holds_are_counted(
    bench: Bench, pixr: Pixr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word, "SHOWN_MAX", 1)
    for _ in range(3):
        spoil(bench)
    output = pixr("list").stdout
    assert "… and 2 more" in output
    assert "3 letters; 0 events" in output


def test_a_letter_is_shown_whole_and_moves_no_cursor(bench: Bench, pixr: Pixr) -> None:
    output = pixr("show", bury(bench, 1)).stdout
    assert "the whole entry" in output
    assert "reason: delivered 5 times" in output
    assert "sound: e1\\tfilm\\tviewer-1\\t40000" in output
    output = pixr("show", spoil(bench)).stdout
    assert "bad:   gar\\x1b[31mbage: not a view event" in output
    assert "\x1b" not in output


def test_a_replayed_letter_earns_once(bench: Bench, pixr: Pixr) -> None:
    letter = bury(bench, 1)
    result = pixr("replay", letter)
    assert (result.exit_code, result.stdout) == (
        0,
        "1 letter with 1 event went back, 0 had to stay.\n",
    )
    bench.drain()
    assert bench.owed("alice") == CREATOR_VIEW
    result = pixr("replay", letter)
    assert (result.exit_code, "There is no letter" in result.stdout) == (1, True)
    # The same view again: known, and worth nothing.
    bench.raw.xadd(DEAD, {"payload": write_lines([bench.view(1)]).text, "kind": "lines"})
    assert pixr("replay", "--all").exit_code == 0
    bench.drain()
    assert bench.owed("alice") == CREATOR_VIEW


def test_what_cannot_earn_any_more_stays_and_says_why(bench: Bench, pixr: Pixr) -> None:
    bad = spoil(bench)
    late = bench.view(2, occurred_at=bench.now - timedelta(days=60))
    bench.stream.append([late, bench.view(3)])
    bench.drain()
    closed = list(bench.dead.list())[-1].id
    good = bury(bench, 4)
    result = pixr("replay", "--all")
    assert result.exit_code == 1
    assert f"{bad} stays: not a view event" in result.stdout
    assert f"{closed} stays: only days from" in result.stdout
    assert "1 letter with 1 event went back, 2 had to stay." in result.stdout
    assert {letter.id for letter in bench.dead.list()} == {bad, closed}
    assert good not in pixr("list").stdout


def test_a_dry_run_changes_nothing(bench: Bench, pixr: Pixr) -> None:
    bury(bench, 1)
    assert "1 letter with 1 event would go back, 0 had to stay." in (
        pixr("replay", "--all", "--dry-run").stdout
    )
    assert "Would be gone: 1 letter." in pixr("drop", "--all", "--dry-run").stdout
    assert (bench.stream.depth(), bench.stream.dead_depth()) == (0, 1)


def test_many_letters_are_replayed_in_steps(
    bench: Bench, pixr: Pixr, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word, "REPLAYED_TOGETHER", 2)
    for number in range(5):
        payload = write_lines([bench.view(number)]).text
        bench.raw.xadd(DEAD, {"payload": payload, "kind": "lines"})
    assert pixr("replay", "--all").exit_code == 0
    assert bench.drain().events_new == 5
    assert bench.stream.dead_depth() == 0


def test_what_is_dropped_is_printed_first(bench: Bench, pixr: Pixr) -> None:
    first, second = spoil(bench), spoil(bench)
    result = pixr("drop", first)
    assert result.exit_code == 0
    line, said = result.stdout.splitlines()
    assert json.loads(line) | {"id": first, "reason": "not a view event"} == json.loads(line)
    assert said == "Gone: 1 letter."
    assert [letter.id for letter in bench.dead.list()] == [second]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("bury",), "There is no `pixr dead bury`"),
        (("replay",), "needs ids, or --all"),
        (("drop", "1-1", "--all"), "needs ids, or --all"),
        (("show", "7"), "'7' is not the id of a letter"),
        (("show", "1-1; DROP"), "is not the id of a letter"),
        (("list", "--redis", "http://x"), "REDIS_URL is not redis://"),
        (("list", "--redis", "redis://x:port"), "REDIS_URL is not redis://"),
        (("list", "--redis", "redis://:secret@127.0.0.1:1/0"), "Redis does not answer"),
        (("list", "--data", "nowhere"), "No machine runs"),
    ],
)
def test_what_cannot_be_tried_is_one_line_and_exit_code_2(
    pixr: Pixr, words: tuple[str, ...], said: str
) -> None:
    result = pixr(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.stderr
