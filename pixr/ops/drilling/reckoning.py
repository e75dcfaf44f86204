"""After the calm: does everything agree with what the drill itself knows?

Each function returns differences, one line each; an empty list is what must come. The witnesses
are the producer (what it sent), the people (what they were promised), the chain (what each address
holds) and the rows of payouts; ``pixr verify`` adds its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pixr.adapters.postgres import Database, Row, drills
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.drilling.people import Asked
from pixr.ops.drilling.views import Sent

CREATOR_LAMPORTS_PER_VIEW: Final = 19_000
"""20,000 lamports less the platform's 5 %, at the base quality and without investors."""


@dataclass(slots=True, kw_only=True)
class Views:
    """What became of the events."""

    sent: int = 0
    recorded: int = 0
    earned: int = 0
    lost_with_redis: int = 0
    """Acknowledged, then lost with Redis before they were drained and out of a producer's reach."""
    differences: list[str] = field(default_factory=list[str])


def compare_views(
    db: Database,
    sent: Sequence[Sent],
    losses_s: Sequence[float],
    *,
    creators: Mapping[str, str],
    for_sale: Collection[str],
) -> Views:
    """Every acknowledged event is in the books once and earns what the rules say.

    Args:
        db: After the calm.
        sent: All requests.
        losses_s: When Redis was lost, on the clock of ``sent``.
        creators: Content → creator, of all that is viewed.
        for_sale: Contents that others may have a share in, or that may earn more than the base.
    """
    found: dict[str, Row] = {row["request"]: row for row in drills.views(db)}
    views = Views()
    earning: Counter[str] = Counter()
    last_loss_s = max(losses_s, default=None)
    for request in sent:
        name = f"{request.number:06d}"
        row = found.pop(name, None) or {"events": 0, "earned": 0}
        expected = request.expected
        views.sent += expected.events
        views.recorded += row["events"]
        views.earned += row["earned"]
        earning[expected.content_id] += row["earned"]
        if (row["events"], row["earned"]) == (expected.events, expected.earning):
            continue
        if row["events"] < expected.events and _was_lost(request, last_loss_s):
            views.lost_with_redis += expected.events - row["events"]
            continue
        views.differences.append(
            f"request {name}: {expected.events} events of which {expected.earning} earn, found"
            f" {row['events']} and {row['earned']}"
        )
    views.differences += [f"request {name} was never sent: {row}" for name, row in found.items()]
    views.differences += _compare_accruals(db, earning, creators, for_sale)
    return views


def compare_promises(
    db: Database, promised: Sequence[Sent], on_streams: Mapping[str, int]
) -> list[str]:
    """While Redis is whole, every acknowledged event is on a stream or in the books.

    Looked at before Redis is emptied, because what is sent again afterwards would hide it.

    Args:
        db: Asked now.
        promised: Requests that were acknowledged since Redis was last empty, before ``on_streams``
            was read.
        on_streams: Request → how many of its events are on the streams.
    """
    found = {row["request"]: row["events"] for row in drills.views(db)}
    differences: list[str] = []
    for request in promised:
        name = f"{request.number:06d}"
        known = found.get(name, 0) + on_streams.get(name, 0)
        if known < request.expected.events:
            differences.append(
                f"request {name}: {request.expected.events} events were acknowledged, but only"
                f" {known} are on a stream or in the books, and Redis has lost nothing"
            )
    return differences


def _was_lost(request: Sent, last_loss_s: float | None) -> bool:
    """Whether Redis died after the last time that the request was sent."""
    if request.begun_s is None:
        return True  # never acknowledged: nobody promised anything
    return last_loss_s is not None and request.begun_s < last_loss_s


def _compare_accruals(
    db: Database,
    earning: Mapping[str, int],
    creators: Mapping[str, str],
    for_sale: Collection[str],
) -> list[str]:
    """Each creator accrued for each earning view, at a rate that is known where nobody invested."""
    differences: list[str] = []
    rows = {row["content_id"]: row for row in drills.accrued(db)}
    for content_id, creator in creators.items():
        row = rows.pop(content_id, {"user_id": creator, "views": 0, "lamports": 0})
        count = earning.get(content_id, 0)
        if (row["user_id"], row["views"]) != (creator, count):
            differences.append(
                f"{content_id}: {count} views earn for {creator}, accrued were {row['views']}"
                f" for {row['user_id']}"
            )
        due = count * CREATOR_LAMPORTS_PER_VIEW
        if content_id not in for_sale and row["lamports"] != due:
            differences.append(f"{content_id}: {due} lamports are due, accrued {row['lamports']}")
    return differences + [f"{name}: unknown, but it accrued {row}" for name, row in rows.items()]


def compare_withdrawals(db: Database, nodes: Nodes, asked: Sequence[Asked]) -> list[str]:
    """Each destination was used once, so it holds what was promised, or nothing."""
    rows = {row["destination"]: row for row in drills.withdrawals(db)}
    by_destination = {item.body["destination"]: item for item in asked}
    balances = nodes.balances_lamports(list(by_destination))
    held = dict(zip(by_destination, balances, strict=True))
    differences: list[str] = []
    for destination, item in by_destination.items():
        row = rows.pop(destination, None)
        where = f"withdrawal {item.key} to {destination}"
        if row is None:
            if item.is_accepted:
                differences.append(f"{where}: accepted, but nobody knows it")
            if held[destination]:
                differences.append(f"{where}: nobody knows it, but {held[destination]} arrived")
            continue
        if item.is_accepted and item.answer["withdrawal_id"] != str(row["id"]):
            differences.append(f"{where}: {item.answer} was promised, {row} is known")
        if item.status is not None and not item.is_accepted:
            differences.append(f"{where}: refused with {item.status}, yet {row['state']}")
        due = {"PAID": (row["lamports"],), "QUARANTINED": (0,)}.get(
            row["state"], (0, row["lamports"])
        )
        if held[destination] not in due:
            differences.append(f"{where}: {row['state']}, {due} due, {held[destination]} arrived")
    return differences + [f"withdrawal to {name}: nobody asked for it" for name in rows]


def compare_wallets(db: Database, nodes: Nodes, granted_lamports: Mapping[str, int]) -> list[str]:
    """Each wallet holds what was paid in and granted, less what was paid out.

    Args:
        db: After the calm.
        nodes: The chain.
        granted_lamports: User → what came from outside.
    """
    rows = drills.wallets(db)
    held = nodes.balances_lamports([row["address"] for row in rows])
    differences: list[str] = []
    for row, on_chain in zip(rows, held, strict=True):
        granted = granted_lamports.get(row["user_id"], 0)
        due = granted + row["received_lamports"] - row["sent_lamports"]
        if on_chain != due and not row["is_moving"]:
            differences.append(
                f"{row['user_id']}: {granted} given + {row['received_lamports']} paid"
                f" - {row['sent_lamports']} sent = {due}, the chain has {on_chain}"
            )
    return differences


def compare_ends(db: Database) -> list[str]:
    """Every payout is paid, or waits for a person with a reason."""
    stuck = [
        f"payout {row['id']} ({row['kind']}) ended {row['state']}, its batch {row['batch_state']}"
        for row in drills.stuck(db)
    ]
    silent = [
        f"{row['number']} × {row['state']} of {row['kind']} without a reason"
        for row in drills.reasons(db)
        if not row["reason"]
    ]
    return stuck + silent


def by_state(rows: Sequence[Row]) -> dict[str, Counter[str]]:
    """Payouts by kind, then by how they ended."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        sums[row["kind"]][row["state"]] += row["payouts"]
    return dict(sums)
