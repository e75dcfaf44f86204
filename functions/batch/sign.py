"""Planned batches become bytes on their way: look, rehearse, sign, store, and only then send.

    PLANNED ─▶ accounts ─▶ draft ─▶ rehearse ─▶ sign ─▶ store ─▶ mark in flight ─▶ send

Many batches at once, each for itself: whatever stops one leaves the others. Safe to stop at
any line and to run beside another copy of itself: before the bytes are stored nothing signed
leaves this process, and the store compares and swaps. No call to the chain happens inside a
database transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from functions.batch import check
from functions.batch.blame import blame
from functions.batch.chain import Chain
from functions.batch.check import Contents, Views
from functions.batch.drafts import Cargo, Draft, draft
from functions.batch.keyring import Keyring
from functions.batch.payday import Market
from pixr.adapters.postgres import Database, batch_edges, batches, lookup_tables, wallets
from pixr.adapters.postgres.batch_edges import Signed
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import Blockhash
from pixr.domain import limits
from pixr.domain.intent import IntentMismatch
from pixr.domain.limits import Limit
from pixr.domain.lookup_tables import read
from pixr.domain.money import RENT_EXEMPT_LAMPORTS
from pixr.domain.packing import TRAVELS_ALONE, Table
from pixr.domain.payouts import Refuses


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a group of planned batches."""

    sent: int = 0
    short: int = 0
    """Left because the treasury holds too little on chain."""
    refused: dict[UUID, str] = field(default_factory=dict[UUID, str])
    """Left because the rehearsal failed for a reason that names nobody, or a limit is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What signing needs."""

    db: Database
    chain: Chain
    keyring: Keyring
    limits: Sequence[Limit]
    market: Market
    receipt_retention: timedelta


def sign_and_send(desk: Desk, planned: Sequence[Batch], *, now: datetime) -> Sent:
    """Sign the next attempt of each planned batch that may be signed, store it, send it.

    Raises:
        LimitTripped: Those of the house break a rolling limit together; none was stored.
        ChainUnreachable: No node answered; none was stored.
    """
    cargos = _load(desk.db, _without_early_reclaims(desk, planned, now=now))
    contents = _contents(desk, cargos)
    clear, views, left = _checked(desk, cargos, contents, now=now)
    clear = _within_reach(desk, clear, now=now)
    affordable = _affordable(desk, clear, views)
    if not affordable:
        return Sent(short=len(clear), refused=left)
    blockhash = desk.chain.blockhash()
    drafts = _drafts(desk, affordable, blockhash, contents, now=now)
    passed, refused = _rehearsed(desk, drafts, now=now)
    signed = [_sign(desk.keyring, item, blockhash) for item in passed]
    sent, deferred = _store_and_send(desk, signed, now=now)
    return Sent(sent=sent, short=len(clear) - len(affordable), refused=left | refused | deferred)


def _without_early_reclaims(
    desk: Desk, planned: Sequence[Batch], *, now: datetime
) -> Sequence[Batch]:
    """Give up reclaims that a clock that was ahead has planned: their receipts still guard."""
    reclaims = [batch.id for batch in planned if batch.kind == "reclaim"]
    if not reclaims:
        return planned
    early = batches.early_reclaims(desk.db, reclaims, before=now - desk.receipt_retention)
    for batch in planned:
        if batch.id in early:
            batch_edges.dissolve(desk.db, batch, None, poison={}, now=now)
    return [batch for batch in planned if batch.id not in early]


def _load(db: Database, planned: Sequence[Batch]) -> list[Cargo]:
    ids = [batch.id for batch in planned]
    payouts = batches.items(db, ids)
    receipts = batches.receipts(db, [batch.id for batch in planned if batch.kind == "reclaim"])
    attempts = batches.attempts(db, ids)
    named = [batch.table_address for batch in planned if batch.table_address is not None]
    tables = {address: Table(address=address, addresses=()) for address in named}
    tables |= lookup_tables.read(db, named) if named else {}
    extended = [batch.id for batch in planned if batch.kind == "table"]
    extensions = lookup_tables.extensions(db, extended) if extended else {}
    return [
        Cargo(
            batch=batch,
            attempts_made=len(attempts[batch.id]),
            payouts=payouts[batch.id],
            receipts=receipts.get(batch.id, ()),
            table=None if batch.table_address is None else tables[batch.table_address],
            extension=extensions.get(batch.id),
        )
        for batch in planned
    ]


