"""What a tick is given and what it reports: the world, the terms, the clock."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from functions.batch.chain import Chain
from functions.batch.keyring import Keyring
from pixr.adapters.postgres import Database
from pixr.adapters.redis import ViewStream
from pixr.domain import fees
from pixr.domain.earnings import Rules
from pixr.domain.investments import FUNDING_TIME
from pixr.domain.limits import Limit
from pixr.domain.reclaims import RETENTION


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
    limits: tuple[Limit, ...] = ()
    """Rolling limits of the signer; none: unlimited."""
    receipt_retention: timedelta = RETENTION
    deadline_s: int = fees.DEADLINE_S
    """The longest that a payout waits for a cheaper minute."""
    funding: timedelta = FUNDING_TIME
    """How long an upgrade may wait for its last investor."""
    hot_float_lamports: int = 0
    """What the treasury should hold; 0: it is not watched."""
    lookup_tables: bool = False
    v1_messages: bool = False


@dataclass(slots=True)
class Report:
    """What a tick did, for the log and the metrics."""

    rounds: int = 0
    pauses: int = 0
    resent_at: datetime | None = None
    """When bytes that nobody has seen were last offered again."""
    events_read: int = 0
    events_new: int = 0
    gross_lamports: int = 0
    payouts_made: int = 0
    events_claimed: int | None = None
    """How many new events had come when nobody was left who is owed enough; None: not known."""
    payouts_left: int = 0
    """Payouts that the last round might have planned and left for the next."""
    payouts_short: int = 0
    """Payouts left because the treasury could not pay them, in the last round."""
    payouts_waiting: int = 0
    """Payouts left for a cheaper minute, in the last round."""
    batches_planned: int = 0
    """In the last round."""
    batches_sent: int = 0
    batches_short: int = 0
    """Planned batches left because the treasury holds less on chain, in the last round."""
    reclaims_planned: int = 0
    tables_extended: int = 0
    deposited_lamports: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    broken: dict[str, str] = field(default_factory=dict[str, str])
    """Batches that could not be handled, each with the fault; the next round tries again."""
    apart: list[str] = field(default_factory=list[str])
    """Batches that failed when they were alone: apart from the others until the tick ends."""
    drift_lamports: int | None = None
    """Chain less ledger, over treasury and escrow; None while money is moving."""
    missing_lamports: int | None = None
    """What left the treasury and is in no book, fees aside; None when no node could tell."""
    hot_lamports: int | None = None
    """What the treasury holds, finalized; None while too few nodes tell."""
    below_float_lamports: int | None = None
    """What it lacks to its float; None when it is not watched, or its balance is not known."""
    unseen: list[str] = field(default_factory=list[str])
    """Why a restored database or a stolen key might have gone unnoticed in this tick."""
    upgrades_pushed: list[str] = field(default_factory=list[str])
    """Upgrade jobs that stood still and were asked for again."""
    upgrades_stalled: dict[str, str] = field(default_factory=dict[str, str])
    """Upgrade jobs that were given up for that, each with the reason."""
    cost_errors_percent: list[int] = field(default_factory=list[int])
    """Of each upgrade that went live: how far its estimate was off; positive: too dear."""
    paused: str | None = None
    """Why nothing was planned or signed."""
    outage: str | None = None
    """Why the chain, or the keeper of the keys, could not be asked; the tick ended there."""
    stream_outage: str | None = None
    """Why views could not be drained; everything else went on."""
