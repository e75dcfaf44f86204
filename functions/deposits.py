"""Find money that came to an address of ours from outside, and put it into the ledger.

Walks the address's finalized signatures since the last walk, leaves out what the settler
sent itself (the ledger gets that from the batch), and posts the rest. A balance alone
could not tell a deposit from a payout that is final on chain but not yet in the ledger.

Anybody may send dust to any address, at 5,000 lamports a transaction. So a walk is short:
it reads the oldest few that are unseen and leaves the others to the next walk, and a flooded
address keeps what the ledger knows of it rather than stopping anybody's payment.
"""

from datetime import datetime
from typing import Final, Protocol

from pixr.adapters.postgres import Database, deposits
from pixr.adapters.solana import HistoryTooLong, SignatureRecord

TRANSACTIONS_PER_WALK: Final = 100
"""Each is one call to a node: a second or two in all."""


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

    Two walkers at once post nothing twice: the cursor moves for one of them only. Reads at
    most ``TRANSACTIONS_PER_WALK``, oldest first.

    Raises:
        ChainUnreachable: A node failed half way; nothing of this walk was posted.
    """
    since = deposits.cursor(db, address)
    try:
        records = chain.signatures(address, until=since)[:TRANSACTIONS_PER_WALK]
    except HistoryTooLong:
        return 0
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