def _address(keyring: Keyring, cargo: Cargo) -> str:
    if not cargo.payouts:
        return keyring.treasury.address
    return keyring.address(cargo.source)


def _contents(desk: Desk, cargos: Sequence[Cargo]) -> Contents:
    """The lookup tables that are named, as they are on chain."""
    named = sorted({cargo.table.address for cargo in cargos if cargo.table is not None})
    return dict(zip(named, desk.chain.contents(named), strict=True)) if named else {}


def _checked(
    desk: Desk, cargos: Sequence[Cargo], contents: Contents, *, now: datetime
) -> tuple[list[Cargo], Views, dict[UUID, str]]:
    """Look at all accounts once; take apart, or hold, what they speak against.

    Returns:
        The batches that nothing speaks against, the accounts, and why others are left for now.
    """
    sources = {cargo.batch.id: _address(desk.keyring, cargo) for cargo in cargos}
    wanted = {desk.keyring.treasury.address: None}
    for cargo in cargos:
        wanted |= dict.fromkeys(check.addresses(cargo, sources[cargo.batch.id]))
    views = dict(zip(wanted, desk.chain.accounts(list(wanted)), strict=True))
    clear: list[Cargo] = []
    left: dict[UUID, str] = {}
    for cargo in cargos:
        source = sources[cargo.batch.id]
        finding = check.examine(cargo, source, views, contents)
        if finding.table_doubt is not None and cargo.table is not None:
            lookup_tables.looked_at(desk.db, cargo.table.address, finding.table_doubt)
        if finding.is_clear:
            clear.append(cargo)
        elif not _is_shared(desk.chain, cargo, source, contents):
            left[cargo.batch.id] = "the nodes do not agree on what stands at its addresses"
        elif finding.contradiction is not None:
            batch_edges.hold(desk.db, cargo.batch, finding.contradiction, {}, now=now)
        else:
            _take_apart(desk.db, cargo, finding.poison, now=now)
    return clear, views, left


def _is_shared(chain: Chain, cargo: Cargo, source: str, contents: Contents) -> bool:
    """Whether two nodes, where there are two, speak against the batch: not one of them alone."""
    wanted = list(dict.fromkeys(check.addresses(cargo, source)))
    return not any(
        check.examine(cargo, source, dict(zip(wanted, views, strict=True)), contents).is_clear
        for views in chain.accounts_of_each(wanted)
    )


def _take_apart(db: Database, cargo: Cargo, poison: Mapping[UUID, str], *, now: datetime) -> None:
    """Free the payouts of a batch that was never signed; hold one that was.

    That an attempt expired is proved as well as it can be. To pay its payees by another receipt
    takes away the one guard that needs no proof, and is for a person to decide.
    """
    if not cargo.attempts_made or not cargo.payouts:
        batch_edges.dissolve(db, cargo.batch, None, poison=poison, now=now)
        return
    said = "; ".join(sorted(set(poison.values()))) or "its accounts are not as they were planned"
    reason = f"it was signed before, and cannot be signed again: {said}"
    batch_edges.hold(db, cargo.batch, reason, {}, now=now)


def _within_reach(desk: Desk, cargos: Sequence[Cargo], *, now: datetime) -> list[Cargo]:
    """Put aside what one user wants to move at once and no limit will ever let through.

    The money is theirs again: in smaller parts it may leave.
    """
    reached: list[Cargo] = []
    for cargo in cargos:
        reason = (
            limits.beyond(desk.limits, cargo.batch.lamports)
            if cargo.batch.kind in TRAVELS_ALONE
            else None
        )
        if reason is None:
            reached.append(cargo)
        else:
            said = f"a signing limit never lets it through: {reason}"
            poison = {payout.id: said for payout in cargo.payouts}
            _take_apart(desk.db, cargo, poison, now=now)
    return reached


def _affordable(desk: Desk, cargos: Sequence[Cargo], views: Views) -> list[Cargo]:
    """As many, in order, as the treasury can pay on chain with what is out already.

    The ledger said so when they were planned; the chain has the last word.
    """
    view = views[desk.keyring.treasury.address]
    room = (view.lamports if view else 0) - batches.promised_lamports(desk.db)
    chosen: list[Cargo] = []
    for cargo in cargos:
        if room - cargo.batch.treasury_reserved_lamports >= RENT_EXEMPT_LAMPORTS:
            room -= cargo.batch.treasury_reserved_lamports
            chosen.append(cargo)
    return chosen


