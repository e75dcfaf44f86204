"""Every boundary of a small scenario, one after the other: none may be a bad place to die.

    count the boundaries of one calm tick ─▶ for each: the same tick, and there the process dies,
    or a rival overtakes it, it loses its database, its payees are poisoned ─▶ calm, until
    everybody has theirs

What happens at random in a run happens here at every place. Dying after one boundary and before
the next is the same, so only those "after" something are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from random import Random
from typing import Final

from functions.batch.tick import Terms
from pixr.adapters.postgres import investments
from pixr.domain.earnings import Rules
from tests.simulation import mortal, people
from tests.simulation import town as towns
from tests.simulation.actors import Actors
from tests.simulation.mortal import Boundary, Plan, Process
from tests.simulation.profiles import PROFILES
from tests.simulation.run import Violated, calm, judge, story
from tests.simulation.servers import Servers
from tests.simulation.steps import Scene
from tests.simulation.town import SOL, Content, Town

WAYS: Final = ("die", "be overtaken", "lose the database", "be poisoned")
TICK_S: Final = 60
STRETCH: Final = 4
PRICE_LAMPORTS: Final = 5_000_000


def places(servers: Servers) -> list[Boundary]:
    """The boundaries of the tick when nothing goes wrong."""
    scene = _scene(servers)
    found: list[Boundary] = []

    def note(process: Process, here: Boundary) -> None:
        found.append(here)
        process.plans[process.crossed + 1] = note

    report = scene.actors.tick("settler", seconds=TICK_S, stretch=STRETCH, plans={1: note})
    assert report is not None
    scene.actors.end()
    return [here for here in found if "after" in here.place]


def check(servers: Servers, here: Boundary, way: str) -> None:
    """Run the tick with trouble at one place, then calm.

    Raises:
        Violated: An invariant did not hold.
    """
    scene = _scene(servers)
    plans: dict[str, Plan] = {
        "die": mortal.crash,
        "be overtaken": scene.actors.overtake(seconds=TICK_S),
        "lose the database": mortal.lose_database,
        "be poisoned": partial(_poison, scene.town),
    }
    try:
        scene.actors.tick(
            "settler", seconds=TICK_S, stretch=STRETCH, plans={here.number: plans[way]}
        )
        judge(scene, is_thorough=False)
        calm(scene)
    except Exception as error:
        raise Violated(f"{way} at boundary {here}\n{story(scene, error)}") from error
    finally:
        scene.actors.end()


def _poison(town: Town, _process: Process, _here: Boundary) -> None:
    """Everybody who is about to be paid cannot be paid any more."""
    for _, destination in town.known.asking.values():
        town.cluster.reserve(destination)
    town.cluster.reserve(town.address_of("alice"))


def check_all(servers: Servers, *, part: tuple[int, int] = (0, 1)) -> Iterator[str]:
    """Check every way at every place, and say each; ``part`` n of m takes every m-th."""
    all_of_it = [(way, here) for way in WAYS for here in places(servers)]
    for way, here in all_of_it[part[0] :: part[1]]:
        if way != "lose the database" or here.place.startswith("db"):
            check(servers, here, way)
            yield f"{way} at {here}"


def _scene(servers: Servers) -> Scene:
    """Alice earns, Bob invests what an upgrade costs and withdraws: all of it is due at once."""
    town = _town(servers)
    actors = Actors(town=town, alive={})
    scene = Scene(town=town, actors=actors, profile=PROFILES[0])
    actors.tick("settler", seconds=2)
    people.watch(town, 12)
    people.invest_some(town, actors)
    people.withdraw_some(town, actors)
    return scene


def _town(servers: Servers) -> Town:
    servers.begin()
    terms = Terms(
        rules=Rules(
            view_rate_lamports=2_000_000,
            platform_fee_bps=500,
            investor_share_bps=2_000,
            views_per_viewer_day=3,
        ),
        minimum_lamports=towns.RENT,
        payees_max=2,
        deadline_s=0,
    )
    film = Content(content_id="film", creator_id="alice", duration_ms=60_000, is_live=True)
    town = towns.settled(
        seed=0,
        luck=Random("boundaries"),
        servers=servers,
        nodes=2,
        terms=terms,
        users=["alice", "bob"],
        contents=[film],
    )
    for user_id in town.users:
        town.airdrop(town.address_of(user_id), SOL)
    town.airdrop(town.treasury, 20 * SOL)
    investments.open_funding(
        town.look,
        "film",
        720,
        price_lamports=PRICE_LAMPORTS,
        quote={},
        now=town.clock.now(),
    )
    return town
