"""Batches are handled in companies, and one by one where a company fails."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from functions.batch.world import Clockwork, Report, World
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import ChainUnreachable

PAUSE_S: Final = 1.0
"""Between looks at the chain: a block takes 0.4 s, finality about 13 s. A tick ends with less."""

Handle = Callable[[Sequence[Batch]], None]


def each(
    world: World,
    handle: Handle,
    groups: Iterator[Sequence[Batch]],
    clockwork: Clockwork,
    report: Report,
) -> None:
    """Handle batches in groups; a group that fails is handled one by one.

    One batch that cannot be handled must not hold up the others. A batch that was moved
    before the fault has another version now, and is left alone.
    """
    for group in groups:
        if clockwork.remaining_s() <= PAUSE_S:
            return
        if _try(world, handle, group) is None:
            continue
        for batch in group:
            fault = _try(world, handle, [batch])
            if fault is None:
                report.broken.pop(str(batch.id), None)
            else:
                report.broken[str(batch.id)] = fault


def companies(found: Sequence[Batch], together: int) -> Iterator[Sequence[Batch]]:
    """Share ``found`` out, in order, over companies of at most ``together``."""
    for start in range(0, len(found), together):
        yield found[start : start + together]


def _try(world: World, handle: Handle, group: Sequence[Batch]) -> str | None:
    """Handle a group; the fault in words, or None."""
    try:
        handle(group)
    except ChainUnreachable:
        raise
    except Exception as fault:
        if world.db.closed or world.db.broken:
            raise
        return f"{type(fault).__name__}: {fault}"
    return None
