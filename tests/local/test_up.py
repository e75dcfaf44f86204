"""The commands as people type them: up, env, token, Ctrl-C, kill -9, and up again."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from pixr.local import keeper, process

PATIENCE_S = 240.0
COMMAND = (sys.executable, "-m", "pixr.ops.cli")
GIVEN = ("DATABASE_URL", "REDIS_URL", "SOLANA_RPC_URL", "AWS_ENDPOINT_URL", "SOL_USD")


def environment(**more: str) -> dict[str, str]:
    """Ours without what would replace embedded parts."""
    return {name: value for name, value in os.environ.items() if name not in GIVEN} | more


def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env=environment(**more),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def eventually(holds: Callable[[], bool], until_s: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + until_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def refuses_connections(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((str(parts.hostname), int(parts.port or 0))) != 0


class Up:
    """One ``pixr up`` in its own process, and all that it starts."""

    def __init__(self, data: Path, ports: Sequence[int]) -> None:
        self.data = data
        self.mark = f"test-{os.urandom(8).hex()}"
        self.log = data.with_suffix(".log")
        names = ("--port", "--solana-port", "--aws-port")
        options = [part for pair in zip(names, map(str, ports), strict=True) for part in pair]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*COMMAND, "up", "--data", str(data), "--slot-ms", "20", *options],
                env=environment(**{keeper.MARKER: self.mark}),
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_until_ready(self) -> dict[str, str]:
        def described() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            try:
                found: int = json.loads((self.data / "machine.json").read_text())["pid"]
            except OSError:
                return False
            # Before it has said so, an interruption is one of its start.
            return found == self.process.pid and "Ctrl-C stops it" in self.log.read_text()

        assert eventually(described), self.log.read_text()
        places: dict[str, str] = json.loads((self.data / "machine.json").read_text())
        return places

    def end(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def has_left_nothing(self, places: dict[str, str]) -> bool:
        names = ("url", "database_url", "redis_url", "solana_rpc_url", "aws_endpoint", "issuer_url")
        return not keeper.marked_pids(self.mark) and all(
            refuses_connections(places[name]) for name in names
        )


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Up]]:
    ups: list[Up] = []
    ports = [process.free_port() for _ in range(3)]

    def begin() -> Up:
        ups.append(Up(tmp_path / "machine", ports))
        return ups[-1]

    yield begin
    for up in ups:
        if up.process.poll() is None:
            up.end(signal.SIGKILL)
        keeper.kill_all(up.mark, {})


def test_a_machine_lives_through_kill_and_leaves_nothing_behind(start: Callable[[], Up]) -> None:
    first = start()
    places = first.wait_until_ready()
    assert httpx.get(f"{places['url']}/api/defi/wallet").json()["code"] == "unauthenticated"

    data = str(first.data)
    token = run("token", "--sub", "alice", "--scope", "wallet:read", "--data", data)
    claims = jwt.decode(token.stdout.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["scope"], claims["aud"]) == ("alice", "wallet:read", "pixr")
    exports = run("env", "--data", data).stdout.splitlines()
    assert f"export DATABASE_URL={places['database_url']}" in exports
    assert f"export S3_BUCKET={places['bucket']}" in exports

    second = run("up", "--data", data)
    assert second.returncode == 2
    assert "already runs" in second.stderr
    assert len(second.stderr.splitlines()) == 1

    first.end(signal.SIGKILL)
    assert eventually(lambda: first.has_left_nothing(places))

    again = start()
    same = again.wait_until_ready()
    kept = ("api_id", "bucket", "treasury_address", "database_url", "url")
    assert {name: same[name] for name in kept} == {name: places[name] for name in kept}
    assert again.end(signal.SIGINT) == 0
    assert eventually(lambda: again.has_left_nothing(same))
    assert "Stopped" in again.log.read_text()
    assert run("token", "--sub", "alice", "--data", data).returncode == 2


def test_ctrl_c_in_the_middle_of_a_start_ends_it(start: Callable[[], Up]) -> None:
    up = start()
    assert eventually(lambda: len(keeper.marked_pids(up.mark)) > 3)
    assert up.end(signal.SIGINT) == 130
    assert eventually(lambda: not keeper.marked_pids(up.mark))
    assert up.log.read_text().splitlines()[-1] == "pixr: stopped"


@pytest.mark.parametrize("option", ["--port", "--solana-port", "--aws-port"])
def test_a_port_in_use_stops_the_start_before_it_begins(tmp_path: Path, option: str) -> None:
    mark = f"test-{os.urandom(8).hex()}"
    ports = {name: process.free_port() for name in ("--port", "--solana-port", "--aws-port")}
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        ports[option] = other.getsockname()[1]
        options = [str(part) for pair in ports.items() for part in pair]
        ended = run("up", "--data", str(tmp_path), *options, **{keeper.MARKER: mark})
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert f"Port {ports[option]}" in ended.stderr
    assert option in ended.stderr
    assert not keeper.marked_pids(mark)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://127.0.0.1:1/pixr"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("SOLANA_RPC_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("DATABASE_URL", "nonsense"),
        ("SOL_USD", "much"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path, name: str, value: str) -> None:
    ports = [f"{o}={process.free_port()}" for o in ("--port", "--solana-port", "--aws-port")]
    ended = run("up", "--data", str(tmp_path), *ports, **{name: value})
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"pixr: {name}")
    assert ended.stderr.count("\n") == 1
