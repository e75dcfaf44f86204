"""One minute of settlement: rounds of drain, plan, sign, observe, until nothing is under way.

    ┌─▶ drain views ─▶ payouts ─▶ batches ─▶ sign and send ─▶ observe ─▶ upgrades ─▶ outbox ─┐
    └──────────────── while something is in flight and there is time ◀──────────────────────┘

A round that finds nothing to do ends the tick. What is still in flight at the deadline is
in the database, and the next tick goes on with it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from functions.batch import drain, plan, settle, upgrades
from functions.batch.chain import Chain
from functions.batch.keyring import Keyring
from functions.deposits import observe_deposits
from pixr.adapters.postgres import Database, batches, fee_samples, house, ledger, outbox
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.redis import StreamUnreachable, ViewStream
from pixr.adapters.solana import ChainUnreachable
from pixr.domain.earnings import Rules

DRAINS_PER_ROUND: Final = 40
"""200,000 events: a backlog larger than that waits for the next round."""

ROUNDS_MAX: Final = 1_000
PAUSE_S: Final = 1.0
"""Between looks at the chain; a block takes 0.4 s, finality about 13 s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """Time and identity, owned by the handler."""

    now: Callable[[], datetime]
    new_id: Callable[[], UUID]
    remaining_s: Callable[[], float]
    """Seconds until the tick must have returned."""
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that a tick touches."""

    db: Database
    chain: Chain
    stream: ViewStream
    keyring: Keyring
    send: Callable[[str, dict[str, Any]], None]
    """Sends one outbox message (topic, payload)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the settings say."""

    rules: Rules
    minimum_lamports: int
    payees_max: int


@dataclass(slots=True)
class Report:
    """What a tick did, for the log and the metrics."""

    rounds: int = 0
    events_read: int = 0
    events_new: int = 0
    gross_lamports: int = 0
    payouts_made: int = 0
    payouts_short: int = 0
    """Payouts left because the treasury could not pay them, in the last round."""
    batches_sent: int = 0
    deposited_lamports: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    broken: dict[str, str] = field(default_factory=dict[str, str])
    """Batches that could not be handled, each with the fault; the next round tries again."""
    drift_lamports: int | None = None
    """Chain less ledger, over treasury and escrow; None while money is moving."""
    outage: str | None = None
    """Why the chain could not be asked; the tick ended there."""
    stream_outage: str | None = None
    """Why views could not be drained; everything else went on."""


def run(world: World, terms: Terms, clockwork: Clockwork) -> Report:
    """Run rounds until nothing is under way or the time is up.

    An outage of the chain ends the tick early and is reported, not raised: what is signed is
    stored, and the next minute goes on with it.
    """
    report = Report()
    # First what needs no chain: a node that is away must not keep views waiting in Redis.
    _drain(world, terms, clockwork, report)
    try:
        _settle(world, terms, clockwork, report)
    except ChainUnreachable as outage:
        report.outage = str(outage)
    return report


def _settle(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    now = clockwork.now()
    addresses = {
        "treasury": world.keyring.treasury.address,
        "escrow": world.keyring.seed.escrow().address,
    }
    for account, address in addresses.items():
        house.pin(world.db, account, address, now=now)
        report.deposited_lamports += observe_deposits(
            world.db, world.chain, account=account, address=address, now=now
        )
    report.drift_lamports = _drift(world, addresses)
    samples = world.chain.recent_fees([addresses["treasury"]])
    fee_samples.record(world.db, samples, now=now)
    for _ in range(ROUNDS_MAX):
        report.rounds += 1
        has_more = _round(world, terms, clockwork, list(samples.values()), report)
        if not has_more or clockwork.remaining_s() <= PAUSE_S:
            return
        clockwork.pause(PAUSE_S)


def _drift(world: World, addresses: dict[str, str]) -> int | None:
    """How far chain and ledger are apart, when nothing is under way that could explain it."""
    if batches.backlog(world.db)["batches_open"]:
        return None
    views = world.chain.accounts(list(addresses.values()))
    on_chain = sum(view.lamports for view in views if view is not None)
    in_ledger = sum(ledger.read(world.db, account).posted_lamports for account in addresses)
    return on_chain - in_ledger


def _round(
    world: World, terms: Terms, clockwork: Clockwork, prices: list[int], report: Report
) -> bool:
    """Do everything that can be done now; tell whether something is still under way."""
    db, now = world.db, clockwork.now()
    _drain(world, terms, clockwork, report)
    report.payouts_made += plan.make_payouts(
        db, minimum_lamports=terms.minimum_lamports, new_id=clockwork.new_id, now=now
    )
    _, report.payouts_short = plan.make_batches(
        db, world.keyring, payees_max=terms.payees_max, new_id=clockwork.new_id, now=now
    )
    for batch in batches.list_open(db):
        if clockwork.remaining_s() <= PAUSE_S:
            return True
        try:
            _advance(world, batch, clockwork, prices, report)
        except ChainUnreachable:
            raise
        except Exception as fault:  # one batch that cannot be handled must not hold up the others
            if db.closed or db.broken:
                raise
            report.broken[str(batch.id)] = f"{type(fault).__name__}: {fault}"
    upgrades.advance(
        db,
        treasury_address=world.keyring.treasury.address,
        rules=terms.rules,
        new_id=clockwork.new_id,
        now=now,
    )
    outbox.flush(db, world.send, now=now)
    backlog = batches.backlog(db)
    open_batches = backlog["batches_open"] - len(report.broken)
    return bool(open_batches > 0 or backlog["payouts_pending"] > report.payouts_short)


def _advance(
    world: World, batch: Batch, clockwork: Clockwork, prices: list[int], report: Report
) -> None:
    """Take one batch one edge further."""
    now = clockwork.now()
    if batch.state != "PLANNED":
        verdict = settle.observe(world.db, world.chain, batch, new_id=clockwork.new_id, now=now)
        report.verdicts[verdict] += 1
    elif settle.check(world.db, world.chain, world.keyring, batch, now=now):
        report.batches_sent += settle.sign_and_send(
            world.db, world.chain, world.keyring, batch, fee_samples=prices, now=now
        )


def _drain(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    """Drain until the stream is empty; a stream that is away delays views, not payments."""
    for _ in range(DRAINS_PER_ROUND):
        try:
            drained = drain.drain_once(
                world.db,
                world.stream,
                rules=terms.rules,
                drain_id=clockwork.new_id(),
                consumer="settler",
                now=clockwork.now(),
            )
        except StreamUnreachable as outage:
            report.stream_outage = str(outage)
            return
        report.events_read += drained.events_read
        report.events_new += drained.events_new
        report.gross_lamports += drained.gross_lamports
        if drained.events_read < drain.EVENTS_PER_DRAIN:
            return
