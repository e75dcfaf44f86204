"""What a drill does to the system, drawn from one seed before anything starts.

    seed ──▶ kill 1: who, aimed at what, after how long; which RPC fault; what else crashes
             kill 2: …

The same seed draws the same schedule. It does not replay the interleaving: what a process is at
when its time comes is up to the machine. The rare things come from shuffled decks rather than from
dice, so that each of them happens in a drill of useful length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import repeat
from random import Random
from typing import Final, TypeVar

Card = TypeVar("Card")


class Aim(Enum):
    """What the kill waits for; a random delay follows."""

    ANY = "any moment"
    DRAINING = "draining"
    PLANNED = "planned"
    SIGNED = "signed"
    IN_FLIGHT = "in flight"
    FINALIZING = "finalizing"


class Victim(Enum):
    """Whom SIGKILL hits: the deployed function, its rival, or both at once."""

    DEPLOYED = "deployed"
    RIVAL = "rival"
    BOTH = "both"


class Moment(Enum):
    """When a fault or a crash comes, within the time of one kill."""

    BEFORE = "before the aim"
    AT_AIM = "between aim and kill"
    AFTER = "after the kill"


class Fault(Enum):
    """A fault of RPC nodes, by the name of its switch (``pixr.local.chain.faults``)."""

    NONE = "none"
    DROP_SENDS = "drop_sends"
    ERROR_AFTER_ACCEPT = "error_after_accept"
    HTTP_429 = "http_429"
    HTTP_503 = "http_503"
    GARBAGE = "garbage"
    LATENCY = "latency_ms"
    FREEZE = "freeze"
    FORGET = "forget_before_slot"


class Weakness(Enum):
    """What is wrong with one node for a while, whatever happens to the others."""

    NONE = "none"
    LAG = "lag_blocks"
    HTTP_429 = "http_429"
    HTTP_503 = "http_503"
    FORGET = "forget_before_slot"


class Crash(Enum):
    """A server that dies and comes back: Valkey empty, PostgreSQL by its own recovery."""

    NONE = "none"
    VALKEY = "Valkey"
    POSTGRES = "PostgreSQL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One kill and what surrounds it. ``number`` counts from 1."""

    number: int
    victim: Victim
    has_rival: bool
    """Whether a second settler runs beside the deployed one."""
    aim: Aim
    delay_ms: int
    """From the aim to the kill."""
    fault: Fault
    fault_at: Moment
    latency_ms: int
    """How slow a node is, where that is the fault."""
    nodes: tuple[int, ...]
    """Which nodes have the fault, counted from 0."""
    weak: int
    """Which node has the weakness."""
    weakness: Weakness
    has_storm: bool
    """Whether every node drops what is sent, too, for as long as the weakness lasts."""
    crash: Crash
    crash_at: Moment


AIMS: Final = (
    *(Aim.ANY, Aim.ANY, Aim.DRAINING, Aim.DRAINING, Aim.PLANNED, Aim.PLANNED),
    *(Aim.SIGNED, Aim.SIGNED, Aim.IN_FLIGHT, Aim.IN_FLIGHT, Aim.FINALIZING, Aim.FINALIZING),
)
DELAY_MS_MAX: Final = {
    Aim.ANY: 4_000,
    Aim.DRAINING: 30,
    Aim.PLANNED: 200,
    Aim.SIGNED: 6,
    Aim.IN_FLIGHT: 1_200,
    Aim.FINALIZING: 150,
}
VICTIMS: Final = (*(Victim.DEPLOYED,) * 7, *(Victim.RIVAL,) * 2, Victim.BOTH)
FAULTS: Final = (
    *(Fault.NONE,) * 9,
    *(Fault.DROP_SENDS, Fault.DROP_SENDS, Fault.ERROR_AFTER_ACCEPT, Fault.ERROR_AFTER_ACCEPT),
    *(Fault.LATENCY, Fault.LATENCY, Fault.FREEZE, Fault.FORGET),
    *(Fault.HTTP_429, Fault.HTTP_503, Fault.GARBAGE),
)
CRASHES: Final = (*(Crash.NONE,) * 10, Crash.VALKEY, Crash.POSTGRES)
SILENCING: Final = frozenset({Fault.HTTP_429, Fault.HTTP_503, Fault.GARBAGE, Fault.FREEZE})
"""With one of these from the start nothing gets signed, and an aim at that would only wait."""
WEAKNESSES: Final = (
    *(Weakness.NONE, Weakness.LAG, Weakness.LAG, Weakness.HTTP_429),
    *(Weakness.HTTP_503, Weakness.FORGET, Weakness.FORGET),
)
WEAK_EPISODES: Final = 3
"""A weakness outlasts an expiry, which one episode does not, so that proofs have to do without."""
STORMS: Final = (True, False, False)
"""Bytes that are offered again in time land after all: only a storm lets them expire."""
REACHES: Final = ("all", "all", "all", "most", "one")
"""How many nodes have a fault: what some node takes lands all the same."""
RIVAL_SHARE: Final = 3
"""In one episode of so many a rival runs although nobody kills it."""
LATENCY_MS: Final = (50, 600)
CALLS_PER_SIGNATURE: Final = 5
"""To a node, from planning to sending: with a slow node each is a moment of its own."""


