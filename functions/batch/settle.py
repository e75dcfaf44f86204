"""Pay each batch exactly once: store, then send; judge, then act.

    PLANNED ─▶ check destinations ─▶ sign ─▶ store ─▶ mark in flight ─▶ send
    INFLIGHT ─▶ look at every node ─▶ finalize · wait (send the same bytes) · expire · hold

Safe to stop at any line and to run beside another copy of itself: bytes are stored before
they are sent, every edge compares and swaps, the receipt makes the chain refuse a second
payment, and only ``judge`` may declare an attempt dead. No call to the chain happens
inside a database transaction.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from solders.message import Message
from solders.transaction import Transaction

from functions.batch.chain import Chain
from functions.batch.keyring import Keyring
from pixr.adapters.postgres import Database, batches, wallets
from pixr.adapters.postgres.batches import Batch, Signed
from pixr.adapters.solana import AccountView
from pixr.domain import fees, intent, packing, proofs
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import SYSTEM_PROGRAM, Intent
from pixr.domain.payouts import Attempt, Failed, Finalized, Payout, Sighting, Verdict, judge


def observe(
    db: Database, chain: Chain, batch: Batch, *, new_id: Callable[[], UUID], now: datetime
) -> str:
    """Look at one signed batch on every node and take the edge that the verdict allows.

    Returns:
        What happened, for the log: a verdict's value, or 'raced'.
    """
    attempts = batches.attempts(db, batch.id)
    sightings = chain.look_up(attempts, batch.receipt_address)
    verdict = judge(attempts, sightings)
    is_moved = True
    match verdict:
        case Verdict.PAID:
            is_moved = _pay(db, batch, sightings, new_id=new_id, now=now)
        case Verdict.FAILED:
            is_moved = _fail(db, batch, attempts, sightings, now=now)
        case Verdict.WAIT:
            _send_again(db, chain, batch, attempts, now=now)
        case Verdict.EXPIRED:
            is_moved = batches.expire(db, batch, _evidence(sightings), now=now)
        case Verdict.HOLD:
            reason = "the nodes cannot tell whether an attempt landed"
            is_moved = batches.hold(db, batch, reason, _evidence(sightings), now=now)
    return verdict.value if is_moved else "raced"


def _pay(
    db: Database,
    batch: Batch,
    sightings: Sequence[Sighting],
    *,
    new_id: Callable[[], UUID],
    now: datetime,
) -> bool:
    landed = next(item for item in sightings if isinstance(item, Finalized))
    try:
        return batches.finalize(db, batch, landed, job_id=new_id(), now=now)
    except ValueError as surprise:
        # An attempt that was declared dead has paid: the books no longer tell what happened.
        return batches.hold(db, batch, str(surprise), _evidence(sightings), now=now)


def _fail(
    db: Database,
    batch: Batch,
    attempts: Sequence[Attempt],
    sightings: Sequence[Sighting],
    *,
    now: datetime,
) -> bool:
    """Dissolve a batch that failed on chain, or hold it when nobody can be named."""
    failed = next(item for item in sightings if isinstance(item, Failed))
    payouts = batches.items(db, batch.id)
    raw = next(item.raw for item in attempts if item.signature == failed.signature)
    culprits = _culprits(failed, raw, payouts)
    if culprits:
        return batches.dissolve(db, batch, failed, poison=culprits, now=now)
    reason = f"failed on chain, and the error names no payout: {failed.error}"
    return batches.hold(db, batch, reason, _evidence(sightings), failed=failed, now=now)


def _culprits(failed: Failed, raw: bytes, payouts: Sequence[Payout]) -> dict[UUID, str]:
    """Which payouts made the transaction fail, with the reason.

    ``account_index`` counts in the message's sorted keys, ``instruction_index`` in its
    instructions, of which the first few are not transfers.
    """
    named: list[Payout] = []
    if payouts[0].kind in packing.TRAVELS_ALONE:
        # It failed alone and nothing moved, so it goes back to its owner whatever the reason.
        named = list(payouts)
    elif failed.account_index is not None:
        keys = Transaction.from_bytes(raw).message.account_keys
        address = str(keys[failed.account_index])
        named = [payout for payout in payouts if payout.destination == address]
    elif failed.instruction_index is not None:
        position = failed.instruction_index - packing.LEADING_INSTRUCTIONS
        named = [payouts[position]] if position >= 0 else []
    return {payout.id: f"the chain refused it: {failed.error}" for payout in named}


def _send_again(
    db: Database, chain: Chain, batch: Batch, attempts: Sequence[Attempt], *, now: datetime
) -> None:
    """Offer the stored bytes of the live attempt once more; the very same bytes are harmless."""
    live = [item for item in attempts if item.state in ("SIGNED", "INFLIGHT")]
    for attempt in live:
        if batch.state == "SIGNED" and not batches.mark_inflight(
            db, batch, attempt.signature, now=now
        ):
            return
        chain.send(attempt.raw)


def check(db: Database, chain: Chain, keyring: Keyring, batch: Batch, *, now: datetime) -> bool:
    """Look at the accounts of a planned batch before it is signed.

    A destination that turned into a program, holds data, or would stay below the rent-exempt
    minimum would fail everybody's payment, and so would a wallet that is left with dust: the
    payout is put aside now, without a fee.

    Returns:
        True when the batch may be signed.
    """
    payouts = batches.items(db, batch.id)
    source = keyring.signer(payouts[0].source).address
    source_view, *views = chain.accounts([source, *(payout.destination for payout in payouts)])
    arriving: dict[str, int] = {}
    for payout in payouts:
        arriving[payout.destination] = arriving.get(payout.destination, 0) + payout.lamports
    poison = {
        payout.id: reason
        for payout, view in zip(payouts, views, strict=True)
        if (reason := _unpayable(view, arriving[payout.destination]))
    }
    if batch.kind in packing.TRAVELS_ALONE:
        held = source_view.lamports if source_view else 0
        if reason := _dust(held, batch.lamports):
            poison = {payout.id: reason for payout in payouts}
    if not poison:
        return True
    batches.dissolve(db, batch, None, poison=poison, now=now)
    return False


def _dust(held_lamports: int, leaving_lamports: int) -> str | None:
    """Why a wallet cannot let go of ``leaving_lamports``, as the chain would put it."""
    left = held_lamports - leaving_lamports
    if left == 0 or left >= RENT_EXEMPT_LAMPORTS:
        return None
    return (
        f"the wallet holds {held_lamports} lamports now and would be left with {left};"
        f" 0 or at least {RENT_EXEMPT_LAMPORTS} may stay"
    )


def _unpayable(view: AccountView | None, lamports: int) -> str | None:
    if view is None:
        if lamports < RENT_EXEMPT_LAMPORTS:
            return f"{lamports} lamports cannot open an account; {RENT_EXEMPT_LAMPORTS} can"
        return None
    if view.is_executable:
        return "the destination is a program"
    if view.owner != str(SYSTEM_PROGRAM) or view.data_bytes:
        return f"the destination is an account of {view.owner}"
    return None


def sign_and_send(
    db: Database,
    chain: Chain,
    keyring: Keyring,
    batch: Batch,
    *,
    fee_samples: Sequence[int],
    now: datetime,
) -> bool:
    """Sign the next attempt of a planned batch, store it, and only then send it.

    Returns:
        False when another settler signed it meanwhile, or the signer refused; what was
        signed here is dropped unsent then.
    """
    payouts = batches.items(db, batch.id)
    number = len(batches.attempts(db, batch.id)) + 1
    wanted = _intent(keyring, batch, payouts)
    price = fees.bid(fee_samples, compute_units=wanted.compute_units)
    blockhash = chain.blockhash()
    message = packing.message(wanted, blockhash=blockhash.hash, price=price)
    pinned = _pinned_source(db, keyring, payouts[0])
    try:
        _look_again(batch, payouts, wanted, message, price=price, pinned_source=pinned)
    except intent.IntentMismatch as mismatch:
        batches.hold(db, batch, f"the signer refused: {mismatch}", {}, now=now)
        return False
    signed_bytes = bytes(message)
    signers = [keyring.treasury]
    if wanted.signatures > 1:
        signers.append(keyring.signer(payouts[0].source))
    transaction = Transaction.populate(message, [item.sign(signed_bytes) for item in signers])
    signed = Signed(
        signature=str(transaction.signatures[0]),
        raw=bytes(transaction),
        blockhash=blockhash.hash,
        blockhash_slot=blockhash.slot,
        last_valid_block_height=blockhash.last_valid_block_height,
        fee_lamports_max=packing.fee_lamports(wanted, price=price),
    )
    if not batches.store_attempt(db, batch, signed, number=number, now=now):
        return False
    stored = batches.reread(db, batch.id)
    if not batches.mark_inflight(db, stored, signed.signature, now=now):
        return False
    chain.send(signed.raw)
    return True


def _intent(keyring: Keyring, batch: Batch, payouts: Sequence[Payout]) -> Intent:
    return Intent(
        treasury=keyring.treasury.address,
        source=keyring.signer(payouts[0].source).address,
        receipt_seed=packing.receipt_seed(keyring.seed.receipt_key(), batch.id),
        memo=proofs.memo(batch.merkle_root),
        transfers=tuple(
            packing.Transfer(destination=payout.destination, lamports=payout.lamports)
            for payout in payouts
        ),
    )


def _pinned_source(db: Database, keyring: Keyring, payout: Payout) -> str | None:
    """The address that was pinned when the source was first used.

    The house's own addresses are compared at the start of each tick.
    """
    if payout.kind not in packing.TRAVELS_ALONE:
        return keyring.signer(payout.source).address
    assert payout.user_id is not None
    wallet = wallets.get(db, payout.user_id)
    return None if wallet is None else wallet.address


def _look_again(
    batch: Batch,
    payouts: Sequence[Payout],
    wanted: Intent,
    message: Message,
    *,
    price: int,
    pinned_source: str | None,
) -> None:
    """Refuse to sign unless the bytes, the batch row, its receipt and its source agree."""
    if wanted.source != pinned_source:
        raise intent.IntentMismatch(
            f"the key of {payouts[0].source} is not that of {pinned_source}"
        )
    intent.check(bytes(message), wanted, price=price)
    if str(wanted.receipt) != batch.receipt_address:
        raise intent.IntentMismatch(f"receipt {wanted.receipt} is not {batch.receipt_address}")
    if sum(payout.lamports for payout in payouts) != batch.lamports:
        raise intent.IntentMismatch(f"the items do not sum to {batch.lamports} lamports")
    if packing.fee_lamports(wanted, price=price) > fees.fee_lamports_max(
        signatures=wanted.signatures
    ):
        raise intent.IntentMismatch(f"a price of {price} costs more than the fee cap")


def _evidence(sightings: Sequence[Sighting]) -> dict[str, Any]:
    """What each node said, as it is stored."""
    return {
        f"node {number}": {"sighting": type(item).__name__, **asdict(item)}
        for number, item in enumerate(sightings, start=1)
    }
