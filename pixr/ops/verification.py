"""Chain = ledger = accruals, to the lamport.

Witnesses that share no code with the settler: the tables compared with each other, hashes
computed anew, every address's finalized balance compared with the ledger, and every
payment's bytes, as the chain kept them, decoded and compared with what the batch says. Reads
only, and holds while the system runs: one statement sees one moment, and what differs
between two calls is looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from pixr.adapters.postgres import Database, Row, verification
from pixr.adapters.solana import Solana
from pixr.ops.verifying import attempts, balances, commitments, receipts, tables
from pixr.ops.verifying.check import Check, Compare, Look

__all__ = ["CHAIN_CHECKS", "Check", "verify"]

CHAIN_CHECKS: Final[Mapping[tuple[str, ...], Compare]] = {
    (commitments.AUDIT,): commitments.compare_audit,
    (commitments.ROOTS,): commitments.compare_roots,
    (balances.BALANCES,): balances.compare,
    (balances.TREASURY,): balances.compare_treasury,
    (receipts.RECEIPTS,): receipts.compare,
    (tables.TABLES,): tables.compare,
    (attempts.PAYMENTS, attempts.ONCE): attempts.compare_landed,
    (attempts.FAILURES,): attempts.compare_failed,
    (attempts.DEAD,): attempts.compare_expired,
}
"""Names of what a comparison tells → the comparison."""


def verify(
    db: Database,
    chain: Solana,
    *,
    progress: Callable[[str], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Check]:
    """Yield one result per check; a difference in any of them means that money is wrong.

    Args:
        db: The database.
        chain: Its nodes.
        progress: Told what is compared next.
        pause: Waits so many seconds before a difference is looked at again.

    Raises:
        ChainUnreachable: No node answers.
    """
    for name, statement in verification.CHECKS.items():
        progress(name)
        rows = verification.offenders(db, statement)
        yield Check(name=name, compared=None, differences=tuple(_sentence(row) for row in rows))
    look = Look(db=db, chain=chain, pause=pause)
    for names, compare in CHAIN_CHECKS.items():
        progress(names[0])
        yield from compare(look)


def _sentence(row: Row) -> str:
    return f"{row['subject']}: expected {row['expected']}, found {row['found']}"
