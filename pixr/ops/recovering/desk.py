"""What booking a transaction needs, and the two ways in which it may not be booked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database
from pixr.adapters.postgres.adoption import Seen
from pixr.ops.recovering.lost_time import LostTime
from pixr.ops.recovering.walking import Found

SLOT_S: Final = 0.4
"""To estimate when something was signed; nothing is decided by it."""


class Unexplained(Exception):
    """The transaction is not booked: a person must look. The message says why."""


class NotYet(Exception):
    """An account holds too little for it so far; a deposit or another payment may be missing."""


@dataclass(kw_only=True)
class Desk:
    """What booking needs, and what it counts."""

    db: Database
    accounts: Mapping[str, str]
    """Address → ledger account, of everything that is ours."""
    lost_time: LostTime
    held: Counter[tuple[str, str, int]]
    """(source, destination, lamports) of payouts in batches that could not be decided."""
    height: int
    slot: int
    """Last finalized block height and slot, as of now."""
    return_cap_bps: int
    """Where returns of an investment that was lost stop."""
    new_id: Callable[[], UUID]
    now: Callable[[], datetime]
    counts: Counter[str] = field(default_factory=Counter[str])

    def seen(self, found: Found) -> Seen:
        """The transaction as a row wants it."""
        return seen_of(found, height=self.height, slot=self.slot, now=self.now())


def seen_of(found: Found, *, height: int, slot: int, now: datetime) -> Seen:
    """A transaction as a row wants it; ``height`` and ``slot`` are the last finalized ones."""
    assert found.decoded is not None
    age_s = max(0, slot - found.view.slot) * SLOT_S
    return Seen(
        signature=found.view.signature,
        slot=found.view.slot,
        fee_lamports=found.view.fee_lamports,
        raw=found.view.raw,
        blockhash=found.decoded.blockhash,
        last_valid_block_height=height,
        signed_at=now - timedelta(seconds=age_s),
        error=found.view.error,
    )
