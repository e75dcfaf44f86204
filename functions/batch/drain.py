"""View events from the Redis stream into accruals, one database transaction a drain.

    read ──▶ [ record new events · split · accrue · post to the ledger ] ──▶ ack
             └────────────── one transaction ──────────────────────────┘

A crash before the commit: the entries stay on the stream and come again. A crash before
the ack: they come again and are known. Either way each event earns once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pixr.adapters.postgres import Database, earnings, ledger
from pixr.adapters.postgres.earnings import Accrual, Counted
from pixr.adapters.redis import BadEntry, ViewStream
from pixr.domain.earnings import Epoch, Rules, Share, Split, split, view_lamports
from pixr.domain.views import ViewEvent

EVENTS_PER_DRAIN: Final = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """What one drain did."""

    events_read: int = 0
    events_new: int = 0
    events_bad: int = 0
    gross_lamports: int = 0


def drain_once(
    db: Database, stream: ViewStream, *, rules: Rules, drain_id: UUID, consumer: str, now: datetime
) -> Drained:
    """Take up to ``EVENTS_PER_DRAIN`` events from the stream into accruals."""
    entries = stream.read(EVENTS_PER_DRAIN, consumer)
    if not entries:
        return Drained()
    good = [(entry_id, item) for entry_id, item in entries if isinstance(item, ViewEvent)]
    bad = {entry_id: item for entry_id, item in entries if isinstance(item, BadEntry)}
    counted: list[Counted] = []
    gross_lamports = 0
    if good:
        events = [event for _, event in good]
        with db.transaction():
            counted = earnings.record_views(
                db,
                events,
                drain_id=drain_id,
                views_per_viewer_day=rules.views_per_viewer_day,
            )
            gross_lamports = _accrue(
                db, counted, rules=rules, drain_id=drain_id, events_read=len(events), now=now
            )
        stream.ack([entry_id for entry_id, _ in good])
    if bad:
        stream.dead_letter(bad)
    return Drained(
        events_read=len(entries),
        events_new=sum(item.events_new for item in counted),
        events_bad=len(bad),
        gross_lamports=gross_lamports,
    )


def _accrue(
    db: Database,
    counted: Sequence[Counted],
    *,
    rules: Rules,
    drain_id: UUID,
    events_read: int,
    now: datetime,
) -> int:
    """Split and post what the counted views earn; return the gross in lamports."""
    earning = [item for item in counted if item.events_earning]
    content_ids = [item.content_id for item in earning]
    epochs: dict[str, Epoch] = {}
    shares: dict[str, list[Share]] = {}
    if earning:
        epochs = earnings.lock_epochs(db, content_ids, rules=rules, now=now)
        shares = earnings.shares(db, content_ids)
    parts: list[tuple[Counted, int, list[Share], Split]] = []
    for item in earning:
        assert item.best_rung is not None
        gross = item.events_earning * view_lamports(rules.view_rate_lamports, item.best_rung)
        holders = shares.get(item.content_id, [])
        parts.append((item, gross, holders, split(epochs[item.content_id], holders, gross)))
    total = sum(gross for _, gross, _, _ in parts)
    earnings.insert_drain(
        db,
        drain_id=drain_id,
        events_read=events_read,
        counted=counted,
        gross_lamports=total,
        now=now,
    )
    if parts:
        _write(db, parts, drain_id=drain_id, now=now)
    return total


def _write(
    db: Database,
    parts: Sequence[tuple[Counted, int, list[Share], Split]],
    *,
    drain_id: UUID,
    now: datetime,
) -> None:
    accruals: list[Accrual] = []
    returns: dict[UUID, int] = {}
    entries: dict[str, int] = {"views": 0, "platform": 0}
    for item, gross, holders, part in parts:
        assert item.creator_id is not None
        due = {("earnings", item.creator_id): part.creator_lamports}
        for share in holders:
            lamports = part.investor_lamports[share.investment_id]
            key = ("return", share.user_id)
            due[key] = due.get(key, 0) + lamports
            if lamports:
                returns[share.investment_id] = lamports
        for (kind, user_id), lamports in due.items():
            if lamports:
                accruals.append(
                    Accrual(
                        content_id=item.content_id,
                        user_id=user_id,
                        kind=kind,
                        views=item.events_earning,
                        lamports=lamports,
                    )
                )
                account = f"{'owed' if kind == 'earnings' else 'return'}:{user_id}"
                entries[account] = entries.get(account, 0) + lamports
        entries["platform"] += part.platform_lamports
        entries["views"] -= gross
    earnings.add_totals(
        db,
        [
            (item.content_id, gross, part.platform_lamports, sum(part.investor_lamports.values()))
            for item, gross, _, part in parts
        ],
    )
    if returns:
        earnings.add_returns(db, returns)
    earnings.accrue(db, accruals, drain_id=drain_id, now=now)
    ledger.post(db, f"drain:{drain_id}", entries, now=now)
