"""``pixr upgrade``: jobs that make better renditions, and the ways to end or to push one.

list [--all]                  open jobs, those that stand still longest first
show JOB                      all that is known of one, and its money
cancel JOB --reason TEXT      fails it; investors are refunded by the settler
retry JOB                     asks again for whatever is open of it, at the next tick
dead [--queue URL …]          messages that failed every time, and the jobs that they are about

A worker that is at work on a cancelled job changes nothing any more when it is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from rich.console import Console
from rich.table import Table
from typer import Argument, Exit, Option

from pixr.adapters.dead_letters import DeadLetterBox, DeadLettersUnreachable
from pixr.adapters.postgres import Database, Row, audit, contents, investments, sweeps, upgrades
from pixr.domain.investments import progress_percent
from pixr.local import aws
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.upgrading import letters

ACTIONS: Final = ("list", "show", "cancel", "retry", "dead")
SHOWN_MAX: Final = 200
REASON_CHARACTERS_MAX: Final = 1_000
NOTHING_CHANGED: Final = 1


def command(
    action: Annotated[str, Argument(help="`list`, `show`, `cancel`, `retry` or `dead`.")],
    subject: Annotated[str | None, Argument(help="Id of a job.")] = None,
    *,
    everything: Annotated[bool, Option("--all", help="list: closed jobs as well.")] = False,
    reason: Annotated[str, Option(help="cancel: why, for its investors.")] = "",
    queue: Annotated[
        list[str] | None, Option(help="dead: a queue of dead letters; all of them by default.")
    ] = None,
    actor: places.Actor = None,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: done. 1: it is closed already, or unknown. 2: it could not be tried."""
    if action not in ACTIONS:
        raise LocalError(
            f"There is no `pixr upgrade {action}`.", mend=f"Say one of: {', '.join(ACTIONS)}."
        )
    if action == "cancel" and not 1 <= len(reason.strip()) <= REASON_CHARACTERS_MAX:
        raise LocalError(
            f"The reason has {len(reason.strip())} characters.",
            mend=f"Give --reason with 1 to {REASON_CHARACTERS_MAX}: investors will read it.",
        )
    where = places.find(data, database_url=database_url, rpc=rpc)
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    with places.opened(where) as (db, _):
        if action == "list":
            _list(console, db, is_all=everything)
            return
        if action == "dead":
            endpoint = None if where.machine is None else where.machine.aws_endpoint
            _dead(console, db, endpoint, queue or [])
            return
        job = _job(db, subject)
        if action == "show":
            _show(console, db, job)
        elif action == "cancel":
            _cancel(db, job, reason.strip(), who=places.actor_of(actor))
        else:
            _retry(db, job, who=places.actor_of(actor))


def _job(db: Database, subject: str | None) -> Row:
    if subject is None:
        raise LocalError("It needs the id of a job.", mend="`pixr upgrade list` has them.")
    job_id = places.parse_id(subject, "a job")
    job = upgrades.get(db, job_id)
    if job is None:
        raise LocalError(f"There is no job {job_id}.", mend="See `pixr upgrade list --all`.")
    return job


def _list(console: Console, db: Database, *, is_all: bool) -> None:
    rows = sweeps.list_jobs(db, is_all=is_all, limit=SHOWN_MAX)
    if not rows:
        console.print("There is no upgrade job." if is_all else "No upgrade job is open.")
        return
    headings = ("job", "content", "rung", "kind", "state", "done", "moved", "pushed", "reason")
    cells = [
        (
            str(row["id"]),
            row["content_id"],
            _rung(row),
            row["kind"],
            row["state"] if row["way"] == "chunks" else f"{row['state']} ({row['way']})",
            _percent(row),
            _time(row["moved_at"]),
            str(row["restarts"]),
            row["reason"] or "",
        )
        for row in rows
    ]
    _table(console, headings, cells)
    if len(rows) == SHOWN_MAX:
        console.print(f"Only the first {SHOWN_MAX} are shown.")


