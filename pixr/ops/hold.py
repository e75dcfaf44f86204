"""``pixr hold``: what waits for a person, all that is known of it, and the ways to let it go on.

list                                  held batches, payouts put aside, the pause
explain ID                            a batch or a payout: rows, evidence, the chain now
release BATCH --how look-again|dissolve|adopt
release PAYOUT --how retry
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table
from typer import Argument, Exit, Option

from pixr.adapters.postgres import Database, Row, batches, holds, pauses
from pixr.adapters.solana import Solana
from pixr.local.errors import LocalError
from pixr.ops import places, releasing
from pixr.ops.releasing import WAYS, Case, NotSafe

SHOWN_MAX: Final = 200
REFUSED: Final = 1
RETRY: Final = "retry"


def command(
    action: Annotated[str, Argument(help="`list`, `explain` or `release`.")],
    subject: Annotated[str | None, Argument(help="Id of a batch or a payout.")] = None,
    *,
    how: Annotated[
        str | None, Option(help="look-again, dissolve or adopt; retry for a payout.")
    ] = None,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: done. 1: refused, with the reason. 2: it could not be tried."""
    if action not in ("list", "explain", "release"):
        raise LocalError(
            f"There is no `pixr hold {action}`.", mend="Say `list`, `explain` or `release`."
        )
    where = places.find(data, database_url=database_url, rpc=rpc)
    console = Console(highlight=False, soft_wrap=True)
    with places.opened(where) as (db, chain):
        if action == "list":
            _list(console, db)
            return
        if subject is None:
            raise LocalError(f"`pixr hold {action}` needs an id.", mend="`pixr hold list` has it.")
        found = places.parse_id(subject, "a batch or a payout")
        if action == "explain":
            _explain(console, db, chain, found)
        else:
            _release(console, db, chain, found, how=how, actor=places.actor_of(actor))


def _list(console: Console, db: Database) -> None:
    pause = pauses.read(db)
    if pause is not None:
        console.print(f"Settlement is paused since {_time(pause['paused_at'])}: {pause['reason']}")
    held = holds.list_batches(db, limit=SHOWN_MAX)
    aside = holds.list_quarantined(db, limit=SHOWN_MAX)
    if held:
        columns = ("batch", "kind", "payees", "lamports", "since", "reason")
        rows = [
            (
                str(row["id"]),
                row["kind"],
                str(row["payees"]),
                f"{row['lamports']:,}",
                _time(row["judged_at"] or row["planned_at"]),
                row["hold_reason"],
            )
            for row in held
        ]
        _table(console, "Held batches", columns, rows)
    if aside:
        columns = ("payout", "kind", "user", "lamports", "asked for", "reason")
        rows = [
            (
                str(row["id"]),
                row["kind"],
                row["user_id"] or "",
                f"{row['lamports']:,}",
                _time(row["created_at"]),
                row["reason"],
            )
            for row in aside
        ]
        _table(console, "Payouts put aside, still owed", columns, rows)
    if SHOWN_MAX in (len(held), len(aside)):
        console.print(f"Only the oldest {SHOWN_MAX} of each are shown.")
    if not held and not aside and pause is None:
        console.print("Nothing waits for a person.")


def _explain(console: Console, db: Database, chain: Solana, subject: UUID) -> None:
    row = holds.batch(db, subject)
    if row is not None:
        _explain_batch(console, db, chain, row)
        return
    payout = holds.payout(db, subject)
    if payout is None:
        raise LocalError(
            f"There is no batch and no payout {subject}.", mend="See `pixr hold list`."
        )
    _fields(console, f"payout {subject}", payout, leaving=("id",))
    for carrier in holds.batches_of(db, subject):
        console.print(f"  was carried by batch {carrier['id']}, which is {carrier['state']}")
    if payout["state"] == "QUARANTINED":
        is_kept = payout["kind"] not in ("withdrawal", "investment")
        console.print(
            f"[green]open[/]   {RETRY}: pay it once more, alone"
            if is_kept
            else f"[red]closed[/] {RETRY}: its money went back to its owner"
        )


