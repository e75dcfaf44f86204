"""What the settler would see of the fee market, written down slot by slot.

    node ─getRecentPrioritizationFees─▶ 150 slots, every few seconds ─▶ new ones appended

A file can be gone on with: a slot stands in it once, in order, whoever stopped in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pixr.adapters.solana import ChainUnreachable
from pixr.domain import fees
from pixr.local.errors import LocalError
from pixr.ops.fee_traces import COLLECTED

HEADING: Final = ",".join(COLLECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time, owned by the command."""

    now_s: Callable[[], float]
    """Seconds since 1970."""
    sleep: Callable[[float], None]


@dataclass(slots=True, kw_only=True)
class Collection:
    """What was collected."""

    polls: int = 0
    polls_failed: int = 0
    slots: int = 0
    slots_missed: int = 0
    """Too old to be asked for when we looked again."""


def collect(
    ask: Callable[[], Mapping[int, int]],
    path: Path,
    *,
    source: str,
    seconds: int,
    every_s: int,
    clock: Clock,
    tell: Callable[[str], None],
) -> Collection:
    """Append every slot that ``ask`` names, and the empty ones between, until the time is up.

    Args:
        ask: Slot → micro-lamports per unit of the last slots.
        path: Where to append; made with a heading when it is missing.
        source: Where the prices come from, in one line; a file has one source.
        seconds: How long; one poll at least.
        every_s: Seconds between polls. More than a minute misses slots.
        clock: Time.
        tell: Takes a line about a poll that failed.

    Raises:
        LocalError: The file is not a collection of this source.
    """
    found = Collection()
    newest = _opened(path, f"# Source: {source}")
    ends_s = clock.now_s() + seconds
    with path.open("a", encoding="utf-8") as file:
        for _ in range(seconds // every_s + 1):
            try:
                window = fees.window(ask())
            except ChainUnreachable as outage:
                found.polls_failed += 1
                tell(f"no answer: {outage}")
                window = {}
            fresh = {slot: price for slot, price in window.items() if slot > newest}
            at_s = int(clock.now_s())
            # One write a poll: whoever reads along, or is stopped, finds whole lines.
            file.write("".join(f"{slot},{at_s},{price}\n" for slot, price in fresh.items()))
            file.flush()
            found.polls += 1
            found.slots += len(fresh)
            if fresh:
                found.slots_missed += min(fresh) - newest - 1 if newest >= 0 else 0
                newest = max(fresh)
            left_s = ends_s - clock.now_s()
            if left_s < every_s:
                break
            clock.sleep(every_s)
    return found


def _opened(path: Path, source_line: str) -> int:
    """Make the file, or check that it can be gone on with; its last slot, or −1."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        whole = text[: text.rfind("\n") + 1]  # a line that was cut short by a crash goes
        if not whole:
            path.write_text(f"{source_line}\n{HEADING}\n", encoding="utf-8")
            return -1
        if whole != text:
            path.write_text(whole, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} cannot be written: {error}.", mend="Choose --out.") from error
    lines = whole.splitlines()
    if lines[:2] != [source_line, HEADING]:
        raise LocalError(
            f"{path} is not a collection of the same source.", mend="Choose another --out."
        )
    last = lines[-1].partition(",")[0]
    return int(last) if last.isdigit() else -1
