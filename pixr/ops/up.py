"""``pixr up``: the whole system on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Annotated

from rich.console import Console
from rich.markup import escape
from typer import Option

from pixr.local.given import Given
from pixr.local.home import DEFAULT
from pixr.local.machine import Machine, Ports, running_machine
from pixr.ops.progress import Steps

CHECK_EVERY_S = 1.0
EXAMPLE_SCOPE = "wallet:read wallet:withdraw views:write invest stats:read"


def command(
    data: Annotated[Path, Option(help="Where the state is kept.")] = DEFAULT,
    port: Annotated[int, Option(help="Port of the API.", min=1, max=65535)] = 8787,
    solana_port: Annotated[int, Option(help="Port of the Solana RPC.", min=1, max=65535)] = 8899,
    aws_port: Annotated[int, Option(help="Port of the AWS emulator.", min=1, max=65535)] = 4566,
    slot_ms: Annotated[int, Option(help="Milliseconds per slot.", min=5, max=60_000)] = 400,
    *,
    fresh: Annotated[bool, Option("--fresh", help="Forget what is kept there, first.")] = False,
) -> None:
    """Run until told to stop."""
    for polite in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(polite, _interrupt)
    console = Console(highlight=False)
    begun_s = time.monotonic()
    with ExitStack() as stack:
        with Steps(console) as steps:
            machine = stack.enter_context(
                running_machine(
                    data,
                    ports=Ports(front_door=port, solana=solana_port, aws=aws_port),
                    given=Given.read(os.environ),
                    fresh=fresh,
                    slot_ms=slot_ms,
                    report=steps.report,
                )
            )
        _show(console, machine, seconds=time.monotonic() - begun_s)
        try:
            while True:
                machine.check()
                time.sleep(CHECK_EVERY_S)
        except KeyboardInterrupt:
            console.print("\nStopping…")
    console.print(
        f"Stopped. The state is kept in {data}; `pixr up` goes on from there.", soft_wrap=True
    )


def _show(console: Console, machine: Machine, *, seconds: float) -> None:
    """What is where, and what to type next."""
    places = machine.description
    rows = {
        "API": f"{places.url}/api/defi/",
        "Documentation": f"{places.url}/api/defi/docs",
        "Solana RPC": f"{places.solana_rpc_url}  ({places.network})",
        "AWS": places.aws_endpoint,
        "Bucket": places.bucket,
        "PostgreSQL": places.database_url,
        "Redis": places.redis_url,
        "Treasury": places.treasury_address,
        "State and logs": str(machine.home.path),
    }
    console.print(f"\n[bold]Pixr DeFi runs[/] (after {seconds:.1f} s). Ctrl-C stops it.\n")
    for name, value in rows.items():
        # An address is for copying, so it is not wrapped.
        console.print(f"  [dim]{name:<16}[/]{escape(value)}", soft_wrap=True)
    where = "" if machine.home.path == DEFAULT.resolve() else f" --data {machine.home.path}"
    console.print(
        f"""
In another terminal:

  TOKEN=$(pixr token{where} --sub alice --scope "{EXAMPLE_SCOPE}")
  curl -H "Authorization: Bearer $TOKEN" {places.url}/api/defi/wallet
  eval "$(pixr env{where})"     # DATABASE_URL, REDIS_URL, SOLANA_RPC_URL, AWS_ENDPOINT_URL, …
""",
        soft_wrap=True,
        markup=False,
    )


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
