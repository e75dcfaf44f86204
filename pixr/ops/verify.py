"""``pixr verify``: does every lamport on chain, in the ledger and in the accruals agree?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from rich.console import Console
from rich.table import Table
from typer import Exit, Option

from pixr.adapters.postgres import connect
from pixr.adapters.solana import Solana
from pixr.local.home import DEFAULT, running_home
from pixr.ops.verification import Check, verify

DIFFERENT = 1
SHOWN_MAX = 20


def show(console: Console, checks: Sequence[Check]) -> bool:
    """Print the checks as a table and every difference below it; True when there is none."""
    table = Table(title="pixr verify", title_justify="left")
    table.add_column("compared", justify="right")
    table.add_column("what must hold")
    table.add_column("", justify="center")
    for check in checks:
        mark = "[red]✗[/]" if check.differences else "[green]✓[/]"
        compared = "all rows" if check.compared is None else f"{check.compared:,}"
        table.add_row(compared, check.name, mark)
    console.print(table)
    for check in checks:
        for difference in check.differences[:SHOWN_MAX]:
            console.print(f"[red]{check.name}:[/] {difference}")
        if len(check.differences) > SHOWN_MAX:
            console.print(f"… and {len(check.differences) - SHOWN_MAX} more")
    return not any(check.differences for check in checks)


def command(
    data: Annotated[Path, Option(help="The machine's directory.")] = DEFAULT,
) -> None:
    """Compare everything; exit code 1 when a single lamport differs."""
    _, places = running_home(data)
    console = Console()
    chain = Solana(places.solana_rpc_url.split(","))
    with (
        connect(places.database_url) as db,
        console.status("comparing") as status,
    ):
        checks = list(verify(db, chain, progress=status.update))
    if not show(console, checks):
        raise Exit(DIFFERENT)
