"""The settlers of a drill: the deployed function, and a rival that runs the same shipped code.

    deployed   the emulator's Lambda worker, asked for one tick after another (and woken by
               withdrawals and the minute's rule, as always)
    rival      a process of awslambdaric on the same bundle and environment, one tick each

Nothing in them knows that it is a drill. Each tick is a call from here to them, and the process
that executes it is known, so that SIGKILL can hit it at any moment.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from infra.bundling import local_code
from pixr.local import aws, workers
from pixr.local.deploy import ROOT
from pixr.local.errors import LocalError
from pixr.local.invoke import deployed, invoke
from pixr.local.machine import Machine
from pixr.ops.drilling.logged import anonymous

PAUSE_S: Final = 0.2
"""Between two ticks; production has a minute, which is too long to wait for a hundred times."""

BUSY_PAUSE_S: Final = 0.3
CLOSE_TIMEOUT_S: Final = 30.0
TICK_TIMEOUT_S: Final = 90.0
DEATHS: Final = (
    "Worker process died",
    "Worker process exited immediately",
    "Runtime.ExitError: exit status -9",
)
"""How emulator and runtime tell of a process that was killed, the second while it started."""

DIED_OTHERWISE: Final = "its process died, but not by the drill's hand"
"""The emulator ends all workers of a function when one of them dies while it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """How one tick ended: its answer, or why there is none."""

    outcome: str
    """done, killed, failed, or busy (another tick was running)."""
    answer: dict[str, Any] | None = None
    error: str = ""


class Body(Protocol):
    """Where a settler's ticks are executed."""

    name: str

    def tick(self) -> Tick:
        """Run one tick and wait for its end."""
        ...

    def pids(self) -> list[int]:
        """The processes that execute it; empty between two of them."""
        ...

    def is_alive(self, pid: int) -> bool:
        """Whether one of them still runs."""
        ...


class Settler:
    """Runs tick after tick in a thread of its own, until closed.

    Args:
        body: Who executes them.
        runs: Whether it begins at once, or waits for ``resume``.
    """

    def __init__(self, body: Body, *, runs: bool = True) -> None:
        self.body = body
        self.outcomes: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        """Sums of the numbers in all answers: batches sent, verdicts, …"""
        self.errors: Counter[str] = Counter()
        self._may_run = threading.Event()
        if runs:
            self._may_run.set()
        self._closing = threading.Event()
        self._begun = threading.Condition()
        self._ticks_begun = 0
        self._is_ticking = False
        self._aimed_at: list[int] = []
        self._kills = 0
        self._thread = threading.Thread(target=self._run, name=body.name, daemon=True)
        self._thread.start()

    @property
    def is_ticking(self) -> bool:
        """Whether a tick runs now."""
        return self._is_ticking

    def wait_for_tick(self, *, timeout_s: float) -> bool:
        """Wait until a tick begins that had not begun before; False when none does."""
        with self._begun:
            before = self._ticks_begun
            return self._begun.wait_for(lambda: self._ticks_begun > before, timeout_s)

    def aim(self) -> None:
        """Find out whom to kill before the moment comes: looking takes milliseconds."""
        self._aimed_at = self.body.pids()

    def kill(self) -> int:
        """Kill -9 whoever executes ticks now; return how many processes died."""
        aimed_at = [pid for pid in self._aimed_at if self.body.is_alive(pid)]
        self._aimed_at = []
        # Counted before and after: the tick's thread may see the death in between.
        self._kills += 1
        killed = workers.kill(aimed_at)
        killed += workers.kill(set(self.body.pids()) - set(aimed_at))
        self._kills += 1
        return killed

    def pause(self) -> None:
        """Begin no further tick."""
        self._may_run.clear()

    def resume(self) -> None:
        """Go on with ticks."""
        self._may_run.set()

    def rest(self, *, timeout_s: float) -> bool:
        """Begin no further tick and wait for the end of this one; False when it does not end."""
        self.pause()
        with self._begun:
            return self._begun.wait_for(lambda: not self._is_ticking, timeout_s)

    def close(self) -> None:
        """End the thread, and the tick with it."""
        self._closing.set()
        self._may_run.set()
        self.kill()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            self._may_run.wait()
            if self._closing.is_set():
                return
            self._set_ticking(is_ticking=True)
            kills_before = self._kills
            tick = self.body.tick()
            if tick.outcome == "killed" and self._kills == kills_before:
                tick = Tick(outcome="failed", error=DIED_OTHERWISE)
            self._note(tick)
            self._set_ticking(is_ticking=False)
            self._closing.wait(BUSY_PAUSE_S if tick.outcome == "busy" else PAUSE_S)

    def _set_ticking(self, *, is_ticking: bool) -> None:
        with self._begun:
            self._is_ticking = is_ticking
            self._ticks_begun += is_ticking
            self._begun.notify_all()

    def _note(self, tick: Tick) -> None:
        self.outcomes[tick.outcome] += 1
        if tick.outcome == "failed":
            self.errors[anonymous(tick.error)] += 1
        for name, value in (tick.answer or {}).items():
            if isinstance(value, int):
                self.answers[name] += value


