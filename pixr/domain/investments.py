"""What an investor may put into an upgrade, what comes back at most, and how far a job is.

    OPEN ──price reached, all of it in escrow──▶ FUNDED ──job published──▶ LIVE
      └─ not begun in time ──▶ FAILED ◀── job failed for good ┘   (everybody refunded)

The first investor fixes the price; nobody can put in more than is open.
"""

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Final

from pixr.domain.earnings import INVESTORS_MAX
from pixr.domain.errors import BeingMade, Malformed, NoGain, TooSmall
from pixr.domain.money import RENT_EXEMPT_LAMPORTS, Lamports
from pixr.domain.renditions import LADDER, Size, real_rungs, shows_nothing_new

FUNDING_TIME: Final = timedelta(days=30)
"""What is not fully funded by then is refunded: nobody's money waits for ever."""

INVESTMENT_MIN_LAMPORTS: Final = RENT_EXEMPT_LAMPORTS
"""So that escrow can always hold what it got, and 1,000 tiny parts cannot be bought for a cent."""

_QUALITY = re.compile(r"([0-9]{3,4})p?")
_JOB_PERCENT: Final = {"QUEUED": 0, "TUNING": 1, "ASSEMBLING": 95, "PUBLISHED": 100}
_ENCODED_PERCENT: Final = 95
"""Joining and checking the chunks is about the last twentieth of a job."""


def parse_quality(value: object) -> int:
    """Read a rung: ``1080``, ``"1080"`` or ``"1080p"``.

    Raises:
        Malformed: It is none of the ladder.
    """
    if isinstance(value, str):
        match = _QUALITY.fullmatch(value)
        value = int(match[1]) if match and match[1].isascii() else None
    if not isinstance(value, int) or value not in LADDER:
        names = ", ".join(f"{rung}p" for rung in LADDER)
        raise Malformed("quality", f"must be one of {names}")
    return value


def check_gain(
    rung: int,
    *,
    source: Size | None,
    detail: Mapping[str, int] | None,
    present: Collection[int],
    making: Collection[int],
) -> None:
    """Refuse to sell a rung that would show viewers nothing new.

    Args:
        rung: One of ``LADDER``.
        source: The picture of the accepted source; None while there is none.
        detail: What was measured of it; see ``shows_nothing_new``.
        present: Rungs that are published already.
        making: Rungs that a job makes at the moment.

    Raises:
        NoGain: With the reason.
        BeingMade: It will be there anyway.
    """
    if source is None:
        raise NoGain("no source has been accepted yet, so nothing can be made from it")
    if rung in present:
        raise NoGain(f"{rung}p is there already")
    if rung in making:
        raise BeingMade(rung)
    if rung not in real_rungs(source):
        raise NoGain(f"the source's short side is {source.short_px} px: there is no {rung}p in it")
    if reason := shows_nothing_new(detail, rung):
        raise NoGain(reason)


def return_cap(invested: Lamports, *, cap_bps: int) -> Lamports | None:
    """How much may come back in total, rounded down; None, for 0, when there is no cap."""
    return Lamports(invested * cap_bps // 10_000) if cap_bps else None


def check_share(invested: Lamports, *, open_lamports: int) -> None:
    """Refuse a part of an upgrade that is too small, or leaves too small a part to others.

    Each part is a transaction that the treasury pays, and a party to every later split.

    Args:
        invested: What is to be moved; not more than is open.
        open_lamports: What the upgrade still needs, before this.

    Raises:
        TooSmall: Less than ``INVESTMENT_MIN_LAMPORTS``, or less than that would remain open.
    """
    if invested < INVESTMENT_MIN_LAMPORTS:
        raise TooSmall(invested, INVESTMENT_MIN_LAMPORTS, "that is the least one can invest")
    if 0 < open_lamports - invested < INVESTMENT_MIN_LAMPORTS:
        raise TooSmall(
            open_lamports - invested,
            INVESTMENT_MIN_LAMPORTS,
            f"that would remain open; invest all {open_lamports}, or leave more to others",
        )


def blocking_dust(
    escrow_lamports: int,
    *,
    available_lamports: int,
    leaving_lamports: int,
    undecided_lamports: int,
) -> int:
    """Return what must leave the escrow so that everything else that is to leave it can.

    Args:
        escrow_lamports: All that is in it.
        available_lamports: What of it nobody has a promise on.
        leaving_lamports: What refunds and releases will take along; not what was put aside.
        undecided_lamports: What investors have in it for upgrades that are not decided.

    Returns:
        0 where nothing would remain, or enough that the chain lets it stay: what was put aside
        and what is not decided stays, and keeps the dust company.
    """
    remaining = escrow_lamports - leaving_lamports
    is_nobodys = remaining == available_lamports - undecided_lamports
    return remaining if is_nobodys and 0 < remaining < RENT_EXEMPT_LAMPORTS else 0


def check_investors(count: int) -> None:
    """Refuse one more party to a content that has as many as a split can bear.

    Raises:
        NoGain: ``INVESTORS_MAX`` share in it already.
    """
    if count >= INVESTORS_MAX:
        raise NoGain(f"{count} investors share in this content, which is the most it can have")


def progress_percent(state: str, *, frames_done: int, frames_total: int | None) -> int | None:
    """How far an upgrade job is, in whole percent; None when it ended without success."""
    if state not in ("ENCODING", "CONVERTING"):
        return _JOB_PERCENT.get(state)
    encoded = frames_done * _ENCODED_PERCENT // frames_total if frames_total else 0
    return max(_JOB_PERCENT["TUNING"], encoded)
