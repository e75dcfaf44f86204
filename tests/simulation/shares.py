"""I12: what the views of a town are worth, counted again from the events themselves.

The rules come from economics.md, not from the code: which view qualifies, what it earns at the
rung of its day, and who gets which part. Only two things are taken from the database: which
drain recorded an event first (it decides the rung), and where an epoch ended.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from tests.simulation.town import Town

MULTIPLIERS = {480: (1, 1), 720: (11, 10), 1_080: (5, 4), 1_440: (7, 5), 2_160: (8, 5)}
BPS = 10_000


def i12_the_parts_of_a_split_sum_to_the_whole(town: Town) -> None:
    """The parts of a split sum to the whole, each within 1 lamport of exact.

    Whatever the order and the batching: each part is the floor of its share of all that the
    epoch earned, and the creator has the rest.
    """
    gross = _gross_by_content(town)
    epochs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in town.look.execute("SELECT * FROM content_epochs ORDER BY content_id, epoch"):
        epochs[row["content_id"]].append(row)
    accrued: Counter[tuple[str, str, str]] = Counter()
    returned: Counter[UUID] = Counter()
    shares = _shares(town)
    for content in town.contents:
        found = epochs[content.content_id]
        total = sum(epoch["gross_lamports"] for epoch in found)
        expected = gross[content.content_id]
        assert total == expected, f"{content.content_id} earned {expected}, epochs say {total}"
        for epoch in found:
            holders = shares[content.content_id, epoch["epoch"]]
            platform = epoch["gross_lamports"] * epoch["platform_fee_bps"] // BPS
            assert epoch["platform_lamports"] == platform
            parts = _parts(epoch, holders, returned)
            assert epoch["investor_lamports"] == sum(parts.values())
            rest = epoch["gross_lamports"] - platform - sum(parts.values())
            accrued[content.content_id, content.creator_id, "earnings"] += rest
            for share in holders:
                key = (content.content_id, share["user_id"], "return")
                accrued[key] += parts[share["investment_id"]]
    _compare(town, accrued)


def remember_views(town: Town) -> None:
    """Read what the drains have recorded, before the day that it is of can be dropped."""
    drains = {row["id"] for row in town.look.execute("SELECT id FROM drains")}
    if drains == town.known.drains_read:
        return
    town.known.drains_read = drains
    for row in town.look.execute(
        "SELECT event_id, occurred_on, outcome, drain_id FROM view_events"
    ):
        known = town.known.counted.setdefault(row["event_id"], row)
        assert known == row, f"counted twice: {known}, {row}"


def _gross_by_content(town: Town) -> Counter[str]:
    """What all views earned, from the events that the producer sent."""
    contents = {content.content_id: content for content in town.contents}
    rules = town.terms.rules
    gross: Counter[str] = Counter()
    earned: Counter[tuple[Any, str, str]] = Counter()
    late: set[tuple[Any, str, str]] = set()
    for row in town.known.counted.values():
        event = town.known.events[row["event_id"]]
        content = contents.get(event.content_id)
        expected = "unknown_content" if content is None else None
        if content is not None and not content.is_live:
            expected = "not_published"
        elif content is not None and event.viewer_id == content.creator_id:
            expected = "own_content"
        elif content is not None and event.watched_ms < min(30_000, content.duration_ms // 2):
            expected = "too_short"
        key = (row["occurred_on"], event.content_id, event.viewer_id)
        if expected is None:
            assert row["outcome"] in ("earned", "daily_limit"), row
            if row["outcome"] == "daily_limit":
                late.add(key)
                continue
            earned[key] += 1
            rung = town.rung_at(event.content_id, row["drain_id"])
            numerator, denominator = MULTIPLIERS[rung]
            gross[event.content_id] += rules.view_rate_lamports * numerator // denominator
        else:
            assert row["outcome"] == expected, f"{row} should be {expected}"
    limit = rules.views_per_viewer_day
    assert all(count <= limit for count in earned.values())
    assert all(earned[key] == limit for key in late)
    return gross


def _shares(town: Town) -> Mapping[tuple[str, int], list[dict[str, Any]]]:
    shares: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for row in town.look.execute(
        "SELECT epoch_shares.*, content_investments.user_id, return_cap_lamports,"
        " returned_lamports, content_investments.lamports AS invested_lamports"
        " FROM epoch_shares JOIN content_investments"
        " ON content_investments.id = epoch_shares.investment_id"
        " ORDER BY epoch_shares.content_id, epoch, investment_id"
    ):
        shares[row["content_id"], row["epoch"]].append(row)
    return shares


def _parts(
    epoch: Mapping[str, Any], holders: list[dict[str, Any]], returned: Counter[UUID]
) -> dict[UUID, int]:
    """Each investor's floor, up to their cap."""
    invested = sum(share["invested_lamports"] for share in holders)
    parts: dict[UUID, int] = {}
    for share in holders:
        weight = epoch["investor_share_bps"] * share["invested_lamports"]
        exact_floor = epoch["gross_lamports"] * weight // (BPS * invested)
        name, cap = share["investment_id"], share["return_cap_lamports"]
        room = exact_floor if cap is None else cap - returned[name]
        parts[name] = min(exact_floor, room)
        returned[name] += parts[name]
        assert share["lamports"] == parts[name], f"{share} should have {parts[name]}"
    return parts


def _compare(town: Town, accrued: Counter[tuple[str, str, str]]) -> None:
    rows = town.look.execute(
        "SELECT content_id, user_id, kind, sum(lamports)::bigint AS lamports"
        " FROM pending_earnings GROUP BY content_id, user_id, kind"
    )
    written = Counter(
        {(row["content_id"], row["user_id"], row["kind"]): row["lamports"] for row in rows}
    )
    assert +written == +accrued, f"accrued {+written}, and worth {+accrued}"
