"""``pixr drill``: kill the settler again and again, and see that every lamport is where it belongs.

The machine of ``pixr up``, its own, on free ports, with a fast chain. Views come in over HTTP,
people withdraw and invest, RPC nodes misbehave, Valkey comes back empty, PostgreSQL recovers
from a crash; and at random moments, most of them aimed at a delicate one, SIGKILL hits the process
that settles. Afterwards everything is compared with what the drill itself knows.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from types import FrameType
from typing import Annotated
from uuid import uuid4

from rich.console import Console
from rich.status import Status
from typer import Exit, Option

from infra.choices import DEFAULTS
from pixr.adapters.postgres import drills
from pixr.adapters.solana import Solana
from pixr.domain.money import parse_sol
from pixr.local import aws, process
from pixr.local.errors import LocalError
from pixr.local.given import Given, read_choices
from pixr.local.machine import Machine, running_machine
from pixr.ops.drilling import reckoning, result
from pixr.ops.drilling.cast import Cast, gathered
from pixr.ops.drilling.director import REST_TIMEOUT_S, Director, Record
from pixr.ops.drilling.logged import complaints
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.drilling.operator import Operator
from pixr.ops.drilling.people import investing, withdrawing
from pixr.ops.drilling.regulars import CROWD, MINIMUM_SOL, entries, make_regular
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
NODES_MAX = 8
TABLES_SHARE = 3
"""One seed in so many draws lookup tables."""
COUNTED = ("view_rate_lamports", "platform_fee_bps", "views_per_viewer_day")
"""Settings that ``reckoning`` and the producer know by heart."""
UNHURRIED = {
    "reads_per_minute": "1000000",
    "money_per_minute": "1000000",
    "views_per_minute": "1000000",
    "address_per_minute": "1000000",
    "money_token_age_s": "86400",
    "small_withdrawal_sol": "1000000",
    "withdraw_limit_1h_sol": "1000000",
    "withdraw_limit_24h_sol": "1000000",
    "withdrawals_1h_max": "1000000",
    "withdrawals_24h_max": "1000000",
}
"""A few users ask and withdraw here as often as thousands do elsewhere, from one address."""


def command(
    *,
    kills: Annotated[int, Option(help="How often the settler is killed.", min=1)] = 100,
    seed: Annotated[int | None, Option(help="Of the schedule; drawn when missing.")] = None,
    creators: Annotated[int, Option(help="Creators whose films are viewed.", min=2, max=50)] = 6,
    slot_ms: Annotated[int, Option(help="Milliseconds per slot.", min=5, max=60_000)] = 50,
    nodes: Annotated[
        int, Option(help="RPC nodes, each with faults of its own.", min=1, max=NODES_MAX)
    ] = 3,
    tables: Annotated[
        bool | None,
        Option("--tables/--no-tables", help="Pay with lookup tables; drawn when missing."),
    ] = None,
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
    plan = _plan(seed, kills, creators=creators, slot_ms=slot_ms, nodes=nodes, tables=tables)
    console.print(
        f"[bold]Kill drill[/]: {kills} kills, seed {seed}, {nodes} RPC nodes, lookup tables"
        f" {'on' if plan.has_tables else 'off'}"
    )
    with ExitStack() as stack:
        folder = data or stack.enter_context(process.temporary_directory("pixr-drill-"))
        with Steps(console) as steps:
            machine = stack.enter_context(
                running_machine(
                    folder,
                    given=Given(chosen={**plan.chosen, **UNHURRIED}, require_2fa="false"),
                    slot_ms=slot_ms,
                    rpc_nodes=nodes,
                    report=steps.report,
                )
            )
        # The adapters find the emulator as they would find AWS: by the environment.
        os.environ.update(aws.environment(machine.description.aws_endpoint))
        found = _drill(console, machine, plan)
    result.show(console, found)
    if not found.is_clean:
        raise Exit(FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What is to be played."""

    seed: int
    kills: int
    creators: int
    slot_ms: int
    nodes: int
    chosen: Mapping[str, str]
    """Business settings as they are deployed."""
    begun_s: float

    @property
    def has_tables(self) -> bool:
        """Whether regular payees may stand in lookup tables."""
        return self.chosen["lookup_tables"] == "true"

    @property
    def minimum_lamports(self) -> int:
        """What must be due to somebody before it is paid."""
        return parse_sol(Decimal(self.chosen["min_batch_amount"]))


def _plan(
    seed: int, kills: int, *, creators: int, slot_ms: int, nodes: int, tables: bool | None
) -> _Plan:
    """Draw what nobody decided; the environment decides as for `pixr up`.

    Raises:
        LocalError: A setting is malformed, or one that the drill itself counts by is changed.
    """
    chosen = read_choices(os.environ)
    changed = [name.upper() for name in COUNTED if chosen[name] != DEFAULTS[name]]
    if changed:
        raise LocalError(
            f"A drill counts what is due by the default of {', '.join(changed)}.", mend="Unset it."
        )
    if tables is None:
        is_drawn = Random(f"{seed}:tables").randrange(TABLES_SHARE) == 0  # noqa: S311 -- no secret
        tables = chosen["lookup_tables"] == "true" or is_drawn
    chosen["lookup_tables"] = "true" if tables else "false"
    if tables:
        chosen["min_batch_amount"] = MINIMUM_SOL
    return _Plan(
        seed=seed,
        kills=kills,
        creators=creators,
        slot_ms=slot_ms,
        nodes=nodes,
        chosen=chosen,
        begun_s=time.monotonic(),
    )