def draw(seed: int, kills: int, *, nodes: int = 1) -> list[Episode]:
    """Draw a schedule; the first episodes of a longer one are those of a shorter one.

    With several nodes it is the same schedule, and which nodes have a fault besides.
    """
    sick = _sickness(seed, nodes)
    random = Random(seed)  # noqa: S311 -- a schedule, no secret
    aims, victims = _deck(random, AIMS), _deck(random, VICTIMS)
    faults, crashes = _deck(random, FAULTS), _deck(random, CRASHES)
    episodes: list[Episode] = []
    for number in range(1, kills + 1):
        victim, aim, fault = next(victims), next(aims), next(faults)
        begins_silent = fault in SILENCING and aim not in (Aim.ANY, Aim.DRAINING)
        fault_at = random.choice((Moment.BEFORE, Moment.AT_AIM))
        latency_ms = random.randint(*LATENCY_MS)
        is_slow = fault is Fault.LATENCY and aim in (Aim.PLANNED, Aim.SIGNED)
        sickness = next(sick)
        delay_ms_max = latency_ms * CALLS_PER_SIGNATURE if is_slow else DELAY_MS_MAX[aim]
        episodes.append(
            Episode(
                number=number,
                victim=victim,
                has_rival=victim is not Victim.DEPLOYED or random.randrange(RIVAL_SHARE) == 0,
                aim=aim,
                delay_ms=random.randint(0, delay_ms_max),
                fault=fault,
                fault_at=Moment.AT_AIM if begins_silent else fault_at,
                latency_ms=latency_ms,
                nodes=sickness.nodes,
                weak=sickness.weak,
                weakness=sickness.weakness,
                has_storm=sickness.has_storm,
                crash=next(crashes),
                crash_at=random.choice(tuple(Moment)),
            )
        )
    return episodes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sickness:
    """What an episode has of several nodes; an only one has every fault and no weakness."""

    nodes: tuple[int, ...] = (0,)
    weak: int = 0
    weakness: Weakness = Weakness.NONE
    has_storm: bool = False


def _sickness(seed: int, nodes: int) -> Iterator[_Sickness]:
    """Which nodes have the fault of each episode, and which one is weak and how."""
    if nodes == 1:
        yield from repeat(_Sickness())
    random = Random(f"{seed}:nodes")  # noqa: S311 -- a schedule, no secret
    reaches, weaknesses = _deck(random, REACHES), _deck(random, WEAKNESSES)
    storms = _deck(random, STORMS)
    while True:
        weak, weakness, has_storm = random.randrange(nodes), next(weaknesses), next(storms)
        for _ in range(WEAK_EPISODES):
            hit = {"all": nodes, "most": nodes - 1, "one": 1}[next(reaches)]
            broken = tuple(sorted(random.sample(range(nodes), hit)))
            yield _Sickness(nodes=broken, weak=weak, weakness=weakness, has_storm=has_storm)


def _deck(random: Random, cards: Sequence[Card]) -> Iterator[Card]:
    """Deal shuffled decks one after another, each with a randomness of its own."""
    own = Random(random.getrandbits(64))  # noqa: S311 -- a schedule, no secret
    while True:
        yield from own.sample(cards, len(cards))
