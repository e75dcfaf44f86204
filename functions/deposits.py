"""Find money that came to an address of ours from outside, and put it into the ledger.

Walks the address's finalized signatures since the last walk, leaves out what the settler
sent itself (the ledger gets that from the batch), and posts the rest. A balance alone
could not tell a deposit from a payout that is final on chain but not yet in the ledger.
"""

from datetime import datetime
from typing import Protocol

from pixr.adapters.postgres import Database, deposits
from pixr.adapters.solana import SignatureRecord


class Walk(Protocol):
    """What a walk asks of the chain. Never called inside a database transaction."""

    def signatures(self, address: str, *, until: str | None) -> list[SignatureRecord]:
        """Finalized transactions after ``until``, oldest first."""
        ...

    def balance_change(self, signature: str, address: str) -> int:
        """Lamports that one of them added to the address."""
        ...


def observe_deposits(
    db: Database, chain: Walk, *, account: str, address: str, now: datetime
) -> int:
    """Post every new deposit to ``account`` and return how many lamports came in.

    Two walkers at once post nothing twice: the cursor moves for one of them only.

    Raises:
        ChainUnreachable: A node failed half way; nothing of this walk was posted.
    """
    since = deposits.cursor(db, address)
    records = chain.signatures(address, until=since)
    if not records:
        return 0
    own = deposits.ours(db, [record.signature for record in records])
    found: list[deposits.Deposit] = []
    for record in records:
        if record.is_failed or record.signature in own:
            continue
        change = chain.balance_change(record.signature, address)
        if change > 0:
            found.append(
                deposits.Deposit(signature=record.signature, lamports=change, slot=record.slot)
            )
    walked = (since, records[-1].signature)
    if deposits.record(db, found, account=account, address=address, walked=walked, now=now):
        return sum(deposit.lamports for deposit in found)
    return 0
