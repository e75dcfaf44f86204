"""Batches are handled in companies; one that fails is halved until who is at fault stands alone."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from functions.batch.world import Clockwork, Report, World
from pixr.adapters.keys import KeysUnreachable
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import ChainUnreachable

PAUSE_S: Final = 1.0
"""Between looks at the chain: a block takes 0.4 s, finality about 13 s. A tick ends with less."""

TRIES_MAX: Final = 64
"""For one company in one round: one culprit among 256 is alone after 17, the others are handled."""

Handle = Callable[[Sequence[Batch]], None]


def each(
    world: World,
    handle: Handle,
    groups: Iterator[Sequence[Batch]],
    clockwork: Clockwork,
    report: Report,
) -> None:
    """Handle batches in groups; a group that fails is handled in halves.

    One batch that cannot be handled must not hold up the others, nor cost each of them a call
    of its own. Found once, it is set apart for the rest of the tick: the others are handled
    together again, and it is tried alone after them. A batch that was moved before the fault
    has another version now, and is left alone.
    """
    for group in groups:
        sound = [batch for batch in group if str(batch.id) not in report.apart]
        alone = deque([batch] for batch in group if str(batch.id) in report.apart)
        # The first half goes on before the second, so that even a search that is cut short has
        # found somebody: the next round does without them, and gets further.
        parts = deque([sound] if sound else [])
        for _ in range(TRIES_MAX):
            queue = parts or alone
            if not queue or clockwork.remaining_s() <= PAUSE_S:
                break
            halves = _try_in_halves(world, handle, queue.popleft(), report)
            parts.extendleft(reversed(halves))


def _try_in_halves(
    world: World, handle: Handle, company: list[Batch], report: Report
) -> list[list[Batch]]:
    """Handle a company; return the halves that are to be handled instead, if it failed."""
    for batch in company:
        # What an earlier round said of it; handling it may say so again.
        report.broken.pop(str(batch.id), None)
    fault = _try(world, handle, company)
    if fault is not None and len(company) > 1:
        middle = len(company) // 2
        return [company[:middle], company[middle:]]
    if fault is not None:
        (culprit,) = company
        report.broken[str(culprit.id)] = fault
        if str(culprit.id) not in report.apart:
            report.apart.append(str(culprit.id))
    return []


def companies(found: Sequence[Batch], together: int) -> Iterator[Sequence[Batch]]:
    """Share ``found`` out, in order, over companies of at most ``together``."""
    for start in range(0, len(found), together):
        yield found[start : start + together]


def _try(world: World, handle: Handle, group: Sequence[Batch]) -> str | None:
    """Handle a group; the fault in words, or None."""
    try:
        handle(group)
    except (ChainUnreachable, KeysUnreachable):
        raise
    except Exception as fault:
        if world.db.closed or world.db.broken:
            raise
        return f"{type(fault).__name__}: {fault}"
    return None
