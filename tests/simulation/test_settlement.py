"""Goal: no schedule of crashes, drops, lies, rivals and restores pays a lamport twice or never.

Method: run the shipped settler on a real Postgres and a real Valkey against a chain whose faults
and whose clock come from one seed. Steps of trouble, then calm until nothing is owed; every
invariant of settlement.md after every step. A failure prints the seed, and `make sim` replays it.
"""

from __future__ import annotations

import pytest

from tests.simulation.run import run
from tests.simulation.servers import Servers

SEEDS = 60


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_lamport_is_paid_once(town_servers: Servers, seed: int) -> None:
    run(seed, town_servers)