class DeployedBody:
    """The Batch function in the emulator."""

    name = "deployed"

    def __init__(self, machine: Machine) -> None:
        import boto3  # noqa: PLC0415 -- a second to import
        from botocore.config import Config  # noqa: PLC0415 -- likewise

        self._function = machine.outputs.functions["Batch"]
        self._emulator = machine.servers["AWS"]
        endpoint = machine.description.aws_endpoint
        keys = aws.environment(endpoint)
        session = boto3.Session(
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
            region_name=keys["AWS_REGION"],
        )
        patient = Config(retries={"total_max_attempts": 1}, read_timeout=TICK_TIMEOUT_S)
        # No stubs are installed for Lambda.
        self._lambda: Any = session.client("lambda", endpoint_url=endpoint, config=patient)

    def tick(self) -> Tick:
        """Ask for one tick, as the minute's rule does, but wait for it."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 -- see above

        try:
            answer = self._lambda.invoke(FunctionName=self._function, Payload=b"{}")
        except ClientError as error:
            if error.response["Error"]["Code"] == "TooManyRequestsException":
                # Concurrency is reserved at 1: a wake-up or the minute has come first.
                return Tick(outcome="busy")
            return Tick(outcome="failed", error=str(error))
        except BotoCoreError as error:
            return Tick(outcome="failed", error=str(error))
        document = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" not in answer:
            return Tick(outcome="done", answer=document)
        return _broken(str(document.get("errorMessage")))

    def pids(self) -> list[int]:
        """The emulator's workers of this function: one, while it is warm."""
        return workers.worker_pids(self._function, parent=self._emulator_pid)

    def is_alive(self, pid: int) -> bool:
        """Whether a worker still runs."""
        return workers.is_child(pid, parent=self._emulator_pid)

    @property
    def _emulator_pid(self) -> int:
        pid = self._emulator.pid
        assert pid is not None, "a drill has servers of its own"
        return pid

    def shut(self) -> None:
        """Let no rule and no wake-up start it any more, as an operator stops paying."""
        self._lambda.put_function_concurrency(
            FunctionName=self._function, ReservedConcurrentExecutions=0
        )


class RivalBody:
    """The same code and environment, run by awslambdaric beside the emulator."""

    name = "rival"

    def __init__(self, machine: Machine) -> None:
        endpoint = machine.description.aws_endpoint
        self._function = deployed("batch", endpoint)
        self._endpoint = endpoint
        self._folder = rival_logs(machine)
        self._code = local_code(ROOT)
        self._pid: int | None = None

    def tick(self) -> Tick:
        """Run one tick in a fresh process."""
        try:
            done = invoke(
                self._function,
                {},
                code=self._code,
                workdir=self._folder,
                aws_endpoint=self._endpoint,
                began=self._remember,
            )
        except LocalError as error:
            return Tick(outcome="failed", error=str(error))
        finally:
            self._pid = None
        if not done.failed:
            return Tick(outcome="done", answer=done.answer)
        reason = f"{done.answer.get('errorType')}: {done.answer.get('errorMessage')}"
        return _broken(reason)

    def pids(self) -> list[int]:
        """The process of the tick that runs."""
        pid = self._pid
        return [pid] if pid is not None and self.is_alive(pid) else []

    def is_alive(self, pid: int) -> bool:
        """Whether the process still runs."""
        return workers.is_child(pid, parent=os.getpid())

    def _remember(self, pid: int) -> None:
        self._pid = pid


def rival_logs(machine: Machine) -> Path:
    """The folder with a file per tick of the rival."""
    return machine.home.folder("logs") / "rival"


def _broken(error: str) -> Tick:
    if error.startswith(DEATHS):
        return Tick(outcome="killed")
    return Tick(outcome="failed", error=error)


def wait_until(is_so: Callable[[], bool], *, timeout_s: float, poll_s: float) -> bool:
    """Look until it is so; False when it is not in time."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(poll_s)
    return True
