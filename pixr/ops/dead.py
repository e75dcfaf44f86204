"""``pixr dead``: view events that could not be counted and wait for a person.

list                        every letter: when, from where, why, and what could be done
show ID…                    one letter whole
replay ID… | --all          back on the stream; --dry-run says what would come of it
drop ID… | --all            gone for good; prints each letter first, as one line of JSON

Replaying is safe: an event earns once, however often it comes. What cannot be decoded, or
happened on a day that is closed, cannot earn any more, and is not put back.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Final

from rich.console import Console
from rich.table import Table
from typer import Argument, Exit, Option

from pixr.adapters.redis import DeadLetters, Letter, StreamUnreachable
from pixr.domain.views import kept_days
from pixr.local.errors import LocalError
from pixr.local.home import DEFAULT, running_home
from pixr.ops import places

ACTIONS: Final = ("list", "show", "replay", "drop")
SHOWN_MAX: Final = 200
REPLAYED_TOGETHER: Final = 100
"""In one transaction of Redis."""
LEFT_OVER: Final = 1

_ID: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")
_URL: Final = re.compile(r"rediss?://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """What would come of a letter that is replayed."""

    letter: Letter
    good: int
    """Events that may earn."""
    lost: str | None
    """Why the others cannot; None: all may."""

    @property
    def summary(self) -> str:
        """In a few words."""
        if self.lost is None:
            return f"{self.good} may earn"
        return f"{self.good} may earn, the rest not: {self.lost}" if self.good else self.lost


def prospect(letter: Letter, *, now: datetime) -> Prospect:
    """Decode a letter and look whether its days are still open."""
    oldest, newest = kept_days(now)
    lines, bad = letter.decode()
    days = lines.days()
    good = sum(oldest <= day <= newest for day in days)
    lost = bad[0].reason if bad else None
    if good < len(days):
        lost = f"only days from {oldest} to {newest} are open"
    return Prospect(letter=letter, good=good, lost=lost)


def command(
    action: Annotated[str, Argument(help="`list`, `show`, `replay` or `drop`.")],
    ids: Annotated[list[str] | None, Argument(help="Ids of letters, from `list`.")] = None,
    *,
    everything: Annotated[bool, Option("--all", help="Every letter there is now.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be done.")] = False,
    redis: Annotated[str | None, Option(help="Redis; REDIS_URL by default.")] = None,
    data: places.Data = None,
) -> None:
    """Exit code 0: done. 1: a letter is unknown or had to stay. 2: it could not be tried."""
    if action not in ACTIONS:
        raise LocalError(
            f"There is no `pixr dead {action}`.", mend=f"Say one of: {', '.join(ACTIONS)}."
        )
    if action != "list" and bool(ids) == everything:
        raise LocalError(
            f"`pixr dead {action}` needs ids, or --all.", mend="`pixr dead list` has them."
        )
    if malformed := [one for one in ids or () if not _ID.fullmatch(one)]:
        raise LocalError(
            f"{malformed[0]!r} is not the id of a letter.", mend="`pixr dead list` has them."
        )
    console = Console(highlight=False, markup=False, soft_wrap=True)
    now = datetime.now(UTC)
    with _opened(data, redis) as dead:
        if action == "list":
            _list(console, dead, now=now)
            return
        unknown: list[str] = []
        letters = dead.list() if everything else _named(dead, ids or [], unknown)
        if action == "show":
            left = _show(console, letters, now=now)
        elif action == "replay":
            left = _replay(console, dead, letters, now=now, dry_run=dry_run)
        else:
            left = _drop(console, dead, letters, dry_run=dry_run)
        for one in unknown:
            console.print(f"There is no letter {one}.")
    if left or unknown:
        raise Exit(LEFT_OVER)


@contextmanager
def _opened(
    data: Path | None, redis: str | None, environ: Mapping[str, str] = os.environ
) -> Iterator[DeadLetters]:
    """The letters of the Redis that is meant: an option, the environment, the machine here."""
    url = redis or (environ.get("REDIS_URL") if data is None else None)
    if url is None:
        url = running_home(data or DEFAULT)[1].redis_url
    if not _URL.fullmatch(url):
        raise LocalError("REDIS_URL is not redis://host:port.", mend="Correct it.")
    try:
        dead = DeadLetters(url)
    except ValueError as error:
        raise LocalError("REDIS_URL is not redis://host:port.", mend="Correct it.") from error
    try:
        yield dead
    except StreamUnreachable as error:
        raise LocalError(
            f"Redis does not answer ({error}).", mend="Set REDIS_URL to one that does."
        ) from error
    finally:
        dead.close()


def _named(dead: DeadLetters, ids: Iterable[str], unknown: list[str]) -> Iterator[Letter]:
    for one in dict.fromkeys(ids):
        letter = dead.get(one)
        if letter is None:
            unknown.append(one)
        else:
            yield letter


def _list(console: Console, dead: DeadLetters, *, now: datetime) -> None:
    table = Table()
    for heading in ("letter", "put aside", "entry", "place", "reason", "replayed"):
        table.add_column(heading, overflow="fold")
    total = events = 0
    for letter in dead.list():
        total += 1
        found = prospect(letter, now=now)
        events += found.good
        if total <= SHOWN_MAX:
            place = "all of it" if letter.position is None else str(letter.position)
            since = f"{letter.put_aside_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(
                letter.id, since, letter.entry_id, place, _printable(letter.reason), found.summary
            )
    if not total:
        console.print("No view event waits for a person.")
        return
    console.print(table)
    if total > SHOWN_MAX:
        console.print(f"… and {total - SHOWN_MAX:,} more")
    console.print(f"{_counted(total, 'letter')}; {_counted(events, 'event')} may still earn.")


def _show(console: Console, letters: Iterable[Letter], *, now: datetime) -> int:
    for letter in letters:
        console.print(f"letter {letter.id}, put aside {letter.put_aside_at:%Y-%m-%d %H:%M:%S} UTC")
        whole = "the whole entry" if letter.position is None else f"event {letter.position}"
        console.print(f"from {letter.stream or 'the stream'} {letter.entry_id}, {whole}")
        console.print(f"reason: {_printable(letter.reason)}")
        console.print(f"replayed: {prospect(letter, now=now).summary}")
        lines, bad = letter.decode()
        for line in lines.each():
            console.print(f"  sound: {_printable(line.decode())}")
        for event in bad:
            text = _printable(event.payload.decode(errors="backslashreplace"))
            console.print(f"  bad:   {text}: {event.reason}")
    return 0


def _replay(
    console: Console,
    dead: DeadLetters,
    letters: Iterable[Letter],
    *,
    now: datetime,
    dry_run: bool,
) -> int:
    """Put back what may earn; return how many letters had to stay."""
    replayed = events = stayed = 0
    found = (prospect(letter, now=now) for letter in letters)
    while batch := list(islice(found, REPLAYED_TOGETHER)):
        for one in batch:
            if not one.good:
                stayed += 1
                console.print(f"{one.letter.id} stays: {one.lost or 'there is nothing in it'}")
        hopeful = [one for one in batch if one.good]
        if not dry_run:
            dead.replay([one.letter for one in hopeful])
        replayed += len(hopeful)
        events += sum(one.good for one in hopeful)
    went = "would go back" if dry_run else "went back"
    what = f"{_counted(replayed, 'letter')} with {_counted(events, 'event')}"
    console.print(f"{what} {went}, {stayed:,} had to stay.")
    return stayed


def _drop(console: Console, dead: DeadLetters, letters: Iterable[Letter], *, dry_run: bool) -> int:
    """Print each letter, then delete it; return 0, for none has to stay."""
    dropped = 0
    for letter in letters:
        print(json.dumps(_as_json(letter), ensure_ascii=False))
        dropped += 1 if dry_run else dead.drop([letter])
    console.print(f"{'Would be gone' if dry_run else 'Gone'}: {_counted(dropped, 'letter')}.")
    return 0


def _as_json(letter: Letter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "put_aside_at": letter.put_aside_at.isoformat(),
        "stream": letter.stream,
        "entry": letter.entry_id,
        "position": letter.position,
        "reason": letter.reason,
        "payload": letter.payload.decode(errors="backslashreplace"),
    }


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _printable(text: str) -> str:
    """One line without what a terminal would obey."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
