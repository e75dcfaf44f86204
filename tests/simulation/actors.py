"""Who acts in a town: settlers, their rivals, and the functions that take requests.

Each is a process of its own with its own connection, nodes and stream. It lives until it dies
or loses its database; the next call finds a new process in its place, as Lambda would.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import psycopg

from functions.batch import tick
from functions.batch.tick import Clockwork, Report, World
from pixr.adapters.solana import ChainUnreachable, Solana
from pixr.domain.errors import Outage, Refusal
from tests.fakes.cluster import GENESIS_HASH
from tests.simulation import mortal, sent
from tests.simulation.mortal import Boundary, Crash, MortalStream, MortalTransport, Process
from tests.simulation.town import Town

BUG: Final = re.compile(r"\w+: ")
"""A batch that could not be handled, by an exception that nobody expects; what a node said of a
rehearsal is JSON or one word."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Actor:
    """A process with what it needs to work."""

    process: Process
    db: mortal.MortalConnection
    chain: Solana
    stream: MortalStream


@dataclass(kw_only=True, eq=False)
class Actors:
    """The processes of a town."""

    town: Town
    alive: dict[str, Actor]
    is_nested: bool = False
    """Somebody runs while somebody else stands still; one at a time."""
    busy: set[str] = field(default_factory=set)
    breach: AssertionError | None = None
    """What was found at a call to a node. The settler must not be able to swallow it."""
    boundaries_max: int = 0
    """The longest life so far, which tells where a death may be planned."""

    def named(self, name: str) -> Actor:
        """The process of that name; a new one where the last one is gone."""
        actor = self.alive.get(name)
        if actor is None or actor.process.is_dead or actor.db.closed or actor.db.broken:
            actor = self.alive[name] = self._spawn(name)
        return actor

    def _spawn(self, name: str) -> Actor:
        process = Process(name=name)
        db, stream = self.town.servers.lend(process)
        nodes = [MortalTransport(node, process, self.watch) for node in self.town.cluster.nodes]
        return Actor(
            process=process,
            db=db,
            chain=Solana(
                nodes,
                genesis_hash=GENESIS_HASH,
                workers=1,
                clock=self.town.clock.monotonic,
                sleep=self.town.pass_time,
                jitter=self.town.luck.random,
            ),
            stream=stream,
        )

    def watch(self, process: Process, method: str, params: Sequence[Any]) -> None:
        """Look over a process's shoulder at every call to a node."""
        try:
            assert process.is_idle, f"{method} was called inside a database transaction"
            if method == "sendTransaction":
                sent.check(self.town, params[0])
        except AssertionError as breach:
            self.breach = self.breach or breach
            raise

    def end(self) -> None:
        """Everybody dies, so that the database can be restored."""
        for actor in self.alive.values():
            actor.process.is_dead = True
        self.alive.clear()

    def tick(
        self,
        name: str,
        *,
        seconds: float,
        stretch: float = 1.0,
        plans: Mapping[int, mortal.Plan] | None = None,
    ) -> Report | None:
        """Run one tick of a settler; None when it did not come to its end."""
        town, actor = self.town, self.named(name)
        deadline = town.clock.elapsed_s + seconds
        clockwork = Clockwork(
            now=town.clock.now,
            new_id=town.new_id,
            remaining_s=lambda: deadline - town.clock.elapsed_s,
            pause=lambda pause_s: town.pass_time(pause_s * stretch),
        )
        terms = town.terms
        if name != "settler":
            terms = replace(terms, payees_max=max(1, (terms.payees_max * 2) % 7))
        world = World(
            db=actor.db,
            chain=actor.chain,
            stream=actor.stream,
            keyring=town.keyring,
            send=lambda topic, payload: self._deliver(actor.process, topic, payload),
        )
        town.count("ticks")
        before = self._pause_and_work()
        report: Report | None = self._alive(actor, plans, lambda: tick.run(world, terms, clockwork))
        after = self._pause_and_work()
        is_paused = before["paused_at"] is not None and before["paused_at"] == after["paused_at"]
        assert not is_paused or before == after, f"worked in a pause: {before}, then {after}"
        if report is not None:
            bugs = {key: text for key, text in report.broken.items() if BUG.match(text)}
            assert not bugs, f"the settler stumbled: {bugs}"
        return report

    def _pause_and_work(self) -> dict[str, Any]:
        """Since when settlement is paused, and how much was ever planned and signed."""
        row = self.town.look.execute(
            "SELECT (SELECT paused_at FROM settlement_pause),"
            " (SELECT count(*) FROM batches) AS planned,"
            " (SELECT count(*) FROM transactions) AS signed"
        ).fetchone()
        assert row is not None
        return row

    def request(
        self,
        ask: Callable[[Actor], Any],
        *,
        name: str = "api",
        plans: Mapping[int, mortal.Plan] | None = None,
    ) -> Any:
        """Let the functions that people call answer; a refusal is an answer, too."""
        # Somebody else's request may come while this one is at work.
        actor = self.named(f"{name} too" if name in self.busy else name)

        def answer() -> Any:
            try:
                return ask(actor)
            except Refusal as refusal:
                return refusal
            except ChainUnreachable:
                return None

        return self._alive(actor, plans, answer)

    def _alive(
        self, actor: Actor, plans: Mapping[int, mortal.Plan] | None, work: Callable[[], Any]
    ) -> Any:
        process = actor.process
        begun = process.begun = process.crossed
        self.busy.add(process.name)
        process.plans = {begun + number: plan for number, plan in (plans or {}).items()}
        try:
            return work()
        except Crash:
            self.town.note(f"{process.name} died at {process.last}")
            self.town.count("crashes")
        except (psycopg.OperationalError, psycopg.InterfaceError, Outage) as outage:
            self.town.note(f"{process.name} lost {type(outage).__name__} at {process.last}")
            self.town.count("outages")
            process.is_dead = True
        finally:
            self.busy.discard(process.name)
            self.boundaries_max = max(self.boundaries_max, process.crossed - begun)
            process.plans.clear()
            process.waiting.clear()
            if self.breach is not None:
                raise self.breach
        return None

    def _deliver(self, process: Process, topic: str, payload: dict[str, Any]) -> None:
        process.cross("queue before", topic)
        self.town.known.jobs.append(sent.job_of(topic, payload))
        process.cross("queue after", topic)

    def overtake(self, seconds: float) -> mortal.Plan:
        """Plan: a rival runs a whole tick while the process stands still."""

        def plan(process: Process, here: Boundary) -> None:
            if not here.is_idle:
                process.waiting.append(plan)
                return
            if self.is_nested:
                return
            self.is_nested = True
            try:
                name = "rival" if process.name == "settler" else "settler"
                self.town.note(f"{name} overtakes {process.name} at {here}")
                self.tick(name, seconds=seconds)
            finally:
                self.is_nested = False

        return plan
