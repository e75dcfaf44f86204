"""Prices of a while, read from a file or drawn from it: minutes that a policy can be replayed on.

    # Source: …                                 a line that begins with # is a remark
    slot,unix_time,micro_lamports_per_unit      what `pixr fees collect` writes: one row a slot
    slot,…,fee_level_1,fee_level_2,fee_level_3  p25, p50 and p75 of one slot, micro-lamports a unit
    time_utc,p25,p50,p75,p95                    tips of one minute in SOL: a curve, not prices

Which of the three a file is, its column names tell. Only the first is what the settler sees.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from pixr.domain import fees
from pixr.domain.fee_replay import TRAILING_S, Minute
from pixr.local.errors import LocalError

COLLECTED: Final = ("slot", "unix_time", "micro_lamports_per_unit")
LEVELS: Final = ("fee_level_1", "fee_level_2", "fee_level_3")
TIPS: Final = ("p25", "p50", "p75", "p95")
TIP_PARTS: Final = 10**15
"""Parts of a SOL in which tips are compared; the files have 12 digits."""

BYTES_MAX: Final = 100_000_000
"""A day of slots is 8 MB."""

MEDIAN_PRICE: Final = 5_000
"""Micro-lamports per unit that a curve without prices is scaled to: the median of slots' medians on
mainnet on 2024-10-13, as far as 24 slots can tell (tests/data)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """Minutes of prices, and what they can and cannot show."""

    name: str
    nature: str
    minutes: tuple[Minute, ...]
    past: tuple[int, ...]
    """Medians of the day before, for the trailing percentile."""
    remarks: tuple[str, ...] = ()


def poisson(per_minute: float, minutes: Sequence[Minute], *, seed: int) -> list[int]:
    """When payouts fall due: independent of each other, ``per_minute`` on average."""
    dice = random.Random(seed)  # noqa: S311 -- a replay has to be repeatable, not secret
    arrivals: list[int] = []
    at_s = float(minutes[0].at_s - fees.TICK_S)
    while True:
        at_s += dice.expovariate(per_minute / 60)
        if at_s > minutes[-1].at_s:
            return arrivals
        arrivals.append(int(at_s))


def read(path: Path, *, median_price: int = MEDIAN_PRICE) -> Trace:
    """Read a trace of any of the three forms.

    Args:
        path: The file.
        median_price: What the median of a curve of tips is taken to be, micro-lamports a unit.

    Raises:
        LocalError: It is none of the forms, or a line of it is broken.
    """
    rows = _rows(path)
    if not rows:
        raise LocalError(f"{path} has no rows.", mend="Collect for a while longer.")
    _, first = rows[0]
    forms: Mapping[tuple[str, ...], Callable[[], Trace]] = {
        COLLECTED: lambda: _collected(path, rows),
        ("slot", *LEVELS): lambda: _levels(path, rows),
        ("time_utc", *TIPS): lambda: _tips(path, rows, median_price),
    }
    for columns, form in forms.items():
        if set(columns) <= set(first):
            return form()
    raise LocalError(
        f"{path} has columns {', '.join(first)}.",
        mend="Known forms: " + "; ".join(",".join(columns) for columns in forms) + ".",
    )


