"""GET /wallet and GET /balance through the front door, and what of it is ours.

    load ─▶ front door ─▶ emulated gateway ─▶ worker of the function ─▶ database, chain, Valkey
                                              └──── timed by itself as well, in this process

The baseline of the same run is a route that does nothing (an unknown path, answered by the
function's own 404): what it takes is the way there and back.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

from benchmarks.catalogue import Sizes
from benchmarks.figures import Figure, Report, exact
from benchmarks.load import OK, TOKEN
from infra.choices import DEFAULTS
from pixr.local import aws
from pixr.local.given import Given
from pixr.local.machine import Machine, running_machine
from pixr.ops.drill import UNHURRIED

SCOPES = "wallet:read"
ROUTES = {"nothing": "/nothing/here", "wallet": "/wallet", "balance": "/balance"}
CONNECTIONS = 8
WARM_UP_S = 3.0
ALONE_CALLS = 300
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PERCENT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load found."""

    latencies_ms: list[float]
    per_s: float
    cpu_s: float
    """Of the machine's processes, without the generator."""


def run(sizes: Sizes, tell: Callable[[str], None]) -> Report:
    """Load each route for ``sizes.seconds``, one after the other, on a machine of its own."""
    given = Given(chosen={**DEFAULTS, **UNHURRIED}, require_2fa="false")
    tell("starting a machine")
    with running_machine(given=given, slot_ms=400) as machine:
        figures: list[Figure] = []
        loads: dict[str, Load] = {}
        for name, path in ROUTES.items():
            tell(f"{name}: warming up")
            _load(machine, path, WARM_UP_S)
            tell(f"{name}: {sizes.seconds} s")
            loads[name] = _load(machine, path, sizes.seconds)
            figures += _figures(name, loads[name])
        for name in ("wallet", "balance"):
            tell(f"{name}: the function alone")
            alone_ms = _alone(machine, ROUTES[name])
            figures += [
                exact(f"{name}_alone_p50_ms", f"{name}: function alone, p50", "ms", alone_ms),
                exact(
                    f"{name}_vs_nothing",
                    f"{name} ÷ nothing, p50",
                    "×",
                    _percentile(loads[name], 50) / _percentile(loads["nothing"], 50),
                ),
            ]
    return Report(
        bench="door",
        conditions={"seconds": sizes.seconds, "connections": CONNECTIONS, "repeats": sizes.repeats},
        figures=figures,
        remarks=(
            "nothing: an unknown path; the way through front door, emulator and worker alone.",
            "Per core: requests for each CPU-second of front door, emulator, worker and servers.",
        ),
    )


def _figures(name: str, load: Load) -> list[Figure]:
    return [
        exact(f"{name}_p50_ms", f"{name}: p50", "ms", _percentile(load, 50)),
        exact(f"{name}_p99_ms", f"{name}: p99", "ms", _percentile(load, 99)),
        exact(f"{name}_per_s", f"{name}: requests", "/s", load.per_s),
        exact(
            f"{name}_per_core_s",
            f"{name}: requests for a second of one core",
            "/s",
            len(load.latencies_ms) / load.cpu_s,
        ),
    ]


def _percentile(load: Load, percent: int) -> float:
    return statistics.quantiles(load.latencies_ms, n=PERCENT)[percent - 1]


def _load(machine: Machine, path: str, seconds: float) -> Load:
    before_s = _cpu_of_family()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.load", f"{machine.url}/api/defi{path}"),
            *("--connections", str(CONNECTIONS), "--seconds", str(seconds)),
        ],
        env={**os.environ, TOKEN: machine.token("alice", SCOPES)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    )
    found = json.loads(done.stdout)
    expected = {"404"} if path == ROUTES["nothing"] else {str(OK)}
    assert set(found["statuses"]) == expected, found["statuses"]
    return Load(
        latencies_ms=found["latencies_ms"],
        per_s=len(found["latencies_ms"]) / found["seconds"],
        cpu_s=_cpu_of_family() - before_s,
    )


def _cpu_of_family() -> float:
    """CPU seconds of this process and all that descend from it and live."""
    parents: dict[int, int] = {}
    used_s: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(entry.name)] = int(fields[1])
        used_s[int(entry.name)] = (int(fields[11]) + int(fields[12])) / TICKS_PER_S
    return sum(seconds for pid, seconds in used_s.items() if _is_ours(pid, parents))


def _is_ours(pid: int, parents: Mapping[int, int]) -> bool:
    for _ in range(len(parents)):
        if pid == os.getpid():
            return True
        if pid not in parents:
            return False
        pid = parents[pid]
    return False


def _alone(machine: Machine, path: str) -> float:
    """The handler called in this process with the environment that is deployed; p50 in ms."""
    # Its logger writes to what standard output is when it is imported.
    with _deployed_environment(machine), contextlib.redirect_stdout(io.StringIO()):
        from functions.wallet import handler  # noqa: PLC0415 -- so

        event = _event(machine, path)
        context = SimpleNamespace(
            function_name="wallet",
            memory_limit_in_mb=1024,
            invoked_function_arn="arn:aws:lambda:us-east-1:111111111111:function:wallet",
            aws_request_id="00000000-0000-0000-0000-000000000000",
        )
        timings_ms: list[float] = []
        for _ in range(ALONE_CALLS):
            begun_s = time.perf_counter()
            answer = handler.handler(event, context)  # type: ignore[arg-type]  # as Lambda's
            timings_ms.append(1_000 * (time.perf_counter() - begun_s))
            assert answer["statusCode"] == OK, answer
        return statistics.median(timings_ms)


@contextlib.contextmanager
def _deployed_environment(machine: Machine) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(aws.environment(machine.description.aws_endpoint))
    found = boto3.client("lambda").get_function_configuration(
        FunctionName=machine.outputs.functions["Wallet"]
    )
    os.environ.update(found["Environment"]["Variables"])
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _event(machine: Machine, path: str) -> dict[str, Any]:
    now_s = int(time.time())
    claims = {
        "iss": machine.description.issuer_url,
        "sub": "alice",
        "scope": SCOPES,
        "iat": str(now_s),
        "exp": str(now_s + 3_600),
    }
    return {
        "version": "2.0",
        "rawPath": f"/api/defi{path}",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {
            "authorizer": {"jwt": {"claims": claims, "scopes": None}},
            "http": {"method": "GET", "path": f"/api/defi{path}", "sourceIp": "127.0.0.1"},
            "requestId": "alone",
            "stage": "$default",
        },
        "body": None,
        "isBase64Encoded": False,
    }
