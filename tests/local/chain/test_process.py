"""Starting and stopping: taken ports, dead parents, fast answers."""

import asyncio
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from solders.keypair import Keypair

import pixr
from pixr.local.chain import ChainDidNotStart, running_chain
from pixr.local.chain.__main__ import _listen
from pixr.local.chain.server import UNASKED_SLOTS_MAX, build_app
from tests.local.chain.harness import SOL, Served, Still, pay, signed

HOME = Path(pixr.__file__).parents[1]


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone_in_time(pid: int) -> bool:
    for _ in range(500):
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def test_it_ends_with_its_block_and_frees_its_ports() -> None:
    with running_chain() as process:
        assert is_alive(process.pid)
        assert process.ws_url == f"ws://127.0.0.1:{process.port + 1}"
    assert not is_alive(process.pid)
    with running_chain(port=process.port) as again:
        assert again.port == process.port


@pytest.mark.parametrize("offset", [0, 1])
def test_a_taken_port_is_named_in_one_line(offset: int) -> None:
    with running_chain() as process:
        port = process.port - offset + 1  # its WebSocket port, as ours or as our next
        done = subprocess.run(
            [sys.executable, "-m", "pixr.local.chain", "--port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=HOME,
        )
    assert done.returncode == 2
    taken = process.port + 1 if offset == 0 else process.port
    assert done.stderr == (
        f"port {taken} is in use by another program: stop it, or choose another with --port\n"
    )
    assert done.stdout == ""


def test_a_named_port_that_is_taken_stops_the_helper() -> None:
    with (
        running_chain() as process,
        pytest.raises(ChainDidNotStart, match=f"port {process.port} is in use"),
        running_chain(port=process.port),
    ):
        pass


def test_a_ready_chain_says_so_in_one_line_and_stops_on_ctrl_c(tmp_path: Path) -> None:
    with running_chain() as process:
        port = process.port  # free again after this block
    command = [sys.executable, "-m", "pixr.local.chain", "--port", str(port)]
    command += ["--data", str(tmp_path), "--slot-ms", "50"]
    with subprocess.Popen(
        command, cwd=HOME, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        line = started.stdout.readline()
        assert f"http://127.0.0.1:{port}" in line
        assert f"ws://127.0.0.1:{port + 1}" in line
        assert "slots of 50 ms" in line
        assert str(tmp_path) in line
        started.send_signal(signal.SIGINT)
        rest, complaints = started.communicate(timeout=30)
    assert (started.returncode, rest, complaints) == (0, "", "")


@pytest.mark.parametrize(
    "options", [["--port", "0"], ["--port", "x"], ["--slot-ms", "1"], ["--slots", "5"]]
)
def test_options_that_make_no_sense_exit_2(options: list[str]) -> None:
    command = [sys.executable, "-m", "pixr.local.chain", *options]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=HOME)
    assert done.returncode == 2


def test_a_killed_parent_leaves_nothing_behind() -> None:
    story = (
        "import time\n"
        "from pixr.local.chain import running_chain\n"
        "with running_chain() as chain:\n"
        "    print(chain.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", story], cwd=HOME, stdout=subprocess.PIPE, text=True
    ) as parent:
        try:
            assert parent.stdout is not None
            chain_pid = int(parent.stdout.readline())
            assert is_alive(chain_pid)
        finally:
            parent.kill()  # or its block would wait for it
    assert gone_in_time(chain_pid)


def test_a_chain_that_breaks_down_stops_serving() -> None:
    still = Still()
    crashes: list[str] = []
    app = build_app(still.chain, slot_ms=5, on_crash=lambda: crashes.append("crash"))

    async def run() -> None:
        async with app.router.lifespan_context(app):
            still.close()
            await asyncio.sleep(0.2)

    with pytest.raises(sqlite3.ProgrammingError, match="closed database"):
        asyncio.run(run())
    assert crashes == ["crash"]


def test_a_proper_end_is_no_breakdown() -> None:
    still = Still()
    crashes: list[str] = []
    app = build_app(still.chain, slot_ms=5, on_crash=lambda: crashes.append("crash"))

    async def run() -> None:
        async with app.router.lifespan_context(app):
            await asyncio.sleep(0.05)

    asyncio.run(run())
    assert crashes == []


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with _listen(0) as listener, socket.create_connection(listener.getsockname()) as client:
        accepted, _ = listener.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert client.recv(1) == b""


def test_slots_stop_while_nobody_asks_and_go_on_when_somebody_does() -> None:
    with running_chain(slot_ms=5) as process:
        served = Served(process)
        before = served.call("getSlot")
        time.sleep(3)
        after = served.call("getSlot")
        assert after - before <= UNASKED_SLOTS_MAX + 5
        alice, bob = served.funded(), Keypair().pubkey()
        served.wait_for_level(
            served.send(signed(alice, [pay(alice, bob, SOL)], served.blockhash()))
        )
        assert served.balance(bob) == SOL
