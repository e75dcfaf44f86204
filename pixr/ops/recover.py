"""``pixr recover``: the database was restored to an older point; read back what was paid since.

Before it: stop whatever still signs for the old database, restore, leave the settler stopped or
let it find out and pause. Re-deliver the views of the lost time, if their producer can: what
they accrue is matched with what was paid. After it settlement goes on by itself, if every
lamport is explained.
"""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final
from uuid import uuid4

from rich.console import Console
from typer import Exit, Option

from functions.settings import ApiSettings
from pixr.adapters.keys import AnySeed
from pixr.adapters.postgres.house import AddressChanged
from pixr.local.errors import LocalError
from pixr.ops import master_seeds, places
from pixr.ops.recovery import Recovered, RecoveryStuck, recover

NOT_CLEAN: Final = 1
USERS_BYTES_MAX: Final = 64 * 1024 * 1024
STATEMENT_TIMEOUT_S: Final = 600
SHOWN_MAX: Final = 50
RETURN_CAP_BPS: Final[int] = ApiSettings.model_fields["return_cap_bps"].default
RETURN_CAP_BPS_MAX: Final = 100_000


def command(
    *,
    since: Annotated[
        datetime | None,
        Option(help="A time (UTC) before the restore point; 24 hours ago by default."),
    ] = None,
    yes: Annotated[bool, Option("--yes", help="Do it without --since.")] = False,
    users: Annotated[
        Path | None, Option(help="Ids of users, one a line: whose wallets may have been lost.")
    ] = None,
    return_cap_bps: Annotated[
        int,
        Option(
            help="Where returns of investments that were lost stop; 0: nowhere.",
            envvar="RETURN_CAP_BPS",
            min=0,
            max=RETURN_CAP_BPS_MAX,
        ),
    ] = RETURN_CAP_BPS,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: clean, settlement goes on. 1: paused, a person must look. 2: not possible."""
    if since is None and not yes:
        raise LocalError(
            "Recovery dissolves what is open and books what the chain shows.",
            mend="Say --since with a time before the restore point, or --yes for 24 hours ago.",
        )
    moment = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    if moment is not None and moment > datetime.now(UTC):
        raise LocalError("--since lies in the future.", mend="Give a time before the restore.")
    where = places.find(data, database_url=database_url, rpc=rpc)
    named = _users(users)
    seed = _seed(where)
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"Recovering {where.name}.", markup=False)
    patient = places.opened(where, statement_timeout_s=STATEMENT_TIMEOUT_S)
    with master_seeds.told(), patient as (db, chain):
        try:
            report = recover(
                db,
                chain,
                now=lambda: datetime.now(UTC),
                new_id=uuid4,
                return_cap_bps=return_cap_bps,
                pause=time.sleep,
                since=moment,
                house=_house(where, seed),
                wallet_address=None if seed is None else lambda user: seed.wallet(user).address,
                users=named,
                say=lambda line: console.print(f"  {line}", markup=False),
            )
        except (RecoveryStuck, AddressChanged) as stuck:
            raise LocalError(
                f"It cannot go on: {stuck}.",
                mend="Settlement stays paused. Mend this and say `pixr recover` again.",
            ) from stuck
    if not show(console, report):
        raise Exit(NOT_CLEAN)


def show(console: Console, report: Recovered) -> bool:
    """Print what was read back and what was not; True when all is clean."""
    for name, count in sorted(report.counts.items()):
        console.print(f"  {count:>14,}  {name}")
    if not report.counts:
        console.print("  The database had forgotten nothing.")
    for title, lines in (
        ("On hold, as nobody can tell", report.on_hold),
        ("Not explained", report.unexplained),
        ("Different", report.differences),
    ):
        for line in lines[:SHOWN_MAX]:
            console.print(f"  {title}: {line}", markup=False)
        if len(lines) > SHOWN_MAX:
            console.print(f"  {title}: … and {len(lines) - SHOWN_MAX} more")
    if report.paused is not None:
        console.print(f"Settlement is paused: {report.paused}", markup=False)
    elif report.is_clean:
        console.print("Chain and ledger agree to the lamport. Settlement goes on.")
    return report.is_clean


def _users(path: Path | None) -> list[str]:
    if path is None:
        return []
    text = places.read(str(path), bytes_max=USERS_BYTES_MAX)
    # An id is used exactly as given: no space is taken off but the end of the line.
    return [line for line in text.split("\n") if line]


def _house(where: places.Places, seed: AnySeed | None) -> dict[str, str]:
    """Treasury and escrow, for a database that is older than its first tick."""
    named = None if where.machine is None else where.machine.treasury_address
    treasury = named or os.environ.get("TREASURY_ADDRESS")
    house = {} if treasury is None else {"treasury": treasury}
    return house if seed is None else {**house, "escrow": seed.escrow().address}


def _seed(where: places.Places) -> AnySeed | None:
    if where.home is not None:
        return master_seeds.of_machine(where.home)
    seed = master_seeds.of_environment()
    if seed is None:
        print("MASTER_SEED_ARN is not set: wallets of forgotten users stay unknown.")
    return seed