def _drill(console: Console, machine: Machine, plan: _Plan) -> result.Result:
    """Everything between start and stop of the machine."""
    seed = plan.seed
    with ExitStack() as stack:
        status = stack.enter_context(console.status("films are published"))
        nodes = Nodes(machine.description.solana_rpc_url)
        stack.callback(nodes.close)
        body = DeployedBody(machine)
        deployed = Settler(body)
        stack.callback(deployed.close)
        crowd = CROWD if plan.has_tables else 0
        cast = stack.enter_context(gathered(machine, nodes, creators=plan.creators, crowd=crowd))
        rival = Settler(RivalBody(machine), runs=False)
        stack.callback(rival.close)
        watch = stack.enter_context(Watch(machine, nodes, slot_ms=plan.slot_ms))
        withdrawals = withdrawing(cast.creators, seed)
        investments = investing(cast.investors, cast.for_sale, seed)
        producer = Producer(cast.producer, cast.contents, seed, crowd=list(cast.crowd))
        if cast.crowd:
            status.update("payees become regular")
            make_regular(producer, deployed, watch, minimum_lamports=plan.minimum_lamports)
        for one in (producer, withdrawals, investments):
            one.start()
            stack.callback(one.close)
        director = Director(
            machine=machine,
            nodes=nodes,
            watch=watch,
            deployed=deployed,
            rival=rival,
            producer=producer,
            askers=(withdrawals, investments),
            operator=Operator(
                Solana(nodes.urls),
                now=lambda: datetime.now(UTC),
                new_id=uuid4,
            ),
            record=Record(),
            minimum_lamports=plan.minimum_lamports,
            log=machine.home.folder("logs") / "drill.jsonl",
        )
        _play(console, status, director, plan)
        director.calm(progress=status.update)
        deployed.rest(timeout_s=REST_TIMEOUT_S)
        body.shut()
        status.update("comparing")
        return _reckon(director, cast, plan)


def _play(console: Console, status: Status, director: Director, plan: _Plan) -> None:
    """Play every episode, telling a waiting person where we are."""
    for episode in draw(plan.seed, plan.kills, nodes=plan.nodes):
        fault = "" if episode.fault.value == "none" else f", {episode.fault.value}"
        crash = "" if episode.crash.value == "none" else f", {episode.crash.value} crashes"
        line = f"kill {episode.number} of {plan.kills}: {episode.aim.value}{fault}{crash}"
        status.update(line)
        if not console.is_terminal and episode.number % TOLD_EVERY == 1:
            console.print(line)
        director.play(episode)


def _reckon(director: Director, cast: Cast, plan: _Plan) -> result.Result:
    """Compare everything with everything."""
    nodes, watch, producer = director.nodes, director.watch, director.producer
    chain = Solana(nodes.urls)
    checks = watch.ask(lambda db: list(verify(db, chain)))
    names = [who.name for who in cast.creators]
    views = watch.ask(
        lambda db: reckoning.compare_views(
            db,
            producer.sent,
            producer.losses_s,
            creators={**dict(zip(cast.contents, names, strict=True)), **cast.crowd},
            for_sale=cast.for_sale,
        )
    )
    withdrawn = director.askers[0].asked
    differences = list(director.record.differences)
    differences += [f"verify: {c.name}: {text}" for c in checks for text in c.differences]
    differences += views.differences
    differences += watch.ask(reckoning.compare_ends)
    differences += watch.ask(lambda db: reckoning.compare_withdrawals(db, nodes, withdrawn))
    differences += watch.ask(lambda db: reckoning.compare_wallets(db, nodes, cast.granted_lamports))
    differences += [text for asker in director.askers for text in asker.contradictions]
    return result.Result(
        seed=plan.seed,
        nodes=plan.nodes,
        seconds=time.monotonic() - plan.begun_s,
        record=director.record,
        settlers=(director.deployed, director.rival),
        producer=producer,
        askers=director.askers,
        views=views,
        complaints=complaints(_logs(director.machine)),
        payouts=watch.ask(drills.payouts),
        attempts=watch.ask(drills.attempts),
        reasons=watch.ask(drills.reasons),
        expiries=watch.ask(drills.expiries),
        tables=_tables(watch) if plan.has_tables else None,
        released=director.operator.released,
        verified={check.name: len(check.differences) for check in checks},
        differences=differences,
    )


def _tables(watch: Watch) -> dict[str, int]:
    """Entries that may be used, payments that used them, and the most payees of one."""
    return {"entries": entries(watch), **watch.ask(drills.tabled)}


def _logs(machine: Machine) -> list[Path]:
    """Where the settlers' logs are: the emulator's, and one per tick of the rival."""
    rivals = rival_logs(machine)
    return [machine.home.folder("aws") / "ministack.log", *sorted(rivals.glob("*.log"))]


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
