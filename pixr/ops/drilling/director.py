"""Plays a schedule: faults, aims, kills, crashes; then calm, until nothing is under way.

episode   fault on? ─▶ a tick begins ─▶ its work reaches the aim ─▶ delay ─▶ SIGKILL
             └ crash of Valkey or PostgreSQL before, between, or after ┘
calm      faults off, producers done ─▶ ticks until quiet (bounded)
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Final

from pixr.adapters.postgres import drills, pauses
from pixr.local.machine import Machine
from pixr.ops.drilling import reckoning
from pixr.ops.drilling.nodes import Nodes
from pixr.ops.drilling.operator import Operator
from pixr.ops.drilling.people import Asker
from pixr.ops.drilling.schedule import Aim, Crash, Episode, Fault, Moment, Victim, Weakness
from pixr.ops.drilling.settlers import Settler, wait_until
from pixr.ops.drilling.views import Producer
from pixr.ops.drilling.watch import Watch

TICK_TIMEOUT_S: Final = 8.0
VICTIM_TIMEOUT_S: Final = 8.0
HURRY_S: Final = 0.7
PAYDAY_EPISODES: Final = 2
"""In every second episode the regulars of a lookup table fall due together."""

PAYDAY_TIMEOUT_S: Final = 20.0
PID_POLL_S: Final = 0.002
QUIET_TIMEOUT_S: Final = 420.0
UPGRADES_TIMEOUT_S: Final = 60.0
"""An upgrade whose message was lost to a crash comes again after minutes; its money is safe."""

QUIET_POLL_S: Final = 1.0
REST_TIMEOUT_S: Final = 90.0


@dataclass(slots=True, kw_only=True)
class Record:
    """What happened, for the table."""

    kills: int = 0
    processes_killed: int = 0
    victims: Counter[str] = field(default_factory=Counter[str])
    states: Counter[str] = field(default_factory=Counter[str])
    """What stood open at a kill; a kill may count in several."""
    aims: Counter[str] = field(default_factory=Counter[str])
    aims_missed: Counter[str] = field(default_factory=Counter[str])
    storms: int = 0
    """Episodes in which every node dropped what was sent."""
    faults: Counter[str] = field(default_factory=Counter[str])
    weaknesses: Counter[str] = field(default_factory=Counter[str])
    """Episodes in which one node of several was unwell for longer."""
    crashes: Counter[str] = field(default_factory=Counter[str])
    differences: list[str] = field(default_factory=list[str])
    """Found on the way; others are found at the end."""
    is_quiet: bool = False
    left: str = ""
    """What was still under way when waiting ended."""
    quiet_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Director:
    """Everything that a schedule acts upon."""

    machine: Machine
    nodes: Nodes
    watch: Watch
    deployed: Settler
    rival: Settler
    producer: Producer
    askers: tuple[Asker, ...]
    operator: Operator
    record: Record
    minimum_lamports: int
    """MIN_BATCH_AMOUNT as it is deployed: less is not due yet."""
    log: Path
    """Gets one line of JSON per kill: what was drawn, and what it hit."""

    def play(self, episode: Episode) -> None:
        """Play one episode to its end: exactly one kill, or several processes at once."""
        self.machine.check()
        self.nodes.recover()
        self.nodes.weaken(episode)
        if episode.weakness is not Weakness.NONE:
            self.record.weaknesses[episode.weakness.value] += 1
        self.record.storms += episode.has_storm
        if self.producer.has_crowd and episode.number % PAYDAY_EPISODES == 0:
            self._hold_payday()
        if episode.has_rival:
            self.rival.resume()
        else:
            self.rival.pause()
        hunted = self._hunted(episode)
        for settler in hunted:
            settler.aim()
        taken_before = self.watch.undrained()[1]
        self._disturb(episode, Moment.BEFORE)
        is_reached = self._aim(episode, taken_before)
        self._disturb(episode, Moment.AT_AIM)
        time.sleep(episode.delay_ms / 1000)
        killed = self._kill(hunted)
        killed_at = datetime.now(UTC)
        states = self.watch.states(taken_before=taken_before)
        self.record.states.update(states)
        self._disturb(episode, Moment.AFTER)
        drawn = {
            name: value.value if isinstance(value, Enum) else value
            for name, value in asdict(episode).items()
        }
        hit = {"is_reached": is_reached, "killed": killed, "open": states}
        with self.log.open("a") as log:
            log.write(json.dumps({"at": killed_at.isoformat(), **drawn, **hit}) + "\n")

    def _hold_payday(self) -> None:
        """Let all regulars fall due at once, as a settler with a minute between ticks sees them."""
        self.deployed.rest(timeout_s=PAYDAY_TIMEOUT_S)
        self.producer.request_payday(timeout_s=PAYDAY_TIMEOUT_S)
        self.deployed.resume()

    def _aim(self, episode: Episode, taken_before: int) -> bool:
        hunted = self._hunted(episode)[-1]
        self.record.aims[episode.aim.value] += 1
        if episode.aim is Aim.DRAINING:
            # A drain of a second's views is over before a kill can hit it.
            self.producer.hurry()
            time.sleep(HURRY_S)
        if episode.aim is Aim.ANY:
            is_reached = hunted.is_ticking or hunted.wait_for_tick(timeout_s=TICK_TIMEOUT_S)
        else:
            is_reached = self.watch.wait_for(episode.aim, taken_before=taken_before)
        if not is_reached:
            self.record.aims_missed[episode.aim.value] += 1
        return is_reached

    def _disturb(self, episode: Episode, moment: Moment) -> None:
        if episode.fault is not Fault.NONE and episode.fault_at is moment:
            self.nodes.break_as(episode)
            self.record.faults[episode.fault.value] += 1
        if episode.crash is not Crash.NONE and episode.crash_at is moment:
            if episode.crash is Crash.VALKEY:
                self._check_promises()
            self.machine.crash(episode.crash.value)
            self.record.crashes[episode.crash.value] += 1
            if episode.crash is Crash.VALKEY:
                self.producer.redis_was_lost()

    def _check_promises(self) -> None:
        promised = self.producer.promised()
        on_streams = self.watch.on_streams()
        self.record.differences += self.watch.ask(
            lambda db: reckoning.compare_promises(db, promised, on_streams)
        )

    def _hunted(self, episode: Episode) -> tuple[Settler, ...]:
        return {
            Victim.DEPLOYED: (self.deployed,),
            Victim.RIVAL: (self.rival,),
            Victim.BOTH: (self.deployed, self.rival),
        }[episode.victim]

    def _kill(self, hunted: tuple[Settler, ...]) -> dict[str, int]:
        """Hit every victim; one that is between two processes is waited for."""
        self.record.kills += 1
        hits: dict[str, int] = {}
        for settler in hunted:
            killed = 0

            def hit(settler: Settler = settler) -> bool:
                nonlocal killed
                killed = settler.kill()
                return killed > 0

            if wait_until(hit, timeout_s=VICTIM_TIMEOUT_S, poll_s=PID_POLL_S):
                self.record.processes_killed += killed
                self.record.victims[settler.body.name] += 1
                hits[settler.body.name] = killed
        return hits

    def calm(self, *, progress: Callable[[str], None]) -> None:
        """Switch all faults off and let ticks run until nothing is under way, then stop them."""
        begun_s = time.monotonic()
        self.nodes.recover()
        self.rival.pause()
        progress("producers finish")
        finished = [asker.finish(timeout_s=REST_TIMEOUT_S) for asker in self.askers]
        finished.append(self.producer.finish(timeout_s=QUIET_TIMEOUT_S))
        record = self.record
        record.is_quiet = (
            all(finished)
            and wait_until(
                lambda: self._is_paused() or self._is_quiet(begun_s, progress),
                timeout_s=QUIET_TIMEOUT_S,
                poll_s=QUIET_POLL_S,
            )
            and not self._is_paused()
        )
        record.quiet_s = time.monotonic() - begun_s

    def _is_paused(self) -> bool:
        """Whether settlement has stopped itself, which nothing in a drill gives it reason to."""
        pause = self.watch.ask(pauses.read)
        if pause is not None:
            self.record.left = f"settlement is paused: {pause['reason']}"
        return pause is not None

    def _is_quiet(self, begun_s: float, progress: Callable[[str], None]) -> bool:
        left = self.watch.ask(
            lambda db: drills.unfinished(db, minimum_lamports=self.minimum_lamports)
        )
        events, taken = self.watch.undrained()
        self.record.left = f"{left}, {events} events on the stream, {taken} of them taken"
        progress(f"until quiet: {self.record.left}")
        if left.held and self.watch.ask(self.operator.release):
            return False
        is_waiting = time.monotonic() - begun_s < UPGRADES_TIMEOUT_S
        has_upgrades = bool(left.upgrades or left.messages)
        return left.is_paid and not events and not (has_upgrades and is_waiting)
