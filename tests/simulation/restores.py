"""The database goes back to an older point, and ``pixr recover`` reads the rest from the chain.

    backup ─▶ time goes on ─▶ restore: everybody dies, the rows are the old ones
      ─▶ an operator pauses settlement, or nobody does and the settler has to notice by itself
      ─▶ the producer sends its views again ─▶ recover, as often as it takes

Who does not pause must not be quicker than the chain: a restore takes minutes, and by then
whatever was signed before is final or dead, and nodes that lag have heard of it. What is still on
its way cannot be noticed by anybody.

What the run knows by itself goes back as far as it speaks of the database's rows; what happened on
the chain, who asked for what, and who accrued how much, did happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pixr.adapters.postgres import pauses
from pixr.ops.recovery import Recovered, RecoveryStuck, recover
from tests.simulation import people
from tests.simulation.actors import Actor, Actors
from tests.simulation.town import Town

BACKUP = "backup"
DRAINS_MAX = 20
MINUTES_MAX = 15
"""That a restore takes: a chain that has not decided by then is not waited for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A backup, and what the run knew of its rows."""

    taken_at: datetime
    edges_read: int
    counted: dict[str, dict[str, Any]]
    drains_read: set[UUID]
    rungs: dict[str, list[tuple[int, frozenset[UUID]]]]


def back_up(town: Town) -> Point:
    """Keep what is committed now."""
    town.servers.save(BACKUP)
    known = town.known
    return Point(
        taken_at=town.clock.now(),
        edges_read=town.edges_read,
        counted=dict(known.counted),
        drains_read=set(known.drains_read),
        rungs={name: list(rungs) for name, rungs in known.rungs.items()},
    )


def restore(town: Town, actors: Actors, point: Point) -> None:
    """Lose everything since the backup. Whoever still signs is stopped first."""
    actors.end()
    town.servers.load(BACKUP)
    town.edges_read = point.edges_read
    known = town.known
    known.counted = dict(point.counted)
    known.drains_read = set(point.drains_read)
    known.rungs = {name: list(rungs) for name, rungs in point.rungs.items()}
    known.lost_since = point.taken_at
    there = {str(row["id"]) for row in town.look.execute("SELECT id FROM payouts")}
    known.forgotten |= known.asked.keys() - there
    pauses.resume(town.look)
    if town.chance(0.5) or not _is_decided(town):
        pauses.pause(town.look, "simulated restore", now=town.clock.now())
    else:
        town.count("restores that nobody pauses")
    people.append(town, list(known.events.values()))
    known.must_resend = True
    town.count("restores")


def _is_decided(town: Town) -> bool:
    """Let the minutes pass that a restore takes; whether nothing is on its way any more."""
    cluster = town.cluster
    for _ in range(MINUTES_MAX):
        town.pass_time(60)
        if not any(cluster.may_land(signed.raw) for signed in town.known.signed.values()):
            lag_slots = cluster.troubles.lag_slots_max + cluster.troubles.index_lag_slots_max
            cluster.pass_slots(lag_slots)
            return True
    return False


def i15_rolling_back_and_recovering_keeps_i1(town: Town, actors: Actors) -> str:
    """Rolling the database back to any earlier point and recovering keeps I1.

    Runs the recovery once; I1 and all others are checked after this step as after any other.
    """
    point = town.known.lost_since
    assert point is not None
    if not _views_are_back(actors):
        return "its views are not all drained yet"

    def read_back(actor: Actor) -> Recovered | str:
        try:
            return recover(
                actor.db,
                actor.chain,
                now=town.clock.now,
                new_id=town.new_id,
                return_cap_bps=15_000,
                pause=town.pass_time,
                since=point - timedelta(minutes=5),
                house={"treasury": town.treasury, "escrow": town.escrow},
                wallet_address=town.address_of,
            )
        except RecoveryStuck as stuck:
            return f"stuck: {stuck}"

    report = actors.request(read_back, name="operator")
    if not isinstance(report, Recovered):
        return f"recover: {report}"
    if not report.is_clean:
        return f"recover is not clean: {report.unexplained} {report.differences} {report.on_hold}"
    town.known.lost_since = None
    pauses.resume(town.look)
    town.count("recoveries")
    return f"recovered: {dict(report.counts)}"


def _views_are_back(actors: Actors) -> bool:
    """While settlement is paused the settler goes on draining."""
    settler = actors.named("settler")
    for _ in range(DRAINS_MAX):
        if settler.stream.depth() == 0:
            return True
        if actors.tick("settler", seconds=2) is None:
            return False
    return False
