"""Goal: no schedule of crashes, drops, lies, rivals and restores pays a lamport twice or never.

Method: run the shipped settler on a real Postgres and a real Valkey against a chain whose faults
and whose clock come from one seed. Steps of trouble, then calm until nothing is owed; every
invariant of settlement.md after every step. A failure prints the seed, and `make sim` replays it.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.simulation.profiles import PROFILES, Profile
from tests.simulation.run import run
from tests.simulation.servers import Servers

SEEDS = 50
RUNNER_TIMEOUT_S = 120


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_lamport_is_paid_once(town_servers: Servers, seed: int) -> None:
    run(seed, town_servers)


@pytest.mark.parametrize("profile", [PROFILES[-1], PROFILES[-2]], ids=lambda item: str(item.name))
def test_a_seed_replays_to_the_letter(town_servers: Servers, profile: Profile) -> None:
    """Or a violation could not be looked at twice."""
    first = run(SEEDS, town_servers, profile=profile)
    assert run(SEEDS, town_servers, profile=profile).trace == first.trace


def test_the_runner_says_what_its_seeds_met() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "tests.simulation.many", "--seeds", "3", "--from", "7"],
        capture_output=True,
        text=True,
        timeout=RUNNER_TIMEOUT_S,
        check=False,
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "0 violations" in said.stdout
    assert [line.split()[1] for line in said.stdout.splitlines() if line.startswith("all ")] == [
        "3"
    ]
