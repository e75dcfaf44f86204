"""One thing that was compared, and what a comparison needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from pixr.adapters.postgres import Database
from pixr.adapters.solana import ChainUnreachable, NodeError, Solana

LOOKS_MAX: Final = 5
"""Chain and database are two calls; money may move between them, so a difference is looked at
again."""

PAUSE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was compared: how many of it, and every difference found."""

    name: str
    compared: int | None
    """How many on chain; None when whole tables were compared."""
    differences: tuple[str, ...]
    note: str | None = None
    """What could not be compared, and why."""


@dataclass(slots=True, kw_only=True)
class Tally:
    """What a comparison counts while it goes on."""

    compared: int = 0
    differences: list[str] = field(default_factory=list[str])
    too_old: int = 0
    """How many are older than what any node keeps."""

    def check(self, name: str) -> Check:
        """The result, under the name of what was compared."""
        note = None
        if self.too_old:
            note = f"{self.too_old} are older than the history of every node"
        return Check(
            name=name, compared=self.compared, differences=tuple(self.differences), note=note
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The database, the chain, and a way to wait between two looks."""

    db: Database
    chain: Solana
    pause: Callable[[float], None]

    def first_slot(self) -> int:
        """The oldest slot that some node still has.

        Raises:
            ChainUnreachable: No node tells.
        """
        found: list[int] = []
        for node in self.chain.nodes:
            try:
                found.append(int(node.call("getFirstAvailableBlock")))
            except (NodeError, TypeError, ValueError):
                continue
        if not found:
            raise ChainUnreachable("no node tells how old its history is")
        return min(found)


Compare = Callable[[Look], Sequence[Check]]
