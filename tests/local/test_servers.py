"""PostgreSQL and Valkey, started by whoever runs the tests, wherever the checkout lies."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from pixr.local import postgres, process
from pixr.local.errors import LocalError
from pixr.local.postgres import running_postgres
from pixr.local.valkey import running_valkey

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another identity")


@pytest.fixture
def private(tmp_path: Path) -> Path:
    """A folder that nobody else can enter."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture(params=["open", "private"])
def parent(request: pytest.FixtureRequest, tmp_path: Path, private: Path) -> Path:
    if request.param == "private":
        return private
    # pytest's own folders are private, so an open one needs open ones above it.
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    return tmp_path


def write_and_read(url: str) -> str:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
        row = connection.execute("SELECT count(*)::text FROM kept").fetchone()
        connection.execute("INSERT INTO kept VALUES ('something')")
    assert row is not None
    return str(row[0])


def test_postgres_keeps_what_was_written_in_its_directory(parent: Path) -> None:
    with running_postgres(parent / "pg") as server:
        assert write_and_read(server.url) == "0"
    with running_postgres(parent / "pg") as server:
        assert write_and_read(server.url) == "1"


@as_root
def test_postgres_runs_from_a_private_copy_of_the_wheel(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone in ``mktemp -d`` has its environment below a folder of mode 700."""
    binaries = postgres.find_binaries()
    package = binaries.parents[1]
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, private / folder.name, symlinks=True)
    copied = private / package.name / binaries.relative_to(package)
    monkeypatch.setattr(postgres, "find_binaries", lambda: copied)
    with running_postgres(private / "pg") as server:
        assert write_and_read(server.url) == "0"


@as_root
def test_postgres_falls_back_to_another_user_where_namespaces_are_forbidden(
    private: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_postgres(private / "pg") as server:
        assert write_and_read(server.url) == "0"
    with monkeypatch.context() as patched:
        patched.setattr(postgres, "NAMESPACE", ("false",))
        with running_postgres(private / "pg") as server:
            assert write_and_read(server.url) == "1"
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0
    with running_postgres(private / "pg") as server:
        assert write_and_read(server.url) == "2"


def test_postgres_refuses_a_directory_of_another_version(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9.6\n")
    with (
        pytest.raises(LocalError, match=r"made by PostgreSQL 9\.6.*--fresh"),
        running_postgres(tmp_path),
    ):
        pass


def test_a_crashed_postgres_comes_back_with_all_that_was_committed(tmp_path: Path) -> None:
    with running_postgres(tmp_path) as server:
        before = server.pid
        for number in range(3):
            with psycopg.connect(server.url) as cut_off:
                cut_off.execute("SELECT 1")
                assert write_and_read(server.url) == str(number)
                server.server.restart()
                # A connection of before the crash is broken, not silently another server's.
                with pytest.raises(psycopg.OperationalError):
                    cut_off.execute("SELECT 1")
        assert server.pid != before
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)


def test_a_valkey_that_lost_everything_is_empty_and_at_its_place(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as server, redis.Redis.from_url(server.url) as client:
        client.set("kept", "not")
        before = server.pid
        server.lose_everything()
        assert client.get("kept") is None
        assert server.pid != before
        client.set("kept", "again")
        server.server.restart()
        assert client.get("kept") == b"again"


def test_postgres_starts_after_its_predecessor_was_killed(tmp_path: Path) -> None:
    with running_postgres(tmp_path) as server:
        assert write_and_read(server.url) == "0"
    # A recycled process id in the lock file: ours, which is not a PostgreSQL.
    (tmp_path / "data" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    with running_postgres(tmp_path) as server:
        assert write_and_read(server.url) == "1"


def test_valkey_keeps_what_was_written_in_its_directory(parent: Path) -> None:
    for expected in (None, b"something"):
        with (
            running_valkey(parent / "valkey") as server,
            redis.Redis.from_url(server.url) as client,
        ):
            assert client.get("kept") == expected
            client.set("kept", "something")


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_in_use_is_said_in_one_line(taken_port: int) -> None:
    with (
        pytest.raises(
            LocalError, match=f"Port {taken_port} for PostgreSQL cannot be used: Address already"
        ),
        running_postgres(port=taken_port),
    ):
        pass
    with (
        pytest.raises(
            LocalError, match=f"Port {taken_port} for Valkey cannot be used: Address already"
        ),
        running_valkey(port=taken_port),
    ):
        pass


def test_a_missing_binary_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LocalError, match=r"ghost cannot be started.*No such file.*make setup"):
        process.start("ghost", [tmp_path / "ghost"], log=tmp_path / "log")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path)
    with pytest.raises(LocalError, match=r"No PostgreSQL server was found.*DATABASE_URL"):
        postgres.find_binaries()