def from_own_past(medians: Sequence[int]) -> tuple[int, ...]:
    """A day before a trace that is too short to have one: the trace itself, again and again."""
    day = TRAILING_S // fees.TICK_S
    return tuple(medians[i % len(medians)] for i in range(day))


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and fields of each row."""
    try:
        if path.stat().st_size > BYTES_MAX:
            raise LocalError(f"{path} is larger than 100 MB.", mend="Cut it by days.")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LocalError(f"{path} cannot be read: {error}.", mend="Name a CSV file.") from error
    numbered = [(number, line) for number, line in enumerate(lines, 1) if not _is_remark(line)]
    rows = csv.DictReader((line for _, line in numbered), strict=True)
    found: list[tuple[int, dict[str, str]]] = []
    try:
        for number, row in zip((number for number, _ in numbered[1:]), rows, strict=True):
            if None in row or None in row.values():
                raise _broken(path, number, "has another number of fields than the heading")
            found.append((number, row))
    except (csv.Error, ValueError) as error:
        raise LocalError(f"{path} is no CSV: {error}.", mend="Name a CSV file.") from error
    return found


def _is_remark(line: str) -> bool:
    return not line.strip() or line.startswith("#")


def _broken(path: Path, number: int, what: str) -> LocalError:
    return LocalError(f"{path}, line {number}: {what}.", mend="Mend the line or leave it out.")


def _number(path: Path, number: int, row: Mapping[str, str], name: str) -> int:
    text = row[name].strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 20):  # noqa: PLR2004 -- 64 bits
        raise _broken(path, number, f"{name} is {text[:40]!r}, not a whole number from 0 on")
    return int(text)


def _collected(path: Path, rows: Sequence[tuple[int, Mapping[str, str]]]) -> Trace:
    """What the settler would have seen every minute: the last slots known at that moment."""
    slots: list[tuple[int, int, int]] = []
    for number, row in rows:
        slot, at_s, price = (_number(path, number, row, name) for name in COLLECTED)
        if slots and (slot <= slots[-1][0] or at_s < slots[-1][1]):
            raise _broken(path, number, "is not after the line before it")
        slots.append((slot, at_s, price))
    minutes = tuple(_by_minute(slots))
    day = TRAILING_S // fees.TICK_S
    medians = [minute.median for minute in minutes]
    if len(minutes) > day + fees.WINDOWS_MIN:
        past, replayed = tuple(medians[:day]), minutes[day:]
        remark = "The first day only teaches what is cheap; the rest is replayed."
    else:
        past, replayed = from_own_past(medians), minutes
        remark = "Too short to have a day before it: what is cheap is learned from itself."
    return Trace(
        name=path.stem,
        nature="prices for the write-locked accounts, slot by slot, as a node reported them",
        minutes=replayed,
        past=past,
        remarks=(remark,),
    )


def _by_minute(slots: Sequence[tuple[int, int, int]]) -> Iterator[Minute]:
    begun_s, ended_s = slots[0][1], slots[-1][1]
    known = 0
    for at_s in range(begun_s, ended_s + fees.TICK_S, fees.TICK_S):
        fresh = known
        while known < len(slots) and slots[known][1] <= at_s:
            known += 1
        if known == fresh:
            continue  # nobody was listening
        recent = slots[max(known - fees.WINDOW_SLOTS, 0) : known]
        window = fees.window({slot: price for slot, _, price in recent})
        yield Minute(at_s=at_s - begun_s, prices=tuple(window.values()))


def _levels(path: Path, rows: Sequence[tuple[int, Mapping[str, str]]]) -> Trace:
    minutes = tuple(
        Minute(
            at_s=i * fees.TICK_S,
            prices=tuple(_number(path, number, row, level) for level in LEVELS),
        )
        for i, (number, row) in enumerate(rows, 1)
    )
    return Trace(
        name=path.stem,
        nature="real compute-unit prices of all transactions; each slot stands for a minute",
        minutes=minutes,
        past=from_own_past([minute.median for minute in minutes]),
        remarks=(
            f"{len(minutes)} slots, {len(minutes) * 2 // 5} s of mainnet: real levels, no clock.",
            "Above p75 nothing was recorded: a bid at p95 pays p75.",
            "What is cheap is learned from the trace itself.",
        ),
    )


def _tips(path: Path, rows: Sequence[tuple[int, Mapping[str, str]]], median_price: int) -> Trace:
    tips: list[tuple[int, list[int]]] = []
    for number, row in rows:
        at_s = _seconds(path, number, row["time_utc"])
        if tips and at_s <= tips[-1][0]:
            raise _broken(path, number, "is not after the line before it")
        tips.append((at_s, [_parts(path, number, row[name]) for name in TIPS]))
    middle = fees.percentile([tip[1] for _, tip in tips], 50)
    if middle == 0:
        raise LocalError(f"{path}: half of the tips are zero.", mend="It has no scale.")
    minutes = tuple(
        Minute(
            at_s=at_s - tips[0][0] + fees.TICK_S,
            prices=tuple(median_price * part // middle for part in tip),
        )
        for at_s, tip in tips
    )
    return Trace(
        name=path.stem,
        nature="a congestion curve: Jito tips, not priority fees, scaled to prices",
        minutes=minutes,
        past=from_own_past([minute.median for minute in minutes]),
        remarks=(
            f"The median tip is set to {median_price:,} micro-lamports a unit.",
            f"{len(minutes)} minutes have no day and no night.",
            "What is cheap is learned from the trace itself.",
        ),
    )


def _seconds(path: Path, number: int, text: str) -> int:
    try:
        return int(datetime.fromisoformat(text).timestamp())
    except ValueError as error:
        raise _broken(path, number, f"{text[:40]!r} is no time") from error


def _parts(path: Path, number: int, text: str) -> int:
    try:
        tip = Decimal(text)
    except InvalidOperation as error:
        raise _broken(path, number, f"{text[:40]!r} is no amount of SOL") from error
    if not (tip.is_finite() and 0 <= tip <= 1_000_000):  # noqa: PLR2004 -- more than anybody tips
        raise _broken(path, number, f"{text[:40]!r} is no amount of SOL")
    return int(tip * TIP_PARTS)
