"""What is owed becomes payouts; payouts become batches, each the size of one transaction.

Everything here is one database transaction a step, and no network: a crash leaves either
nothing or a PLANNED batch that the next round picks up.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.batch.keyring import Keyring
from pixr.adapters.postgres import Database, batches, ledger, payouts
from pixr.domain import fees, packing, proofs
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.payouts import Payout

PAYOUTS_PER_ROUND: Final = 1_000


def make_payouts(
    db: Database, *, minimum_lamports: int, new_id: Callable[[], UUID], now: datetime
) -> int:
    """Turn accruals of at least ``minimum_lamports`` into payouts; return how many."""
    ids = [new_id() for _ in range(PAYOUTS_PER_ROUND)]
    return len(payouts.claim_due(db, ids, minimum_lamports=minimum_lamports, now=now))


def make_batches(
    db: Database,
    keyring: Keyring,
    *,
    payees_max: int,
    new_id: Callable[[], UUID],
    now: datetime,
) -> tuple[int, int]:
    """Put pending payouts into batches, as far as the treasury reaches.

    Returns:
        How many batches were planned, and how many payouts had to be left because the
        treasury would have fallen below its rent-exempt minimum.
    """
    planned = 0
    short = 0
    with db.transaction():
        pending = payouts.list_pending(db, limit=PAYOUTS_PER_ROUND)
        addresses = {
            account: keyring.signer(account).address
            for account in {"treasury", *(payout.source for payout in pending)}
        }
        for group in packing.pack(pending, addresses=addresses, payees_max=payees_max):
            plan = _plan(group, keyring, addresses, batch_id=new_id())
            treasury = ledger.read(db, "treasury").available_lamports
            affordable = treasury - plan.treasury_reserved_lamports >= RENT_EXEMPT_LAMPORTS
            if affordable and batches.insert(db, plan, now=now):
                planned += 1
            else:
                short += len(group)
    return planned, short


def _plan(
    group: Sequence[Payout], keyring: Keyring, addresses: dict[str, str], *, batch_id: UUID
) -> batches.Plan:
    first = group[0]
    receipt_key = keyring.seed.receipt_key()
    intent = packing.Intent(
        treasury=addresses["treasury"],
        source=addresses[first.source],
        receipt_seed=packing.receipt_seed(receipt_key, batch_id),
        memo="",
        transfers=(),
    )
    salts = [packing.leaf_salt(receipt_key, batch_id, payout.id) for payout in group]
    leaves = [
        proofs.leaf(
            payout_id=payout.id, address=payout.destination, lamports=payout.lamports, salt=salt
        )
        for payout, salt in zip(group, salts, strict=True)
    ]
    transfers = sum(payout.lamports for payout in group) if first.source == "treasury" else 0
    fee_max = fees.fee_lamports_max(signatures=intent.signatures)
    return batches.Plan(
        batch_id=batch_id,
        kind="earnings" if first.kind == "return" else first.kind,
        receipt_address=str(intent.receipt),
        merkle_root=proofs.root(leaves),
        payouts=group,
        salts=salts,
        treasury_reserved_lamports=transfers + fee_max + RENT_EXEMPT_LAMPORTS,
    )
