"""One minute of settlement: rounds of drain, plan, sign, observe, until nothing is under way.

    ┌─▶ drain views ─▶ payouts ─▶ batches ─▶ sign and send ─▶ observe ─▶ upgrades ─▶ outbox ─┐
    └──────────────── while something is in flight and there is time ◀──────────────────────┘

A round that finds nothing to do ends the tick. What is still in flight at the deadline is
in the database, and the next tick goes on with it. While settlement is paused nothing is
planned or signed; draining and looking go on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from typing import Final

from functions.batch import drain, payday, plan, refill, upgrades
from functions.batch.companies import PAUSE_S, Handle, companies, each
from functions.batch.guard import look_for_more, look_out
from functions.batch.observe import observe
from functions.batch.payday import Market
from functions.batch.reclaim import plan_reclaims
from functions.batch.sign import Desk, sign_and_send
from functions.batch.sweep import sweep
from functions.batch.tables import look_after
from functions.batch.world import Clockwork, Report, Terms, World
from pixr.adapters.keys import KeysUnreachable
from pixr.adapters.postgres import batches, house, ledger, migrate, outbox, pauses
from pixr.adapters.postgres.batch_edges import LimitTripped
from pixr.adapters.postgres.batches import Batch
from pixr.adapters.solana import ChainUnreachable
from pixr.domain.errors import Outage

__all__ = ["Clockwork", "Report", "Terms", "World", "run"]

DRAINS_PER_ROUND: Final = 40
"""Millions of events: a backlog larger than that waits for the next round."""

DRAIN_MARGIN_S: Final = 20.0
"""Left to settlement, however many views wait: money that is due goes before money to come."""

ROUNDS_MAX: Final = 1_000
PAUSES_BETWEEN_SENDS: Final = 2
RESENT_AFTER: Final = timedelta(seconds=2)
"""While there is so much to plan that no round ends with a pause."""
SIGNED_TOGETHER: Final = 64
"""Batches under one blockhash: about 1,000 payees, ten pages of accounts, one commit."""

OBSERVED_TOGETHER: Final = 256
"""As many signatures as one call may ask for."""


class State(Enum):
    """What a round leaves behind."""

    BUSY = "more can be planned at once"
    WAITING = "something is under way"
    DONE = "nothing is under way"


def run(world: World, terms: Terms, clockwork: Clockwork, *, outage: str | None = None) -> Report:
    """Run rounds until nothing is under way or the time is up.

    An outage of the chain or of the keys ends the tick early and is reported, not raised: what is
    signed is stored, and the next minute goes on with it.

    Args:
        world: Everything that a tick touches.
        terms: What the settings say.
        clockwork: Time and identity.
        outage: Why the chain must not be asked at all; None: it may be.

    Raises:
        SchemaAhead: The database is newer than this code: nothing is done from then on.
    """
    migrate.refuse_newer(world.db)
    report = Report(outage=outage)
    # First what needs no chain: a node that is away must not keep views waiting in Redis.
    _drain(world, terms, clockwork, report)
    if outage is not None:
        return report
    try:
        _settle(world, terms, clockwork, report)
    except ChainUnreachable as away:
        report.outage = str(away)
    except KeysUnreachable as away:
        report.outage = f"the {away.part}: {away}"
    return report


def _settle(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    now = clockwork.now()
    addresses = {
        "treasury": world.keyring.treasury.address,
        "escrow": world.keyring.escrow_address,
    }
    for account, address in addresses.items():
        house.pin(world.db, account, address, now=now)
    look_out(world, addresses, report, now=now)
    refill.watch(world.db, report, float_lamports=terms.hot_float_lamports, now=now)
    report.drift_lamports = _drift(world, addresses)
    if report.drift_lamports is not None and report.drift_lamports > 0 and not report.unseen:
        look_for_more(world, addresses, report, now=now)
        report.drift_lamports = _drift(world, addresses)
    market = payday.look_at_market(world.db, world.chain, addresses["treasury"], now=now)
    if pauses.read(world.db) is None:
        _reclaim(world, terms, clockwork, report)
        if terms.lookup_tables:
            report.tables_extended += look_after(
                world.db, world.chain, world.keyring, new_id=clockwork.new_id, now=now
            )
    for _ in range(ROUNDS_MAX):
        report.rounds += 1
        state = _round(world, terms, clockwork, market, report)
        if state is State.DONE or clockwork.remaining_s() <= PAUSE_S:
            return
        if state is State.WAITING:
            report.pauses += 1
            clockwork.pause(PAUSE_S)


def _drift(world: World, addresses: dict[str, str]) -> int | None:
    """How far chain and ledger are apart, when nothing is under way that could explain it."""
    if batches.under_way(world.db)["batches_open"]:
        return None
    views = world.chain.accounts(list(addresses.values()))
    on_chain = sum(view.lamports for view in views if view is not None)
    in_ledger = sum(ledger.read(world.db, account).posted_lamports for account in addresses)
    return on_chain - in_ledger


def _reclaim(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    found = plan_reclaims(
        world.db,
        world.chain,
        retention=terms.receipt_retention,
        new_id=clockwork.new_id,
        now=clockwork.now(),
    )
    report.reclaims_planned += found.planned
    for address in found.missing:
        report.broken[f"receipt {address}"] = "it should stand on chain and does not"


def _round(
    world: World, terms: Terms, clockwork: Clockwork, market: Market, report: Report
) -> State:
    """Do what can be done now; tell whether there is more of it, or something to wait for."""
    db, now = world.db, clockwork.now()
    migrate.refuse_newer(db)
    if clockwork.remaining_s() > DRAIN_MARGIN_S:
        _drain(world, terms, clockwork, report)
    is_paused = _is_paused(world, report)
    report.payouts_short = report.payouts_waiting = 0
    report.batches_short = report.batches_planned = 0
    if not is_paused:
        # Nor are accruals claimed: `pixr recover` matches them with what the chain shows as paid.
        _claim(world, terms, clockwork, report)
        market = _plan(world, terms, clockwork, market, report)
    opened = batches.list_open(db, stuck=report.broken)
    moving = [batch for batch in opened if batch.state != "PLANNED"]
    look = _observing(world, clockwork, report)
    each(world, look, companies(moving, OBSERVED_TOGETHER), clockwork, report)
    if not is_paused:
        planned = [batch for batch in opened if batch.state == "PLANNED"]
        sign = _signing(world, terms, clockwork, market, report)
        each(world, sign, companies(planned, SIGNED_TOGETHER), clockwork, report)
    _upgrade(world, terms, clockwork, report)
    outbox.flush(db, world.send, now=now)
    return _state(world, report)


def _upgrade(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    """Look after upgrades and the money in them. What it promises is sent right afterwards."""
    db, now = world.db, clockwork.now()
    if report.rounds == 1:
        swept = sweep(db, now=now)
        report.upgrades_pushed = [str(job_id) for job_id in swept.pushed]
        report.upgrades_stalled = swept.given_up
    advanced = upgrades.advance(
        db,
        treasury_address=world.keyring.treasury.address,
        rules=terms.rules,
        new_id=clockwork.new_id,
        now=now,
    )
    report.cost_errors_percent += advanced.cost_errors_percent
    upgrades.give_up(db, opened_before=now - terms.funding, new_id=clockwork.new_id, now=now)
    upgrades.sweep_dust(
        db,
        treasury_address=world.keyring.treasury.address,
        new_id=clockwork.new_id,
        now=now,
    )


def _claim(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    """Make payouts of what is owed: only views that arrive make it more."""
    if report.events_claimed == report.events_new or report.payouts_left > plan.PAYOUTS_PER_ROUND:
        return
    made = plan.make_payouts(
        world.db,
        minimum_lamports=terms.minimum_lamports,
        new_id=clockwork.new_id,
        now=clockwork.now(),
    )
    report.payouts_made += made
    if made < plan.CLAIMED_TOGETHER:
        report.events_claimed = report.events_new


def _plan(
    world: World, terms: Terms, clockwork: Clockwork, market: Market, report: Report
) -> Market:
    """Plan what is to be paid in this minute; return the market with the bid for it."""
    db, now = world.db, clockwork.now()
    inputs, decision = payday.decide(
        db, market, payees_max=terms.payees_max, deadline_s=terms.deadline_s, now=now
    )
    planned = plan.make_batches(
        db,
        world.keyring,
        payees_max=terms.payees_max,
        patient_max=decision.payouts_now,
        has_tables=terms.lookup_tables,
        has_v1=terms.v1_messages,
        new_id=clockwork.new_id,
        now=now,
    )
    report.batches_planned = planned.batches
    report.payouts_short = planned.payouts_short
    report.payouts_waiting = inputs.payouts_due - decision.payouts_now
    if planned.batches or report.rounds == 1:
        payday.write_down(db, inputs, decision, planned, now=now)
    return replace(market, patient_percent=decision.bid_percent)


def _state(world: World, report: Report) -> State:
    under_way = batches.under_way(world.db)
    if _is_paused(world, report):
        return State.WAITING if under_way["batches_moving"] else State.DONE
    # A receipt that is missing is told in the same place, and is no batch.
    broken = sum(not key.startswith("receipt ") for key in report.broken)
    stuck = broken + report.batches_short
    report.payouts_left = (
        under_way["payouts_pending"] - report.payouts_short - report.payouts_waiting
    )
    if report.payouts_left > 0:
        # What was left for the next round needs nobody's answer.
        return State.BUSY if report.batches_planned else State.WAITING
    return State.WAITING if under_way["batches_open"] > stuck else State.DONE


def _is_paused(world: World, report: Report) -> bool:
    pause = pauses.read(world.db)
    report.paused = None if pause is None else str(pause["reason"])
    return pause is not None


def _observing(world: World, clockwork: Clockwork, report: Report) -> Handle:
    now = clockwork.now()
    is_resending = report.pauses % PAUSES_BETWEEN_SENDS == 1 or (
        report.resent_at is not None and now - report.resent_at >= RESENT_AFTER
    )
    if is_resending or report.resent_at is None:
        report.resent_at = now

    def handle(group: Sequence[Batch]) -> None:
        verdicts = observe(
            world.db,
            world.chain,
            group,
            is_resending=is_resending,
            new_id=clockwork.new_id,
            now=clockwork.now(),
        )
        report.verdicts.update(verdicts)

    return handle


def _signing(
    world: World, terms: Terms, clockwork: Clockwork, market: Market, report: Report
) -> Handle:
    desk = Desk(
        db=world.db,
        chain=world.chain,
        keyring=world.keyring,
        limits=terms.limits,
        market=market,
        receipt_retention=terms.receipt_retention,
    )

    def handle(group: Sequence[Batch]) -> None:
        if _is_paused(world, report):
            return
        try:
            sent = sign_and_send(desk, group, now=clockwork.now())
        except LimitTripped as trip:
            pauses.pause(world.db, f"a signing limit was reached: {trip}", now=clockwork.now())
            _is_paused(world, report)
            return
        report.batches_sent += sent.sent
        report.batches_short += sent.short
        report.broken.update({str(key): error for key, error in sent.refused.items()})

    return handle


def _drain(world: World, terms: Terms, clockwork: Clockwork, report: Report) -> None:
    """Drain until the stream is empty; what stands in the way delays views, not payments."""
    is_first = not report.rounds
    for _ in range(DRAINS_PER_ROUND):
        try:
            if is_first:
                drain.tidy(world.db, world.stream, now=clockwork.now())
            is_first = False
            drained = drain.drain_once(
                world.db,
                world.stream,
                rules=terms.rules,
                drain_id=clockwork.new_id(),
                consumer="settler",
                has_time=lambda: clockwork.remaining_s() > DRAIN_MARGIN_S,
                now=clockwork.now(),
            )
        except (Outage, drain.AnotherDrain, drain.LinesRefused) as hindrance:
            if world.db.closed or world.db.broken:
                raise
            report.stream_outage = f"{type(hindrance).__name__}: {hindrance}"
            return
        report.events_read += drained.events_read
        report.events_new += drained.events_new
        report.gross_lamports += drained.gross_lamports
        if drained.is_last or clockwork.remaining_s() <= DRAIN_MARGIN_S:
            return
