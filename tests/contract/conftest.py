from collections.abc import Iterator

import pytest

from pixr.local.chain import ChainProcess, running_chain
from tests.contract.sides import Fake, Served, Side, StillServer


@pytest.fixture(scope="session")
def chain_process() -> Iterator[ChainProcess]:
    with running_chain(slot_ms=10) as process:
        yield process


@pytest.fixture(params=["fake", "still", "served"])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    """Each side of the contract in turn."""
    yield from _side(request)


@pytest.fixture(params=["fake", "still"])
def exact(request: pytest.FixtureRequest) -> Iterator[Side]:
    """The sides on which a test knows every block."""
    yield from _side(request)


def _side(request: pytest.FixtureRequest) -> Iterator[Side]:
    if request.param == "served":
        yield Served(request.getfixturevalue("chain_process"))
    elif request.param == "still":
        still = StillServer()
        yield still
        still.still.close()
    else:
        yield Fake()
