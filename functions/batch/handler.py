"""The settler's entry point: every minute, and whenever a withdrawal cannot wait for it.

The only function that signs or sends a transaction. It runs one at a time to save calls,
not for safety; Lambda's own retries are off because the next minute is one.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import uuid4

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.batch.keyring import Keyring
from functions.batch.tick import Clockwork, Report, Terms, World, run
from functions.settings import BatchSettings
from functions.telemetry import make_logger, make_metrics
from pixr.adapters import queue
from pixr.adapters.keys import load_master_seed, load_treasury
from pixr.adapters.postgres import Database, audit, batches, connect, house
from pixr.adapters.redis import ViewStream
from pixr.adapters.solana import GENESIS_HASHES, ChainUnreachable, Solana
from pixr.domain.earnings import Rules
from pixr.domain.fees import BASE_FEE_LAMPORTS
from pixr.domain.limits import Limit
from pixr.domain.money import parse_sol

logger = make_logger("batch")
metrics = make_metrics("batch")

MARGIN_S: Final = 8.0
"""Left of Lambda's time limit: one round trip to a slow node, and the last commit."""


@cache
def settings() -> BatchSettings:
    """The environment, read once per container."""
    return BatchSettings.read(os.environ)


@cache
def keyring() -> Keyring:
    """The keys, or the way to them, found once per container."""
    return Keyring(
        seed=load_master_seed(settings().master_seed_at),
        treasury=load_treasury(settings().treasury_private_key_at),
    )


def terms() -> Terms:
    """What the settings say, as the domain wants it."""
    chosen = settings()
    return Terms(
        rules=Rules(
            view_rate_lamports=chosen.view_rate_lamports,
            platform_fee_bps=chosen.platform_fee_bps,
            investor_share_bps=chosen.investor_share_bps,
            views_per_viewer_day=chosen.views_per_viewer_day,
        ),
        minimum_lamports=parse_sol(chosen.min_batch_amount),
        payees_max=chosen.batch_size,
        limits=(
            _limit(600, chosen.sign_limit_10min_sol, chosen.sign_limit_10min_bps),
            _limit(3_600, chosen.sign_limit_1h_sol, chosen.sign_limit_1h_bps),
            _limit(86_400, chosen.sign_limit_24h_sol, chosen.sign_limit_24h_bps),
        ),
        deadline_s=chosen.payout_deadline_s,
        funding=timedelta(days=chosen.funding_days),
        receipt_retention=timedelta(hours=chosen.receipt_retention_hours),
        hot_float_lamports=chosen.hot_float_lamports,
        lookup_tables=chosen.lookup_tables,
        v1_messages=chosen.v1_messages,
    )


def _limit(window_s: int, sol: Decimal, bps: int) -> Limit:
    return Limit(window_s=window_s, lamports_max=parse_sol(sol), treasury_bps_max=bps)


def _send(topic: str, payload: dict[str, Any]) -> None:
    assert topic == "upgrade.plan", topic
    queue.send(settings().plan_queue_url, payload)


def _chain(db: Database, now: datetime) -> Solana:
    """The nodes, held to the chain that was pinned at the first tick.

    At that tick the network's known chain is pinned, or, where the network has no name in the
    world, the one that the nodes speak of.

    Raises:
        ChainUnreachable: It is the first tick, and the nodes do not answer or do not agree.
    """
    pinned = house.chain(db)
    if pinned is None:
        network = settings().network
        pinned = GENESIS_HASHES.get(network) or Solana(settings().rpc_urls).genesis_hash()
        house.pin_chain(db, pinned, network, now=now)
    return Solana(settings().rpc_urls, genesis_hash=pinned)


