"""``pixr verify``: does every lamport on chain, in the ledger and in the accruals agree?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from typer import Exit

from pixr.ops import places
from pixr.ops.verification import Check, verify

DIFFERENT: Final = 1
SHOWN_MAX: Final = 20
STATEMENT_TIMEOUT_S: Final = 600
"""A check reads whole tables."""


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
        if check.note is not None:
            console.print(f"{check.name}: {check.note}")
        for difference in check.differences[:SHOWN_MAX]:
            console.print(f"[red]{check.name}:[/] ", end="")
            console.print(difference, markup=False)
        if len(check.differences) > SHOWN_MAX:
            console.print(f"… and {len(check.differences) - SHOWN_MAX} more")
    return not any(check.differences for check in checks)


def command(
    *,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: every lamport agrees. 1: one does not. 2: it could not be compared."""
    where = places.find(data, database_url=database_url, rpc=rpc)
    console = Console()
    with (
        places.opened(where, statement_timeout_s=STATEMENT_TIMEOUT_S) as (db, chain),
        console.status(f"comparing {where.name}") as status,
    ):
        checks = list(verify(db, chain, progress=status.update))
    if not show(console, checks):
        raise Exit(DIFFERENT)
