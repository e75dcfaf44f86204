from collections.abc import Iterator

import pytest

from pixr.local.chain import running_chain
from tests.local.chain.harness import Served, Still


@pytest.fixture
def still() -> Iterator[Still]:
    """A fresh chain that moves only when the test says so."""
    chain = Still()
    yield chain
    chain.close()


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One running chain for all tests that do not disturb it."""
    with running_chain(slot_ms=20) as process:
        yield Served(process)


@pytest.fixture
def own() -> Iterator[Served]:
    """A running chain that a test may break."""
    with running_chain(slot_ms=20) as process:
        yield Served(process)
