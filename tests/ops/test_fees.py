"""`pixr fees`: prices are written down once each, and a trace or a real day can be paid again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from solders.keypair import Keypair
from typer.testing import CliRunner

from pixr.adapters.postgres import Database, fee_decisions
from pixr.adapters.solana import ChainUnreachable
from pixr.domain import fees
from pixr.domain.fees import FeeInputs
from pixr.local.chain import running_chain
from pixr.local.errors import LocalError
from pixr.ops import fee_traces
from pixr.ops.cli import app
from pixr.ops.fee_collection import Clock, Collection, collect

DATA = Path(__file__).parents[1] / "data"
SLOTS = DATA / "slot-fees-2024-10-13.csv"
TIPS = DATA / "tip-floor-2026-09-30.csv"
HEADING = "slot,unix_time,micro_lamports_per_unit"


def pixr(*arguments: str, exit_code: int = 0) -> str:
    """What `pixr fees` prints; of a refusal, what it says on stderr."""
    result = CliRunner().invoke(app, ["fees", *arguments], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result.stderr if exit_code == 2 else result.stdout


def last_line(output: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


class Patience:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.now_s += seconds

        return Clock(now_s=lambda: self.now_s, sleep=sleep)


def collected(
    path: Path, answers: Iterator[Mapping[int, int]], *, seconds: int = 100
) -> Collection:
    """Poll every 20 s of a clock that runs by itself."""
    return collect(
        lambda: next(answers),
        path,
        source="a test",
        seconds=seconds,
        every_s=20,
        clock=Patience().clock(),
        tell=lambda _line: None,
    )


# ── traces ───────────────────────────────────────────────────────────────────


def test_recorded_slots_are_what_they_are_said_to_be() -> None:
    trace = fee_traces.read(SLOTS)
    assert len(trace.minutes) == 24
    assert trace.minutes[0].prices == (0, 5_000, 75_000)
    assert fees.percentile([minute.median for minute in trace.minutes], 50) == 5_000
    assert "each slot stands for a minute" in trace.nature
    assert len(trace.past) == 24 * 60


def test_recorded_tips_are_a_curve_and_no_prices() -> None:
    trace = fee_traces.read(TIPS, median_price=1_000)
    assert len(trace.minutes) == 34
    assert fees.percentile([minute.median for minute in trace.minutes], 50) == 1_000
    assert [minute.at_s for minute in trace.minutes][:3] == [60, 118, 184]
    assert "not priority fees" in trace.nature
    # The first minute: p25 .. p95 of 4.2, 6.5, 11.7 and 127.6 µSOL, where the median is 6.8.
    assert trace.minutes[0].prices == (613, 948, 1_712, 18_694)


@pytest.mark.parametrize("path", [SLOTS, TIPS], ids=lambda path: path.stem)
def test_a_replay_ends_with_every_policy_as_json(path: Path) -> None:
    output = pixr("replay", str(path), "--per-minute", "2")
    found = last_line(output)
    assert set(found["policies"]) == {"at_once", "policy", "when_full", "when_cheap"}
    least = found["hindsight_lamports"]
    for policy in found["policies"].values():
        assert policy["fees_lamports"] >= least > 0
        assert policy["delay_max_s"] <= 600
        parts = [policy[f"saving_{part}_bps"] for part in ("filling", "timing", "urgency")]
        assert abs(sum(parts) - policy["saving_bps"]) <= 3, "each is rounded down"
    assert found["policies"]["at_once"]["saving_bps"] == 0
    assert "perfect hindsight" in output
    assert pixr("replay", str(path), "--per-minute", "2") == output, "the same seed, the same day"


def test_a_long_collection_learns_from_its_first_day(tmp_path: Path) -> None:
    """One slot a minute: 26 hours, of which the first 24 only teach."""
    path = tmp_path / "long.csv"
    rows = "".join(f"{minute},{60 * minute},{minute % 7}\n" for minute in range(1, 26 * 60))
    path.write_text(f"{HEADING}\n{rows}")
    trace = fee_traces.read(path)
    assert len(trace.past) == 24 * 60
    assert len(trace.minutes) == 26 * 60 - 1 - 24 * 60
    assert "first day only teaches" in trace.remarks[0]


def test_minutes_in_which_nobody_listened_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "gap.csv"
    path.write_text(f"# Source: x\n{HEADING}\n1,1000,5\n3,1059,7\n900,2000,9\n")
    trace = fee_traces.read(path)
    assert [minute.at_s for minute in trace.minutes] == [0, 60, 1_020]
    assert trace.minutes[1].prices == (0, 5, 0, 7)
    assert sum(trace.minutes[2].prices) == 9, "a window is 150 slots, whoever listened"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no rows"),
        ("# only a remark\n", "has no rows"),
        (f"{HEADING}\n", "has no rows"),
        ("a,b\n1,2\n", "has columns a, b"),
        (f"{HEADING}\n1,1000\n", "line 2: has another number of fields"),
        (f"{HEADING}\n1,1000,5,9\n", "line 2: has another number of fields"),
        (f"{HEADING}\n1,1000,-5\n", "line 2: micro_lamports_per_unit is '-5'"),
        (f"{HEADING}\n1,1000,0.5\n", "line 2: micro_lamports_per_unit is '0.5'"),
        (f"{HEADING}\n1,1000,{'9' * 30}\n", "not a whole number"),
        (f"{HEADING}\n1,1000,٣\n", "not a whole number"),
        (f"# x\n{HEADING}\n2,1000,5\n2,1001,5\n", "line 4: is not after the line before it"),
        (f"{HEADING}\n1,1000,5\n2,999,5\n", "line 3: is not after the line before it"),
        ("slot,fee_level_1,fee_level_2,fee_level_3\n1,0,x,5\n", "fee_level_2 is 'x'"),
        ("time_utc,p25,p50,p75,p95\nnoon,0,1,1,1\n", "'noon' is no time"),
        ("time_utc,p25,p50,p75,p95\n2030-01-01T00:00:00Z,0,NaN,1,1\n", "no amount of SOL"),
        ("time_utc,p25,p50,p75,p95\n2030-01-01T00:00:00Z,0,-1,1,1\n", "no amount of SOL"),
        ("time_utc,p25,p50,p75,p95\n2030-01-01T00:00:00Z,0,x,1,1\n", "no amount of SOL"),
        ("time_utc,p25,p50,p75,p95\n2030-01-01T00:00:00Z,0,0,1,1\n", "half of the tips are zero"),
        (f'{HEADING}\n1,1000,"5\n', "is no CSV"),
    ],
)
def test_a_broken_trace_is_one_line_and_exit_code_2(
    tmp_path: Path, text: str, complaint: str
) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text, encoding="utf-8")
    said = pixr("replay", str(path), exit_code=2)
    assert said.startswith("pixr: ")
    assert complaint in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_what_is_no_text_file_is_one_line_too(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "trace.csv"
    if content is not None:
        path.write_bytes(content)
    assert "cannot be read" in pixr("replay", str(path), exit_code=2)


def test_a_trace_too_short_for_any_payout_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "short.csv"
    path.write_text(f"{HEADING}\n1,1000,5\n")
    assert "No payout falls due" in pixr("replay", str(path), "--per-minute", "0.01", exit_code=2)


@pytest.mark.parametrize("arguments", [["replay"], ["replay", "x.csv", "--decisions"]])
def test_a_replay_is_of_one_thing(arguments: list[str]) -> None:
    assert "What is to be replayed?" in pixr(*arguments, exit_code=2)


# ── collecting ───────────────────────────────────────────────────────────────


def test_each_slot_is_written_once_with_the_empty_ones_between(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    found = collected(path, iter([{0: 5, 2: 7}, {2: 7}, {2: 7, 4: 1}, {}, {}, {}]))
    assert path.read_text() == (
        f"# Source: a test\n{HEADING}\n0,1000,5\n1,1000,0\n2,1000,7\n3,1040,0\n4,1040,1\n"
    )
    assert (found.polls, found.slots, found.slots_missed) == (6, 5, 0)
    assert fee_traces.read(path).minutes[0].prices == (5, 0, 7)


def test_a_collection_is_gone_on_with_and_a_torn_line_goes(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    collected(path, iter([{0: 5}]), seconds=0)
    with path.open("a") as file:
        file.write("1,10")
    collected(path, iter([{0: 5, 1: 6}]), seconds=0)
    assert path.read_text().splitlines()[2:] == ["0,1000,5", "1,1000,6"]


def test_slots_that_nobody_can_tell_any_more_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    found = collected(path, iter([{0: 5}, {1_000: 6}]), seconds=20)
    assert (found.slots, found.slots_missed) == (151, 850)


def test_a_file_of_another_source_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "fees.csv"
    path.write_text(f"# Source: somebody else\n{HEADING}\n")
    with pytest.raises(LocalError, match="not a collection of the same source"):
        collected(path, iter([{0: 5}]))
    assert path.read_text() == f"# Source: somebody else\n{HEADING}\n"
    with pytest.raises(LocalError, match="cannot be written"):
        collected(tmp_path / "missing" / "fees.csv", iter([{0: 5}]))


def test_a_node_that_is_away_costs_polls_and_nothing_else(tmp_path: Path) -> None:
    answers = iter([{0: 5}, None, {3: 1}])

    def ask() -> Mapping[int, int]:
        answer = next(answers)
        if answer is None:
            raise ChainUnreachable("away")
        return answer

    told: list[str] = []
    found = collect(
        ask,
        tmp_path / "fees.csv",
        source="a test",
        seconds=40,
        every_s=20,
        clock=Patience().clock(),
        tell=told.append,
    )
    assert (found.polls, found.polls_failed, found.slots) == (3, 1, 4)
    assert told == ["no answer: away"]


def test_prices_of_a_real_node_are_collected_and_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "fees.csv"
    treasury = str(Keypair().pubkey())
    with running_chain(slot_ms=20) as chain:
        monkeypatch.setenv("SOLANA_RPC_URL", chain.url.replace("127.0.0.1", "key@127.0.0.1"))
        monkeypatch.setenv("TREASURY_ADDRESS", treasury)
        said = pixr("collect", "--seconds", "2", "--every", "1", "--out", str(path))
        more = pixr("collect", "--seconds", "0", "--out", str(path))
    assert " polls failed" in said
    assert " 0 polls failed" in more
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# Source: getRecentPrioritizationFees at 127.0.0.1, genesis ")
    assert treasury in lines[0]
    assert "key@" not in lines[0], "a URL may carry a key"
    slots = [int(line.partition(",")[0]) for line in lines[2:]]
    assert slots == sorted(set(slots))
    assert len(slots) > 50
    found = last_line(pixr("replay", str(path), "--per-minute", "600"))
    assert found["policies"]["policy"]["saving_bps"] == 0, "a quiet minute is paid at once"


def test_without_a_node_nothing_is_collected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TREASURY_ADDRESS", str(Keypair().pubkey()))
    monkeypatch.setenv("SOLANA_RPC_URL", "http://127.0.0.1:1")
    path = tmp_path / "fees.csv"
    assert "No node answers" in pixr("collect", "--out", str(path), exit_code=2)
    monkeypatch.delenv("SOLANA_RPC_URL")
    said = pixr("collect", "--out", str(path), "--data", str(tmp_path), exit_code=2)
    assert "SOLANA_RPC_URL is not set" in said
    assert not path.exists()


# ── decisions ────────────────────────────────────────────────────────────────


@pytest.fixture
def decided(
    db: Database, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Record a minute of waiting, so many minutes ago."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    begun_at = datetime.now(UTC)

    def record(minutes_ago: int, inputs: FeeInputs, *, bid_price: int | None = None) -> None:
        decision = fees.decide(inputs)
        if bid_price is not None:
            decision = replace(decision, bid_price=bid_price)
        fee_decisions.record(
            db,
            inputs,
            decision,
            transactions=0,
            fee_lamports_max=0,
            now=begun_at - timedelta(minutes=minutes_ago),
        )

    return record


WAITING = FeeInputs(
    recent_prices=(1_000,) * 150, trailing_p25=0, payouts_due=2, payees_full=16, oldest_age_s=0
)


def owe(db: Database, minutes_ago: int) -> None:
    """An earning of alice that fell due so many minutes ago."""
    address = str(Keypair().pubkey())
    db.execute(
        "INSERT INTO user_wallets VALUES ('alice', %s, 1, now()) ON CONFLICT DO NOTHING", (address,)
    )
    db.execute(
        "INSERT INTO ledger_accounts (account) VALUES ('owed:alice'), ('wallet:alice')"
        " ON CONFLICT DO NOTHING"
    )
    db.execute(
        "INSERT INTO payouts (id, kind, user_id, debit_account, credit_account, destination,"
        " lamports, created_at)"
        " VALUES (%s, 'earnings', 'alice', 'owed:alice', 'wallet:alice', %s, 1, %s)",
        (uuid4(), address, datetime.now(UTC) - timedelta(minutes=minutes_ago, seconds=30)),
    )


def test_a_real_day_is_made_again_and_paid_again(
    db: Database, decided: Callable[..., None]
) -> None:
    for minutes_ago in range(30, 0, -1):
        decided(minutes_ago, replace(WAITING, oldest_age_s=60 * (30 - minutes_ago)))
        owe(db, minutes_ago)
    output = pixr("replay", "--decisions")
    assert "30 decisions made again, 0 came out differently; 0 are of other rules" in output
    found = last_line(output)
    assert (found["payouts"], found["minutes"]) == (30, 30)
    assert found["policies"]["policy"]["fees_lamports"] >= found["hindsight_lamports"]


def test_a_decision_that_cannot_be_made_again_is_an_error(
    db: Database, decided: Callable[..., None]
) -> None:
    decided(2, WAITING)
    decided(1, WAITING, bid_price=999)
    output = pixr("replay", "--decisions", exit_code=1)
    assert "2 decisions made again, 1 came out differently; 0 are of other rules" in output
    assert "bid_price=999" in output
    db.execute("UPDATE fee_decisions SET policy = policy + 1 WHERE bid_price = 999")
    owe(db, 2)
    output = pixr("replay", "--decisions")
    assert "1 decisions made again, 0 came out differently; 1 are of other rules" in output


def test_a_database_without_decisions_says_so(decided: Callable[..., None]) -> None:
    assert "No decision in 24 hours" in pixr("replay", "--decisions", exit_code=2)
