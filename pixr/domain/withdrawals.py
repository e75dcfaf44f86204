"""How much may leave a user's wallet, how often, and how much of it to an address nobody knows.

Whoever has stolen a session and a code gets at most what these rules let go within the hours in
which the owner can notice. Windows slide: what was asked for counts for exactly one hour or day,
whatever became of it, because asking again and again must not be free either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pixr.domain.errors import NewDestination, WithdrawalLimit

COOL_OFF: Final = timedelta(hours=24)
"""How long an address has been on the allow-list before any sum may go there."""

HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(hours=24)

ALLOWLIST_MAX: Final = 50
"""Addresses a user may list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a wallet may let go, in lamports and in withdrawals."""

    hour_lamports_max: int
    day_lamports_max: int
    hour_max: int
    day_max: int
    small_lamports: int
    """In all, within a day, to destinations that are not on the allow-list or still cool off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A withdrawal of the last day."""

    at: datetime
    lamports: int
    is_trusted: bool
    """Whether its destination was usable on the allow-list when it was asked for."""


def check_pace(
    lamports: int,
    recent: Sequence[Asked],
    *,
    rules: Rules,
    destination: str,
    usable_at: datetime | None,
    now: datetime,
) -> None:
    """Refuse a withdrawal that would be too much or too many.

    Args:
        lamports: What is asked for.
        recent: The withdrawals of the last day, in any order.
        rules: The rules.
        destination: For the refusal.
        usable_at: From when on the allow-list lets any sum go there; None when it is not listed.
        now: The time.

    Raises:
        NewDestination: The destination is not trusted yet, and it is not a small sum any more.
        WithdrawalLimit: More than the hour or the day allows.
    """
    is_trusted = usable_at is not None and usable_at <= now
    day = [item for item in recent if item.at > now - DAY]
    hour = [item for item in day if item.at > now - HOUR]
    for items, window, count_max, lamports_max in (
        (hour, HOUR, rules.hour_max, rules.hour_lamports_max),
        (day, DAY, rules.day_max, rules.day_lamports_max),
    ):
        spent = sum(item.lamports for item in items)
        if len(items) >= count_max or spent + lamports > lamports_max:
            raise WithdrawalLimit(
                asked_lamports=lamports,
                allowed_lamports=max(lamports_max - spent, 0) if len(items) < count_max else 0,
                rule=_rule(window, count_max, lamports_max, is_count=len(items) >= count_max),
                retry_after_s=_until_one_leaves(items, window, now=now),
            )
    if is_trusted:
        return
    spent = sum(item.lamports for item in day if not item.is_trusted)
    if spent + lamports > rules.small_lamports:
        raise NewDestination(
            destination,
            asked_lamports=lamports,
            allowed_lamports=max(rules.small_lamports - spent, 0),
            usable_at=usable_at,
        )


def _rule(window: timedelta, count_max: int, lamports_max: int, *, is_count: bool) -> str:
    name = "hour" if window == HOUR else "24 hours"
    return (
        f"at most {count_max} withdrawals in any {name}"
        if is_count
        else f"at most {lamports_max} lamports in any {name}"
    )


def _until_one_leaves(items: Sequence[Asked], window: timedelta, *, now: datetime) -> int | None:
    """Seconds until the oldest does not count any more; None: waiting does not help."""
    if not items:
        return None
    leaves_at = min(item.at for item in items) + window
    return int((leaves_at - now).total_seconds()) + 1
