"""What is owed becomes payouts; payouts become batches, each the size of one transaction.

Everything here is one database transaction a step, and no network: a crash leaves either
nothing or PLANNED batches that the next round picks up.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from functions.batch.keyring import Keyring
from pixr.adapters.postgres import Database, batches, ledger, lookup_tables, payouts, wallets
from pixr.domain import fees, packing
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import Table
from pixr.domain.payouts import Payout
from pixr.domain.table_packing import Load, load
from pixr.domain.wallets import SYSTEM_PROGRAM

PAYOUTS_PER_ROUND: Final = 2_000
"""Planned together, so that the first of many are on their way while the next are planned."""

CLAIMED_TOGETHER: Final = 20_000
"""Each claim looks at all that is owed: in small parts the last payee would cost the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """How many batches were planned; how many payouts were left for want of treasury."""

    batches: int = 0
    payouts_short: int = 0
    fee_lamports_max: int = 0
    """The most that the fees of the batches may be, together."""


def make_payouts(
    db: Database, *, minimum_lamports: int, new_id: Callable[[], UUID], now: datetime
) -> int:
    """Turn accruals of at least ``minimum_lamports`` into payouts; return how many.

    Fewer than ``CLAIMED_TOGETHER``: nobody else is owed as much.
    """
    return payouts.claim_due(
        db, new_id(), limit=CLAIMED_TOGETHER, minimum_lamports=minimum_lamports, now=now
    )


def make_batches(
    db: Database,
    keyring: Keyring,
    *,
    payees_max: int,
    patient_max: int,
    has_tables: bool = False,
    has_v1: bool = False,
    new_id: Callable[[], UUID],
    now: datetime,
) -> Planned:
    """Put pending payouts into batches, as far as the treasury reaches.

    Of earnings and returns the ``patient_max`` oldest; the rest waits for a cheaper minute.
    A payout that the treasury cannot pay, or could pay only by falling below its rent-exempt
    minimum, is left for later; a smaller one behind it may go. With ``has_tables`` regular payees
    travel with their lookup tables, with ``has_v1`` up to 60 in a v1 message.
    """
    with db.transaction():
        pending = payouts.list_pending(db, limit=PAYOUTS_PER_ROUND, patient_max=patient_max)
        if not pending:
            return Planned()
        ledger.lock(db, ["treasury"])
        room = ledger.read(db, "treasury").available_lamports - RENT_EXEMPT_LAMPORTS
        addresses = _addresses(db, keyring, pending)
        plans: list[batches.Plan] = []
        short = 0
        tables = _usable(db) if has_tables else []
        for item in load(
            pending, addresses=addresses, payees_max=payees_max, tables=tables, has_v1=has_v1
        ):
            group = item.payouts
            needed = _treasury_lamports(group)
            if needed > room:
                short += len(group)
                continue
            room -= needed
            plans.append(_plan(item, keyring, addresses, batch_id=new_id()))
        if plans:
            batches.insert(db, plans, now=now)
    return Planned(
        batches=len(plans),
        payouts_short=short,
        fee_lamports_max=sum(_fee_lamports_max(plan.payouts) for plan in plans),
    )


def _addresses(db: Database, keyring: Keyring, pending: Sequence[Payout]) -> dict[str, str]:
    """Of every source, without deriving any: KMS is not asked inside a database transaction.

    A user's is the one that was pinned. Whoever has none, or another than their key has, is
    refused by the signer, which derives it again.
    """
    addresses = {"treasury": keyring.treasury.address, "escrow": keyring.escrow_address}
    for payout in pending:
        if payout.source not in addresses:
            assert payout.user_id is not None
            wallet = wallets.get(db, payout.user_id)
            addresses[payout.source] = SYSTEM_PROGRAM if wallet is None else wallet.address
    return addresses


def _usable(db: Database) -> list[Table]:
    booked = lookup_tables.list_booked(db)
    return [item.table for item in booked if item.state == "USABLE" and item.table.addresses]


def _treasury_lamports(group: Sequence[Payout]) -> int:
    """What a batch may take from the treasury: fee, receipt and, if it pays, the transfers."""
    is_paying = group[0].source == "treasury"
    transfers = sum(payout.lamports for payout in group) if is_paying else 0
    return transfers + _fee_lamports_max(group) + RENT_EXEMPT_LAMPORTS


def _fee_lamports_max(group: Sequence[Payout]) -> int:
    return fees.fee_lamports_max(signatures=1 if group[0].source == "treasury" else 2)


def _plan(
    item: Load, keyring: Keyring, addresses: Mapping[str, str], *, batch_id: UUID
) -> batches.Plan:
    group = item.payouts
    first = group[0]
    seed = packing.receipt_seed(keyring.receipt_key, batch_id)
    salts = [packing.leaf_salt(keyring.receipt_key, batch_id, payout.id) for payout in group]
    return batches.Plan(
        batch_id=batch_id,
        kind="earnings" if first.kind == "return" else first.kind,
        receipt_address=packing.receipt_address(addresses["treasury"], seed),
        merkle_root=packing.merkle_root(group, salts),
        payouts=group,
        salts=salts,
        treasury_reserved_lamports=_treasury_lamports(group),
        table_address=None if item.table is None else item.table.address,
        is_v1=item.is_v1,
    )
