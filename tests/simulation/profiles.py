"""What goes wrong in a run: the chain's troubles, and what befalls the processes.

A run in which everything fails all the time never reaches the interesting states, so each seed
gets one kind of trouble, or a mix, and most of it with a probability that is often small.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from tests.fakes.troubles import CALM, Troubles

DrawTroubles = Callable[[Random], Troubles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One kind of run. Probabilities are per tick or request."""

    name: str
    troubles: DrawTroubles
    crash: float = 0.05
    rival: float = 0.1
    meanwhile: float = 0.2
    """Somebody else does something while the process is at work."""
    lose_database: float = 0.02
    lose_stream: float = 0.02
    odds: Mapping[str, int] = field(default_factory=dict)
    """Step → weight, where it differs from the usual."""


USUAL: Final[Mapping[str, int]] = {
    "tick": 30,
    "rival_tick": 6,
    "views": 16,
    "withdraw": 14,
    "invest": 10,
    "repeat": 3,
    "finish_upgrade": 6,
    "neglect_upgrades": 4,
    "airdrop": 3,
    "poison": 3,
    "pass_time": 5,
    "pass_a_day": 2,
    "change_troubles": 3,
    "empty_redis": 0,
    "set_clock": 0,
    "operator": 4,
    "restore": 0,
}
"""How often what happens, out of the sum."""


def _some(luck: Random, most: float) -> float:
    """Nothing in a third of the draws, else often a little."""
    return most * luck.random() ** 2 if luck.random() < 2 / 3 else 0.0


def _calm(_luck: Random) -> Troubles:
    return CALM


def _a_little(luck: Random) -> Troubles:
    """Some luck to be quiet, else what a bad day brings."""
    return CALM if luck.random() < 1 / 2 else _network(luck)


def _network(luck: Random) -> Troubles:
    return Troubles(
        pause_slots_max=luck.choice([0, 1, 5]),
        too_many_requests=_some(luck, 0.4),
        unavailable=_some(luck, 0.3),
        garbage=_some(luck, 0.3),
        half_answer=_some(luck, 0.3),
        answer_lost=_some(luck, 0.4),
        server_error=_some(luck, 0.3),
        send_dropped=_some(luck, 0.9),
        send_error_after_accept=_some(luck, 0.9),
        send_late=_some(luck, 1.0),
        send_twice=_some(luck, 0.5),
        simulation_leaks=_some(luck, 0.3),
    )


def _lying(luck: Random) -> Troubles:
    is_liar = luck.random() < 1 / 2
    return Troubles(
        pause_slots_max=luck.choice([0, 3]),
        has_liar=is_liar,
        has_foreigner=not is_liar,
        lie_blocks_max=luck.choice([50, 400]),
        lag_slots_max=luck.choice([0, 40, 200]),
        lag_jitter=_some(luck, 0.4),
        send_dropped=_some(luck, 0.8),
        send_late=_some(luck, 1.0),
    )


def _lost_history(luck: Random) -> Troubles:
    return Troubles(
        pause_slots_max=luck.choice([0, 3]),
        forgets=_some(luck, 0.05),
        hides_forgetting=luck.choice([0.0, 0.5, 1.0]),
        lag_slots_max=luck.choice([0, 40, 200]),
        lag_jitter=_some(luck, 0.4),
        send_dropped=_some(luck, 0.8),
        send_late=_some(luck, 1.0),
        answer_lost=_some(luck, 0.3),
    )


def _outages(luck: Random) -> Troubles:
    return Troubles(
        pause_slots_max=luck.choice([0, 5]),
        outage=_some(luck, 0.1),
        blackout=_some(luck, 0.03),
        long_pause=_some(luck, 0.05),
        outage_slots_max=luck.choice([10, 100, 400]),
        send_dropped=_some(luck, 0.6),
        send_late=_some(luck, 1.0),
    )


def _forks(luck: Random) -> Troubles:
    return Troubles(
        pause_slots_max=luck.choice([0, 1, 5]),
        skip=luck.choice([0.0, 0.05, 0.4]),
        fork=_some(luck, 0.2),
        fork_blocks_max=luck.choice([1, 5, 30]),
        fork_ends=luck.choice([0.05, 0.2, 0.5]),
        fork_returns=luck.choice([0.0, 0.5, 1.0]),
        stall=_some(luck, 0.02),
        spike=_some(luck, 0.05),
        spike_price_max=luck.choice([1_000, 1_000_000, 1_000_000_000]),
        send_dropped=_some(luck, 0.5),
        send_late=_some(luck, 0.8),
    )


PROFILES: Final = (
    Profile(name="calm", troubles=_calm, crash=0.0, rival=0.0, lose_database=0.0, lose_stream=0.0),
    Profile(name="network", troubles=_network),
    Profile(name="lying nodes", troubles=_lying),
    Profile(name="lost history", troubles=_lost_history),
    Profile(name="outages", troubles=_outages),
    Profile(name="forks", troubles=_forks),
    Profile(
        name="crashes",
        troubles=_calm,
        crash=0.5,
        rival=0.5,
        lose_database=0.1,
        lose_stream=0.1,
        odds={"empty_redis": 1, "set_clock": 2, "rival_tick": 15},
    ),
    Profile(
        name="restore",
        troubles=_a_little,
        crash=0.1,
        odds={"restore": 14, "views": 20},
    ),
    Profile(
        name="mix",
        troubles=Troubles.drawn,
        crash=0.25,
        rival=0.25,
        lose_database=0.05,
        lose_stream=0.05,
        odds={
            "empty_redis": 1,
            "set_clock": 2,
            "rival_tick": 12,
            "change_troubles": 5,
            "restore": 2,
        },
    ),
)


def drawn(luck: Random) -> Profile:
    """The profile of a seed; the mix comes twice as often as any other."""
    return luck.choice([*PROFILES, PROFILES[-1]])
