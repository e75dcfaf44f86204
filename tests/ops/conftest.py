"""The settler of the batch tests, and the operator's words typed at a terminal."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from pixr.ops.cli import app
from tests.functions.batch.conftest import Settler, chain_process, settler

__all__ = ["Settler", "chain_process", "settler"]

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