def _tick(db: Database, stream: ViewStream, clockwork: Clockwork) -> Report:
    """Run a tick; one that cannot tell which chain is ours only drains."""
    try:
        chain, outage = _chain(db, clockwork.now()), None
    except ChainUnreachable as reason:
        chain, outage = Solana(settings().rpc_urls), str(reason)
    world = World(db=db, chain=chain, stream=stream, keyring=keyring(), send=_send)
    return run(world, terms(), clockwork, outage=outage)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run one tick. The event only says who woke us; what to do is in the database."""
    # Neither longer than Lambda lets us, nor into the next tick.
    allowed_ms = min(context.get_remaining_time_in_millis(), settings().batch_interval)
    deadline = time.monotonic() + allowed_ms / 1000 - MARGIN_S
    clockwork = Clockwork(
        now=lambda: datetime.now(UTC),
        new_id=uuid4,
        remaining_s=lambda: deadline - time.monotonic(),
        pause=time.sleep,
    )
    begun_at = clockwork.now()
    stream = ViewStream(settings().redis_url)
    with connect(str(settings().database_url)) as db:
        try:
            report = _tick(db, stream, clockwork)
        finally:
            stream.close()
        backlog = batches.backlog(db)
        landed = batches.landed_since(db, begun_at)
        # Noted outside the database: its chain alone cannot show that its end was cut off.
        audit_head = audit.head(db)
    if report.outage is not None:
        logger.warning("chain.unreachable", reason=report.outage)
    if report.paused is not None:
        logger.error("settlement.paused", reason=report.paused)
    for reason in report.unseen:
        logger.warning("chain.unseen", reason=reason)
    if report.stream_outage is not None:
        logger.warning("stream.unreachable", reason=report.stream_outage)
    for job_id, reason in report.upgrades_stalled.items():
        logger.error("upgrade.stalled", job_id=job_id, reason=reason)
    for batch_id, fault in report.broken.items():
        logger.error("batch.broken", batch_id=batch_id, fault=fault)
    # asdict would rebuild the counter from pairs, and count those.
    told = {**asdict(report), "verdicts": dict(report.verdicts)}
    logger.info("settle.tick", audit_head=audit_head, **told, **backlog)
    _measure(report, backlog, landed)
    return {"rounds": report.rounds, "sent": report.batches_sent, **dict(report.verdicts)}


def _measure(report: Report, backlog: dict[str, Any], landed: Sequence[dict[str, Any]]) -> None:
    """Each metric where its alarm looks (infra, Watch); what did not happen is not counted."""
    decided = sum(report.verdicts[verdict] for verdict in ("paid", "failed", "hold"))
    payees = sum(row["payees"] for row in landed)
    fees = sum(row["fee_lamports"] for row in landed)
    below = report.below_float_lamports
    figures: list[tuple[str, MetricUnit, float | None]] = [
        # A tick that could not ask the chain paid nobody: it counts as silence.
        ("Ticks", MetricUnit.Count, None if report.outage else 1),
        ("HoldBatches", MetricUnit.Count, backlog["batches_held"] + len(report.broken)),
        ("SettlementPaused", MetricUnit.Count, int(report.paused is not None)),
        ("ChainUnseen", MetricUnit.Count, None if report.outage else len(report.unseen)),
        ("PendingEarningsLamports", MetricUnit.Count, backlog["owed_lamports"]),
        ("TreasuryLamports", MetricUnit.Count, backlog["treasury_lamports"]),
        ("TreasuryBelowFloat", MetricUnit.Count, None if below is None else int(below > 0)),
        ("TreasuryMissingLamports", MetricUnit.Count, below),
        ("UpgradeQueueDepth", MetricUnit.Count, backlog["upgrades_open"]),
        (
            "LedgerDrift",
            MetricUnit.Count,
            None if report.drift_lamports is None else abs(report.drift_lamports),
        ),
        (
            "BatchSuccessRate",
            MetricUnit.Percent,
            100 * report.verdicts["paid"] / decided if decided else None,
        ),
        (
            "FeeSavingShare",
            MetricUnit.NoUnit,
            1 - fees / (payees * BASE_FEE_LAMPORTS) if payees else None,
        ),
    ]
    figures += [
        ("UpgradeCostError", MetricUnit.Percent, percent) for percent in report.cost_errors_percent
    ]
    figures += [("TransactionSeconds", MetricUnit.Seconds, row["seconds"]) for row in landed]
    for name, unit, value in figures:
        if value is not None:
            metrics.add_metric(name=name, unit=unit, value=value)
