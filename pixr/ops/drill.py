"""``pixr drill``: kill the settler again and again, and see that every lamport is where it belongs.

The machine of ``pixr up``, its own, on free ports, with a fast chain. Views come in over HTTP,
people withdraw and invest, the RPC node misbehaves, Valkey comes back empty, PostgreSQL recovers
from a crash; and at random moments, most of them aimed at a delicate one, SIGKILL hits the process
that settles. Afterwards everything is compared with what the drill itself knows.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated
from uuid import uuid4

from rich.console import Console
from rich.status import Status
from typer import Exit, Option

from pixr.adapters.postgres import drills
from pixr.adapters.solana import Solana
from pixr.local import aws, process
from pixr.local.errors import LocalError
from pixr.local.machine import Machine, running_machine
from pixr.ops.drilling import reckoning, result
from pixr.ops.drilling.cast import Cast, gathered
from pixr.ops.drilling.director import REST_TIMEOUT_S, Director, Record
from pixr.ops.drilling.logged import complaints
from pixr.ops.drilling.node import Node
from pixr.ops.drilling.operator import Operator
from pixr.ops.drilling.people import investing, withdrawing
from pixr.ops.drilling.schedule import draw
from pixr.ops.drilling.settlers import DeployedBody, RivalBody, Settler, rival_logs
from pixr.ops.drilling.views import Producer
from pixr.ops.drilling.watch import Watch
from pixr.ops.progress import Steps
from pixr.ops.verification import verify

FAILED = 1
WIDTH_WITHOUT_TERMINAL = 110
SEED_BITS = 32
SWITCH_S = 0.0005
TOLD_EVERY = 10


def command(
    kills: Annotated[int, Option(help="How often the settler is killed.", min=1)] = 100,
    seed: Annotated[int | None, Option(help="Of the schedule; drawn when missing.")] = None,
    creators: Annotated[int, Option(help="Creators whose films are viewed.", min=2, max=50)] = 6,
    slot_ms: Annotated[int, Option(help="Milliseconds per slot.", min=5, max=60_000)] = 50,
    data: Annotated[
        Path | None, Option(help="Keep the machine's state here, to look at afterwards.")
    ] = None,
) -> None:
    """Play a schedule of kills and compare; exit code 1 on any difference."""
    for polite in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(polite, _interrupt)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = WIDTH_WITHOUT_TERMINAL
    # Between two looks at what is aimed at, other threads must not keep the interpreter for long.
    sys.setswitchinterval(SWITCH_S)
    seed = secrets.randbits(SEED_BITS) if seed is None else seed
    if data is not None and data.exists() and any(data.iterdir()):
        raise LocalError(f"{data} is not empty.", mend="Name a new folder with --data.")
    console.print(f"[bold]Kill drill[/]: {kills} kills, seed {seed}")
    begun_s = time.monotonic()
    with ExitStack() as stack:
        folder = data or stack.enter_context(process.temporary_directory("pixr-drill-"))
        with Steps(console) as steps:
            machine = stack.enter_context(
                running_machine(folder, slot_ms=slot_ms, report=steps.report)
            )
        # The adapters find the emulator as they would find AWS: by the environment.
        os.environ.update(aws.environment(machine.description.aws_endpoint))
        found = _drill(
            console,
            machine,
            seed=seed,
            kills=kills,
            creators=creators,
            slot_ms=slot_ms,
            begun_s=begun_s,
        )
    result.show(console, found)
    if not found.is_clean:
        raise Exit(FAILED)


def _drill(
    console: Console,
    machine: Machine,
    *,
    seed: int,
    kills: int,
    creators: int,
    slot_ms: int,
    begun_s: float,
) -> result.Result:
    """Everything between start and stop of the machine."""
    with ExitStack() as stack:
        status = stack.enter_context(console.status("films are published"))
        node = Node(machine.description.solana_rpc_url)
        stack.callback(node.close)
        body = DeployedBody(machine)
        deployed = Settler(body)
        stack.callback(deployed.close)
        cast = stack.enter_context(gathered(machine, node, creators=creators))
        rival = Settler(RivalBody(machine), runs=False)
        stack.callback(rival.close)
        watch = stack.enter_context(Watch(machine, node, slot_ms=slot_ms))
        withdrawals = withdrawing(cast.creators, seed)
        investments = investing(cast.investors, cast.for_sale, seed)
        producer = Producer(cast.producer, cast.contents, seed)
        for one in (producer, withdrawals, investments):
            one.start()
            stack.callback(one.close)
        director = Director(
            machine=machine,
            node=node,
            watch=watch,
            deployed=deployed,
            rival=rival,
            producer=producer,
            askers=(withdrawals, investments),
            operator=Operator(
                Solana([machine.description.solana_rpc_url]),
                now=lambda: datetime.now(UTC),
                new_id=uuid4,
            ),
            record=Record(),
            log=machine.home.folder("logs") / "drill.jsonl",
        )
        _play(console, status, director, seed=seed, kills=kills)
        director.calm(progress=status.update)
        deployed.rest(timeout_s=REST_TIMEOUT_S)
        body.shut()
        status.update("comparing")
        return _reckon(director, cast, seed=seed, begun_s=begun_s)


def _play(console: Console, status: Status, director: Director, *, seed: int, kills: int) -> None:
    """Play every episode, telling a waiting person where we are."""
    for episode in draw(seed, kills):
        fault = "" if episode.fault.value == "none" else f", {episode.fault.value}"
        crash = "" if episode.crash.value == "none" else f", {episode.crash.value} crashes"
        line = f"kill {episode.number} of {kills}: {episode.aim.value}{fault}{crash}"
        status.update(line)
        if not console.is_terminal and episode.number % TOLD_EVERY == 1:
            console.print(line)
        director.play(episode)


def _reckon(director: Director, cast: Cast, *, seed: int, begun_s: float) -> result.Result:
    """Compare everything with everything."""
    node, watch, producer = director.node, director.watch, director.producer
    chain = Solana([director.machine.description.solana_rpc_url])
    checks = watch.ask(lambda db: list(verify(db, chain)))
    names = [who.name for who in cast.creators]
    views = watch.ask(
        lambda db: reckoning.compare_views(
            db,
            producer.sent,
            producer.losses_s,
            creators=dict(zip(cast.contents, names, strict=True)),
            for_sale=cast.for_sale,
        )
    )
    withdrawn = director.askers[0].asked
    differences = list(director.record.differences)
    differences += [f"verify: {c.name}: {text}" for c in checks for text in c.differences]
    differences += views.differences
    differences += watch.ask(reckoning.compare_ends)
    differences += watch.ask(lambda db: reckoning.compare_withdrawals(db, node, withdrawn))
    differences += watch.ask(lambda db: reckoning.compare_wallets(db, node, cast.granted_lamports))
    differences += [text for asker in director.askers for text in asker.contradictions]
    return result.Result(
        seed=seed,
        seconds=time.monotonic() - begun_s,
        record=director.record,
        settlers=(director.deployed, director.rival),
        producer=producer,
        askers=director.askers,
        views=views,
        complaints=complaints(_logs(director.machine)),
        payouts=watch.ask(drills.payouts),
        attempts=watch.ask(drills.attempts),
        reasons=watch.ask(drills.reasons),
        released=director.operator.released,
        verified={check.name: len(check.differences) for check in checks},
        differences=differences,
    )


def _logs(machine: Machine) -> list[Path]:
    """Where the settlers' logs are: the emulator's, and one per tick of the rival."""
    rivals = rival_logs(machine)
    return [machine.home.folder("aws") / "ministack.log", *sorted(rivals.glob("*.log"))]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