def _explain_batch(console: Console, db: Database, chain: Solana, row: Row) -> None:
    batch = batches.reread(db, row["id"])
    case = releasing.examine(db, chain, batch)
    root = {"merkle_root": row["merkle_root"].hex()} if row["merkle_root"] else {}
    _fields(console, f"batch {batch.id}", {**row, **root}, leaving=("id",))
    console.print(f"\nIt carries {len(case.payouts)} payouts:")
    for item in case.payouts:
        console.print(
            f"  {item.id}  {item.kind}  {item.lamports:,} lamports"
            f"  {item.debit_account} → {item.destination}"
        )
    console.print("\nAttempts:")
    for attempt in holds.attempts(db, batch.id):
        _fields(console, f"  {attempt['attempt']}", attempt, leaving=("attempt",))
    console.print("\nWhat the nodes said:")
    for said in holds.evidence(db, batch.id):
        words = json.dumps(said["evidence"], sort_keys=True)
        console.print(f"  {_time(said['observed_at'])}  {said['node']}: {words}", markup=False)
    _show_chain(console, case)
    console.print("\nWays out of HOLD:")
    for way in WAYS:
        obstacle = case.obstacle(way)
        mark = "[red]closed[/]" if obstacle else "[green]open[/]  "
        console.print(f"  {mark} {way}", end="")
        console.print(f": {obstacle}" if obstacle else "", markup=False)


def _show_chain(console: Console, case: Case) -> None:
    console.print("\nWhat the chain says now:")
    for name, sighting in case.said:
        console.print(f"  {name}: {sighting}", markup=False)
    if case.maker is None:
        return
    maker = case.maker
    outcome = "failed" if maker.error else "succeeded"
    console.print(f"  {maker.signature} made its receipt: it {outcome} in slot {maker.slot},")
    console.print(f"  and {case.difference or 'is exactly this batch'}", markup=False)


def _release(
    console: Console, db: Database, chain: Solana, subject: UUID, *, how: str | None, actor: str
) -> None:
    if how is not None and how not in (*WAYS, RETRY):
        raise LocalError(
            f"There is no way {how!r}.",
            mend=f"Give --how with one of {', '.join(WAYS)}; {RETRY} for a payout.",
        )
    now = datetime.now(UTC)
    try:
        if how == RETRY or (how is None and holds.payout(db, subject) is not None):
            how = RETRY
            releasing.retry(db, subject, actor=actor, now=now)
        else:
            case = _case(db, chain, subject)
            how = how or _only_way(case)
            releasing.release(db, chain, case, how, actor=actor, new_id=uuid4, now=now)
    except NotSafe as refusal:
        console.print("[red]Refused:[/] ", end="")
        console.print(f"{refusal}.", markup=False)
        raise Exit(REFUSED) from None
    console.print(f"{subject}: {_DONE[how]}")


def _case(db: Database, chain: Solana, subject: UUID) -> Case:
    if holds.batch(db, subject) is None:
        raise NotSafe(f"there is no batch {subject}")
    return releasing.examine(db, chain, batches.reread(db, subject))


def _only_way(case: Case) -> str:
    obstacles = {way: case.obstacle(way) for way in WAYS}
    ways = [way for way, obstacle in obstacles.items() if obstacle is None]
    if len(ways) != 1:
        reasons = "; ".join(f"{way}: {why}" for way, why in obstacles.items() if why)
        raise NotSafe(
            f"several ways are open, say which with --how: {', '.join(ways)}"
            if ways
            else f"no way is open ({reasons})"
        )
    return ways[0]


_DONE: Final = {
    "look-again": "the settler judges it once more at its next tick.",
    "dissolve": "dissolved; its payouts wait for the next batch.",
    "adopt": "adopted as paid.",
    RETRY: "it is paid once more, alone, at the next tick.",
}


def _table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column in ("payees", "lamports") else "left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _fields(
    console: Console, name: str, row: dict[str, Any], *, leaving: Sequence[str] = ()
) -> None:
    console.print(f"{name}:", markup=False)
    for key, value in row.items():
        if key not in leaving and value is not None:
            shown = _time(value) if isinstance(value, datetime) else value
            console.print(f"    {key}: {shown}", markup=False)


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
