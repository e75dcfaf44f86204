"""How the whole is doing: figures for the dashboard, and whether money can move."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from functions.values import Amount, Moment
from pixr.adapters.postgres import Database, Row, stats
from pixr.domain.errors import Outage

if TYPE_CHECKING:
    from pixr.adapters.redis import ViewStream

BASE_FEE_LAMPORTS: Final = 5_000
"""What a transaction with one signature costs at least: paying each payee alone costs this."""

WINDOWS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(hours=24),
}
STEPS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(minutes=1),
    "day": timedelta(minutes=15),
}
_DECIMALS: Final = 4


class NowView(BaseModel):
    """The state as of now."""

    pending_earnings: Amount
    views_waiting: int | None
    """Events on the stream; null when it does not answer."""
    payouts_pending: int
    batches_open: int
    batches_held: int
    """Batches that wait for a person."""
    upgrade_queue_depth: int
    wallets: int
    drained_at: Moment | None


class WindowView(BaseModel):
    """What happened in a window. Rates and averages are null where nothing happened."""

    processed: Amount
    payees: int
    transactions: int
    batch_success_rate: float | None
    average_transaction_seconds: float | None
    fees: Amount
    fee_per_payee: Amount | None
    fee_saving_share: float | None
    """Saved against one transaction for each payee; negative when bids cost more than that."""
    views: int
    views_new: int
    views_qualified: int
    accrued: Amount
    upgrades_published: int
    upgrades_failed: int
    upgrade_cost_error_percent: float | None
    """How far estimates were off at the median; positive: thought too dear."""
    wallets_created: int


class PointView(BaseModel):
    """One step of a plot, beginning at ``at``."""

    at: Moment
    processed: Amount
    payees: int
    batches_failed: int
    fees: Amount
    average_transaction_seconds: float | None
    views: int
    accrued: Amount
    wallets_created: int


class StatsView(BaseModel):
    """Now, the last hour, the last day, and both as points."""

    as_of: Moment
    now: NowView
    hour: WindowView
    day: WindowView
    hour_series: list[PointView]
    day_series: list[PointView]


class PartView(BaseModel):
    """One dependency."""

    ok: bool
    latency_ms: float


class HealthView(BaseModel):
    """``status`` is ok, degraded (money moves, something else does not) or down."""

    status: str
    parts: dict[str, PartView]


def read_stats(db: Database, stream: "ViewStream", *, now: datetime) -> StatsView:
    """Return every figure, from the record and the stream."""
    row = stats.now(db)
    try:
        views_waiting: int | None = stream.depth()
    except Outage:
        views_waiting = None
    return StatsView(
        as_of=now,
        now=NowView(
            pending_earnings=Amount.of(row["pending_earnings_lamports"]),
            views_waiting=views_waiting,
            payouts_pending=row["payouts_pending"],
            batches_open=row["batches_open"],
            batches_held=row["batches_held"],
            upgrade_queue_depth=row["upgrades_queued"],
            wallets=row["wallets"],
            drained_at=row["drained_at"],
        ),
        hour=_window(stats.window(db, since=now - WINDOWS["hour"])),
        day=_window(stats.window(db, since=now - WINDOWS["day"])),
        hour_series=_series(db, "hour", now=now),
        day_series=_series(db, "day", now=now),
    )


def read_health(
    checks: Mapping[str, Callable[[], object]],
    *,
    needed: frozenset[str],
    clock_s: Callable[[], float],
) -> HealthView:
    """Ask each part for a sign of life.

    Args:
        checks: Name of a part → a call that raises an ``Outage`` when it is away.
        needed: Parts without which money cannot move.
        clock_s: A monotonic clock.
    """
    parts: dict[str, PartView] = {}
    for name, check in checks.items():
        began_s = clock_s()
        try:
            check()
            is_ok = True
        except Outage:
            is_ok = False
        parts[name] = PartView(ok=is_ok, latency_ms=round((clock_s() - began_s) * 1000, 1))
    away = {name for name, part in parts.items() if not part.ok}
    status = "down" if away & needed else "degraded" if away else "ok"
    return HealthView(status=status, parts=parts)


def _window(row: Row) -> WindowView:
    finalized, failed = row["batches_finalized"], row["batches_failed"]
    payees, fee_lamports = row["payees"], row["fee_lamports"]
    alone_lamports = payees * BASE_FEE_LAMPORTS
    return WindowView(
        processed=Amount.of(row["processed_lamports"]),
        payees=payees,
        transactions=row["transactions"],
        batch_success_rate=_share(finalized, finalized + failed),
        average_transaction_seconds=_rounded(row["transaction_seconds"]),
        fees=Amount.of(fee_lamports),
        # Rounded up: what it really costs is never more than what is said.
        fee_per_payee=Amount.of(-(-fee_lamports // payees)) if payees else None,
        fee_saving_share=_share(alone_lamports - fee_lamports, alone_lamports),
        views=row["views"],
        views_new=row["views_new"],
        views_qualified=row["views_qualified"],
        accrued=Amount.of(row["accrued_lamports"]),
        upgrades_published=row["upgrades_published"],
        upgrades_failed=row["upgrades_failed"],
        upgrade_cost_error_percent=_rounded(row["cost_error_percent"]),
        wallets_created=row["wallets_created"],
    )


def _series(db: Database, window: str, *, now: datetime) -> list[PointView]:
    rows = stats.series(db, since=now - WINDOWS[window], until=now, step=STEPS[window])
    return [
        PointView(
            at=row["at"],
            processed=Amount.of(row["processed_lamports"]),
            payees=row["payees"],
            batches_failed=row["batches_failed"],
            fees=Amount.of(row["fee_lamports"]),
            average_transaction_seconds=_rounded(row["transaction_seconds"]),
            views=row["views_new"],
            accrued=Amount.of(row["accrued_lamports"]),
            wallets_created=row["wallets_created"],
        )
        for row in rows
    ]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, _DECIMALS) if whole else None


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), _DECIMALS)
