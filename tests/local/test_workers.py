"""The worker of a function is found by its name below its emulator, and only there."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from pixr.local import workers

NAME = "Pixr-test-Batch"
SLEEP = "import time; print('ready', flush=True); time.sleep(600)"


def start(**env: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEP],
        env=os.environ | env,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.fixture
def worker() -> Iterator[subprocess.Popen[str]]:
    with start(AWS_LAMBDA_FUNCTION_NAME=NAME) as process:
        yield process
        process.kill()


@pytest.fixture
def neighbour() -> Iterator[subprocess.Popen[str]]:
    with start(AWS_LAMBDA_FUNCTION_NAME=f"{NAME}2") as process:
        yield process
        process.kill()


def test_a_worker_is_found_by_name_and_parent(
    worker: subprocess.Popen[str], neighbour: subprocess.Popen[str]
) -> None:
    assert workers.worker_pids(NAME, parent=os.getpid()) == [worker.pid]
    assert workers.worker_pids(f"{NAME}2", parent=os.getpid()) == [neighbour.pid]
    assert workers.worker_pids(NAME, parent=1) == []


def test_a_killed_worker_is_not_found_again(worker: subprocess.Popen[str]) -> None:
    assert workers.is_child(worker.pid, parent=os.getpid())
    assert workers.kill([worker.pid]) == 1
    worker.wait()
    assert workers.kill([worker.pid]) == 0
    assert not workers.is_child(worker.pid, parent=os.getpid())
    assert workers.worker_pids(NAME, parent=os.getpid()) == []
