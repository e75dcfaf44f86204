"""Fifty thousand requests at the front door of a machine of its own.

    python -m tests.fuzz.many --requests 50000 --seed 1

Every documented route gets its share. Ends with a table, and with exit code 1 when an answer was
not as the document says, was a 5xx, or when chain and ledger disagree afterwards.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from rich.console import Console
from rich.table import Table

from infra.choices import DEFAULTS
from pixr.adapters.postgres import connect
from pixr.adapters.solana import Solana
from pixr.local.given import Given
from pixr.local.machine import running_machine
from pixr.ops.drill import UNHURRIED
from pixr.ops.verification import Check, verify
from tests.fuzz.attacker import Found, Known, attack
from tests.fuzz.prey import prepared

PROCESSES = 2
REST_S = 20.0
"""For what was asked last to be paid and final, with slots of 20 ms."""


def _attack(known: Known, count: int, luck: int) -> dict[str, Found]:
    return attack(known, count, luck=luck)


def _main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz.many", description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=20261128)
    asked = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    given = Given(chosen={**DEFAULTS, **UNHURRIED}, require_2fa="false")
    with running_machine(given=given, slot_ms=20) as machine:
        url = machine.description.database_url
        with connect(url) as db:
            known = prepared(machine, db)
        begun_s = time.monotonic()
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
            share = -(-asked.requests // PROCESSES)
            parts = [
                pool.submit(_attack, known, share, asked.seed + number)
                for number in range(PROCESSES)
            ]
            found: dict[str, Found] = {}
            for part in parts:
                for route, one in part.result().items():
                    found.setdefault(route, Found()).add(one)
        seconds = time.monotonic() - begun_s
        time.sleep(REST_S)
        machine.check()
        with connect(url) as db:
            chain = Solana(machine.description.solana_rpc_url.split(","))
            checks = list(verify(db, chain))
    return _tell(console, found, checks, seconds=seconds, luck=asked.seed)


def _tell(
    console: Console,
    found: dict[str, Found],
    checks: list[Check],
    *,
    seconds: float,
    luck: int,
) -> int:
    table = Table("route", "requests", "answered", "as documented")
    total: Counter[int] = Counter()
    for route, one in found.items():
        total += one.statuses
        said = ", ".join(f"{status} × {n:,}" for status, n in sorted(one.statuses.items()))
        table.add_row(route, f"{one.statuses.total():,}", said, "no" if one.failures else "yes")
    console.print(table)
    for route, one in found.items():
        for failure in one.failures:
            console.print(f"{route}\n    {failure}", markup=False, soft_wrap=True)
    differences = [f"{check.name}: {line}" for check in checks for line in check.differences]
    for difference in differences:
        console.print(difference, markup=False)
    console.print(
        f"seed {luck}: {total.total():,} requests in {seconds:.0f} s; "
        f"{sum(n for status, n in total.items() if status >= 500)} × 5xx; "
        f"pixr verify: {len(checks)} comparisons, {len(differences)} differences"
    )
    return int(bool(differences) or any(one.failures for one in found.values()))


if __name__ == "__main__":
    sys.exit(_main())
