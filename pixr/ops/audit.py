"""``pixr audit``: check the log of who did what, link by link, or show its newest lines.

Each line carries the SHA-256 of the line before, so a line that is changed, taken out, moved or put
in breaks the chain where it happened. Two things no chain can show by itself: that its end was cut
off, and that all of it was written anew from some line on. For these compare with a head that was
noted elsewhere: every ``settle.tick`` in the settler's log has one as ``audit_head``.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final

from rich.console import Console
from rich.table import Table
from typer import Argument, Exit, Option

from pixr.adapters.postgres import Database, audit
from pixr.local.errors import LocalError
from pixr.ops import places
from pixr.ops.verifying.commitments import Head, walk_audit

ACTIONS: Final = ("verify", "list")
BROKEN: Final = 1
LINES: Final = 50

_HEAD: Final = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")


def command(
    action: Annotated[str, Argument(help="`verify` or `list`.")],
    *,
    expect: Annotated[
        str | None, Option(help="verify: a head noted earlier, NUMBER:HASH in hex.")
    ] = None,
    about: Annotated[str | None, Option(help="list: an actor or a subject.")] = None,
    limit: Annotated[int, Option(help="list: newest lines.", min=1, max=10_000)] = LINES,
    data: places.Data = None,
    database_url: places.DatabaseUrl = None,
    rpc: places.RpcUrl = None,
) -> None:
    """Exit code 0: unbroken. 1: broken; the first broken line is told. 2: it could not be tried."""
    if action not in ACTIONS:
        raise LocalError(
            f"There is no `pixr audit {action}`.", mend=f"Say one of: {', '.join(ACTIONS)}."
        )
    noted = None if expect is None else _head(expect)
    where = places.find(data, database_url=database_url, rpc=rpc)
    with places.opened(where) as (db, _):
        if action == "verify":
            _verify(db, noted)
        else:
            _list(db, about, limit)


def _head(text: str) -> Head:
    found = _HEAD.fullmatch(text)
    if found is None:
        raise LocalError(
            f"--expect is {text[:100]!r}, not NUMBER:HASH.",
            mend="Copy audit_head from a settle.tick of the settler's log.",
        )
    return Head(seq=int(found[1]), hash=bytes.fromhex(found[2]))


def _verify(db: Database, noted: Head | None) -> None:
    walked = walk_audit(db, noted)
    if walked.fault is not None:
        print(f"The chain is broken at {walked.fault}")
        print(f"Unbroken up to line {walked.head.seq}: {walked.head}")
        raise Exit(BROKEN)
    against = "" if noted is None else f", and line {noted.seq} is the one that was noted"
    print(f"{walked.head.seq} lines, one unbroken chain{against}.")
    print(f"Head: {walked.head}")


def _list(db: Database, about: str | None, limit: int) -> None:
    table = Table()
    for heading in ("line", "at", "actor", "action", "subject", "detail"):
        table.add_column(heading, overflow="fold")
    for row in audit.newest(db, about=about, limit=limit):
        table.add_row(
            str(row["seq"]),
            f"{row['at']:%Y-%m-%d %H:%M:%S}",
            row["actor"],
            row["action"],
            row["subject"],
            json.dumps(row["detail"], ensure_ascii=False, sort_keys=True),
        )
    # A user's id is the user's own choice: it may look like markup, and must not be read as such.
    Console(highlight=False, markup=False, emoji=False).print(table)
