"""One seed, one run: trouble, then calm, and every invariant after every step.

    found a town ─▶ steps of trouble ─▶ calm, until nothing is under way ─▶ everybody has theirs

A failure names the seed, the command that replays it, and the last steps before it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

from pixr.adapters.postgres import pauses, upgrades
from tests.fakes.troubles import CALM
from tests.simulation import operators, people, profiles, restores
from tests.simulation import town as towns
from tests.simulation.actors import Actors
from tests.simulation.again import i09_replaying_any_event_message_or_request_changes_nothing
from tests.simulation.bounds import small
from tests.simulation.glance import Glance, glance
from tests.simulation.invariants import CHEAP, COSTLY, payments
from tests.simulation.profiles import Profile
from tests.simulation.servers import Servers
from tests.simulation.shares import i12_the_parts_of_a_split_sum_to_the_whole, remember_views
from tests.simulation.steps import Scene, draw
from tests.simulation.town import SOL, TRACE_LINES, Town

STEPS_BETWEEN_COSTLY = 8
CALM_TICKS_MAX = 30
RECOVERIES_MAX = 3
CALM_PAUSE_S = 75
"""More than a blockhash lives and two fee decisions take."""


class Violated(AssertionError):
    """An invariant did not hold; the message has everything that replays it."""


@dataclass(kw_only=True)
class Summary:
    """What a run did."""

    seed: int
    profile: str
    counts: Counter[str] = field(default_factory=Counter)
    trace: tuple[str, ...] = ()


def run(seed: int, servers: Servers, *, profile: Profile | None = None) -> Summary:
    """Run one seed to its end, in the kind of trouble that it draws unless one is given.

    Raises:
        Violated: An invariant did not hold, or the code failed in a way that no crash explains.
    """
    profile = profile or profiles.drawn(Random(f"profile {seed}"))
    town = towns.found(seed, servers, troubles=profile.troubles)
    scene = Scene(town=town, actors=Actors(town=town, alive={}), profile=profile)
    try:
        with small(Random(f"bounds {seed}")):
            _trouble(scene)
            calm(scene)
        i09_replaying_any_event_message_or_request_changes_nothing(town, scene.actors)
        judge(scene, is_thorough=True)
    except Exception as error:
        raise Violated(story(scene, error)) from error
    finally:
        scene.actors.end()
    return Summary(
        seed=seed, profile=profile.name, counts=town.known.counts, trace=tuple(town.trace)
    )


def story(scene: Scene, error: Exception) -> str:
    town = scene.town
    lines = "\n".join(town.trace[-TRACE_LINES:])
    return (
        f"seed {town.seed} ({scene.profile.name}): {type(error).__name__}: {error}\n{lines}\n"
        f"Replay it with: make sim FROM={town.seed} SEEDS=1"
    )


def _trouble(scene: Scene) -> None:
    town = scene.town
    town.note(people.watch(town, town.luck.randrange(10, 80)))
    for number in range(town.luck.randrange(12, 45)):
        name, step = draw(scene)
        town.note(f"{name} …")
        told = step(scene)
        town.note(f"{name}: {told}")
        town.count("steps")
        judge(scene, is_thorough=number % STEPS_BETWEEN_COSTLY == 0)


def judge(scene: Scene, *, is_thorough: bool) -> Glance:
    """Check every invariant that one look can judge."""
    town = scene.town
    town.read_truth()
    now = glance(town)
    remember_views(town)
    for check in (*CHEAP, *COSTLY) if is_thorough else CHEAP:
        check(town, now)
    if is_thorough:
        i12_the_parts_of_a_split_sum_to_the_whole(town)
    return now


def calm(scene: Scene) -> None:
    """The faults stop: everything must come to rest, and everybody to what is theirs."""
    town = scene.town
    town.note("calm")
    town.cluster.troubles = CALM
    town.cluster.remember()
    town.clock.skew = timedelta()
    for _ in range(RECOVERIES_MAX):
        if town.known.lost_since is None:
            break
        town.note(restores.i15_rolling_back_and_recovering_keeps_i1(town, scene.actors))
        judge(scene, is_thorough=True)
    assert town.known.lost_since is None, f"what was lost cannot be read back: {town.trace[-1]}"
    pauses.resume(town.look)
    town.terms = replace(town.terms, limits=())
    town.airdrop(town.treasury, 100 * SOL)
    if town.known.must_resend:
        people.append(town, list(town.known.events.values()))
    people.replay_letters(town)
    now = i11_once_faults_stop_everything_comes_to_rest(scene)
    judge(scene, is_thorough=True)
    _everybody_has_theirs(scene, now)


def i11_once_faults_stop_everything_comes_to_rest(scene: Scene) -> Glance:
    """Once faults stop, everything reaches PAID, QUARANTINED or HOLD."""
    town, actors = scene.town, scene.actors
    unrest: str | None = None
    for _ in range(CALM_TICKS_MAX):
        _end_upgrades(town)
        report = actors.tick("settler", seconds=45, stretch=5)
        assert report is not None
        assert report.outage is None, report.outage
        town.note(f"calm tick: {report.rounds} rounds, {dict(report.verdicts)} {report.broken}")
        now = judge(scene, is_thorough=False)
        unrest = _unrest(town, now)
        if unrest is None:
            if not operators.release_everything(town, actors):
                return now
            continue
        town.pass_time(CALM_PAUSE_S)
    raise AssertionError(f"no rest after {CALM_TICKS_MAX} ticks: {unrest}")


def _end_upgrades(town: Town) -> None:
    for row in town.look.execute("SELECT id FROM upgrade_jobs WHERE state = 'QUEUED'").fetchall():
        upgrades.close(town.look, row["id"], "FAILED", "simulated", now=town.clock.now())


def _unrest(town: Town, now: Glance) -> str | None:
    """What is still under way; None when nothing is."""
    for batch_id, row in now.batches.items():
        if row["state"] in ("PLANNED", "SIGNED", "INFLIGHT"):
            return f"{row['kind']} batch {batch_id} is {row['state']}"
    held = {batch_id for batch_id, row in now.batches.items() if row["state"] == "HOLD"}
    # What leaves a wallet waits behind what is held of the same wallet.
    stuck = {row["debit_account"] for row in now.payouts.values() if row["batch_id"] in held}
    for payout_id, row in now.payouts.items():
        is_held = row["batch_id"] in held or row["debit_account"] in stuck
        if row["state"] in ("PENDING", "RESERVED") and not is_held:
            return f"{row['kind']} {payout_id} is {row['state']}"
    for row in town.look.execute("SELECT id, state FROM upgrade_jobs ORDER BY created_at, id"):
        if row["id"] not in town.known.jobs:
            return f"nobody was told of upgrade {row['id']}"
        if row["state"] == "QUEUED":
            return f"upgrade {row['id']} is under way"
    return _unseen_deposit(town, now)


def _unseen_deposit(town: Town, now: Glance) -> str | None:
    for account, address in (("treasury", town.treasury), ("escrow", town.escrow)):
        for signature in town.known.airdropped:
            came = address in town.final[signature].changes
            if came and f"deposit:{account}:{signature}" not in now.references:
                return f"{signature} came to the {account}, and the ledger does not know"
    return None


def _everybody_has_theirs(scene: Scene, now: Glance) -> None:
    """What is payable was paid to the lamport; what was not paid has its reason."""
    town = scene.town
    held = [str(row["hold_reason"]) for row in now.batches.values() if row["state"] == "HOLD"]
    assert not held, f"nobody could let go of {held}"
    assert not people.uncounted(town), f"never counted: {people.uncounted(town)}"
    least = town.terms.minimum_lamports
    for account, (posted, reserved) in now.accounts.items():
        if account.startswith(("owed:", "return:")):
            left = posted - reserved
            assert left < least, f"{account} is owed {left} lamports and was not paid"
    received: Counter[str] = Counter()
    for signature, landed in town.final.items():
        if landed.error is None:
            for payout_id, _, _, lamports in payments(town, now, signature):
                received[str(payout_id)] += lamports
    for payout_id, row in now.payouts.items():
        if row["state"] == "RESERVED":
            # Its batch is held: whether it arrived is what nobody can tell.
            continue
        expected = row["lamports"] if row["state"] == "PAID" else 0
        assert received[str(payout_id)] == expected, f"{row}: {received[str(payout_id)]} arrived"
    _tally(town, now)


def _tally(town: Town, now: Glance) -> None:
    """What the run met, for the summary: a simulation that meets nothing proves nothing."""
    for row in now.batches.values():
        if row["state"] == "FINALIZED":
            town.count(f"{row['kind']} paid")
    for row in now.attempts.values():
        if row["state"] in ("EXPIRED", "FAILED"):
            town.count(row["state"].lower())
    town.count("quarantined", sum(row["state"] == "QUARANTINED" for row in now.payouts.values()))
    town.count("transactions", len(town.final))
    for row in town.look.execute(
        "SELECT old, count(*) FROM simulation_edges WHERE new = 'HOLD' GROUP BY old"
    ):
        town.count("held", row["count"])
    for row in town.look.execute(
        "SELECT count(*) FILTER (WHERE restarts > 0) AS pushed,"
        " count(*) FILTER (WHERE reason LIKE 'it stalled%%') AS stalled FROM upgrade_jobs"
    ):
        town.count("upgrades pushed", row["pushed"])
        town.count("upgrades stalled", row["stalled"])
    for row in town.look.execute("SELECT state, count(*) FROM content_investments GROUP BY state"):
        town.count(f"investments {row['state']}", row["count"])
