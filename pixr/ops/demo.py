"""``pixr demo``: the whole story on real parts, told as it happens and checked to the lamport."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Annotated

from rich.console import Console
from rich.table import Table
from typer import Exit, Option

from pixr.adapters.postgres import connect, verification
from pixr.domain.fees import BASE_FEE_LAMPORTS
from pixr.local import aws, parts, process
from pixr.local.given import Given, read_choices
from pixr.local.machine import running_machine
from pixr.ops.progress import Steps
from pixr.ops.story import investing, leaving, secrecy, watching
from pixr.ops.story.client import StoryFailed
from pixr.ops.story.screen import Screen
from pixr.ops.story.stage import Stage, staged
from pixr.ops.verification import Check, verify
from pixr.ops.verify import show

FAILED = 1
ACTS: tuple[Callable[[Stage], None], ...] = (
    watching.uploads,
    watching.views,
    investing.investment,
    investing.returns,
    leaving.withdrawal,
    leaving.proof,
    secrecy.search,
)


def command(
    slot_ms: Annotated[int, Option(help="Milliseconds per slot.", min=5, max=60_000)] = 400,
) -> None:
    """Start a machine of its own on free ports, play the story, verify, stop."""
    console = Console(highlight=False, record=True)
    begun_s = time.monotonic()
    with ExitStack() as stack:
        folder = stack.enter_context(process.temporary_directory("pixr-demo-"))
        console.print("[bold]Pixr DeFi: views become SOL, every minute, exactly once.[/]\n")
        with Steps(console) as steps:
            given = Given(chosen=read_choices(os.environ))
            machine = stack.enter_context(
                # In a folder of its own, so that all it writes is there to be searched.
                running_machine(
                    folder / "machine", given=given, slot_ms=slot_ms, report=steps.report
                )
            )
        # The adapters find the emulator as they would find AWS: by the environment.
        os.environ.update(aws.environment(machine.description.aws_endpoint))
        screen = Screen(console)
        stage = stack.enter_context(staged(machine, screen, folder, parts.ffmpeg()))
        try:
            for act in ACTS:
                act(stage)
        except StoryFailed as failure:
            console.print(f"\n[bold red]The story broke:[/] {failure}", soft_wrap=True)
            raise Exit(FAILED) from failure
        checks = _verify(stage)
        console.print()
        is_clean = show(console, checks)
        _close(stage, seconds=time.monotonic() - begun_s)
    if not is_clean:
        raise Exit(FAILED)
    console.print("\nEverything agrees to the lamport. The machine is stopped.")


def _verify(stage: Stage) -> list[Check]:
    stage.screen.act("pixr verify: chain = ledger = accruals")
    with stage.screen.waiting("comparing") as waiting:
        url = stage.machine.description.database_url
        with connect(url) as db:
            return list(verify(db, stage.chain, progress=waiting.tell))


def _close(stage: Stage, *, seconds: float) -> None:
    """The figures that a person wants."""
    with connect(stage.machine.description.database_url) as db:
        payments = verification.landed(db)
    batched = [row for row in payments if len(row["destinations"]) > 1]
    payees = sum(len(row["destinations"]) for row in batched)
    fees = sum(row["fee_lamports"] for row in batched)
    alone = payees * BASE_FEE_LAMPORTS
    figures = dict(stage.figures)
    if payees:
        most = max(len(row["destinations"]) for row in batched)
        figures["payees per batched transaction"] = f"{payees / len(batched):.1f}, at most {most}"
        figures["fee per payee"] = (
            f"{fees / payees:.0f} lamports, {alone / fees:.1f} × less than one transfer each"
        )
    figures["transactions finalized"] = f"{len(payments)}"
    figures["the whole demo"] = f"{seconds:.0f} s"
    table = Table(title="In figures", title_justify="left", show_header=False)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name, value)
    stage.screen.console.print()
    stage.screen.console.print(table)
