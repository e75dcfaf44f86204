"""The operator's words on a machine that runs: found by its directory, with its own keys."""

import pytest
from typer.testing import CliRunner, Result

from pixr.ops.cli import app
from tests.e2e.conftest import World


@pytest.fixture(autouse=True)
def _no_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "SOLANA_RPC_URL", "MASTER_SEED_ARN"):
        monkeypatch.delenv(name, raising=False)


def pixr(world: World, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--data", str(world.machine.home.path)])


def test_every_word_finds_the_machine(world: World) -> None:
    paused = pixr(world, "pause", "--reason", "a test")
    assert paused.exit_code == 0, paused.output
    listed = pixr(world, "hold", "list")
    assert "a test" in listed.output
    assert pixr(world, "pause", "--resume").exit_code == 0
    recovered = pixr(world, "recover", "--yes")
    assert recovered.exit_code == 0, recovered.output
    assert "Settlement goes on." in recovered.output
    verified = pixr(world, "verify")
    assert verified.exit_code == 0, verified.output


def test_the_environment_of_a_machine_leads_to_its_keys(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `eval "$(pixr env)"` sets it."""
    described = world.machine.description
    monkeypatch.setenv("DATABASE_URL", described.database_url)
    monkeypatch.setenv("SOLANA_RPC_URL", described.solana_rpc_url)
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == 0, result.output


def test_a_directory_without_a_machine_is_told(world: World) -> None:
    result = CliRunner().invoke(app, ["verify", "--data", "/nowhere"])
    assert result.exit_code == 2
    assert "No machine runs on /nowhere" in result.stderr
