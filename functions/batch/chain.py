"""What the settler asks of Solana. The simulation's cruel chain answers the same calls."""

from collections.abc import Sequence
from typing import Protocol

from pixr.adapters.solana import AccountView, Blockhash, SignatureRecord
from pixr.domain.payouts import Attempt, Sighting


class Chain(Protocol):
    """Never called inside a database transaction."""

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """The finalized account of each address, in order."""
        ...

    def blockhash(self) -> Blockhash:
        """What to sign against."""
        ...

    def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
        """Slot → price that landed while writing these accounts."""
        ...

    def send(self, raw: bytes) -> list[str]:
        """Offer the bytes to every node. Returning, or raising, proves nothing."""
        ...

    def look_up(self, attempts: Sequence[Attempt], receipt: str) -> list[Sighting]:
        """One sighting per node; heights are read before the search."""
        ...

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions after ``until``, oldest first."""
        ...

    def balance_change(self, signature: str, address: str) -> int:
        """Lamports that one transaction added to the address."""
        ...
