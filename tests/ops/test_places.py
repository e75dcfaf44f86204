"""Which database a word speaks to: what is said, then the environment, then the machine here."""

from pathlib import Path

import pytest

from pixr.local.errors import LocalError
from pixr.ops import places

DATABASE = "postgresql://eve:hunter2@db.example:5432/pixr"
RPC = "https://rpc.example/key-hunter2,http://127.0.0.1:8899"


def test_an_option_wins_over_the_environment() -> None:
    environ = {"DATABASE_URL": "postgresql://other/x", "SOLANA_RPC_URL": "http://other"}
    found = places.find(None, database_url=DATABASE, rpc=RPC, environ=environ)
    assert found.database_url == DATABASE
    assert found.rpc_urls == ("https://rpc.example/key-hunter2", "http://127.0.0.1:8899")
    assert found.machine is None


def test_the_environment_is_enough() -> None:
    environ = {"DATABASE_URL": DATABASE, "SOLANA_RPC_URL": RPC}
    assert places.find(None, environ=environ).database_url == DATABASE


def test_a_directory_that_is_named_is_meant(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": DATABASE, "SOLANA_RPC_URL": RPC}
    with pytest.raises(LocalError, match="No machine runs on"):
        places.find(tmp_path, environ=environ)


def test_no_password_and_no_key_is_shown() -> None:
    found = places.find(None, database_url=DATABASE, rpc=RPC, environ={})
    assert found.name == "db.example/pixr and rpc.example, 127.0.0.1"


@pytest.mark.parametrize(
    ("database_url", "rpc", "named"),
    [
        ("mysql://eve:hunter2@host/x", RPC, "DATABASE_URL"),
        ("postgresql://with space", RPC, "DATABASE_URL"),
        (DATABASE, "ftp://hunter2", "SOLANA_RPC_URL"),
        (DATABASE, "http://a, http://b", "SOLANA_RPC_URL"),
        (DATABASE, "", "SOLANA_RPC_URL"),
    ],
)
def test_a_malformed_value_is_named_and_not_shown(
    database_url: str, rpc: str, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LocalError, match=f"{named}|No machine") as refused:
        places.find(None, database_url=database_url, rpc=rpc, environ={})
    assert "hunter2" not in str(refused.value)


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    found = places.find(
        None,
        database_url="postgresql://eve:hunter2@127.0.0.1:1/pixr",
        rpc="http://127.0.0.1:1",
        environ={},
    )
    with (
        pytest.raises(LocalError, match="The database does not answer") as refused,
        places.opened(found),
    ):
        raise AssertionError
    assert "hunter2" not in str(refused.value)
