"""Dying, being overtaken and losing the database at places of one small scenario.

`make sim BOUNDARIES=1` takes every place; here every few, from a different one each way.
"""

from __future__ import annotations

import pytest

from tests.simulation import boundaries
from tests.simulation.mortal import Boundary
from tests.simulation.servers import Servers

PLACES_MIN = 100
EVERY = 19


@pytest.fixture(scope="module")
def found(town_servers: Servers) -> list[Boundary]:
    return boundaries.places(town_servers)


def test_the_scenario_does_everything(found: list[Boundary]) -> None:
    """Whatever a tick can touch is touched between the places at which it may die."""
    assert len(found) >= PLACES_MIN
    assert {here.place for here in found} >= {"db after", "chain after", "stream after"}
    said = {here.what for here in found}
    assert {"sendTransaction", "getSignatureStatuses", "COMMIT", "finish"} <= said


@pytest.mark.parametrize(("way", "first"), [(way, 5 * n) for n, way in enumerate(boundaries.WAYS)])
def test_no_place_is_a_bad_one(
    town_servers: Servers, found: list[Boundary], way: str, first: int
) -> None:
    is_db = way == "lose the database"
    for here in [item for item in found if not is_db or item.place == "db after"][first::EVERY]:
        boundaries.check(town_servers, here, way)