def _show(console: Console, db: Database, job: Row) -> None:
    console.print(f"job {job['id']}: {_rung(job)} of {job['content_id']}, {_percent(job)}")
    hidden = ("id", "content_id", "rung", "settings", "analysis_before", "analysis_after")
    for name, value in job.items():
        if name not in hidden and value is not None:
            console.print(f"    {name}: {_time(value) if isinstance(value, datetime) else value}")
    before, after = job["analysis_before"], job["analysis_after"]
    if before is not None:
        told = "not read again yet" if after is None else "the same" if before == after else "OTHER"
        console.print(f"    analysis: {len(before)} parts, afterwards {told}")
    waiting = [row["position"] for row in upgrades.list_chunks(db, job["id"]) if _waits(row)]
    if waiting:
        numbers = ", ".join(map(str, waiting[:SHOWN_MAX]))
        console.print(f"    chunks that are open: {numbers}{' …' * (len(waiting) > SHOWN_MAX)}")
    funding = investments.get_funding(db, job["content_id"], job["rung"]) if job["rung"] else None
    if funding is not None and funding["job_id"] == job["id"]:
        console.print(
            f"    paid for with {funding['escrowed_lamports']:,} lamports in escrow,"
            f" which is {funding['state']}"
        )


def _cancel(db: Database, job: Row, reason: str, *, who: str) -> None:
    now = datetime.now(UTC)
    told = f"cancelled: {reason}"
    with db.transaction():
        is_mine = upgrades.close(db, job["id"], "FAILED", told, now=now)
        if is_mine:
            if job["upload_id"] is not None:
                contents.reject_upload(db, job["upload_id"], told)
            _audit(db, job, "upgrade.cancelled", who, now=now, reason=reason)
    if not is_mine:
        _refuse(db, job["id"])
    print(f"{job['id']} is cancelled. Whoever has paid for it is refunded by the settler.")


def _retry(db: Database, job: Row, *, who: str) -> None:
    now = datetime.now(UTC)
    with db.transaction():
        is_open = sweeps.retry(db, job["id"], now=now)
        if is_open:
            _audit(db, job, "upgrade.retried", who, now=now, state=job["state"])
    if not is_open:
        _refuse(db, job["id"])
    print(f"{job['id']}: whatever is open of it is asked for again at the settler's next tick.")


def _refuse(db: Database, job_id: UUID) -> None:
    found = upgrades.get(db, job_id)
    assert found is not None
    print(f"{job_id} is {found['state']} already{_because(found)}.")
    raise Exit(NOTHING_CHANGED)


def _audit(
    db: Database, job: Row, action: str, who: str, *, now: datetime, **detail: object
) -> None:
    about = {"content_id": job["content_id"], "rung": job["rung"], **detail}
    audit.append(db, at=now, actor=who, action=action, subject=str(job["id"]), detail=about)


def _dead(console: Console, db: Database, endpoint: str | None, urls: Sequence[str]) -> None:
    box = DeadLetterBox(None if endpoint is None else aws.environment(endpoint))
    cells: list[tuple[str, ...]] = []
    try:
        queues = [box.named(url) for url in urls] or box.find()
        for queue in queues:
            for letter in box.look(queue, letters_max=SHOWN_MAX):
                told = letters.read(db, letter.body)
                cells.append((queue.name, _time(letter.sent_at), *told.cells))
    except DeadLettersUnreachable as error:
        raise LocalError(
            f"The queues do not answer ({error}).",
            mend="Set AWS_REGION and credentials, or name a machine with --data.",
        ) from error
    if not cells:
        console.print("No message waits for a person.")
        return
    headings = ("queue", "sent", "job", "content", "rung", "part", "state", "reason")
    _table(console, headings, cells)


def _table(console: Console, headings: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    table = Table()
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*row)
    console.print(table)


def _waits(chunk: Row) -> bool:
    return bool(chunk["state"] == "QUEUED")


def _rung(row: Row) -> str:
    return "" if row["rung"] is None else f"{row['rung']}p"


def _percent(row: Row) -> str:
    percent = progress_percent(
        row["state"], frames_done=row["frames_done"], frames_total=row["frames_total"]
    )
    return "" if percent is None else f"{percent} %"


def _because(row: Row) -> str:
    return f": {row['reason']}" if row["reason"] else ""


def _time(at: Any) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
