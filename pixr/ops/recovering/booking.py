"""One transaction of the chain while it is being booked, inside one database transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database, recovery
from pixr.domain.decoding import Moved
from pixr.domain.payouts import Payout

CLAIM: Final = (
    "an investment whose upgrade is not known any more: the database was restored. Retry gives"
    " the money back to the investor"
)


@dataclass(kw_only=True)
class Booking:
    """What is known and was made so far."""

    db: Database
    batch_id: UUID
    signature: str
    amounts: Sequence[int]
    """Lamports of all its transfers."""
    accounts: Mapping[str, str]
    """Address → ledger account, of everything that is ours."""
    return_cap_bps: int
    """Where returns of an investment that was lost stop."""
    new_id: Callable[[], UUID]
    now: datetime
    taken: list[UUID] = field(default_factory=list[UUID])
    """Payouts that one of its transfers was."""
    claims: list[Payout] = field(default_factory=list[Payout])
    """Refunds to put aside once the money is in escrow."""

    def find(self, source: str, transfer: Moved) -> Payout | None:
        """Take a payout that waits, or was put aside, and says exactly what the transfer did."""
        found = recovery.find_payout(
            self.db,
            source=source,
            destination=transfer.destination,
            lamports=transfer.lamports,
            excluding=self.taken,
        )
        if found is not None:
            self.taken.append(found.id)
        return found

    def create(self, payout: Payout) -> Payout | None:
        """Write a payout down, reserved and waiting; None when its account has less available."""
        if not recovery.create_payout(self.db, payout, signature=self.signature, now=self.now):
            return None
        self.taken.append(payout.id)
        return payout

    def put_aside(self, claim: Payout) -> None:
        """Write a claim on escrow down, for a person."""
        is_made = recovery.create_payout(
            self.db, claim, signature=self.signature, reason=CLAIM, now=self.now
        )
        assert is_made, "its money is in escrow"

    def claim_of(self, user_id: str, address: str, lamports: int) -> Payout:
        """A refund of which nobody knows the investment."""
        return Payout(
            id=self.new_id(),
            kind="refund",
            user_id=user_id,
            debit_account="escrow",
            credit_account=f"wallet:{user_id}",
            destination=address,
            lamports=lamports,
        )
