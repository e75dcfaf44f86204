"""One event under Lambda's own runtime: what it answers, and every way in which it can fail."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pixr.local.deploy import ROOT
from pixr.local.invoke import FUNCTIONS, Function, Invocation, as_of_now, invoke

CODE = """
import os, time

def answers(event, context):
    print("seen", context.function_name, context.memory_limit_in_mb)
    assert 0 < context.get_remaining_time_in_millis() <= 2000
    return {"event": event, "given": os.environ.get("GIVEN"), "ours": os.environ.get("OURS")}

def raises(event, context):
    raise ValueError("no such wallet")

def sleeps(event, context):
    time.sleep(60)

def dies(event, context):
    os._exit(3)
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a handler of CODE on one event."""
    monkeypatch.setenv("OURS", "not the function's business")
    code = tmp_path / "code"
    code.mkdir()
    (code / "handlers.py").write_text(CODE)

    def once(handler: str) -> Invocation:
        function = Function(
            name="under-test",
            handler=handler,
            environment={"GIVEN": "by the stack"},
            timeout_s=2,
            memory_mib=256,
        )
        return invoke(function, {"views": 3}, code=code, workdir=tmp_path / "logs")

    return once


def test_a_handler_answers_with_its_own_environment_only(run: Any) -> None:
    invocation = run("handlers.answers")
    assert not invocation.failed
    assert invocation.answer == {"event": {"views": 3}, "given": "by the stack", "ours": None}
    assert invocation.log == "seen under-test 256\n"
    assert invocation.duration_ms > 0


def test_what_a_handler_raises_is_the_answer(run: Any) -> None:
    invocation = run("handlers.raises")
    assert invocation.failed
    assert invocation.answer["errorType"] == "ValueError"
    assert invocation.answer["errorMessage"] == "no such wallet"
    assert "no such wallet" in invocation.log


@pytest.mark.parametrize(
    ("handler", "error"),
    [
        ("handlers.sleeps", "Sandbox.Timedout"),
        ("handlers.dies", "Runtime.ExitError"),
        ("handlers.missing", "Runtime.HandlerNotFound"),
        ("nowhere.handler", "Runtime.ImportModuleError"),
    ],
)
def test_every_other_end_is_named_as_lambda_names_it(run: Any, handler: str, error: str) -> None:
    invocation = run(handler)
    assert invocation.failed
    assert invocation.answer["errorType"] == error


def test_there_is_a_real_event_for_every_function() -> None:
    events = {path.stem: json.loads(path.read_text()) for path in (ROOT / "events").iterdir()}
    assert set(events) == set(FUNCTIONS)
    for name in ("wallet", "api"):
        assert events[name]["version"] == "2.0"
        assert events[name]["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "alice"
    assert events["batch"]["source"] == "aws.events"
    for name in ("plan", "encode", "assemble"):
        (record,) = events[name]["Records"]
        assert record["eventSource"] == "aws:sqs"
        assert json.loads(record["body"])


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_an_old_event_is_one_of_now_on_this_machine(name: str) -> None:
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    before = copy.deepcopy(event)
    after = as_of_now(event, issuer="http://here", now_s=1_000)
    if name in ("wallet", "api"):
        claims = after["requestContext"]["authorizer"]["jwt"]["claims"]
        assert (claims["iss"], claims["iat"], claims["exp"]) == ("http://here", "1000", "1600")
        assert claims["sub"] == "alice"
    else:
        assert after == before


def test_without_a_machine_it_says_how_to_start_one(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pixr.local.invoke",
            "batch",
            "events/batch.json",
            "--data",
            tmp_path,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr == f"invoke: No machine runs in {tmp_path}. Start one with `make up`.\n"


def test_an_event_that_is_not_json_is_refused(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text("{")
    done = subprocess.run(
        [sys.executable, "-m", "pixr.local.invoke", "batch", event],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"invoke: {event} is not an event: ")
