"""The settler of the batch tests, and the operator's words typed at a terminal."""

from collections.abc import Callable, Iterator

import pytest
from typer.testing import CliRunner, Result

from pixr.ops.cli import app
from pixr.ops.recovering import walking
from tests.functions.batch.conftest import Settler, chain_process, settler
from tests.ops.timeline import SOL, Timeline

__all__ = ["Settler", "Timeline", "chain_process", "settler"]

Pixr = Callable[..., Result]


@pytest.fixture
def pixr(settler: Settler, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Pixr:
    """Types ``pixr …`` where the environment names the test's own database and chain."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("SOLANA_RPC_URL", settler.chain.nodes[0].url)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str, says: str | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=says)

    return run


@pytest.fixture
def timeline(
    settler: Settler, database_url: str, make_database: Callable[[str], str]
) -> Iterator[Timeline]:
    """The settler with a database that can be set back."""
    timeline = Timeline(settler, database_url, make_database)
    yield timeline
    timeline.close()


@pytest.fixture
def pixr_at(timeline: Timeline, pixr: Pixr, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Pixr]:
    """As ``pixr``, where the environment names the database as it is at the time of asking."""

    def now() -> Pixr:
        monkeypatch.setenv("DATABASE_URL", timeline.url)
        return pixr

    return now


@pytest.fixture
def nothing_in_the_air(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was signed has landed or is long dead: waiting for that would show nothing."""
    monkeypatch.setattr(walking, "BLOCKHASH_BLOCKS", 1)
    monkeypatch.setattr(walking, "EXPIRY_MARGIN_BLOCKS", 0)


@pytest.fixture
def day_one(timeline: Timeline) -> Timeline:
    """Alice and Bob were paid once; Carol's 2 SOL came from outside and are known."""
    for user_id in ("alice", "bob"):
        timeline.earn(user_id, 1_000, day="one")
    timeline.settler.airdrop(timeline.settler.user("carol"), 2 * SOL)
    timeline.observe("carol")
    timeline.settler.tick()
    assert timeline.differences() == []
    return timeline
