"""What the settler asks of Solana. Never called inside a database transaction."""

from collections.abc import Sequence
from typing import Protocol

from pixr.adapters.solana import (
    AccountContent,
    AccountView,
    Balance,
    Blockhash,
    Listing,
    TransactionView,
)
from pixr.domain.payouts import Rehearsal, Search, Sighting


class Chain(Protocol):
    """``pixr.adapters.solana.Solana``, or whatever a test puts between it and the settler.

    Reads raise ``ChainUnreachable`` when no node gives a usable answer.
    """

    def account(self, address: str) -> AccountView | None:
        """The finalized account; None when there is none."""
        ...

    def accounts(self, addresses: Sequence[str]) -> list[AccountView | None]:
        """The finalized account of each address, in order; any number of them."""
        ...

    def accounts_of_each(self, addresses: Sequence[str]) -> list[list[AccountView | None]]:
        """The same as each of two nodes has them, or the only one that is configured."""
        ...

    def contents(self, addresses: Sequence[str]) -> list[AccountContent | None]:
        """The same with their data, all of it: for lookup tables of ours."""
        ...

    def blockhash(self) -> Blockhash:
        """What to sign against. One is good for as many batches as are signed together."""
        ...

    def recent_fees(self, accounts: Sequence[str]) -> dict[int, int]:
        """Slot → price that landed while writing these accounts."""
        ...

    def rehearse(self, raws: Sequence[bytes]) -> list[Rehearsal]:
        """What would become of each transaction now. Never raises for what a node answers."""
        ...

    def send(self, raws: Sequence[bytes]) -> None:
        """Offer the bytes to every node. Returning, or raising, proves nothing."""
        ...

    def look_up(self, searches: Sequence[Search]) -> list[list[Sighting]]:
        """For each search one sighting of each node; heights are read before the search."""
        ...

    def listing(self, address: str, *, until: str | None, pages_max: int) -> Listing:
        """What all nodes together list after ``until``, with gaps and all."""
        ...

    def balances(self, address: str) -> list[Balance | None]:
        """What each node says the address holds; None where it does not answer."""
        ...

    def transaction(self, signature: str) -> TransactionView | None:
        """One finalized transaction; None when no node has it."""
        ...

    def finalized_height(self) -> int:
        """The last finalized block height."""
        ...

    def genesis_hash(self) -> str:
        """Which chain this is."""
        ...
