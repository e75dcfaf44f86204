"""What may happen next in a town: one function a step, each told in one line of the trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from tests.simulation import mortal, operators, people, restores
from tests.simulation.actors import Actors
from tests.simulation.mortal import Boundary, Plan, Process
from tests.simulation.profiles import USUAL, Profile
from tests.simulation.town import RENT, SOL, Town

BOUNDARIES_GUESSED: Final = 150
"""Of a tick, before one was seen."""


@dataclass(kw_only=True, eq=False)
class Scene:
    """A town, who acts in it, and what may go wrong."""

    town: Town
    actors: Actors
    profile: Profile
    point: restores.Point | None = None
    """The last backup."""


Step = Callable[[Scene], str]


def draw(scene: Scene) -> tuple[str, Step]:
    """The next step."""
    odds = {**USUAL, **scene.profile.odds}
    name = scene.town.luck.choices(list(odds), weights=list(odds.values()))[0]
    return name, STEPS[name]


def _meanwhile(scene: Scene) -> Plan:
    """Plan: while the process stands still, somebody does something."""

    def plan(process: Process, here: Boundary) -> None:
        if not here.is_idle:
            process.waiting.append(plan)
            return
        if scene.actors.is_nested:
            return
        scene.actors.is_nested = True
        try:
            step = scene.town.luck.choice(
                [poison, views, withdraw, invest, finish_upgrade, airdrop]
            )
            scene.town.note(f"meanwhile, at {here}: {step(scene)}")
        finally:
            scene.actors.is_nested = False

    return plan


def _plans(scene: Scene) -> Mapping[int, Plan]:
    """What befalls a process in its next piece of work."""
    town, profile = scene.town, scene.profile
    most = max(BOUNDARIES_GUESSED, scene.actors.boundaries_max)
    plans: dict[int, Plan] = {}
    if scene.actors.is_nested:
        return plans

    def somewhere() -> int:
        # Half of them early, where the interesting few are.
        return town.luck.randrange(1, most if town.chance(0.5) else most // 4)

    if town.chance(profile.rival):
        plans[somewhere()] = scene.actors.overtake(seconds=town.luck.choice([0.5, 3, 30]))
    if town.chance(profile.meanwhile):
        plans[somewhere()] = _meanwhile(scene)
    if town.chance(profile.lose_database):
        plans[somewhere()] = mortal.lose_database
    if town.chance(profile.lose_stream):
        plans[somewhere()] = mortal.lose_stream
    if town.chance(profile.crash):
        plans[somewhere()] = mortal.crash
    return plans


def _tick(scene: Scene, name: str) -> str:
    luck = scene.town.luck
    seconds = luck.choice([2, 5, 20, 40])
    report = scene.actors.tick(
        name, seconds=seconds, stretch=luck.choice([1, 2, 5]), plans=_plans(scene)
    )
    if report is None:
        return f"{name} did not finish"
    words = {key: value for key, value in vars_of(report).items() if value}
    return f"{name} ran {seconds} s: {words}"


def vars_of(report: object) -> dict[str, object]:
    """The fields of a slotted dataclass."""
    return {name: getattr(report, name) for name in report.__slots__}  # type: ignore[attr-defined]  # a slotted dataclass


def tick(scene: Scene) -> str:
    return _tick(scene, "settler")


def rival_tick(scene: Scene) -> str:
    return _tick(scene, "rival")


def views(scene: Scene) -> str:
    return people.watch(scene.town, scene.town.luck.randrange(1, 40))


def withdraw(scene: Scene) -> str:
    return people.withdraw_some(scene.town, scene.actors, _plans(scene))


def invest(scene: Scene) -> str:
    return people.invest_some(scene.town, scene.actors, _plans(scene))


def repeat(scene: Scene) -> str:
    town, actors = scene.town, scene.actors
    return people.i13_the_same_key_and_body_get_the_same_answer_and_another_body_is_refused(
        town, actors
    )


def finish_upgrade(scene: Scene) -> str:
    return people.finish_an_upgrade(scene.town)


def neglect_upgrades(scene: Scene) -> str:
    return people.neglect_upgrades(scene.town)


def airdrop(scene: Scene) -> str:
    """Money comes from outside: to a user, to the treasury, or to nobody who expects it."""
    town = scene.town
    users = [town.address_of(user_id) for user_id in town.users]
    address = town.luck.choice([*users[:3], town.treasury, town.escrow])
    lamports = town.luck.choice([1, RENT, SOL // 10, SOL])
    if town.cluster.truth.balance(address) == 0:
        lamports += RENT
    town.airdrop(address, lamports)
    return f"{lamports} from outside to {address}"


def poison(scene: Scene) -> str:
    """A destination becomes a program, gets data, or cannot be written any more."""
    town = scene.town
    waiting = [asked.destination for asked in town.known.asked.values() if asked.destination]
    # A wallet of ours would have to sign to be emptied; a program cannot.
    creators = [town.address_of(content.creator_id) for content in town.contents]
    address = town.luck.choice([*waiting[-3:], *creators[:1]])
    become = town.luck.choice(
        [town.cluster.become_program, town.cluster.give_data, town.cluster.reserve]
    )
    # It must have the rent of what it becomes, or lamports would come from nowhere.
    town.airdrop(address, 3 * RENT)
    become(address)
    town.known.poisoned.add(address)
    return f"{become.__name__} {address}"


def pass_time(scene: Scene) -> str:
    seconds = scene.town.luck.choice([1, 10, 30, 80, 200])
    scene.town.pass_time(seconds)
    return f"{seconds} s pass"


def pass_a_day(scene: Scene) -> str:
    """A day on which nothing moves on the chain: receipts grow old."""
    scene.town.clock.quiet_s += 90_000
    return "a quiet day passes"


def change_troubles(scene: Scene) -> str:
    town = scene.town
    town.cluster.troubles = scene.profile.troubles(town.luck)
    return "other troubles"


def empty_redis(scene: Scene) -> str:
    """Valkey restarts empty; the producer sends its views again some day."""
    scene.town.servers.empty_redis()
    scene.town.known.must_resend = True
    if scene.town.chance(0.5):
        people.append(scene.town, list(scene.town.known.events.values()))
    return "Redis is empty"


def set_clock(scene: Scene) -> str:
    """Somebody sets the settler's wall clock, minutes to weeks, both ways."""
    luck = scene.town.luck
    # Most of the time it is set right again.
    skew = scene.town.clock.skew
    if skew and luck.random() < 0.5:
        scene.town.clock.skew = timedelta()
        return f"the clock is right again, it was off by {skew}"
    minutes = luck.choice([-1_440, -60, -5, -1, 1, 5, 60, 1_500, 40 * 1_440])
    scene.town.clock.skew += timedelta(minutes=minutes)
    return f"the clock jumps by {minutes} min"


def operator(scene: Scene) -> str:
    return operators.act(scene.town, scene.actors)


def restore(scene: Scene) -> str:
    """A backup is made, or the last one is restored, or what was lost is read back."""
    town, actors = scene.town, scene.actors
    if town.known.lost_since is not None:
        return restores.i15_rolling_back_and_recovering_keeps_i1(town, actors)
    if scene.point is None or town.chance(0.3):
        scene.point = restores.back_up(town)
        return "a backup is made"
    restores.restore(town, actors, scene.point)
    scene.point = None
    return f"restored to {town.known.lost_since}"


STEPS: Final[Mapping[str, Step]] = {
    "tick": tick,
    "rival_tick": rival_tick,
    "views": views,
    "withdraw": withdraw,
    "invest": invest,
    "repeat": repeat,
    "finish_upgrade": finish_upgrade,
    "neglect_upgrades": neglect_upgrades,
    "airdrop": airdrop,
    "poison": poison,
    "pass_time": pass_time,
    "pass_a_day": pass_a_day,
    "change_troubles": change_troubles,
    "empty_redis": empty_redis,
    "set_clock": set_clock,
    "operator": operator,
    "restore": restore,
}