def _drafts(
    desk: Desk,
    cargos: Sequence[Cargo],
    blockhash: Blockhash,
    contents: Contents,
    *,
    now: datetime,
) -> list[Draft]:
    drafts: list[Draft] = []
    listed = {
        address: read(account.owner, account.data).addresses
        for address, account in contents.items()
        if account is not None and any(_reads(cargo, address) for cargo in cargos)
    }
    for cargo in cargos:
        try:
            made = draft(
                cargo,
                desk.keyring,
                blockhash=blockhash.hash,
                bid_price=desk.market.bid_price(
                    cargo.batch.kind, attempts_made=cargo.attempts_made
                ),
                pinned_source=_pinned_source(desk, cargo),
                listed=listed,
            )
        except IntentMismatch as mismatch:
            batch_edges.hold(desk.db, cargo.batch, f"the signer refused: {mismatch}", {}, now=now)
            continue
        drafts.append(made)
    return drafts


def _reads(cargo: Cargo, address: str) -> bool:
    """Whether a batch that was found in order pays by way of this table."""
    return cargo.extension is None and cargo.table is not None and cargo.table.address == address


def _pinned_source(desk: Desk, cargo: Cargo) -> str | None:
    """The address that was pinned when the source was first used.

    The house's own addresses are compared at the start of each tick.
    """
    if cargo.batch.kind not in TRAVELS_ALONE:
        return _address(desk.keyring, cargo)
    user_id = cargo.payouts[0].user_id
    assert user_id is not None
    wallet = wallets.get(desk.db, user_id)
    return None if wallet is None else wallet.address


def _rehearsed(
    desk: Desk, drafts: Sequence[Draft], *, now: datetime
) -> tuple[list[Draft], dict[UUID, str]]:
    """Let a node try each message without signatures; what would fail costs no fee then.

    A node that cannot tell keeps nobody from being paid. One that names nobody, or the receipt,
    puts nobody aside: its own trouble (an unknown blockhash, a payer it has not seen) is nobody's
    fault, and a receipt that stands already says that the batch may be paid. Such a batch stays
    planned, and the next look at all accounts, at what is final, decides.
    """
    passed: list[Draft] = []
    refused: dict[UUID, str] = {}
    rehearsals = desk.chain.rehearse([item.unsigned() for item in drafts])
    for item, rehearsal in zip(drafts, rehearsals, strict=True):
        if not isinstance(rehearsal, Refuses):
            passed.append(item)
            continue
        cargo = item.cargo
        found = (
            blame(rehearsal, item.message, cargo.payouts, cargo.table) if cargo.payouts else None
        )
        if found is not None and found.is_named:
            _take_apart(desk.db, cargo, found.culprits, now=now)
        elif batches.reread(desk.db, cargo.batch.id).version == cargo.batch.version:
            # Else a rival was faster, and it is its receipt that stands in the way.
            refused[cargo.batch.id] = rehearsal.error
    return passed, refused


def _sign(keyring: Keyring, item: Draft, blockhash: Blockhash) -> Signed:
    transaction = item.signed(keyring)
    return Signed(
        batch=item.cargo.batch,
        number=item.cargo.attempts_made + 1,
        signature=str(transaction.signatures[0]),
        raw=bytes(transaction),
        blockhash=blockhash.hash,
        blockhash_slot=blockhash.slot,
        last_valid_block_height=blockhash.last_valid_block_height,
        fee_lamports_max=item.fee_lamports,
    )


def _store_and_send(
    desk: Desk, signed: Sequence[Signed], *, now: datetime
) -> tuple[int, dict[UUID, str]]:
    """Only what this process stored, and nobody moved since, may leave it.

    Returns:
        How many were sent, and what a limit makes wait.
    """
    if not signed:
        return 0, {}
    stored = batch_edges.store(desk.db, signed, limits=desk.limits, now=now)
    won = [item for item in signed if item.batch.id in stored.moved]
    marked = batch_edges.mark_inflight(desk.db, [item.batch.stored() for item in won], now=now)
    leaving = [item.raw for item in won if item.batch.id in marked]
    desk.chain.send(leaving)
    waiting = {
        batch_id: f"it waits for a signing limit: {reason}"
        for batch_id, reason in stored.deferred.items()
    }
    return len(leaving), waiting
