"""Many seeds on two processes, with a line of progress and a table at the end.

    python -m tests.simulation.many --seeds 1000 --from 5000 [--boundaries]

Ends at the first violation with its seed, its last steps, and exit code 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import queue
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from tests.simulation import boundaries
from tests.simulation.run import Summary, Violated, run
from tests.simulation.servers import own_servers

PROCESSES = 2
PATIENCE_S = 120.0
"""No seed takes so long; whoever is silent longer has died."""
Done = tuple[str, Any]


def _work(
    seeds: Sequence[int], part: tuple[int, int] | None, done: multiprocessing.Queue[Done]
) -> None:
    """Run seeds, then this process's part of all boundaries, on servers of its own."""
    with own_servers() as servers:
        try:
            for seed in seeds:
                done.put(("ran", run(seed, servers)))
            if part is not None:
                for told in boundaries.check_all(servers, part=part):
                    done.put(("survived", told))
        except Violated as violated:
            done.put(("violated", str(violated)))
            return
    done.put(("end", None))


def _main() -> int:
    parser = argparse.ArgumentParser(
        prog="tests.simulation.many", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=200, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument(
        "--boundaries", action="store_true", help="then every place of a small scenario"
    )
    parser.add_argument("--processes", type=int, default=PROCESSES)
    asked = parser.parse_args()
    if asked.seeds < 0 or asked.first < 0 or asked.processes < 1:
        parser.error("no fewer than no seeds, and no fewer than one process")
    seeds = range(asked.first, asked.first + asked.seeds)
    context = multiprocessing.get_context("spawn")
    done: multiprocessing.Queue[Done] = context.Queue()
    workers = [
        context.Process(
            target=_work,
            args=(
                seeds[number :: asked.processes],
                (number, asked.processes) if asked.boundaries else None,
                done,
            ),
        )
        for number in range(asked.processes)
    ]
    for worker in workers:
        worker.start()
    try:
        return _follow(done, seeds, working=len(workers))
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _follow(done: multiprocessing.Queue[Done], seeds: Sequence[int], *, working: int) -> int:
    """Show how far it is; 0 when every seed ran clean."""
    begun = time.monotonic()
    ran: list[Summary] = []
    survived = 0
    while working:
        try:
            word, said = done.get(timeout=PATIENCE_S)
        except queue.Empty:
            _say(f"\nno seed has ended for {PATIENCE_S:.0f} s: a worker hangs or died")
            return 1
        if word == "violated":
            _say(f"\n\n{said}\n")
            _table(ran, violations=1)
            return 1
        working -= word == "end"
        survived += word == "survived"
        if word == "ran":
            ran.append(said)
        rate = (len(ran) + survived) / (time.monotonic() - begun)
        line = f"\r{len(ran)} of {len(seeds)} seeds clean, {rate:.1f} a second"
        line += f", {survived} boundaries survived" if survived else ""
        if sys.stdout.isatty() or (len(ran) + survived) % 100 == 0:
            sys.stdout.write(line)
            sys.stdout.flush()
    _say(f"\n{survived} boundaries survived" if survived else "")
    _table(ran, violations=0)
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _table(ran: Sequence[Summary], *, violations: int) -> None:
    """What the seeds met, by profile: a simulation that meets nothing proves nothing."""
    names = ["seeds", "steps", "ticks", "crashes", "outages", "attempts", "expired", "failed"]
    names += ["held", "quarantined", "transactions"]
    rows: dict[str, Counter[str]] = {}
    for summary in ran:
        for name in (summary.profile, "all"):
            rows.setdefault(name, Counter()).update({**summary.counts, "seeds": 1})
    width = max(map(len, names))
    _say(" " * 14 + "".join(f"{name:>{width + 1}}" for name in names))
    for profile in sorted(rows, key=lambda name: (name == "all", name)):
        cells = "".join(f"{rows[profile][name]:>{width + 1},}" for name in names)
        _say(f"{profile:14}{cells}")
    if "all" in rows:
        paid = {name: count for name, count in rows["all"].items() if name not in names}
        _say("also: " + ", ".join(f"{count:,} {name}" for name, count in sorted(paid.items())))
    _say(f"{violations} violations")


if __name__ == "__main__":
    sys.exit(_main())
