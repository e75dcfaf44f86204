"""One run of the recovery: what every step needs, and what it reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pixr.adapters.postgres import Database
from pixr.adapters.postgres.adoption import Seen
from pixr.adapters.solana import Solana
from pixr.ops.recovering.desk import seen_of
from pixr.ops.recovering.walking import Found


@dataclass(kw_only=True)
class Recovered:
    """What was read back, and what was not."""

    counts: Counter[str] = field(default_factory=Counter[str])
    unexplained: list[str] = field(default_factory=list[str])
    """Transactions of the treasury that are not booked; a person must look."""
    on_hold: list[str] = field(default_factory=list[str])
    """Batches of which no node can tell whether they landed; they stay on hold."""
    differences: list[str] = field(default_factory=list[str])
    """What verification found."""
    paused: str | None = None
    """Why settlement is paused now; None: it goes on."""

    @property
    def is_clean(self) -> bool:
        """Chain and ledger agree, and everything is explained."""
        return not self.unexplained and not self.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What every step needs."""

    db: Database
    chain: Solana
    treasury: str
    height: int
    slot: int
    return_cap_bps: int
    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    say: Callable[[str], None]
    report: Recovered = field(default_factory=Recovered)

    def seen(self, found: Found) -> Seen:
        """A transaction as a row wants it."""
        return seen_of(found, height=self.height, slot=self.slot, now=self.now())
