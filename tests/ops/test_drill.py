"""The drill as people type it: a few kills on a whole machine, and an end in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.choices import CHOICES
from pixr.domain.packing import PAYEES_FULL, PAYEES_FULL_WITH_TABLE
from pixr.local import keeper

PATIENCE_S = 300.0
COMMAND = (sys.executable, "-m", "pixr.ops.cli", "drill")
GIVEN = (
    *("DATABASE_URL", "REDIS_URL", "SOLANA_RPC_URL", "AWS_ENDPOINT_URL", "SOL_USD"),
    *(choice.variable for choice in CHOICES),
)
SEED = "241110"
"""Draws three aims, a lost Valkey, a crash of PostgreSQL and two RPC faults for three kills."""


class Drill:
    """One ``pixr drill`` in its own process, and all that it starts."""

    def __init__(self, log: Path, *options: str) -> None:
        self.mark = f"test-{os.urandom(8).hex()}"
        self.log = log
        kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "--creators", "2", "--slot-ms", "20", *options],
                env={**kept, keeper.MARKER: self.mark, "PYTHONUNBUFFERED": "1"},
                stdout=output,
                stderr=subprocess.STDOUT,
                # A shell that starts us in the background makes us ignore it, and our children.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
            )

    def wait_for(self, words: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while words not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def wait(self) -> int:
        return self.process.wait(PATIENCE_S)

    def has_left_nothing(self) -> bool:
        deadline = time.monotonic() + PATIENCE_S
        while keeper.marked_pids(self.mark):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "drill.log"


def test_a_short_drill_is_clean_and_leaves_nothing_behind(log: Path) -> None:
    drill = Drill(log, "--kills", "3", "--seed", SEED, "--no-tables")
    try:
        code = drill.wait()
    finally:
        drill.process.kill()
        is_clean = drill.has_left_nothing()
    said = log.read_text()
    assert code == 0, said
    assert is_clean
    assert "Traceback" not in said
    figures = json.loads(said.splitlines()[-1])
    assert (figures["clean"], figures["kills"], figures["differences"]) == (True, 3, 0)
    assert figures["processes_killed"] >= 3
    assert set(figures["crashes"]) == {"Valkey", "PostgreSQL"}
    assert len(figures["faults"]) == 2
    assert figures["payouts"]["earnings"]["PAID"] > 0
    assert figures["views"]["recorded"] == figures["views"]["sent"] > 0
    assert len(figures["verify"]) >= 10
    assert not any(figures["verify"].values())
    assert (figures["rpc_nodes"], figures["lookup_tables"]) == (3, None)
    assert "3 RPC nodes, lookup tables off" in said


def test_a_drill_with_lookup_tables_pays_regulars_together_and_is_clean(log: Path) -> None:
    drill = Drill(log, "--kills", "2", "--seed", SEED, "--tables")
    try:
        code = drill.wait()
    finally:
        drill.process.kill()
        is_clean = drill.has_left_nothing()
    said = log.read_text()
    assert code == 0, said
    assert is_clean
    figures = json.loads(said.splitlines()[-1])
    assert figures["clean"] is True
    assert not any(figures["verify"].values())
    tables = figures["lookup_tables"]
    assert tables["entries"] >= PAYEES_FULL_WITH_TABLE
    assert tables["payments"] > 0
    assert tables["payees_most"] > PAYEES_FULL


@pytest.mark.parametrize("name", ["VIEW_RATE_LAMPORTS", "VIEWS_PER_VIEWER_DAY"])
def test_what_a_drill_counts_by_cannot_be_changed(name: str) -> None:
    result = subprocess.run(
        COMMAND,
        env={**os.environ, name: "7"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 2
    assert f"counts what is due by the default of {name}. Unset it." in result.stderr


def test_a_drill_that_is_interrupted_leaves_nothing_behind(log: Path) -> None:
    drill = Drill(log, "--kills", "1000", "--nodes", "1", "--no-tables")
    try:
        drill.wait_for("kill 1 of 1000")
        drill.process.send_signal(signal.SIGINT)
        code = drill.wait()
    finally:
        drill.process.kill()
        is_clean = drill.has_left_nothing()
    assert code == 130, log.read_text()
    assert is_clean
    assert "Traceback" not in log.read_text()


def test_a_folder_that_holds_something_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("data")
    result = subprocess.run(
        [*COMMAND, "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert result.returncode == 2
    assert "is not empty" in result.stderr
